//! Numbers of the ViT that was trained for few keys.

use super::*;
use crate::base::arrays::{ByteArray, read_idx};
use crate::shell::training::Pool;
use crate::study::train::{
    Alone, Attend, Images, Model, NetParams, TopParams, Units, accuracy, read_weights,
};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn idx(name: &str) -> ByteArray {
    read_idx(&bytes(name)).unwrap()
}

/// The shipped transformer and every `10 000 / images`-th test image.
pub(super) fn shipped(images: usize) -> Trained {
    let all = Images::new(
        idx("fashion-mnist/t10k-images-idx3-ubyte.gz"),
        idx("fashion-mnist/t10k-labels-idx1-ubyte.gz"),
        10,
    )
    .unwrap();
    let area = all.side.pow(2);
    let chosen: Vec<usize> = (0..images).map(|at| at * all.len() / images).collect();
    let pixels = chosen
        .iter()
        .flat_map(|at| &all.pixels[at * area..][..area]);
    let chosen = Images {
        side: all.side,
        pixels: pixels.copied().collect(),
        labels: chosen.iter().map(|at| all.labels[*at]).collect(),
    };
    let pixels = idx("vit/calibration-images-idx3-ubyte.gz");
    let calibration = Images {
        side: 28,
        labels: vec![0; pixels.shape[0]],
        pixels: pixels.values,
    };
    let net = NetParams::default().check(28, 10).unwrap();
    let checkpoint =
        |way: &str| read_weights(&net, &bytes(&format!("vit/{way}-seed1.safetensors"))).unwrap();
    Trained {
        plain: checkpoint("plain"),
        dense: checkpoint("dense"),
        five: checkpoint("k5-kept"),
        shared: checkpoint("k3+2-kept"),
        rounded: checkpoint("k5-kept-qat"),
        images: chosen,
        calibration,
        net,
    }
}

fn points(quantity: &str) -> f64 {
    let row = find(&ROWS, quantity);
    assert_eq!(row.how, How::OtherModel);
    row.model.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_loss_is_the_difference_of_two_accuracies() {
    let trained = shipped(400);
    let share = |(weights, _): &Checkpoint, attend: &Attend| {
        let model = Model {
            net: &trained.net,
            weights,
            attend,
            units: &Units::default(),
        };
        accuracy(&model, &trained.images, &Alone)
    };
    let all = Attend::default();
    let five = Attend::keeping(TopParams::global(5).check(50).unwrap());
    let lost = share(&trained.plain, &all) - share(&trained.plain, &five);
    assert!((points("k = 5, not trained for") - 100.0 * lost).abs() < 0.006);
    let lost = share(&trained.dense, &all) - share(&trained.five, &five);
    assert!((points("k = 5, trained for") - 100.0 * lost).abs() < 0.006);
}

/// 400 images: a standard error of the losses of up to 1.5 points.
#[test]
fn the_trends_are_the_papers() {
    let trained = points("k = 5, trained for");
    assert!(points("k = 5, not trained for") > trained + 3.0);
    assert!(points("2 + 2 + 1 of three tiles, ternary K") > trained);
    for equal in ["3 + 2 of two tiles", "Q, V, A of 5 bits"] {
        assert!(points(equal).abs() < 3.0, "{equal}");
    }
}

#[test]
fn a_checkpoint_that_says_nothing_of_its_rounding_is_refused_in_words() {
    let mut trained = shipped(2);
    trained.rounded.1.remove("units");
    let rows = super::super::trained::rows(Some(&trained), &Pool);
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0].model == "refused" && rows[0].note.contains("units"),
        "{rows:?}"
    );
    let mut trained = shipped(2);
    trained
        .rounded
        .1
        .insert("units".to_owned(), "[1.0]".to_owned());
    let rows = super::super::trained::rows(Some(&trained), &Pool);
    assert!(rows[0].note.contains("must be 60"), "{rows:?}");
}

/// What the program does not hold in itself is one row that says how to get it, and no miss.
#[test]
fn weights_that_are_not_at_hand_are_named() {
    let rows = super::super::trained::rows(None, &Pool);
    assert_eq!((rows.len(), rows[0].model.as_str()), (1, "not at hand"));
    assert!(rows[0].note.contains("data/fashion-mnist"));
    assert!(super::super::misses(&rows).is_empty());
}
