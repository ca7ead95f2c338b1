//! Rows that are cut, rows that would calibrate and be measured, and sets of one class.

use std::fs;

use crate::meant::{checked, taken};
use crate::own::{Folder, table, texts};
use crate::sentence::sentence_encoder;

#[test]
fn texts_that_are_cut_are_counted() {
    let folder = Folder::new();
    let (_, said) = checked(&folder);
    assert!(!said.contains("were cut"), "{said}");
    let text = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    // Two to eleven words and two marks: six of each ten texts have more than six tokens. The
    // texts of the calibration table are not fitted on, as the weights hold a classifier.
    folder.write("own.toml", &text.replace("tokens = 14", "tokens = 7"));
    let (_, said) = checked(&folder);
    assert!(said.contains("24 of 40 samples"), "{said}");
    assert!(said.contains("longer than `model.tokens` = 7 and were cut; the longest has 13 tokens, the encoder takes 16"), "{said}");
    assert!(!said.contains("training samples"), "{said}");
    let thin = format!("{text}\n").replace(
        "calibration_samples = 4",
        "calibration_samples = 4\nsamples = 10",
    );
    folder.write("own.toml", &thin.replace("tokens = 14", "tokens = 12"));
    // Every fourth text, from 0: lengths 4, 8, 12, 6, 10 and again; none has 13.
    let (_, said) = checked(&folder);
    assert!(!said.contains("of 10 samples"), "{said}");
    folder.write("own.toml", &thin.replace("tokens = 14", "tokens = 9"));
    let (_, said) = checked(&folder);
    assert!(said.contains("4 of 10 samples"), "{said}");
    // A limit that the tokenizer's own settings give.
    folder.write("own.toml", &text);
    folder.write("tokenizer_config.json", "{\"model_max_length\": 7}");
    let (_, said) = checked(&folder);
    assert!(
        said.contains("24 of 40 samples")
            && said.contains("are longer than the 7 tokens that the encoder's own files cut"),
        "{said}"
    );
}

#[test]
fn a_pair_is_cut_where_either_sentence_is() {
    let folder = sentence_encoder();
    let text = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    folder.write("own.toml", &text.replace("tokens = 14", "tokens = 4"));
    // All 20 first sentences have three words and no second one has more than two.
    let (_, said) = checked(&folder);
    assert!(
        said.contains("20 of 20 pairs and 4 of 4 calibration samples are longer"),
        "{said}"
    );
}

#[test]
fn rows_that_are_measured_calibrate_nothing() {
    let folder = Folder::new();
    let key = "task.classify.calibration = \"train.csv\": ";
    let mut rows = texts(0, 40);
    // A copy by another name, in another order, with other letters.
    rows.reverse();
    folder.write("train.csv", &table(&rows).replace("w1", "W1"));
    folder.refuses(&[key, "holds the rows that are measured, all 40 of them"]);
    // Half of them.
    let half: Vec<_> = texts(100, 20).into_iter().chain(texts(0, 20)).collect();
    folder.write("train.csv", &table(&half));
    folder.refuses(&[
        key,
        "20 of its 40 rows are measured too, the first in row 22",
    ]);
    // One by nature, with another label: it is left out.
    let mut one = texts(100, 20);
    one.push((texts(7, 1)[0].0.clone(), 0));
    folder.write("train.csv", &table(&one));
    let (good, said) = checked(&folder);
    assert!(
        good && said.contains("train.csv: 1 of 21 rows are measured too and are left out"),
        "{said}"
    );
    let whole = float(&folder, "a");
    folder.write("train.csv", &table(&one[..20]));
    assert_eq!(float(&folder, "b"), whole);
    // None is left to calibrate.
    folder.write("train.csv", &table(&one[..3]));
    folder.refuses(&["holds 3 rows that are not measured, and 4 are asked for"]);
}

/// All columns of a run, as text.
fn float(folder: &Folder, name: &str) -> Vec<u8> {
    let (output, out) = folder.run(&["--trials", "1", "--set", &format!("question={name}")]);
    assert!(output.status.success(), "{output:?}");
    fs::read(out.join("rows.csv")).unwrap()
}

#[test]
fn a_sentence_that_is_measured_calibrates_nothing() {
    let folder = sentence_encoder();
    let tested = fs::read_to_string(folder.path().join("test.csv")).unwrap();
    let train = fs::read_to_string(folder.path().join("train.csv")).unwrap();
    folder.write("train.csv", &tested);
    folder.refuses(&[
        "task.sts.calibration",
        "holds the rows that are measured, all 20",
    ]);
    // The pairs the other way round are the same pairs.
    let turned: Vec<String> = tested
        .lines()
        .skip(1)
        .map(|line| {
            let [a, b, score] = line.split(',').collect::<Vec<_>>()[..] else {
                panic!()
            };
            format!("{b},{a},{score}")
        })
        .collect();
    folder.write(
        "train.csv",
        &format!("sentence1,sentence2,score\n{}\n", turned.join("\n")),
    );
    folder.refuses(&["holds the rows that are measured, all 20"]);
    // A sentence of a test pair in another pair: the next one calibrates.
    folder.write("train.csv", &train);
    let plain = float(&folder, "a");
    let header = "sentence1,sentence2,score\n";
    folder.write(
        "train.csv",
        &train.replace(header, &format!("{header}w0 w1 w3,w9 w8,2\n")),
    );
    let (_, said) = checked(&folder);
    assert!(
        said.contains("1 of 5 first sentences are measured too, and none of these calibrates"),
        "{said}"
    );
    assert_eq!(float(&folder, "b"), plain);
}

