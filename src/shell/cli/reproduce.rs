//! `topkima reproduce`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Failure;
use super::print::out;
use crate::base::arrays::{ByteArray, read_idx};
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::shell::config::{DeviceChoice, FileMistakes, Given, Store, find_above, shipped};
use crate::shell::published::{macros, topkima};
use crate::study::train::{Images, NetParams, read_weights};
use crate::study::workload::{Axes, CalibrationSource, FileParams, WorkloadParams};

/// Whose numbers.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Paper {
    /// Topkima-Former, arXiv 2411.13050
    Topkima,
    /// Silicon macros, calibrated and held out
    Macros,
}

/// Classes of Fashion-MNIST.
const CLASSES: usize = 10;

pub(super) fn reproduce(paper: Paper) -> Result<(), Failure> {
    let mut out = out();
    match paper {
        Paper::Macros => writeln!(out, "{}", macros::render(&macros::macros()).trim_end())?,
        Paper::Topkima => {
            let mut store = Store::default();
            let device = store.device_params(
                &at_hand("device_params/sram-65nm.toml"),
                &DeviceChoice::default(),
            )?;
            let heads = WorkloadParams {
                file: Some(FileParams {
                    path: at_hand("data/attention/test.safetensors"),
                    heads: None,
                    axes: Axes::default(),
                    scaled: false,
                    calibration: CalibrationSource::Path(at_hand(
                        "data/attention/calibration.safetensors",
                    )),
                }),
                synthetic: None,
                shape: None,
                causal: false,
            };
            let given = store.workload("reproduce", Path::new("."), &heads, Seed(1))?;
            let Given::Heads(workload) = given else {
                return Err(Failure::System(
                    "the shipped heads have no numbers".to_owned(),
                ));
            };
            let inputs = topkima::Inputs {
                workload: (*workload).clone(),
                device,
                trained: trained(&mut store)?,
                borne: borne(&mut store)?,
            };
            let rows = topkima::topkima(&inputs);
            writeln!(out, "{}", topkima::render(&rows).trim_end())?;
            let misses = topkima::misses(&rows);
            if !misses.is_empty() {
                let names: Vec<&str> = misses.iter().map(|row| row.quantity.as_str()).collect();
                return Err(Failure::System(format!(
                    "replays that miss by more than 1 %: {}",
                    names.join("; ")
                )));
            }
        }
    }
    Ok(())
}

/// A shipped file: that in the folder that holds such files here or above, else the built-in one.
fn at_hand(name: &str) -> PathBuf {
    let (folder, inside) = name.split_once('/').unwrap_or((name, ""));
    let own = find_above(Path::new("."), folder).map(|folder| folder.join(inside));
    own.filter(|path| path.is_file())
        .unwrap_or_else(|| shipped::path(name))
}

/// The shipped ViT, its test images and the training images that calibrate; none where they are not at hand, for they
/// are too large to be built in.
fn trained(store: &mut Store) -> Result<Option<topkima::Trained>, FileMistakes> {
    let Some(data) = find_above(Path::new("."), "data") else {
        return Ok(None);
    };
    if ["fashion-mnist", "vit"]
        .iter()
        .any(|part| !data.join(part).is_dir())
    {
        return Ok(None);
    }
    let images = store.images(
        "reproduce",
        "",
        &data.join("fashion-mnist"),
        "t10k",
        "run it in a copy of the repository",
        CLASSES,
    )?;
    let net = NetParams::default()
        .check(images.side, CLASSES)
        .map_err(|mistakes| FileMistakes::of("reproduce", mistakes))?;
    let folder = data.join("vit");
    let path = folder.join("calibration-images-idx3-ubyte.gz");
    let wrong = |path: &Path, mistakes| FileMistakes::of(&path.display().to_string(), mistakes);
    let (bytes, _) = store.whole(&path)?;
    let pixels = read_idx(&bytes).map_err(|error| {
        let mut mistakes = Mistakes::none();
        mistakes.add("", "", error.to_string(), "take it as shipped");
        wrong(&path, mistakes)
    })?;
    let count = pixels.shape.first().copied().unwrap_or(0);
    let labels = ByteArray {
        shape: vec![count],
        values: vec![0; count],
    };
    let calibration =
        Images::new(pixels, labels, CLASSES).map_err(|mistakes| wrong(&path, mistakes))?;
    let mut checkpoint = |way: &str| {
        let path = folder.join(format!("{way}-seed1.safetensors"));
        let (bytes, _) = store.whole(&path)?;
        read_weights(&net, &bytes).map_err(|mistakes| wrong(&path, mistakes))
    };
    Ok(Some(topkima::Trained {
        plain: checkpoint("plain")?,
        dense: checkpoint("dense")?,
        five: checkpoint("k5-kept")?,
        shared: checkpoint("k3+2-kept")?,
        rounded: checkpoint("k5-kept-qat")?,
        images,
        calibration,
        net,
    }))
}

/// The sweep of noise in the shipped results: the rows of the design that stops early.
fn borne(store: &mut Store) -> Result<Vec<topkima::Borne>, FileMistakes> {
    let path = at_hand("experiments/results/accuracy_vs_noise/rows.csv");
    let (bytes, _) = store.whole(&path)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().cloned().unwrap_or_default();
    let place = |name: &str| header.iter().position(|column| column == name);
    let number = |record: &csv::StringRecord, name| -> Option<f64> {
        record.get(place(name)?)?.parse().ok()
    };
    let rows: Option<Vec<topkima::Borne>> = reader
        .records()
        .filter_map(Result::ok)
        .filter(|record| record.get(0) == Some("topkima"))
        .map(|record| {
            Some(topkima::Borne {
                noise_lsb: number(&record, "noise_lsb")?,
                score: number(&record, "score_mean")?,
                half: number(&record, "score_ci95")?,
            })
        })
        .collect();
    rows.ok_or_else(|| {
        let mut mistakes = Mistakes::none();
        mistakes.add(
            "",
            "",
            "has no columns `noise_lsb`, `score_mean` and `score_ci95` of numbers",
            "take it as shipped, or run experiments/accuracy_vs_noise.toml again",
        );
        FileMistakes::of(&path.display().to_string(), mistakes)
    })
}
