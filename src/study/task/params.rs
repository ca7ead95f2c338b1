//! `[task]`: which labelled set, and where its files lie.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;

/// `[task]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskParams {
    /// Pairs of sentences and how alike people found them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts: Option<StsParams>,
    /// Texts and their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classify: Option<ClassifyParams>,
    /// Rows of token ids and their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mails: Option<MailsParams>,
    /// Images and their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<ImagesParams>,
    /// Only so many pairs or samples, spread evenly over the set; all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Samples that scales and full scales are taken from; none of them appears in results.
    #[serde(default = "calibration_samples")]
    pub calibration_samples: usize,
}

const fn calibration_samples() -> usize {
    16
}

/// `[task.sts]`: tab-separated lines in the layout of STS-B, or a `.csv` with a header that names
/// `score`, `sentence1` and `sentence2`. Every path is relative to the experiment file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StsParams {
    /// Pairs that are measured.
    pub path: PathBuf,
    /// Pairs of the same layout whose first sentences are calibrated on.
    pub calibration: PathBuf,
}

/// `[task.classify]`: a `.csv` with a header that names `text` and `label`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifyParams {
    /// Texts that are measured; `label` is the number of the class, from 0.
    pub path: PathBuf,
    /// Texts of the same layout to calibrate on, and to fit a probe on if the weights hold no
    /// classifier.
    pub calibration: PathBuf,
}

/// Which probe judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProbeSource {
    /// The one that is shipped: fitted on features of float heads.
    Dense {},
    /// Fitted in each trial on the training samples' features by the heads under test.
    Refitted {},
}

/// `[task.mails]`: a folder with `mails.npz` (`tokens`, `label`, `part`) and `probe.safetensors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailsParams {
    /// The folder.
    pub path: PathBuf,
    /// Which probe judges.
    #[serde(default = "dense")]
    pub probe: ProbeSource,
    /// Only so many of the training rows; all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<usize>,
}

const fn dense() -> ProbeSource {
    ProbeSource::Dense {}
}

/// `[task.images]`: files in the IDX format of the MNIST family, packed with gzip or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagesParams {
    /// Images that are measured.
    pub path: PathBuf,
    /// Class of each.
    pub labels: PathBuf,
    /// Images to calibrate on.
    pub calibration: PathBuf,
    /// A pixel `x` of 0..255 goes in as `(x / 255 - mean) / deviation`.
    #[serde(default = "half")]
    pub mean: f64,
    /// See `mean`.
    #[serde(default = "half")]
    pub deviation: f64,
}

const fn half() -> f64 {
    0.5
}

impl TaskParams {
    /// Checks what needs no file.
    ///
    /// # Errors
    /// No set or more than one, counts of zero, a deviation that is no number above zero.
    pub fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        let sets = [
            self.sts.is_some(),
            self.classify.is_some(),
            self.mails.is_some(),
            self.images.is_some(),
        ];
        m.require(
            sets.iter().filter(|given| **given).count() == 1,
            "",
            "",
            "needs one of [task.sts], [task.classify], [task.mails] and [task.images]",
            "see experiments/accuracy_vs_k_sts.toml",
        );
        for (key, count) in [
            ("samples", self.samples.unwrap_or(1)),
            ("calibration_samples", self.calibration_samples),
        ] {
            m.require(
                (1..=1 << 20).contains(&count),
                key,
                count,
                "must be from 1 to 1048576",
                "write for instance 16",
            );
        }
        if let Some(images) = &self.images {
            m.require(
                images.deviation > 0.0 && images.deviation.is_finite(),
                "images.deviation",
                images.deviation,
                "must be a finite number above zero",
                "write what the model was trained with, for instance 0.5",
            );
            m.require(
                images.mean.is_finite(),
                "images.mean",
                images.mean,
                "must be a finite number",
                "write what the model was trained with, for instance 0.5",
            );
        }
        mistakes.or(|| ())
    }
}