#[test]
fn a_set_of_one_class_is_told_or_refused() {
    let folder = Folder::new();
    let alike: Vec<_> = texts(0, 10)
        .into_iter()
        .map(|(text, _)| (text, 2))
        .collect();
    folder.write("test.csv", &table(&alike));
    let (good, said) = checked(&folder);
    assert!(
        good && said.contains("all 10 samples that are measured are of class 2"),
        "{said}"
    );
    // Without a classifier of its own a probe is fitted.
    let mut bare = crate::folder::tensors("bert");
    bare.retain(|name, _| !name.starts_with("classifier"));
    fs::write(
        folder.path().join("model.safetensors"),
        crate::folder::file(&bare),
    )
    .unwrap();
    let train: Vec<_> = texts(100, 9)
        .into_iter()
        .map(|(text, label)| (text, label % 2))
        .collect();
    folder.write("train.csv", &table(&train));
    folder.write("test.csv", &table(&texts(0, 12)));
    let (good, said) = checked(&folder);
    assert!(
        good && said.contains(
            "class 2 has 4 samples that are measured and none that the probe is fitted on"
        ),
        "{said}"
    );
    let one: Vec<_> = train.iter().map(|(text, _)| (text.clone(), 1)).collect();
    folder.write("train.csv", &table(&one));
    folder.refuses(&["all 9 samples that a probe is fitted on are of class 1"]);
    folder.write("train.csv", &table(&texts(100, 9)));
    taken(&folder);
}

/// Eleven words of which the encoder reads four: two texts that differ behind them are one to it.
#[test]
fn texts_that_are_alike_up_to_their_cut_are_the_same_text() {
    let folder = Folder::new();
    let text = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    folder.write("own.toml", &text.replace("tokens = 14", "tokens = 6"));
    let rows = |last: &str, first: usize| -> Vec<(String, usize)> {
        (first..first + 20)
            .map(|at| {
                (
                    format!("w{} w{} w3 w4 w5 {last}", at / 9, at % 9 + 10),
                    at % 3,
                )
            })
            .collect()
    };
    folder.write("test.csv", &table(&rows("w6 w7", 0)));
    folder.write("train.csv", &table(&rows("w8 w9", 0)));
    folder.refuses(&[
        "holds the rows that are measured, all 20 of them",
        "or raise `model.tokens`: some of them differ behind what the encoder reads",
    ]);
    folder.write("own.toml", &text);
    taken(&folder);
    folder.write("own.toml", &text.replace("tokens = 14", "tokens = 6"));
    folder.write("train.csv", &table(&rows("w8 w9", 20)));
    taken(&folder);
}

/// A table of STS-B whose first line names columns in other words.
#[test]
fn a_header_in_other_words_is_told_what_to_say() {
    let folder = sentence_encoder();
    let rows = (0..20).map(|at| format!("g\tf\t1\t{at}\t2.5\tw{at} w1 w2\tw{at} w3\n"));
    let header = "genre\tfile\tyear\tnumber\tsim\tfirst\tsecond\n";
    folder.write("test.csv", &(header.to_owned() + &rows.collect::<String>()));
    folder.refuses(&[
        "test.csv: row 1, score = \"sim\": must be a number; if this line names the columns, call them score, sentence1 and sentence2",
    ]);
}

/// A number of samples that the set does not hold, and quotes that are letters.
#[test]
fn what_a_table_cannot_give_is_told() {
    let folder = Folder::new();
    let text = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    for (samples, told) in [(40, false), (41, true)] {
        let keys = format!("calibration_samples = 4\nsamples = {samples}");
        folder.write("own.toml", &text.replace("calibration_samples = 4", &keys));
        let (good, said) = checked(&folder);
        let line = format!("task.samples = {samples}: the set holds 40, and all of them are run");
        assert!(good && said.contains(&line) == told, "{said}");
    }
    let rows = table(&texts(0, 40)).replacen("text,label\nw0 w0", "text,label\n \"w0 w0\"", 1);
    folder.write("test.csv", &rows);
    let (good, said) = checked(&folder);
    assert!(
        good && said.contains("test.csv: 1 fields stand in quotes behind a blank"),
        "{said}"
    );
    let (output, _) = folder.run(&["--dump", "dump.npz"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--dump") && said.contains("encoder"),
        "{said}"
    );
}
