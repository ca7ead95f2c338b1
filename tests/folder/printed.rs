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

#[test]
fn names_of_files_are_one_line_and_turn_no_text() {
    let turned = "a\nb.toml: 3 points\u{202e}\u{61c}";
    let case = Case::of(&experiment().replace("\"q\"", "\"q\\u202e\\u2066\""));
    std::fs::rename(case.path("e.toml"), case.path(&format!("{turned}.toml"))).unwrap();
    let name = format!("{turned}.toml");
    let shown = "a\\nb.toml: 3 points\\u{202e}\\u{61c}.toml";
    let checked = case.call(&["check", &name]);
    assert!(
        checked.code == 0 && checked.stdout.lines().all(|line| line.starts_with(shown)),
        "{}",
        checked.stdout
    );
    case.call(&["run", &name]).is(0, &[]);
    let folders = case.names("out");
    let is_safe = |mark: char| !mark.is_control() && !"\u{202e}\u{61c}".contains(mark);
    assert!(folders[0].chars().all(is_safe), "{folders:?}");
    let figure = case.read(&format!("out/{}/figure.svg", folders[0]));
    assert!(!figure.contains(['\u{202e}', '\u{2066}']));
    // A folder of that name is one line, too.
    let ran = case.call(&["run", &name, "--out", "o\n2 rows"]);
    let last = ran.stdout.lines().last().unwrap_or_default();
    assert!(last.contains("rows in o\\n2 rows/rows.csv"), "{last}");
    let again = case.call(&["run", &name, "--out", "o\n2 rows", "--resume"]);
    assert_eq!(again.stdout.lines().count(), 1, "{}", again.stdout);
}

#[test]
fn a_figure_says_which_panels_and_lines_it_lacks() {
    // With as many places as columns no step holds more columns than places, and the design that keeps all has no
    // recall.
    let text = experiment().replace("[2]", "[64]");
    let both = "[[design]]\nname = \"all\"\ndatapath = { conventional = {} }\n[[design]]";
    let case = Case::of(&text.replacen("[[design]]", both, 1));
    case.runs(&["--trials", "1"]).is(
        0,
        &["note: figure.svg: no panel of tie_rate, which is 0 in every row"],
    );
    let figure: String = case
        .read("o/figure.svg")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        figure.contains("no panel of tie_rate, which is 0"),
        "{figure}"
    );
    assert!(
        figure.contains("a line that a panel lacks has no value there"),
        "{figure}"
    );
    // The one design alone lacks nothing.
    let case = Case::new();
    case.runs(&["--quiet", "--trials", "1"]);
    assert!(
        !case
            .read("o/figure.svg")
            .contains("a line that a panel lacks")
    );
}
