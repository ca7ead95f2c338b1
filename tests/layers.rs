//! Do imports point one way, and do the lower floors stay free of files, clocks, threads and print?
//!
//! The source is read as text: comments and `#[cfg(test)]` items are left out, then every path that
//! begins with `crate`, `super` or `std` is followed through its braces.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the ground up; in each its rooms in import order. Rooms in one string are siblings
/// that do not know each other.
const HOUSE: [(&str, &[&str]); 4] = [
    (
        "base",
        &[
            "units",
            "hex",
            "mistake",
            "json",
            "notice",
            "sourced",
            "rng",
            "vocabulary",
            "cost",
            "energy",
            "pipeline",
            "arrays",
        ],
    ),
    (
        "hardware",
        &[
            "quantise",
            "address",
            "events",
            "kernel",
            "timing",
            "device",
            "crossbar converter",
            "topk softmax",
            "attention",
        ],
    ),
    ("study", &["workload", "model", "task", "train", "metrics"]),
    (
        "shell",
        &[
            "config",
            "journal",
            "experiment",
            "training",
            "plot",
            "report",
            "published",
            "cli",
        ],
    ),
];

/// A source file: where it lies, its module path, and its code without comments and tests.
struct Source {
    path: PathBuf,
    module: Vec<String>,
    code: String,
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Drops comment lines and every item under `#[cfg(test)]`: up to its `;`, or to the closing brace
/// at the attribute's own indentation, which rustfmt puts on a line of its own.
fn without_tests_and_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            for line in lines.by_ref() {
                let attribute = line.trim().starts_with("#[");
                if line == end || (!attribute && line.ends_with(';') && !line.starts_with("    ")) {
                    break;
                }
            }
        } else if !line.trim_start().starts_with("//") {
            kept.push_str(line.split(" // ").next().unwrap());
            kept.push('\n');
        }
    }
    kept
}

/// Every file of `src` but those of tests.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    rust_files(&src)
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&src).unwrap().with_extension("");
            let mut module: Vec<String> = inside
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            if module.last().is_some_and(|last| last == "mod") {
                module.pop();
            }
            if module.iter().any(|part| part == "tests") {
                return None;
            }
            let code = without_tests_and_comments(&fs::read_to_string(&path).unwrap());
            Some(Source { path, module, code })
        })
        .collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Follows a path from `text`, which begins just behind `from`: every full path it names.
fn follow(from: Vec<String>, text: &str) -> Vec<Vec<String>> {
    let Some(text) = text.trim_start().strip_prefix("::") else {
        return vec![from];
    };
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                ',' if depth == 0 => {
                    parts.push(&group[start..at]);
                    start = at + 1;
                }
                '}' if depth == 0 => {
                    parts.push(&group[start..at]);
                    break;
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        let named = parts.into_iter().filter(|part| !part.trim().is_empty());
        return named.flat_map(|part| item(&from, part)).collect();
    }
    item(&from, text)
}

fn item(from: &[String], text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let mut path = from.to_vec();
    match &text[..end] {
        "super" => {
            path.pop();
        }
        "self" => {}
        word => path.push(word.to_owned()),
    }
    follow(path, &text[end..])
}

/// Every path in the code that begins with `start`, resolved against `from`.
fn paths(code: &str, start: &str, from: &[String]) -> Vec<Vec<String>> {
    let begins = code.match_indices(start).filter(|(at, _)| {
        let before = code[..*at].trim_end();
        let after = &code[at + start.len()..];
        after.starts_with("::")
            && !code[..*at].ends_with(is_word)
            && !(before.ends_with("::") || code[..*at].ends_with('$'))
    });
    begins
        .flat_map(|(at, _)| follow(from.to_vec(), &code[at + start.len()..]))
        .collect()
}

/// Paths of a file into its own crate.
fn own_paths(source: &Source) -> Vec<Vec<String>> {
    let parent = &source.module[..source.module.len().saturating_sub(1)];
    let mut all = paths(&source.code, "crate", &[]);
    all.extend(paths(&source.code, "super", parent));
    all
}

