//! Does the command line run a user's own encoder, and does it name what is wrong with one?

use std::fs;
use std::process::Command;

use topkima::base::arrays::read_idx;
use topkima::study::model::{Float, Input, Pooling, Sample, Words};
use topkima::study::task;
use topkima::study::train::{
    Alone, AttentionParams, Images, Model, NetParams, Units, read_weights,
};

use crate::own::{Folder, column, on_pairs, on_vit, own_encoder, pairs, table, texts, vocabulary};
use crate::setup::{encoder, root};

#[test]
fn a_folder_of_the_hub_runs_and_its_float_score_is_what_the_weights_say() {
    let folder = Folder::new();
    let (output, out) = folder.run(&[]);
    assert!(output.status.success(), "{output:?}");
    let encoder = encoder(folder.path(), Pooling::Class {});
    let words = Words::uncased(&vocabulary(50)).unwrap();
    let texts = texts(0, 40);
    let right = texts.iter().filter(|(text, label)| {
        let input = Input::Tokens(words.encode(text, 14));
        let sample = Sample {
            index: 0,
            input: &input,
        };
        let (features, ()) = encoder.forward(&[sample], &Float);
        let scores = encoder.classifier.as_ref().unwrap().scores(&features[0]);
        scores.argmax().0 == *label
    });
    let wanted = 100.0 * right.count() as f64 / 40.0;
    for (float, score) in column(&out, "float").iter().zip(column(&out, "score_mean")) {
        assert_eq!(float.parse::<f64>().unwrap(), wanted);
        let score: f64 = score.parse().unwrap();
        assert!((0.0..=100.0).contains(&score));
    }
    // The reference has no difference to itself; the other design has one, with both intervals.
    let deltas = column(&out, "reference_delta_high");
    assert_eq!(
        deltas.iter().map(String::is_empty).collect::<Vec<_>>(),
        [true, false, true, false]
    );
    assert!(
        column(&out, "energy_nj")
            .iter()
            .all(|cell| cell.parse::<f64>().unwrap() > 0.0)
    );
    // How accurate, how long, how much energy: one picture.
    let figure = fs::read_to_string(out.join("figure.svg")).unwrap();
    for panel in [
        "right answers",
        "alpha (steps",
        "latency of a",
        "energy of a",
    ] {
        assert!(figure.contains(panel), "{panel}");
    }
}

