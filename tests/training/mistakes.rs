//! Bad input to a training: exit 2, with the key, the tensor or the file, and what to do.

use std::fs;

use crate::setup::{Case, FILE, SIDE, idx};

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let file = FILE
        .replace("hidden = 12", "hiden = 12")
        .replace("seeds = [1, 2]", "seeds = []")
        .replace("checkpoint = 4", "checkpoint = 5")
        .replace("k = [1, 3]", "k = [1, 6]")
        .replace("way = \"plain\"", "way = \"plane\"")
        .replace("batch = 64", "batch = 60")
        .replace("complete = {}", "whole = {}");
    let case = Case::new(&file);
    let told = case.refused(&[]);
    for wanted in [
        "t.toml: net.hiden = 12: is not a key here; did you mean `hidden`?",
        "t.toml: seeds = []: must be at least one",
        "t.toml: log.checkpoint = 5: must be a multiple of log.every, 2",
        "t.toml: accuracy.k[1].k = 6: must be from 1 to 5",
        "t.toml: way[1].start.way = \"plane\": is not the name of an earlier way that is trained with the same seeds",
        "t.toml: way[1].schedule.batch = 60: must be a multiple of 32",
        "way[1].attention.gradient.whole",
    ] {
        assert!(told.contains(wanted), "{told}\nlacks {wanted}");
    }
    assert!(told.ends_with("7 mistakes; nothing was run"), "{told}");
    assert!(!case.path("out").exists());
    let checked = case.call(&["check", "t.toml"]);
    assert_eq!(
        (checked.code, checked.stderr.trim_end()),
        (2, told.as_str())
    );
}

#[test]
fn a_value_of_the_command_line_is_blamed_on_it() {
    let case = Case::new(FILE);
    let told = case.refused(&["--set", "way[0].schedule.rate=-1"]);
    assert!(
        told.starts_with("command line: --set way[0].schedule.rate = -1"),
        "{told}"
    );
    let told = case.refused(&["--way", "plane", "--seed", "3"]);
    assert!(
        told.contains("--way \"plane\": is not in the file") && told.contains("--seed 3"),
        "{told}"
    );
}

#[test]
fn training_images_that_are_not_there_are_told_with_the_command_that_fetches_them() {
    let case = Case::new(FILE);
    fs::remove_file(case.path("train-images-idx3-ubyte.gz")).unwrap();
    let told = case.refused(&[]);
    assert!(told.starts_with("t.toml: data.train: FOLDER/"), "{told}");
    assert!(
        told.contains("train-images-idx3-ubyte.gz is not there"),
        "{told}"
    );
    assert!(
        told.contains("python3 scripts/fetch_fashion_mnist.py"),
        "{told}"
    );
    // Nothing is wrong with the file itself.
    let checked = case.call(&["check", "t.toml"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert!(
        checked.stdout.contains("fetch_fashion_mnist.py"),
        "{}",
        checked.stdout
    );
}

#[test]
fn damaged_images_are_named() {
    let images = "t10k-images-idx3-ubyte.gz";
    let labels = "t10k-labels-idx1-ubyte.gz";
    let whole = fs::read(Case::new(FILE).path(images)).unwrap();
    for (file, bytes, wanted) in [
        (
            images,
            whole[..whole.len() / 2].to_vec(),
            "t10k-images-idx3-ubyte.gz: not a whole IDX file",
        ),
        (
            images,
            idx(&[2, SIDE, SIDE], &[0; 100]),
            "should hold 128 bytes",
        ),
        (
            images,
            idx(&[2, SIDE, 4], &[0; 64]),
            "images = [2, 8, 4]: must have the shape",
        ),
        (
            labels,
            idx(&[60], &[0; 60]),
            "labels = 60: must be one for each of the 61 images",
        ),
        (
            labels,
            idx(&[61], &[3; 61]),
            "labels = 3: at index 0 is not one of the 3 classes",
        ),
    ] {
        let case = Case::new(FILE);
        case.write(file, &bytes);
        let told = case.refused(&[]);
        assert!(told.contains(wanted), "{told}\nlacks {wanted}");
    }
    let case = Case::new(FILE);
    case.write(images, &idx(&[61, 4, 4], &[0; 61 * 16]));
    assert!(case.refused(&[]).contains("do not belong together"));
}

#[test]
fn a_damaged_or_foreign_checkpoint_is_told_with_its_tensor() {
    let case = Case::new(FILE);
    case.trains("out", &["--way", "plain", "--seed", "1"]);
    let path = case.path("out").join("plain-seed1.safetensors");
    let whole = fs::read(&path).unwrap();
    let tuned = ["--way", "tuned", "--seed", "1"];

    fs::write(&path, &whole[..whole.len() - 7]).unwrap();
    let told = case.refused(&tuned);
    assert!(
        told.contains("plain-seed1.safetensors: not a whole .safetensors file"),
        "{told}"
    );

    // Another name of the same length for one tensor.
    let at = whole
        .windows(15)
        .position(|window| window == b"classifier.bias")
        .unwrap();
    let mut other = whole.clone();
    other[at..at + 15].copy_from_slice(b"classifier.bios");
    fs::write(&path, &other).unwrap();
    let told = case.refused(&tuned);
    assert!(
        told.contains("plain-seed1.safetensors: classifier.bias: the tensor is missing"),
        "{told}"
    );

    fs::write(&path, &whole).unwrap();
    let told = case.refused(&[&tuned[..], &["--set", "net.hidden=16"]].concat());
    let shape =
        "vit.encoder.layer.0.intermediate.dense.weight = [12, 8]: must have the shape [16, 8]";
    assert!(told.contains(shape), "{told}");

    fs::remove_file(&path).unwrap();
    let told = case.refused(&tuned);
    assert!(
        told.contains("way[1].start: the weights it starts from are not there"),
        "{told}"
    );
}

#[test]
fn a_state_of_another_training_is_not_gone_on_with() {
    let case = Case::new(FILE);
    let plain = ["--way", "plain", "--seed", "1", "--resume"];
    case.cut("out", "plain-seed1", &plain);
    let told = case.refused(&[&plain[..], &["--set", "way[0].schedule.rate=0.02"]].concat());
    assert!(
        told.contains("way[0].schedule.rate: 0.01, now 0.02")
            && told.contains("--force without --resume"),
        "{told}"
    );
    // Cut short, it is told as such.
    let path = case.path("out").join("plain-seed1.state.safetensors");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(
        case.refused(&plain)
            .contains("not a whole .safetensors file")
    );
    fs::write(&path, &whole).unwrap();
    case.trains("out", &plain);
}

#[test]
fn experiments_and_trainings_are_not_taken_for_each_other() {
    let case = Case::new(FILE);
    let said = case.call(&["run", "t.toml"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr.contains("run it with `topkima train`"),
        "{}",
        said.stderr
    );
    case.write(
        "t.toml",
        b"question = \"q\"\nseed = 1\n[[design]]\nname = \"a\"\n",
    );
    assert!(case.refused(&[]).contains("run it with `topkima run`"));
}

#[test]
fn two_trainings_never_write_to_one_folder() {
    let case = Case::new(FILE);
    fs::create_dir_all(case.path("out")).unwrap();
    let lock = fs::File::create(case.path("out").join(".topkima-lock")).unwrap();
    lock.try_lock().unwrap();
    let said = case.train("out", &[]);
    assert_eq!(said.code, 1);
    assert!(
        said.stderr.contains("another run is writing here"),
        "{}",
        said.stderr
    );
    drop(lock);
    case.trains("out", &["--way", "plain", "--seed", "1"]);
}
