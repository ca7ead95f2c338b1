//! Are control characters of a file shown and not obeyed, on the screen and in a figure?

use crate::setup::{Case, experiment};

/// Everything that a terminal would obey, but line ends and tabs.
fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|mark| mark == '\n' || mark == '\t' || !mark.is_control())
}

#[test]
fn control_characters_of_a_file_are_not_printed() {
    let odd = "\\u001b[31mred\\u0007\\u009b\\u007f\\r";
    let named = |text: &str| text.replace("\"q\"", &format!("\"q{odd}\""));
    let case = Case::of(&named(&experiment()));
    let said = case.runs(&[]);
    assert!(
        is_plain(&said.stdout) && is_plain(&said.stderr),
        "{}{}",
        said.stdout,
        said.stderr
    );
    assert!(
        said.stdout.starts_with("q\\u{1b}[31mred\\u{7}"),
        "{}",
        said.stdout
    );
    assert!(is_plain(&case.read("o/figure.svg")));
    // Wrong names, values and keys of a file, and of the command line.
    for (from, to) in [
        ("\"sram-65nm\"", format!("\"s{odd}\"")),
        ("\"topkima\"", format!("\"t{odd}\"")),
        ("bits = 5", format!("bits = \"{odd}\"")),
        ("bits = 5", format!("\"{odd}\" = 5")),
        ("\"topk.k\" = [2]", format!("\"topk.{odd}\" = [2]")),
        ("bits = 5", "bits = \u{1b}[31m5".to_owned()),
        ("family", "fam\u{9b}ily".to_owned()),
    ] {
        case.write("e.toml", experiment().replace(from, &to));
        for arguments in [&["check", "e.toml"][..], &["run", "e.toml"]] {
            let said = case.call(arguments);
            assert_eq!(said.code, 2, "{to:?} {}", said.stderr);
            assert!(
                is_plain(&said.stderr) && is_plain(&said.stdout),
                "{to:?} {:?}",
                said.stderr
            );
        }
    }
    case.write(
        "e.toml",
        named(&experiment()).replace("seed = 1", "seed = 2"),
    );
    let said = case.run(&["--out", "\u{1b}[31m"]);
    assert!(
        said.code == 0 && is_plain(&said.stdout),
        "{:?}",
        said.stdout
    );
    let again = case.run(&["--out", "o", "--resume"]);
    assert!(
        again.code == 2 && is_plain(&again.stderr),
        "{:?}",
        again.stderr
    );
    // Line ends of a value do not make a line that looks like another message.
    case.write(
        "e.toml",
        experiment().replace("\"sram-65nm\"", "\"s\\nwarning: none\""),
    );
    let said = case.run(&[]);
    assert!(
        said.code == 2 && said.stderr.lines().count() == 1,
        "{}",
        said.stderr
    );
}
