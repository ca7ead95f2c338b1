//! The labelled set of a task out of its files.

use std::path::{Path, PathBuf};

use super::about;
use super::probe::read_probe;
use super::study::Opening;
use crate::base::mistake::Mistakes;
use crate::shell::config::{FileMistakes, MAX_ARRAY_BYTES};
use crate::study::model::Words;
use crate::study::task::{
    self, ClassifyParams, ImageFiles, ImagesParams, MailsParams, StsParams, TaskSet,
};
use crate::study::workload::arrays::{self, ByteArray};

impl Opening<'_> {
    pub(super) fn pairs(
        &mut self,
        params: &StsParams,
        words: &Words,
        longest: usize,
        calibration: usize,
    ) -> Result<TaskSet, FileMistakes> {
        let mut read = |key: &str, path: &PathBuf| {
            let text = self.text(key, path)?;
            task::pairs(&text).map_err(|wrong| self.inside(path, wrong))
        };
        let measured = read("task.sts.path", &params.path)?;
        let rows = read("task.sts.calibration", &params.calibration)?;
        self.apart(
            "task.sts.calibration",
            &params.calibration,
            measured == rows,
        )?;
        self.enough("task.sts.calibration", rows.pairs.len(), calibration)?;
        // Spread over the file, which may be ordered by kind.
        let chosen: Vec<&str> = (0..calibration)
            .map(|at| rows.pairs[at * rows.pairs.len() / calibration].0.as_str())
            .collect();
        Ok(TaskSet::of_pairs(&measured, &chosen, words, longest))
    }

    pub(super) fn texts(
        &mut self,
        params: &ClassifyParams,
        words: (&Words, usize),
        calibration: usize,
        own: Option<usize>,
    ) -> Result<TaskSet, FileMistakes> {
        let mut read = |key: &str, path: &PathBuf| {
            let text = self.text(key, path)?;
            task::classified(&text, own).map_err(|wrong| self.inside(path, wrong))
        };
        let measured = read("task.classify.path", &params.path)?;
        let training = read("task.classify.calibration", &params.calibration)?;
        let key = "task.classify.calibration";
        self.apart(key, &params.calibration, measured == training)?;
        self.enough(key, training.texts.len(), calibration)?;
        Ok(TaskSet::of_texts(
            &measured,
            &training,
            calibration,
            own.is_some(),
            words,
        ))
    }

    /// Nothing that is calibrated on may be measured.
    fn apart(&self, key: &str, path: &Path, same: bool) -> Result<(), FileMistakes> {
        let mut mistakes = Mistakes::none();
        mistakes.require(
            !same,
            "",
            format!("\"{}\"", path.display()),
            "holds the rows that are measured; what is calibrated and fitted on is never part of a result",
            "name a table of other rows",
        );
        mistakes.or(|| ()).map_err(|wrong| self.told(key, wrong))
    }

    fn enough(&self, key: &str, there: usize, asked: usize) -> Result<(), FileMistakes> {
        let mut mistakes = Mistakes::none();
        mistakes.require(
            there >= asked,
            "",
            "",
            format!("holds {there} rows, and {asked} are asked for"),
            "lower `task.calibration_samples`, or name another file",
        );
        mistakes.or(|| ()).map_err(|wrong| self.told(key, wrong))
    }

    pub(super) fn mails(
        &mut self,
        params: &MailsParams,
        features: usize,
        sizes: (usize, usize),
    ) -> Result<TaskSet, FileMistakes> {
        let rows = params.path.join("mails.npz");
        let bytes = self.bytes("task.mails.path", &rows, MAX_ARRAY_BYTES)?;
        let arrays = arrays::read_npz(&bytes, &["tokens", "label", "part"])
            .map_err(|error| about(&self.folder.join(&rows), error.to_string(), ""))?;
        let file = params.path.join("probe.safetensors");
        let bytes = self.bytes("task.mails.path", &file, MAX_ARRAY_BYTES)?;
        let probe = read_probe(&bytes, features).map_err(|wrong| self.inside(&file, wrong))?;
        task::mails(&arrays, probe, params, sizes).map_err(|wrong| self.inside(&rows, wrong))
    }

    pub(super) fn images(
        &mut self,
        params: &ImagesParams,
        calibration: usize,
    ) -> Result<TaskSet, FileMistakes> {
        let mut read = |key: &str, path: &Path| -> Result<ByteArray, FileMistakes> {
            let bytes = self.bytes(key, path, MAX_ARRAY_BYTES)?;
            arrays::read_idx(&bytes)
                .map_err(|error| about(&self.folder.join(path), error.to_string(), ""))
        };
        let files = ImageFiles {
            images: read("task.images.path", &params.path)?,
            labels: read("task.images.labels", &params.labels)?,
            calibration: read("task.images.calibration", &params.calibration)?,
        };
        task::images(&files, params, calibration).map_err(|wrong| self.told("task.images", wrong))
    }
}
