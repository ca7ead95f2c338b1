//! Does a copied binary work where nothing else of the repository is?

#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

const EXPERIMENT: &str = "question = \"q?\"\nseed = 7\ntrials = 2\n
[workload.synthetic]\nfamily = { gaussian = { sigma = 1.0 } }\ntokens = 48\nd_head = 64\nheads = 1\n
[device]\nDEVICE\n[[design]]\nname = \"topkima\"\ndatapath = { topkima = {} }\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder that holds a copy of the binary and nothing else.
struct Empty(TempDir);

impl Empty {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(env!("CARGO_BIN_EXE_topkima"), folder.path().join("topkima")).unwrap();
        Self(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn experiment(&self, device: &str) {
        self.write("e.toml", &EXPERIMENT.replace("DEVICE", device));
    }

    /// Exit code and both streams.
    fn call(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(self.at("topkima"))
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.call(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    fn rows(&self, experiment: &str, out: &str) -> String {
        self.good(&["run", experiment, "--quiet", "--out", out]);
        fs::read_to_string(self.at(out).join("rows.csv")).unwrap()
    }
}

fn shipped(name: &str) -> String {
    fs::read_to_string(root().join("device_params").join(name)).unwrap()
}

#[test]
fn lists_and_the_macro_need_nothing_beside_the_binary() {
    let empty = Empty::new();
    let devices = empty.good(&["list", "devices"]);
    for name in [
        "fefet",
        "ideal",
        "pcm-joshi2020",
        "rram-wan2022",
        "sonos",
        "sram-65nm",
        "template",
    ] {
        let place = format!("(built-in:device_params/{name}.toml)");
        let line = devices.lines().find(|line| line.ends_with(&place));
        assert!(line.is_some_and(|line| line.starts_with(name)), "{devices}");
    }
    let experiments = empty.good(&["list", "experiments"]);
    for name in ["k_sweep", "macro", "train_vit"] {
        let place = format!("(built-in:experiments/{name}.toml)");
        assert!(experiments.contains(&place), "{experiments}");
    }
    assert!(empty.good(&["list", "datasets"]).starts_with("attention"));
    assert!(empty.good(&["list", "designs"]).starts_with("conventional"));
    let ours = empty.good(&["macro"]);
    let repository = Command::new(env!("CARGO_BIN_EXE_topkima"))
        .arg("macro")
        .current_dir(root())
        .output()
        .unwrap();
    let both = [repository.stdout, repository.stderr].concat();
    assert_eq!(ours, String::from_utf8(both).unwrap());
    empty.good(&["check", "built-in:device_params/sonos.toml"]);
    // Real heads are small enough to be built in.
    let few = [
        "--trials",
        "1",
        "--set",
        "workload.file.heads=[5]",
        "--quiet",
    ];
    empty.good(&[&["run", "built-in:experiments/k_sweep.toml"][..], &few].concat());
    let (code, said) = empty.call(&["run", "k_sweep.toml"]);
    assert!(
        code == 2 && said.contains("`built-in:experiments/k_sweep.toml`"),
        "{said}"
    );
    let (code, said) = empty.call(&["run", "built-in:experiments/accuracy_vs_k_vit.toml"]);
    assert!(
        code == 2 && said.contains("is not built into the program"),
        "{said}"
    );
}

#[test]
fn reproduce_tells_what_it_lacks_and_ends_well() {
    let said = Empty::new().good(&["reproduce", "topkima"]);
    assert!(
        said.contains("not at hand") && said.contains("data/fashion-mnist"),
        "{said}"
    );
    // Heads and the sweep of noise are at hand.
    assert!(said.contains("costs 1.6 points: fitted"), "{said}");
}

#[test]
fn a_run_on_a_built_in_device_is_the_run_in_the_repository_and_runs_again() {
    let empty = Empty::new();
    empty.experiment("name = \"sram-65nm\"");
    let rows = empty.rows("e.toml", "o");
    let about = fs::read_to_string(empty.at("o/run.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    let hash = |name: &str| -> String {
        let hash = Sha256::digest(shipped(name).as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    for name in ["sram-65nm.toml", "shared/periphery-65nm.toml"] {
        let wanted = serde_json::json!({
            "path": format!("built-in:device_params/{name}"),
            "sha256": hash(name),
        });
        let inputs = about["inputs"].as_array().unwrap();
        assert!(inputs.contains(&wanted), "{name}: {inputs:?}");
    }
    // From the repository's own folder of devices.
    let folder = root().join("device_params");
    let text = fs::read_to_string(empty.at("e.toml")).unwrap();
    empty.write("r.toml", &format!("device_folder = {folder:?}\n{text}"));
    assert_eq!(empty.rows("r.toml", "r"), rows);
    // A device that came to lie there later does not change what was run.
    let other = shipped("ideal.toml").replace("\"ideal\"", "\"sram-65nm\"");
    empty.write("device_params/sram-65nm.toml", &other);
    assert_ne!(empty.rows("e.toml", "n"), rows);
    let resolved = fs::read_to_string(empty.at("o/resolved.toml")).unwrap();
    assert!(
        resolved.contains("device_folder = \"built-in:device_params\""),
        "{resolved}"
    );
    empty.write("elsewhere/o.toml", &resolved);
    assert_eq!(empty.rows("elsewhere/o.toml", "again"), rows);
}

#[test]
fn a_folder_of_ones_own_adds_devices_and_replaces_those_of_its_names() {
    let empty = Empty::new();
    empty.experiment("name = \"sonos\"");
    let sonos = empty.rows("e.toml", "before");
    empty.write(
        "device_params/mine.toml",
        &shipped("template.toml").replace("\"template\"", "\"mine\""),
    );
    empty.write(
        "device_params/ideal.toml",
        &shipped("ideal.toml").replace("description = \"", "description = \"My own: "),
    );
    let devices = empty.good(&["list", "devices"]);
    let line = |name: &str| {
        let found = devices
            .lines()
            .filter(|line| line.starts_with(&format!("{name} ")));
        let found: Vec<&str> = found.collect();
        assert_eq!(found.len(), 1, "{devices}");
        found[0].to_owned()
    };
    assert!(line("mine").ends_with("(device_params/mine.toml)"));
    assert!(
        line("ideal").contains("My own: ") && line("ideal").ends_with("(device_params/ideal.toml)")
    );
    assert!(line("sonos").ends_with("(built-in:device_params/sonos.toml)"));
    assert_eq!(
        empty.rows("e.toml", "after"),
        sonos,
        "an own folder hid a built-in device"
    );
    empty.experiment("name = \"mine\"");
    empty.rows("e.toml", "mine");
    empty.experiment("name = \"mime\"");
    let (code, said) = empty.call(&["run", "e.toml"]);
    assert!(
        code == 2 && said.contains("did you mean \"mine\"?") && said.contains("sonos"),
        "{said}"
    );
    // A periphery of one's own is taken by a built-in device too.
    let periphery = shipped("shared/periphery-65nm.toml");
    assert!(periphery.contains("\"4 ns\""));
    empty.write(
        "device_params/shared/periphery-65nm.toml",
        &periphery.replace("\"4 ns\"", "\"5 ns\""),
    );
    empty.experiment("name = \"sonos\"");
    assert_ne!(empty.rows("e.toml", "slow"), sonos);
}

#[test]
fn a_copy_of_the_template_checks_anywhere_with_what_it_includes() {
    let empty = Empty::new();
    let template = shipped("template.toml");
    empty.write("my_device.toml", &template);
    assert!(
        empty
            .good(&["check", "my_device.toml"])
            .contains("my_device.toml: a device")
    );
    empty.write("deep/er/my_device.toml", &template);
    empty.good(&["check", "deep/er/my_device.toml"]);
    empty.experiment("path = \"deep/er/my_device.toml\"");
    let rows = empty.rows("e.toml", "o");
    // A file of that name beside it comes first, and may itself take in a shipped one.
    let shared = "include = [\"shared/periphery-65nm.toml\"]\n[timing]\nclock = \"8 ns\"\n";
    empty.write("deep/er/part.toml", shared);
    let include = template.replace("shared/periphery-65nm.toml", "part.toml");
    empty.write("deep/er/my_device.toml", &include);
    assert_ne!(empty.rows("e.toml", "o2"), rows);
    // From outside, as from beside.
    empty.write(
        "my_device.toml",
        &template.replace("shared/", "deep/../deep/er/shared/"),
    );
    let (code, said) = empty.call(&["check", "my_device.toml"]);
    assert!(
        code == 2 && said.contains("include = \"deep/../deep/er/shared/periphery"),
        "{said}"
    );
    for (name, says) in [
        (
            "shared/periphery-65mn.toml",
            "did you mean \"shared/periphery-65nm.toml\"?",
        ),
        (
            "periphery.toml",
            "shared/column-65nm.toml and shared/periphery-65nm.toml",
        ),
        ("built-in:../../etc/passwd", "is not built into the program"),
        ("../../../../etc/no.toml", "cannot be opened"),
        (
            "my_device.toml",
            "leads back to a file that includes this one",
        ),
    ] {
        empty.write(
            "my_device.toml",
            &template.replace("shared/periphery-65nm.toml", name),
        );
        let (code, said) = empty.call(&["check", "my_device.toml"]);
        assert_eq!(code, 2, "{name}: {said}");
        assert!(
            said.contains(&format!("my_device.toml: include = \"{name}\"")),
            "{said}"
        );
        assert!(said.contains(says), "{name}: {said}");
    }
}

/// The folder that the program was built in is looked at while it is built and never again.
#[test]
fn no_source_looks_into_the_folder_it_was_built_in() {
    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let inside = |path: PathBuf| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        };
        entries.flat_map(inside).collect()
    }
    let is_source = |path: &PathBuf| path.extension().is_some_and(|end| end == "rs");
    for path in files(&root().join("src")).into_iter().filter(is_source) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let is_test =
            path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        let found = code.matches("CARGO_MANIFEST_DIR").count();
        let built_in = code
            .matches("include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\")")
            .count();
        assert!(is_test || found == built_in, "{}", path.display());
    }
}
