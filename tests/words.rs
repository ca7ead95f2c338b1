//! Is what README and the other pages say so: commands, files, keys, the sample output, numbers of the studies?

#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PAGES: [&str; 8] = [
    "README.md",
    "CONTRIBUTING.md",
    "experiments/results/README.md",
    "data/attention/README.md",
    "data/fashion-mnist/README.md",
    "data/mails/README.md",
    "data/minilm/README.md",
    "data/vit/README.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn topkima(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_topkima"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn good(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = topkima(folder, arguments);
    let [said, warned] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{arguments:?}: {said}{warned}");
    (said, warned)
}

/// Fenced blocks of a language, their common indentation taken away.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start() == format!("```{language}") {
            let indent = line.len() - line.trim_start().len();
            let inside = lines.by_ref().take_while(|line| line.trim() != "```");
            let inside: Vec<&str> = inside
                .map(|line| line.get(indent..).unwrap_or(""))
                .collect();
            found.push(inside.join("\n") + "\n");
        }
    }
    found
}

/// Spans between single backticks outside fenced blocks.
fn spans(text: &str) -> Vec<String> {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !fence && !inside
    });
    let kept: Vec<&str> = kept.collect();
    let text = kept.join("\n");
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Lines of `sh` blocks and commands in backticks, without what follows a `#`.
fn commands(text: &str) -> Vec<String> {
    let lines = blocks(text, "sh").concat();
    let lines = lines.lines().map(str::to_owned).chain(spans(text));
    let bare = lines.map(|line| line.split(" #").next().unwrap().trim().to_owned());
    let known = ["topkima ", "cargo ", "python3 "];
    bare.filter(|line| known.iter().any(|word| line.starts_with(word)))
        .collect()
}

/// Runs a command of a page if it is cheap; of a run or a training its file is checked.
fn tried(line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let arguments = match words[..] {
        ["python3", script, ..] => return assert!(root().join(script).is_file(), "{line}"),
        ["cargo", "run", "--release", "--", ref arguments @ ..]
        | ["topkima", ref arguments @ ..] => arguments,
        ["cargo", "test" | "bench" | "doc", ..] => return,
        _ => panic!("{line}: say here how to try it"),
    };
    match arguments {
        // Written once, in the page's words for "any file of yours".
        ["check", "my_device.toml" | "my-device.toml"]
        | ["run" | "train" | "check" | "list" | "macro"] => {}
        ["run" | "train", file, ..] => {
            good(root(), &["check", file]);
            let (help, _) = good(root(), &[arguments[0], "--help"]);
            for option in arguments.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "{line}: {option}");
            }
        }
        // More than a minute of computing: only the words are tried here.
        ["reproduce", papers @ ..] => {
            let (help, _) = good(root(), &["reproduce", "--help"]);
            for paper in papers {
                assert!(help.contains(paper), "{line}: {paper}");
            }
        }
        _ => {
            good(root(), arguments);
        }
    }
}

#[test]
fn every_command_of_a_page_is_one() {
    let all: BTreeSet<String> = PAGES
        .iter()
        .flat_map(|name| commands(&page(name)))
        .collect();
    assert!(all.len() >= 10, "{all:?}");
    for line in all {
        tried(&line);
    }
}

#[test]
fn the_list_of_commands_has_the_options_that_help_has() {
    let readme = page("README.md");
    let block = blocks(&readme, "text")
        .into_iter()
        .find(|block| block.starts_with("topkima run "));
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut command = String::new();
    for line in block.unwrap().lines() {
        if let Some(rest) = line.strip_prefix("topkima ") {
            rest.split(' ').next().unwrap().clone_into(&mut command);
        }
        told.entry(command.clone())
            .or_default()
            .extend(options(line));
    }
    let (help, _) = good(root(), &["--help"]);
    for (command, told) in &told {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
        let (help, _) = good(root(), &[command, "--help"]);
        let mut there = options(&help);
        there.remove("--help");
        assert_eq!(*told, there, "{command}");
    }
    let count = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let count = count.take_while(|line| !line.is_empty()).count() - 1;
    assert_eq!(count, told.len(), "{help}");
}

fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    words
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

