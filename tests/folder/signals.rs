//! Does a run that is stopped say how to go on, and keep what is done?

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::sleep;
use std::time::Duration;

use crate::setup::{Case, ends, experiment};

/// A case whose last groups take long.
fn long() -> Case {
    Case::of(&experiment().replace("trials = 4", "trials = 3000"))
}

/// Starts a run and waits for the head of its journal.
fn started(case: &Case, command: &mut Command) -> Child {
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let journal = case.path("o/journal.jsonl");
    while !fs::read(&journal).is_ok_and(|bytes| !ends(&bytes).is_empty()) {
        sleep(Duration::from_millis(1));
    }
    // The number of finished groups is told from here on.
    sleep(Duration::from_millis(50));
    child
}

fn send(name: &str, child: &Child) {
    let kill = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status();
    assert!(kill.unwrap().success());
}

fn told(mut child: Child) -> (Option<i32>, String) {
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    (child.wait().unwrap().code(), text)
}

/// What starts in the background of a script ignores INT, and hands that on to what it starts; a signal with a handler is
/// as new in a child. The tests themselves end with it.
fn heeds(signal: i32, code: i32) {
    let always = Arc::new(AtomicBool::new(true));
    signal_hook::flag::register_conditional_shutdown(signal, code, always).unwrap();
}

#[test]
fn a_stopped_run_says_how_to_go_on() {
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        heeds(code - 128, code);
        let case = long();
        let child = started(
            &case,
            &mut case.command(&["run", "e.toml", "--out", "o", "--quiet"]),
        );
        send(name, &child);
        let (ended, text) = told(child);
        assert_eq!(ended, Some(code), "{text}");
        assert!(
            text.starts_with(&format!("stopped by {name}: ")) && text.lines().count() == 1,
            "{text}"
        );
        assert!(
            text.contains("of 4 groups are done and kept in o") && text.contains("--resume"),
            "{text}"
        );
        assert!(case.path("o/journal.jsonl").exists() && !case.path("o/rows.csv").exists());
    }
}

#[test]
fn a_signal_that_was_to_be_ignored_is_ignored() {
    let case = Case::of(&experiment().replace("trials = 4", "trials = 60"));
    let own = env!("CARGO_BIN_EXE_topkima");
    let script = format!("trap '' HUP; exec {own} run e.toml --out o --quiet");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(case.0.path());
    let child = started(&case, &mut command);
    send("HUP", &child);
    assert_eq!(told(child), (Some(0), String::new()));
    assert!(case.path("o/rows.csv").exists());
}
