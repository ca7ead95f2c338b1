//! What few keys cost a transformer that was trained for them: the paper's trends on another model.
//!
//! Heads are float heads that keep k scores, with rounded operands where a row says so; no converter
//! and no noise. What the simulated hardware adds stands in the experiment `accuracy_vs_k_vit`.

use super::{How, Row};
use crate::base::mistake::Mistakes;
use crate::hardware::quantise::{Clip, Quantiser};
use crate::hardware::topk::Split;
use crate::study::train::{
    Attend, AttentionParams, Crew, Images, Metadata, Model, Net, QatParams, TopParams, Units,
    classify, units,
};

/// Weights and what their file says of itself.
pub type Checkpoint = (Vec<f32>, Metadata);

/// The shipped ViT: images it was not trained on, and its weights by the way they were trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Sizes and places.
    pub net: Net,
    /// Test images.
    pub images: Images,
    /// Training images that the scale of ternary keys is fitted on; their labels are not looked at.
    pub calibration: Images,
    /// With all keys.
    pub plain: Checkpoint,
    /// As many steps more as the next ones, with all keys.
    pub dense: Checkpoint,
    /// With the five largest scores.
    pub five: Checkpoint,
    /// With three of the first 34 keys and two of the other 16.
    pub shared: Checkpoint,
    /// With the five largest scores and rounded operands.
    pub rounded: Checkpoint,
}

/// Percentile of |K| that is the full scale of ternary keys: with the largest nearly all are zero.
const TERNARY_CLIP: f64 = 90.0;

/// All rows; `crew` does the work.
pub(super) fn rows(trained: Option<&Trained>, crew: &impl Crew) -> Vec<Row> {
    const QUANTITY: &str = "a ViT trained for few keys";
    let Some(trained) = trained else {
        return vec![Row::new(How::OtherModel, QUANTITY, "-", "not at hand").note(
            "Needs data/vit and data/fashion-mnist, 6 MB that are not built into the program: run it in a copy of the \
             repository, or beside a folder `data` that holds the two.",
        )];
    };
    made(trained, crew)
        .unwrap_or_else(|mistakes| vec![Row::refused(How::OtherModel, QUANTITY, &mistakes)])
}

/// Points of accuracy lost between two lists of right answers to the same images, and half of a 95 %
/// interval: the images that only one of the two gets right are what the difference rests on.
fn lost(before: &[bool], after: &[bool]) -> (f64, f64) {
    let images = before.len().max(1) as f64;
    let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count() as f64;
    let (fell, rose) = (only(before, after), only(after, before));
    let mean = (fell - rose) / images;
    let variance = ((fell + rose) / images - mean * mean) / images;
    (100.0 * mean, 196.0 * variance.max(0.0).sqrt())
}