#[test]
fn rows_do_not_depend_on_threads_and_samples_can_be_fewer() {
    let folder = Folder::new();
    let rows = |more: &[&str]| {
        let (output, out) = folder.run(more);
        assert!(output.status.success(), "{output:?}");
        (fs::read(out.join("rows.csv")).unwrap(), out)
    };
    // More tokens than go through in one batch.
    folder.write("test.csv", &table(&texts(0, 200)));
    let (one, _) = rows(&["--threads", "1"]);
    let (two, _) = rows(&["--threads", "2"]);
    assert_eq!(one, two);
    let (few, out) = rows(&["--samples", "7"]);
    assert_ne!(one, few);
    assert_eq!(column(&out, "samples"), ["7"; 4]);
    // The resolved experiment is the same experiment.
    let again = folder.path().join("again");
    let output = Command::new(env!("CARGO_BIN_EXE_topkima"))
        .args(["run", "--quiet", "--out"])
        .arg(&again)
        .arg(out.join("resolved.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(again.join("rows.csv")).unwrap(), few);
}

/// With a place for every key topkima is the conventional design, sample by sample; drawn for each side on its own, they
/// would set them apart.
#[test]
fn a_difference_is_taken_sample_by_sample() {
    let folder = Folder::new();
    let text = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    folder.write("own.toml", &text.replace("[1, 4]", "[1, 14]"));
    let (output, out) = folder.run(&[]);
    assert!(output.status.success(), "{output:?}");
    let last = |name: &str| column(&out, name)[3].parse::<f64>().unwrap();
    assert!(last("score_high") - last("score_low") > 5.0);
    for end in ["reference_delta_low", "reference_delta_high"] {
        assert_eq!(last(end), 0.0, "{end}");
        assert!(column(&out, end)[1].parse::<f64>().unwrap().abs() > 1.0);
    }
}

/// The draws of a sample belong to what it is: the same table in another order gives the same score on the same chips,
/// and the same intervals, but for the order in which ranks are summed.
#[test]
fn a_score_does_not_depend_on_the_order_of_a_table() {
    let numbers = |folder: &Folder| {
        let (output, out) = folder.run(&["--trials", "2"]);
        assert!(output.status.success(), "{output:?}");
        let names = [
            "score_mean",
            "score_ci95",
            "score_low",
            "score_high",
            "reference_delta_low",
        ];
        let cells = names.iter().flat_map(|name| column(&out, name));
        cells
            .map(|cell| cell.parse().unwrap_or(f64::NAN))
            .collect::<Vec<f64>>()
    };
    // Some rows stand twice, some texts twice with different labels.
    let mut rows = texts(0, 30);
    rows.extend(texts(3, 4));
    rows.extend(
        texts(8, 3)
            .into_iter()
            .map(|(text, label)| (text, (label + 1) % 3)),
    );
    let classify = Folder::new();
    let sts = Folder::new();
    sts.write("own.toml", &on_pairs());
    sts.write("train.csv", &pairs(30, 5));
    let scores = pairs(0, 30);
    let (header, lines) = scores.split_once('\n').unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let of = |order: &[usize]| {
        let rows: Vec<_> = order.iter().map(|at| rows[*at].clone()).collect();
        classify.write("test.csv", &table(&rows));
        let trained = texts(100, 9);
        let trained: Vec<_> = (0..9)
            .map(|at| trained[(at + order[0]) % 9].clone())
            .collect();
        classify.write("train.csv", &table(&trained));
        let order = order.iter().filter(|at| **at < lines.len());
        let lines: Vec<&str> = order.map(|at| lines[*at]).collect();
        sts.write("test.csv", &format!("{header}\n{}\n", lines.join("\n")));
        [numbers(&classify), numbers(&sts)].concat()
    };
    let forward: Vec<usize> = (0..rows.len()).collect();
    let shuffled: Vec<usize> = forward
        .iter()
        .map(|at| (at * 17 + 5) % rows.len())
        .collect();
    let (wanted, found) = (of(&forward), of(&shuffled));
    assert!(wanted.iter().any(|number| number.is_finite()));
    for (found, wanted) in found.iter().zip(&wanted) {
        let same = (found - wanted).abs() < 1e-9 || found.is_nan() && wanted.is_nan();
        assert!(same, "{found} for {wanted}");
    }
}

#[test]
fn tables_that_are_wrong_are_told_by_file_and_row() {
    let folder = Folder::new();
    folder.write("test.csv", "text,label\nw1 w2,0\nw3,spam\n");
    folder.refuses(&[
        "test.csv",
        "row 3, label = \"spam\"",
        "must be the number of a class",
    ]);
    folder.write("test.csv", "text,label\n");
    folder.refuses(&["test.csv", "holds no rows"]);
    folder.write("test.csv", "text,label\nw1,2\nw1,3\n");
    folder.refuses(&["test.csv: row 3, label = \"3\"", "from 0 to 2"]);
    folder.write("test.csv", "");
    folder.refuses(&["test.csv", "is empty"]);
    folder.write("test.csv", "words\nw1\n");
    folder.refuses(&["its header names no column `label`", "no column `text`"]);
    folder.write("test.csv", &table(&texts(0, 5)));
    folder.write("train.csv", &table(&texts(100, 2)));
    folder.refuses(&[
        "task.classify.calibration",
        "holds 2 rows that are not measured, and 4 are asked for",
    ]);
}

#[test]
fn pairs_of_our_own_run_and_are_told_by_row() {
    let folder = Folder::new();
    folder.write("own.toml", &on_pairs());
    folder.write("test.csv", &pairs(0, 30));
    folder.write("train.csv", &pairs(30, 5));
    let (output, out) = folder.run(&[]);
    assert!(output.status.success(), "{output:?}");
    let encoder = encoder(folder.path(), Pooling::Mean {});
    let words = Words::uncased(&vocabulary(50)).unwrap();
    let table = task::pairs(&pairs(0, 30)).unwrap();
    let set = task::TaskSet::of_pairs(&table, &[], &words, 14);
    let samples = set.inputs();
    let features: Vec<_> = samples
        .iter()
        .map(|(index, input)| {
            let sample = Sample {
                index: *index,
                input,
            };
            encoder.forward(&[sample], &Float).0.remove(0)
        })
        .collect();
    let cosines = set.observe(&encoder, &features);
    let wanted = 100.0 * task::spearman(&cosines, &table.scores).unwrap();
    for float in column(&out, "float") {
        assert!((float.parse::<f64>().unwrap() - wanted).abs() < 1e-9);
    }
    assert_eq!(column(&out, "samples"), ["30"; 4]);

    let header = "sentence1,sentence2,score\n";
    folder.write("test.csv", &format!("{header}w1,w2,2.5\nw1,w2,high\n"));
    folder.refuses(&["test.csv", "row 3, score = \"high\"", "must be a number"]);
    folder.write("test.csv", &format!("{header}w1,w2,3\nw4,w2,3\n"));
    folder.refuses(&["task.sts: all 2 pairs have one score"]);
    folder.write("test.csv", header);
    folder.refuses(&["test.csv", "holds no rows"]);
}

#[test]
fn a_vocabulary_with_more_words_than_the_encoder_is_refused_by_name() {
    let folder = Folder::new();
    folder.write("vocab.txt", &vocabulary(51));
    folder.refuses(&["vocab.txt", "numbers words up to 50", "50 rows"]);
}

#[test]
fn a_distilbert_folder_runs_and_its_missing_tensor_is_named() {
    let folder = Folder::new();
    own_encoder(folder.path(), "distilbert", 40);
    let rows = |from, count| -> Vec<(String, usize)> {
        let rows = texts(from, count).into_iter();
        rows.map(|(text, label)| (text, label % 2)).collect()
    };
    folder.write("test.csv", &table(&rows(0, 12)));
    folder.write("train.csv", &table(&rows(100, 9)));
    let (output, out) = folder.run(&[]);
    assert!(output.status.success(), "{output:?}");
    for score in column(&out, "score_mean") {
        assert!((0.0..=100.0).contains(&score.parse::<f64>().unwrap()));
    }
    let weights = folder.path().join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let name = b"layer.1.ffn.lin2.bias";
    let at = bytes.windows(name.len()).position(|w| w == name).unwrap();
    bytes[at + name.len() - 4..at + name.len()].copy_from_slice(b"tier");
    fs::write(&weights, bytes).unwrap();
    folder.refuses(&[
        "distilbert.transformer.layer.1.ffn.lin2.bias: the file holds no tensor of this name",
    ]);
}

/// The shipped ViT through the command line, held against the forward pass that trained it.
#[test]
fn images_are_told_apart_as_by_the_code_that_trained_the_weights() {
    let folder = Folder::new();
    folder.write("own.toml", &on_vit(""));
    let (output, out) = folder.run(&["--samples", "40", "--trials", "1"]);
    assert!(output.status.success(), "{output:?}");

    let read = |name: &str| {
        let bytes = fs::read(root().join("data/fashion-mnist").join(name)).unwrap();
        read_idx(&bytes).unwrap()
    };
    let images = read("t10k-images-idx3-ubyte.gz");
    let labels = read("t10k-labels-idx1-ubyte.gz");
    let mut images = Images::new(images, labels, 10).unwrap();
    let chosen: Vec<usize> = (0..40).map(|at| at * 250).collect();
    let area = images.side * images.side;
    let pixels = chosen
        .iter()
        .flat_map(|at| images.pixels[at * area..][..area].to_vec());
    images.pixels = pixels.collect();
    images.labels = chosen.iter().map(|at| images.labels[*at]).collect();
    let net = NetParams::default().check(28, 10).unwrap();
    let bytes = fs::read(root().join("data/vit/plain-seed1.safetensors")).unwrap();
    let (weights, _) = read_weights(&net, &bytes).unwrap();
    let model = Model {
        net: &net,
        weights: &weights,
        attend: &AttentionParams::default().check(net.tokens()).unwrap(),
        units: &Units::default(),
    };
    let share = topkima::study::train::accuracy(&model, &images, &Alone);
    assert!(share > 0.75);
    assert_eq!(
        column(&out, "float")[0].parse::<f64>().unwrap(),
        100.0 * share
    );
}

#[test]
fn weights_and_configs_that_are_wrong_are_told_by_tensor_and_key() {
    let folder = Folder::new();
    let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
    for (from, to, words) in [
        (
            "\"gelu\"",
            "\"swish\"",
            "hidden_act = \"swish\": this one is not computed",
        ),
        (
            "\"bert\"",
            "\"roberta\"",
            "model_type = \"roberta\": this family is not read",
        ),
        (
            "\"intermediate_size\": 40",
            "\"intermediate_size\": 41",
            "bert.encoder.layer.2.intermediate.dense.weight: has shape [40, 24] and must have [41, 24]",
        ),
        (
            "\"num_hidden_layers\": 3",
            "\"num_hidden_layers\": 4",
            "bert.encoder.layer.3.attention.self.query.weight: the file holds no tensor",
        ),
    ] {
        folder.write("config.json", &config.replace(from, to));
        folder.refuses(&[words]);
    }
    folder.write("config.json", &config);
    let weights = fs::read(folder.path().join("model.safetensors")).unwrap();
    fs::write(
        folder.path().join("model.safetensors"),
        &weights[..weights.len() / 2],
    )
    .unwrap();
    folder.refuses(&["model.safetensors", "not a whole .safetensors file"]);
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    folder.refuses(&["model.weights", "cannot be opened"]);
    fs::write(folder.path().join("model.safetensors"), &weights).unwrap();
    fs::remove_file(folder.path().join("vocab.txt")).unwrap();
    folder.refuses(&["vocab.txt", "cannot be opened"]);
}