/// Links, and backticked paths into the folders that git keeps.
#[test]
fn every_file_that_a_page_names_is_there() {
    let folders = [
        "src/",
        "tests/",
        "data/",
        "experiments/",
        "scripts/",
        "device_params/",
        "study/",
        "shell/",
    ];
    // What a script fetches and git ignores, and files inside the archives it fetches.
    let fetched = [
        "data/fashion-mnist/train",
        "data/chapter_1.txt",
        "data/1863_abraham_lincoln_r.txt",
    ];
    let mut seen = 0;
    for name in PAGES {
        let text = page(name);
        let beside = root().join(name).parent().unwrap().to_owned();
        for target in text.split("](").skip(1) {
            let target = target.split([')', '#']).next().unwrap().trim();
            if !target.is_empty() && !target.starts_with("http") {
                assert!(beside.join(target).exists(), "{name}: {target}");
                seen += 1;
            }
        }
        for span in spans(&text) {
            let path = span.trim_end_matches('.');
            let plain = !path.contains([' ', '*', '{', '<', ':']);
            if plain
                && folders.iter().any(|folder| path.starts_with(folder))
                && !fetched.contains(&path)
            {
                let places = [root().to_owned(), root().join("src"), beside.clone()];
                let there = |place: &PathBuf| {
                    place.join(path).exists() || place.join(format!("{path}.rs")).exists()
                };
                assert!(places.iter().any(there), "{name}: {path}");
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn the_table_of_experiments_says_what_each_file_asks() {
    let readme = page("README.md");
    let mut wanted = Vec::new();
    for entry in fs::read_dir(root().join("experiments")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let table: toml::Table = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let question = table["question"].as_str().unwrap();
            let row = format!("| [`{name}`](experiments/{name}.toml) | {question} |");
            wanted.push((name.to_owned(), row));
        }
    }
    wanted.sort_by_key(|(name, _): &(String, String)| name.clone());
    let wanted: Vec<String> = wanted.into_iter().map(|(_, row)| row).collect();
    let found: Vec<&str> = readme
        .lines()
        .filter(|line| line.contains("](experiments/") && line.starts_with("| [`"))
        .collect();
    assert_eq!(found, wanted);
}

/// How much of a task a question says it takes, against the file's own `samples`.
#[test]
fn a_question_tells_how_much_of_its_task_is_run() {
    // STS-B has 1379 test pairs, of which a sixth are 230; 400 mails are tested on, 10 000 images.
    let whole = [("mails", 400), ("images", 10_000), ("STS-B", 1379)];
    let mut seen = 0;
    for entry in fs::read_dir(root().join("experiments")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let table: toml::Table = toml::from_str(&text).unwrap();
        let Some(task) = table.get("task") else {
            continue;
        };
        let question = table["question"].as_str().unwrap();
        let (what, all) = whole
            .iter()
            .find(|(what, _)| question.contains(what))
            .unwrap();
        let samples = task
            .get("samples")
            .map_or(*all, |samples| samples.as_integer().unwrap());
        let words: Vec<&str> = question.split_whitespace().collect();
        let before = words
            .iter()
            .position(|word| word.trim_matches([',', ':']).starts_with(what))
            .unwrap();
        let told = match words[..before] {
            [.., "sixth", "of"] => 230,
            [.., number] => number.parse().unwrap_or(*all),
            [] => *all,
        };
        assert_eq!(told, samples, "{}: {question}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 9);
}

#[test]
fn the_keys_of_readme_are_accepted() {
    let readme = page("README.md");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let head = "question = \"q?\"\nseed = 1\ntrials = 1\n";
    let tail = "[device]\nname = \"sram-65nm\"\n[[design]]\nname = \"topkima\"\ndatapath = { topkima = {} }\n";
    let attention = root().join("data/attention/test.safetensors");
    let encoder = root().join("tests/encoder/reference/bert");
    write(
        "train.csv",
        "text,label\na man is walking,0\na dog runs,1\n",
    );
    write(
        "test.csv",
        "text,label\nthe cat sat here,0\na bird sings now,1\n",
    );
    let blocks = blocks(&readme, "toml");
    assert_eq!(blocks.len(), 2);
    for (at, block) in blocks.iter().enumerate() {
        let block = block
            .replace("my_heads.npz", attention.to_str().unwrap())
            .replace("my_encoder", encoder.to_str().unwrap());
        write("e.toml", &format!("{head}{block}{tail}"));
        let output = topkima(folder.path(), &["check", "e.toml"]);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        // The small model has 12 places for tokens and its own words; what it cannot hold is not the key's fault.
        assert!(
            !said.contains("unknown") && !said.contains("no such key"),
            "{said}"
        );
        assert!(at == 1 || output.status.success(), "{said}");
    }
}

/// The sample output: what begins like the line before, and all but k = 1, 5 and 20, is left out as `...`; long lines
/// are cut. The time is that of the page.
fn sample(said: &str, warned: &str, time: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let skip = |lines: &mut Vec<String>| {
        if lines.last().is_none_or(|line| line != "...") {
            lines.push("...".to_owned());
        }
    };
    let mut before = String::new();
    for line in warned.lines() {
        let beginning: String = line.chars().take(20).collect();
        if line.starts_with("note: ") || beginning == before {
            skip(&mut lines);
        } else if line.chars().count() > 120 {
            let cut: String = line.chars().take(116).collect();
            lines.push(format!("{} ...", cut.rsplit_once(' ').unwrap().0));
        } else {
            lines.push(line.to_owned());
        }
        before = beginning;
    }
    for line in said.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let row = ["conventional", "digital-topk", "topkima"].contains(&words[0]);
        if row && !["1", "5", "20"].contains(&words[1]) {
            skip(&mut lines);
        } else if line.contains(" rows in ") {
            lines.push(format!("{} {time}", line.rsplit_once(" (").unwrap().0));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

/// `TOPKIMA_WORDS=write cargo test --test words sample` writes the block of README anew.
#[test]
fn the_sample_output_is_what_the_program_prints() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = root().join("experiments/k_sweep.toml");
    let (said, warned) = good(folder.path(), &["run", experiment.to_str().unwrap()]);
    let readme = page("README.md");
    let block = blocks(&readme, "text").swap_remove(0);
    let time = block.trim_end().rsplit_once(" (").unwrap().1;
    let now = sample(&said, &warned, &format!("({time}"));
    if std::env::var("TOPKIMA_WORDS").is_ok_and(|word| word == "write") {
        fs::write(root().join("README.md"), readme.replacen(&block, &now, 1)).unwrap();
    } else {
        assert_eq!(
            block, now,
            "TOPKIMA_WORDS=write cargo test --test words sample"
        );
    }
    // What the text below it says of k = 5: output error 1.03, 18 % less recall than digital-topk, 58 % of the steps.
    let row = |design: &str| -> Vec<String> {
        let line = said
            .lines()
            .find(|line| line.split_whitespace().take(2).eq([design, "5"]));
        line.unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let (global, tiles) = (row("digital-topk"), row("topkima"));
    let number = |cells: &[String], at: usize| cells[at].parse::<f64>().unwrap();
    let lost = 1.0 - number(&tiles, 2) / number(&global, 2);
    for told in [
        format!("{:.2} on the hardware", number(&global, 3)),
        format!("a further {:.0} % of the recall", 100.0 * lost),
        format!("after {:.0} % of its steps", 100.0 * number(&tiles, 4)),
    ] {
        assert!(readme.contains(&told), "{told}");
    }
}

/// Rows of a shipped table, by column.
fn rows(name: &str) -> Vec<BTreeMap<String, String>> {
    let path = root()
        .join("experiments/results")
        .join(name)
        .join("rows.csv");
    csv::Reader::from_path(path)
        .unwrap()
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

/// The difference to float heads with its paired bootstrap, as the pages write it.
fn against_float(name: &str, design: &str, k: &str) -> String {
    let rows = rows(name);
    let row = rows
        .iter()
        .find(|row| row["design"] == design && row["topk.k"] == k)
        .unwrap();
    let number = |column: &str| row[column].parse::<f64>().unwrap();
    // Halves, which these shares of 400 often are, go to the even digit, as the page's numbers did.
    let text = |x: f64| format!("{:.1}", (x * 10.0).round_ties_even() / 10.0);
    let [mean, low, high] =
        ["delta_mean", "delta_low", "delta_high"].map(|column| text(number(column)));
    format!("{mean} ({low} to {high})")
}

#[test]
fn the_results_page_has_the_numbers_of_its_tables() {
    let text = page("experiments/results/README.md");
    let lines = [
        (
            "float heads, five keys",
            "float, k keys",
            "float, shipped probe",
            "float, probe fitted anew",
            "5",
        ),
        (
            "all keys on the hardware",
            "conventional",
            "shipped probe",
            "probe fitted anew",
            "256",
        ),
        (
            "five keys on the hardware",
            "topkima",
            "shipped probe",
            "probe fitted anew",
            "5",
        ),
    ];
    for (what, sts, shipped, anew, k) in lines {
        let pairs = against_float("accuracy_vs_k_sts", sts, "5");
        let [shipped, anew] =
            [shipped, anew].map(|design| against_float("accuracy_vs_probe_mails", design, k));
        let line = format!("| {what} | {pairs} | {shipped} | {anew} |");
        assert!(text.contains(&line), "{line}");
    }
    let mails = rows("accuracy_vs_k_mails");
    for (design, digits) in [
        ("float, k keys", 0),
        ("topkima, 256", 1),
        ("topkima, 171 + 85", 1),
        ("topkima, 86 + 86 + 84", 1),
    ] {
        let scores = mails.iter().filter(|row| row["design"] == design);
        let scores: Vec<String> = scores
            .map(|row| format!("{:.digits$}", row["score_mean"].parse::<f64>().unwrap()))
            .collect();
        assert!(text.contains(&scores.join(", ")), "{design}: {scores:?}");
    }
    // Means of other studies, as one number and half of its interval over chips.
    for (name, design, column, point, score) in [
        (
            "accuracy_vs_k_vit",
            "topkima 50, plain",
            "topk.k",
            "5",
            "83.2 (4.2)",
        ),
        (
            "accuracy_vs_k_vit",
            "topkima 34 + 16, tuned for k = 5",
            "topk.k",
            "5",
            "90.1 (0.8)",
        ),
        (
            "accuracy_vs_noise",
            "topkima",
            "device.noise_scale",
            "2.0",
            "79.4 (1.1)",
        ),
        (
            "accuracy_vs_noise",
            "topkima",
            "device.noise_scale",
            "4.0",
            "74.3 (4.0)",
        ),
        (
            "accuracy_vs_bits",
            "Q 31, V 15, A 31",
            "ramp.bits",
            "3",
            "84.6 (2.2)",
        ),
        (
            "accuracy_vs_bits",
            "Q 31, V 15, A 31",
            "ramp.bits",
            "8",
            "85.7 (0.7)",
        ),
        (
            "accuracy_vs_crossbar",
            "256 rows, 15 levels of K",
            "crossbar.bitlines",
            "128",
            "90.3 (1.3)",
        ),
        (
            "accuracy_vs_crossbar",
            "128 rows, ternary K",
            "crossbar.bitlines",
            "128",
            "66.8 (7.2)",
        ),
    ] {
        let rows = rows(name);
        let row = rows
            .iter()
            .find(|row| row["design"] == design && row[column].starts_with(point))
            .unwrap();
        let number = |column: &str| row[column].parse::<f64>().unwrap();
        let found = format!("{:.1} ({:.1})", number("score_mean"), number("score_ci95"));
        assert_eq!(found, score, "{name}, {design}");
        let mean = found.split(' ').next().unwrap();
        assert!(text.contains(mean), "{name}, {design}: {found}");
    }
}

/// Files below a folder that hold a text.
fn holding(folder: &Path, text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if fs::read_to_string(&path).is_ok_and(|held| held.contains(text)) {
            let path = path.strip_prefix(root()).unwrap();
            found.insert(path.display().to_string());
        }
    }
    found
}

/// A cell and a converter were added to see what it takes: what CONTRIBUTING names is all of it, and three files at most.
#[test]
fn a_recipe_names_every_file_that_it_touches() {
    let page = page("CONTRIBUTING.md");
    let recipe = |name: &str| {
        let (_, rest) = page.split_once(&format!("- **{name}**")).unwrap();
        let own = rest.split("\n- **").next().unwrap();
        let files = spans(own)
            .into_iter()
            .filter(|span| root().join(span).is_file());
        files.collect::<BTreeSet<_>>()
    };
    let converter = recipe("A converter behind A x V");
    let touched =
        ["Self::Sar", "mod sar;", "pub fn sar_cost"].map(|text| holding(&root().join("src"), text));
    let touched: BTreeSet<String> = touched.into_iter().flatten().collect();
    assert!((1..=3).contains(&touched.len()), "{touched:?}");
    let named: BTreeSet<String> = converter
        .into_iter()
        .filter(|file| file.starts_with("src"))
        .collect();
    assert_eq!(named, touched);
    let mut touched = holding(&root().join("src"), "fefet");
    touched.insert("device_params/fefet.toml".to_owned());
    assert!(
        touched.len() <= 3 && recipe("A device").is_superset(&touched),
        "{touched:?}"
    );
}