fn made(trained: &Trained, crew: &impl Crew) -> Result<Vec<Row>, Mistakes> {
    let tokens = trained.net.tokens();
    let way = |top: Option<TopParams>, quantise: Option<QatParams>| {
        let params = AttentionParams {
            top,
            gradient: None,
            quantise,
        };
        params.check(tokens)
    };
    let right = |checkpoint: &Checkpoint, attend: &Attend, units: &Units| -> Vec<bool> {
        let model = Model {
            net: &trained.net,
            weights: &checkpoint.0,
            attend,
            units,
        };
        let found = classify(&model, &trained.images, crew);
        let labels = &trained.images.labels;
        found.iter().zip(labels).map(|(a, b)| a == b).collect()
    };
    let shared = |tiles: &[usize], shares: &[usize]| TopParams {
        k: shares.iter().sum(),
        tiles: tiles.to_vec(),
        split: Split::Explicit(shares.to_vec()),
    };
    let none = Units::default();
    let all = way(None, None)?;
    let five = way(Some(TopParams::global(5)), None)?;
    // As the paper cuts 384 tokens: two thirds and one, three thirds.
    let two = (2 * tokens).div_ceil(3);
    let three = tokens.div_ceil(3);
    let three_two = shared(&[two, tokens - two], &[3, 2]);
    let thirds = shared(&[three, three, tokens - 2 * three], &[2, 2, 1]);

    let quantise = stored_quantisers(&trained.rounded.1)?;
    let ternary = QatParams {
        k: Quantiser::Uniform {
            max_code: 1,
            clip: Clip::Percentile(TERNARY_CLIP),
        },
        ..quantise
    };
    let stored = stored_units(&trained.rounded.1, &trained.net)?;
    let coarse = way(Some(thirds.clone()), Some(ternary))?;
    let fitted = units(
        &Model {
            net: &trained.net,
            weights: &trained.rounded.0,
            attend: &coarse,
            units: &none,
        },
        &trained.calibration,
        crew,
    );
    // By head q, k and v: only the keys' scale is another.
    let mixed = stored.0.iter().zip(&fitted.0).enumerate();
    let mixed = mixed.map(|(at, (own, new))| if at % 3 == 1 { *new } else { *own });
    let coarse_units = Units(mixed.collect());
    let rounded_five = way(Some(TopParams::global(5)), Some(quantise))?;
    let rounded_thirds = way(Some(thirds), Some(quantise))?;

    let plain_all = right(&trained.plain, &all, &none);
    let plain_five = right(&trained.plain, &five, &none);
    let control = right(&trained.dense, &all, &none);
    let tuned = right(&trained.five, &five, &none);
    let split = right(&trained.shared, &way(Some(three_two), None)?, &none);
    let rounded = right(&trained.rounded, &rounded_five, &stored);
    let third = right(&trained.rounded, &rounded_thirds, &stored);
    let worst = right(&trained.rounded, &coarse, &coarse_units);

    let row = |quantity: &str, published: &str, before: &[bool], after: &[bool], note: &str| {
        let (points, half) = lost(before, after);
        let model = format!("{points:.2} ({:.2} to {:.2})", points - half, points + half);
        Row::new(How::OtherModel, quantity, published, model).note(note)
    };
    Ok(vec![
        row(
            "k = 5, not trained for, against all keys",
            "-",
            &plain_all,
            &plain_five,
            "",
        ),
        row(
            "k = 5, trained for, against its dense control",
            "0.4 to 1.2",
            &control,
            &tuned,
            "Control and net took 1000 more steps each from the same weights.",
        ),
        row(
            "3 + 2 of two tiles against 5 of all keys",
            "about equal",
            &tuned,
            &split,
            "Each net trained with its own selection, 34 + 16 columns.",
        ),
        row(
            "Q, V, A of 5 bits and K of 4 bits, trained with",
            "0.2",
            &tuned,
            &rounded,
            "The paper's 0.2 also holds a 5-bit ADC and weights of 8 bits.",
        ),
        row(
            "2 + 2 + 1 of three tiles, 4-bit K, against 5 of all",
            "-",
            &rounded,
            &third,
            "Not trained for this selection, 17 + 17 + 16 columns.",
        ),
        row(
            "2 + 2 + 1 of three tiles, ternary K",
            "worse",
            &rounded,
            &worst,
            "The same with K as -1, 0, +1, full scale at the 90th percentile; the paper trains for it, so this is an \
             upper bound of the loss.",
        ),
    ])
}

/// A value that the checkpoint stores as text, as JSON.
fn stored<T: serde::de::DeserializeOwned>(about: &Metadata, key: &str) -> Result<T, Mistakes> {
    let text = about.get(key).map_or("", String::as_str);
    serde_json::from_str(text).map_err(|_| {
        let mut mistakes = Mistakes::none();
        mistakes.add(
            key,
            text,
            "is not what a checkpoint trained with rounded operands says of itself",
            "take data/vit/k5-kept-qat-seed1.safetensors as shipped",
        );
        mistakes
    })
}

fn stored_quantisers(about: &Metadata) -> Result<QatParams, Mistakes> {
    stored(about, "quantise")
}

fn stored_units(about: &Metadata, net: &Net) -> Result<Units, Mistakes> {
    let units: Vec<f32> = stored(about, "units")?;
    let (found, wanted) = (units.len(), 3 * net.params.heads * net.params.layers);
    let mut mistakes = Mistakes::none();
    mistakes.require(
        found == wanted,
        "units",
        found,
        format!("must be {wanted}, one a block, head and operand"),
        "take data/vit/k5-kept-qat-seed1.safetensors as shipped",
    );
    mistakes.or(|| Units(units))
}
