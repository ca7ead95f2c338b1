//! Shipped files with a slip in them never make the reader panic.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use topkima::shell::config::{DeviceChoice, Overrides, Plan, load_device};

use super::setup::home;

/// What a careless hand does to a line.
#[derive(Clone, Debug)]
enum Slip {
    Delete(usize),
    Duplicate(usize),
    Number(usize, &'static str),
    Swap(usize, usize),
    Cut(usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let number = prop::sample::select(vec![
        "0",
        "-1",
        "nan",
        "inf",
        "1e308",
        "9223372036854775807",
        "\"x\"",
        "[]",
        "{}",
        "true",
        "0.5",
        "",
    ]);
    prop_oneof![
        any::<usize>().prop_map(Slip::Delete),
        any::<usize>().prop_map(Slip::Duplicate),
        (any::<usize>(), number).prop_map(|(at, text)| Slip::Number(at, text)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Slip::Swap(a, b)),
        any::<usize>().prop_map(Slip::Cut),
    ]
}

/// The line with its first number outside of words replaced.
fn renumbered(line: &str, text: &str) -> String {
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    let Some(start) = value.find(|letter: char| letter.is_ascii_digit()) else {
        return format!("{key}= {text}");
    };
    let rest = &value[start..];
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(rest.len());
    format!("{key}={}{text}{}", &value[..start], &rest[end..])
}

fn apply(text: &str, slips: &[Slip]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for slip in slips {
        if lines.is_empty() {
            break;
        }
        let count = lines.len();
        match slip {
            Slip::Delete(at) => {
                lines.remove(at % count);
            }
            Slip::Duplicate(at) => {
                let line = lines[at % count].clone();
                lines.insert(at % count, line);
            }
            Slip::Number(at, text) => {
                let numbered: Vec<usize> = (0..count)
                    .filter(|at| lines[*at].contains('=') && !lines[*at].starts_with('#'))
                    .collect();
                if let Some(at) = numbered.get(at % numbered.len().max(1)) {
                    lines[*at] = renumbered(&lines[*at], text);
                }
            }
            Slip::Swap(a, b) => {
                let (a, b) = (a % count, b % count);
                let value = |line: &str| line.split_once('=').map(|(_, value)| value.to_owned());
                if let (Some(first), Some(second)) = (value(&lines[a]), value(&lines[b])) {
                    lines[a] = format!("{}={second}", lines[a].split('=').next().unwrap_or(""));
                    lines[b] = format!("{}={first}", lines[b].split('=').next().unwrap_or(""));
                }
            }
            Slip::Cut(at) => lines.truncate(at % count),
        }
    }
    lines.join("\n")
}

fn written(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("mutated.toml");
    fs::write(&path, text).unwrap();
    path
}

fn shipped(folder: &str) -> Vec<String> {
    let mut paths: Vec<_> = fs::read_dir(home().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// Every message begins with a file and says something; none repeats another.
fn sensible(lines: &[String]) {
    for (at, line) in lines.iter().enumerate() {
        assert!(line.contains(".toml: ") && !line.contains('\n'), "{line}");
        assert!(!lines[..at].contains(line), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_device_with_slips_in_it_never_panics(which in any::<usize>(), slips in prop::collection::vec(slip(), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let texts = shipped("device_params");
        let shared = home().join("device_params/shared");
        let text = texts[which % texts.len()].replace("\"shared/", &format!("\"{}/", shared.display()));
        let path = written(folder.path(), &apply(&text, &slips));
        if let Err(found) = load_device(&path, &DeviceChoice::default()) {
            prop_assert!(!found.0.is_empty());
            sensible(&found.0.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_experiment_with_slips_in_it_never_panics(which in any::<usize>(), slips in prop::collection::vec(slip(), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let texts = shipped("experiments");
        let text = texts[which % texts.len()]
            .replace("\"../data/", &format!("\"{}/", home().join("data").display()))
            .replace("[device]\n", &format!("[device]\n# {which}\n"));
        let text = format!("device_folder = {:?}\n{text}", home().join("device_params"));
        let path = written(folder.path(), &apply(&text, &slips));
        if let Err(found) = Plan::load(&path, &Overrides::default()) {
            prop_assert!(!found.0.is_empty());
            sensible(&found.0.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
}
