//! The labelled set of a task out of its files.

use std::collections::BTreeSet;
use std::path::Path;

use super::about;
use super::probe::read_probe;
use super::study::Opening;
use crate::base::arrays::{self, ArrayError, ByteArray};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::shell::config::{FileMistakes, MAX_ARRAY_BYTES};
use crate::study::model::Words;
use crate::study::task::{
    self, ClassifyParams, ImageFiles, ImagesParams, MailsParams, StsParams, TaskSet,
};

/// Where texts are the same only up to their cut, a later cut tells them apart.
fn or_longer(mut wrong: FileMistakes, is_cut: bool) -> FileMistakes {
    for one in wrong.0.iter_mut().filter(|_| is_cut) {
        let fix = &mut one.mistake.fix;
        *fix = format!(
            "{fix}, or raise `model.tokens`: some of them differ behind what the encoder reads"
        );
    }
    wrong
}

impl Opening<'_> {
    pub(super) fn pairs(
        &mut self,
        params: &StsParams,
        words: &Words,
        longest: usize,
        calibration: usize,
    ) -> Result<TaskSet, FileMistakes> {
        let key = "task.sts.calibration";
        let measured = self.table("task.sts.path", &params.path, task::pairs)?;
        let rows = self.table(key, &params.calibration, task::pairs)?;
        self.tell(&params.path, &measured.notices);
        self.tell(&params.calibration, &rows.notices);
        // As the encoder reads them: texts that differ only behind the cut are one.
        let cut = |text: &String| words.cut(&words.whole(text), longest);
        let ids = |(one, other): &(String, String)| [cut(one), cut(other)];
        let tested: Vec<[Vec<u32>; 2]> = measured.pairs.iter().map(ids).collect();
        let own: Vec<[Vec<u32>; 2]> = rows.pairs.iter().map(ids).collect();
        // A pair is the same the other way round.
        let sorted = |pair: &[Vec<u32>; 2]| {
            let mut pair = pair.clone();
            pair.sort();
            pair
        };
        let pairs: Vec<_> = own.iter().map(sorted).collect();
        let both = task::twice(tested.iter().map(sorted), &pairs);
        let uncut =
            |(one, other): &(String, String)| sorted(&[words.whole(one), words.whole(other)]);
        let whole: Vec<_> = rows.pairs.iter().map(uncut).collect();
        let whole = task::twice(measured.pairs.iter().map(uncut), &whole);
        let apart = self.apart(key, &params.calibration, &both, &rows.lines);
        apart.map_err(|wrong| or_longer(wrong, whole.len() < both.len()))?;
        let firsts: Vec<&Vec<u32>> = own.iter().map(|[first, _]| first).collect();
        let both = task::twice(tested.iter().flatten(), &firsts);
        if !both.is_empty() {
            let mut notices = Notices::none();
            notices.note(format!(
                "{} of {} first sentences are measured too, and none of these calibrates",
                both.len(),
                firsts.len()
            ));
            self.tell(&params.calibration, &notices);
        }
        let free = firsts.len() - both.len();
        task::enough(
            free,
            calibration,
            "rows whose first sentence is not measured",
        )
        .map_err(|wrong| self.told(key, wrong))?;
        // Spread over the file, which may be ordered by kind; where a sentence is measured, the next one that is not.
        let mut left: BTreeSet<usize> = (0..firsts.len()).collect();
        for at in &both {
            left.remove(at);
        }
        let mut chosen: Vec<&str> = Vec::with_capacity(calibration);
        for at in (0..calibration).map(|at| at * firsts.len() / calibration) {
            let next = left.range(at..).next().or_else(|| left.first()).copied();
            if let Some(next) = next {
                left.remove(&next);
                chosen.push(&rows.pairs[next].0);
            }
        }
        Ok(TaskSet::of_pairs(&measured, &chosen, words, longest))
    }

    fn table<T>(
        &mut self,
        key: &str,
        path: &Path,
        read: impl Fn(&str) -> Result<T, Mistakes>,
    ) -> Result<T, FileMistakes> {
        let text = self.text(key, path)?;
        read(&text).map_err(|wrong| self.inside(path, wrong))
    }

    pub(super) fn texts(
        &mut self,
        params: &ClassifyParams,
        (words, longest): (&Words, usize),
        calibration: usize,
        own: Option<usize>,
    ) -> Result<TaskSet, FileMistakes> {
        let key = "task.classify.calibration";
        let read = |text: &str| task::classified(text, own);
        let measured = self.table("task.classify.path", &params.path, read)?;
        let mut training = self.table(key, &params.calibration, read)?;
        self.tell(&params.path, &measured.notices);
        self.tell(&params.calibration, &training.notices);
        let ids = |texts: &[String]| -> Vec<Vec<u32>> {
            let cut = |text| words.cut(&words.whole(text), longest);
            texts.iter().map(|text: &String| cut(text)).collect()
        };
        let both = task::twice(ids(&measured.texts), &ids(&training.texts));
        let uncut = |texts: &[String]| -> Vec<Vec<u32>> {
            texts.iter().map(|text| words.whole(text)).collect()
        };
        let whole = task::twice(uncut(&measured.texts), &uncut(&training.texts));
        let apart = self.apart(key, &params.calibration, &both, &training.lines);
        apart.map_err(|wrong| or_longer(wrong, whole.len() < both.len()))?;
        training.texts = task::without(training.texts, &both);
        training.labels = task::without(training.labels, &both);
        task::enough(
            training.texts.len(),
            calibration,
            "rows that are not measured",
        )
        .map_err(|wrong| self.told(key, wrong))?;
        Ok(TaskSet::of_texts(
            &measured,
            &training,
            calibration,
            own.is_some(),
            (words, longest),
        ))
    }

    /// Nothing that is calibrated on may be measured: `both` are the rows that would be.
    fn apart(
        &mut self,
        key: &str,
        path: &Path,
        both: &[usize],
        lines: &[usize],
    ) -> Result<(), FileMistakes> {
        let value = format!("\"{}\"", path.display());
        let row = |at: usize| format!("row {}", lines[at]);
        let said = task::few(both, lines.len(), &value, row);
        if let Some(said) = said.map_err(|wrong| self.told(key, wrong))? {
            let mut notices = Notices::none();
            notices.note(said);
            self.tell(path, &notices);
        }
        Ok(())
    }

    pub(super) fn mails(
        &mut self,
        params: &MailsParams,
        features: usize,
        sizes: (usize, usize),
    ) -> Result<TaskSet, FileMistakes> {
        let rows = params.path.join("mails.npz");
        let bytes = self.bytes("task.mails.path", &rows, MAX_ARRAY_BYTES)?;
        let wanted = ["tokens", "label", "part"];
        let wrong = |error: ArrayError| about(&self.folder.join(&rows), error.to_string(), "");
        let names = arrays::npz_names(&bytes).map_err(wrong)?;
        let arrays = arrays::read_npz(&bytes, &wanted).map_err(wrong)?;
        let mut notices = Notices::none();
        for name in names.iter().filter(|name| !wanted.contains(&name.as_str())) {
            notices.note(format!("the array `{name}` is not used"));
        }
        self.tell(&rows, &notices);
        let file = params.path.join("probe.safetensors");
        let bytes = self.bytes("task.mails.path", &file, MAX_ARRAY_BYTES)?;
        let probe = read_probe(&bytes, features).map_err(|wrong| self.inside(&file, wrong))?;
        let set = task::mails(&arrays, probe, params, sizes)
            .map_err(|wrong| self.inside(&rows, wrong))?;
        self.tell(&rows, &set.notices);
        Ok(set)
    }

    pub(super) fn images(
        &mut self,
        params: &ImagesParams,
        sizes: (usize, usize),
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
        let set =
            task::images(&files, params, sizes).map_err(|wrong| self.told("task.images", wrong))?;
        self.notices.join(&set.notices);
        Ok(set)
    }
}
