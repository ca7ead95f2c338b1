//! Is a training in a folder never lost to another?

use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::setup::Case;

const FILE: &str = "question = \"q\"\nseeds = [1]\n[data]\ntrain = \".\"\ntest = \".\"\nclasses = 2\n\
    [net]\npatch = 4\nwidth = 8\nlayers = 1\nheads = 2\nhidden = 8\n[log]\nevery = 2\ncheckpoint = 2\n[accuracy]\nk = [1]\n\
    [[way]]\nname = \"plain\"\nschedule = { steps = 4, batch = 32, rate = 0.01, warm_up = 2, shift = 1 }\n\
    [[way]]\nname = \"tuned\"\nstart = { way = \"plain\" }\nschedule = { steps = 4, batch = 32, rate = 0.01, warm_up = 2, shift = 1 }\n";

fn case() -> Case {
    let case = Case::new();
    case.write("t.toml", FILE);
    let idx = |sizes: &[usize], bytes: &[u8]| {
        let mut file = vec![0, 0, 8, sizes.len() as u8];
        file.extend(sizes.iter().flat_map(|size| (*size as u32).to_be_bytes()));
        file.extend(bytes);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&file).unwrap();
        packed.finish().unwrap()
    };
    let pixels: Vec<u8> = (0..40 * 64_usize).map(|at| (at * 37 % 251) as u8).collect();
    let labels: Vec<u8> = (0..40).map(|at| at % 2).collect();
    for prefix in ["train", "t10k"] {
        case.write(
            &format!("{prefix}-images-idx3-ubyte.gz"),
            idx(&[40, 8, 8], &pixels),
        );
        case.write(
            &format!("{prefix}-labels-idx1-ubyte.gz"),
            idx(&[40], &labels),
        );
    }
    case
}

#[test]
fn another_training_is_refused_and_replaced_only_by_force() {
    let case = case();
    let train = |more: &[&str]| case.call(&[&["train", "t.toml"], more].concat());
    train(&["--quiet"]).is(0, &[]);
    train(&["--quiet", "--set", "way[0].schedule.steps=6"]).is(0, &[]);
    assert_eq!(case.names("out"), ["t", "t-way.0.schedule.steps=6"]);
    let weights = fs::read(case.path("out/t/plain-seed1.safetensors")).unwrap();
    let edited = FILE.replacen("rate = 0.01", "rate = 0.02", 1);
    case.write("t.toml", &edited);
    for more in [
        &[][..],
        &["--resume"],
        &["--out", "out/t"],
        &["--way", "plain"],
    ] {
        train(more).is(
            2,
            &[
                "out/t holds another training (it differs in way[0].schedule.rate: 0.01, now 0.02)",
                "plain-seed1",
                "--out",
                "--force",
            ],
        );
    }
    assert!(fs::read(case.path("out/t/plain-seed1.safetensors")).unwrap() == weights);
    train(&["--force"]).is(0, &["note: out/t held another training"]);
    assert!(fs::read(case.path("out/t/plain-seed1.safetensors")).unwrap() != weights);
    // Another seed or way beside those that are there is the same training; what is done stays.
    let more = edited.replace("seeds = [1]", "seeds = [1, 2]");
    case.write("t.toml", &more);
    train(&["--resume", "--quiet"]).is(0, &[]);
    assert_eq!(case.read("out/t/rows.csv").lines().count(), 5);
    // A way that the file no longer has does not stay beside the others unasked.
    let (less, _) = more.rsplit_once("[[way]]").unwrap();
    case.write("t.toml", less);
    train(&["--resume"]).is(2, &["tuned-seed1; tuned-seed2"]);
    train(&["--force", "--quiet"]).is(0, &[]);
    assert!(
        !case
            .names("out/t")
            .iter()
            .any(|name| name.starts_with("tuned"))
    );
}

#[test]
fn an_unfinished_training_is_not_begun_again_unasked_and_files_of_a_person_stay() {
    let case = case();
    let train = |more: &[&str]| {
        case.call(&[&["train", "t.toml", "--out", "o", "--way", "plain"], more].concat())
    };
    train(&["--quiet"]).is(0, &[]);
    let whole = fs::read(case.path("o/plain-seed1.safetensors")).unwrap();
    // Stopped behind its checkpoint, at step 2 of 4; where it was faster it is tried again.
    fs::remove_file(case.path("o/plain-seed1.safetensors")).unwrap();
    let own = env!("CARGO_BIN_EXE_topkima");
    let mut tries = 0;
    let has = |file: &str| case.path(&format!("o/plain-seed1.{file}")).exists();
    while !has("state.safetensors") || has("safetensors") {
        fs::remove_dir_all(case.path("o")).unwrap();
        let mut child = std::process::Command::new(own)
            .args(["train", "t.toml", "--out", "o", "--way", "plain", "--quiet"])
            .current_dir(case.0.path())
            .spawn()
            .unwrap();
        while !has("state.safetensors") && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        tries += 1;
        assert!(tries < 500, "never stopped behind a checkpoint");
    }
    train(&[]).is(
        2,
        &["o holds plain-seed1, unfinished: go on with --resume, or say --force"],
    );
    train(&["--set", "way[0].schedule.rate=0.02", "--resume"]).is(
        2,
        &[
            "way[0].schedule.rate: 0.01, now 0.02",
            "--force without --resume",
        ],
    );
    // A flipped bit of a weight, of an optimiser's mean or of the log is not trained on.
    let state = case.path("o/plain-seed1.state.safetensors");
    let kept = fs::read(&state).unwrap();
    let log = kept
        .windows(9)
        .position(|bytes| bytes == b"step,rate")
        .unwrap();
    for at in [log, kept.len() / 2, kept.len() - 4] {
        let mut damaged = kept.clone();
        damaged[at] ^= 1;
        fs::write(&state, &damaged).unwrap();
        train(&["--resume"]).is(
            2,
            &[
                "o/plain-seed1.state.safetensors: is damaged",
                "--force without --resume",
            ],
        );
        assert!(fs::read(&state).unwrap() == damaged);
    }
    fs::write(&state, &kept).unwrap();
    // The second time as if it had been stopped between its weights and the end of its state.
    for _ in 0..2 {
        train(&["--resume", "--quiet"]).is(0, &[]);
        assert!(fs::read(case.path("o/plain-seed1.safetensors")).unwrap() == whole);
        assert_eq!(
            case.names("o"),
            [
                "plain-seed1.csv",
                "plain-seed1.safetensors",
                "resolved.toml",
                "rows.csv"
            ]
        );
        fs::write(&state, &kept).unwrap();
    }
    fs::remove_file(&state).unwrap();

    for name in [
        "rows.csv",
        "plain-seed1.csv",
        "resolved.toml",
        "tuned-seed1.safetensors",
    ] {
        fs::remove_dir_all(case.path("o")).unwrap();
        fs::create_dir(case.path("o")).unwrap();
        case.write(&format!("o/{name}"), "mine");
        case.write("o/lock", "mine");
        train(&["--force"]).is(2, &[&format!("o/{name} is there"), "move it away"]);
        assert_eq!(
            (case.read(&format!("o/{name}")), case.read("o/lock")),
            ("mine".to_owned(), "mine".to_owned())
        );
    }
}