fn floor_of(name: &str) -> Option<usize> {
    HOUSE.iter().position(|(floor, _)| *floor == name)
}

fn rank_of(floor: usize, room: &str) -> Option<usize> {
    let ranks = HOUSE[floor].1;
    ranks
        .iter()
        .position(|rank| rank.split(' ').any(|known| known == room))
}

/// Why a file must not name a path; none if it may.
fn breach(module: &[String], path: &[String]) -> Option<String> {
    let own_floor = floor_of(&module[0])?;
    let Some(floor) = path.first().and_then(|name| floor_of(name)) else {
        return Some(format!("{} is on no floor", path.join("::")));
    };
    if floor > own_floor {
        return Some(format!("{} is upstairs", path.join("::")));
    }
    if floor < own_floor {
        return None;
    }
    let (Some(own), Some(room)) = (module.get(1), path.get(1)) else {
        return Some(format!("{} is a whole floor", path.join("::")));
    };
    let above = rank_of(floor, room) < rank_of(own_floor, own) && rank_of(floor, room).is_some();
    (own != room && !above).then(|| format!("{} is not above {own}", path.join("::")))
}

#[test]
fn every_room_is_in_the_list() {
    let src = root().join("src");
    let names = |folder: &Path| -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "rs"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| name != "mod")
            .collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(
        names(&src).join(" "),
        "base glossary hardware lib main shell study"
    );
    for (floor, ranks) in HOUSE {
        let mut rooms: Vec<&str> = ranks.iter().flat_map(|rank| rank.split(' ')).collect();
        rooms.sort_unstable();
        assert_eq!(names(&src.join(floor)), rooms, "{floor}");
    }
}

#[test]
fn a_room_imports_only_rooms_above_it_in_the_list() {
    let mut breaches = Vec::new();
    let mut seen = 0;
    for source in sources().iter().filter(|source| source.module.len() > 1) {
        for path in own_paths(source) {
            seen += 1;
            if let Some(why) = breach(&source.module, &path) {
                breaches.push(format!("{}: {why}", source.path.display()));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    assert!(seen > 500, "only {seen} paths were found");
}

#[test]
fn a_breach_is_seen() {
    let module = |path: &str| -> Vec<String> { path.split("::").map(str::to_owned).collect() };
    let bad = |from: &str, code: &str| {
        let source = Source {
            path: PathBuf::new(),
            module: module(from),
            code: without_tests_and_comments(code),
        };
        let found = own_paths(&source);
        found
            .iter()
            .filter_map(|p| breach(&source.module, p))
            .count()
    };
    assert_eq!(bad("base::cost", "use crate::hardware::topk;"), 1);
    assert_eq!(
        bad("base::energy::bill", "use super::super::pipeline::Run;"),
        1
    );
    assert_eq!(
        bad("hardware::topk", "use super::{softmax::Lut, device};"),
        1
    );
    assert_eq!(
        bad(
            "hardware::crossbar",
            "let x = crate::hardware::converter::X;"
        ),
        1
    );
    assert_eq!(
        bad(
            "shell::config",
            "use crate::{base::units, shell::{cli, config}};"
        ),
        1
    );
    assert_eq!(
        bad("hardware::crossbar::keys", "use super::{Crossbar, line};"),
        0
    );
    assert_eq!(bad("study::metrics", "use crate::base::energy::Corner;"), 0);
    let tests = "#[cfg(test)]\nmod tests {\n    use crate::shell::cli;\n}\n// crate::shell::cli\n";
    assert_eq!(bad("base::cost", tests), 0);
    assert_eq!(
        bad(
            "base::cost",
            "#[cfg(test)]\nmod tests;\nuse crate::shell::cli;"
        ),
        1
    );
}

#[test]
fn lower_floors_do_no_io_print_nothing_read_no_clock_and_know_no_thread() {
    let standard = ["fs", "time", "env", "process", "net", "thread", "sync"];
    let words = "println! eprintln! print! eprint! dbg! Instant SystemTime File:: stdout stderr stdin rayon \
        thread_local! OnceLock LazyLock include_bytes! include_str! env!";
    for source in sources() {
        let [floor, ..] = &source.module[..] else {
            continue;
        };
        if !["base", "hardware", "study"].contains(&floor.as_str()) {
            continue;
        }
        let file = source.path.display();
        for path in paths(&source.code, "std", &[]) {
            let part = path.first().map_or("", String::as_str);
            let shared = path.first().is_some_and(|p| p == "sync")
                && path.get(1).is_some_and(|p| p == "Arc");
            assert!(
                shared || !standard.contains(&part),
                "{file}: std::{}",
                path.join("::")
            );
        }
        for line in source.code.lines().map(str::trim_start) {
            let global = line.starts_with("static ") || line.starts_with("pub static ");
            assert!(!global, "{file}: a global: {line}");
        }
        for word in words.split_whitespace() {
            let mut all = source.code.match_indices(word);
            let found = all.any(|(at, _)| !source.code[..at].ends_with(is_word));
            assert!(!found, "{file}: {word}");
        }
    }
}

/// Counts, prices and pipelines serve every machine, so none of them may name a part of one. `rng` lists what is drawn.
#[test]
fn the_ground_floor_knows_no_circuit() {
    let circuits = "crossbar ramp softmax attention arbiter wordline bitline tile query_trace transformer topkima";
    for source in sources() {
        let [floor, room, ..] = &source.module[..] else {
            continue;
        };
        if floor != "base" || room == "rng" {
            continue;
        }
        let code = source.code.to_lowercase();
        for word in circuits.split_whitespace() {
            assert!(!code.contains(word), "{}: {word}", source.path.display());
        }
    }
}

#[test]
fn only_the_command_line_prints_and_only_from_experiment_up_are_there_threads() {
    for source in sources() {
        let file = source.path.display();
        let room = source.module.get(1).map_or("", String::as_str);
        let says = |word: &str| source.code.contains(word);
        if room != "cli" {
            assert!(
                !says("println!") && !says("print!(") && !says("stdout()"),
                "{file} prints"
            );
        }
        if ["config", "journal"].contains(&room) {
            assert!(!says("rayon") && !says("thread"), "{file} knows threads");
        }
    }
}

#[test]
fn unsafe_stands_in_the_kernel_only_and_says_why() {
    for source in sources() {
        let kernel = source.module.get(1).is_some_and(|room| room == "kernel");
        let file = source.path.display();
        let mut words = source.code.split(|c| !is_word(c));
        assert!(kernel || words.all(|word| word != "unsafe"), "{file}");
        let text = fs::read_to_string(&source.path).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            if line.contains("unsafe {") && !line.starts_with("//") {
                let before = &lines[at.saturating_sub(4)..at];
                assert!(
                    before.iter().any(|line| line.contains("SAFETY")),
                    "{file}:{}: no reason",
                    at + 1
                );
            }
        }
    }
}

#[test]
fn every_module_says_in_its_first_line_what_it_is_for() {
    for folder in ["src", "tests"] {
        for path in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            let first = text.lines().next().unwrap_or("");
            assert!(
                first.starts_with("//! ") && first.len() > 12,
                "{}: {first:?}",
                path.display()
            );
        }
    }
}

/// The table of rooms in README, floor by floor.
#[test]
fn the_map_lists_every_room_in_import_order() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for (floor, ranks) in HOUSE {
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| [`{floor}`](src/{floor}) |")));
        let named: Vec<&str> = row.unwrap().split('`').skip(3).step_by(2).collect();
        let rooms: Vec<&str> = ranks.iter().flat_map(|rank| rank.split(' ')).collect();
        let named: Vec<&str> = named
            .into_iter()
            .filter(|name| rooms.contains(name))
            .collect();
        assert_eq!(named, rooms, "{floor}");
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    for path in rust_files(&root().join("src")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{}: {lines} lines", path.display());
    }
}
