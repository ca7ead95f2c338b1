//! Rows of token ids with their classes and parts, out of arrays.

use super::{
    Judge, Lengths, MailsParams, Probe, ProbeSource, Targets, TaskSet, Training, classed, enough,
    few, twice, without,
};
use crate::base::arrays::Array;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::study::model::Input;
use crate::study::workload::Arrays;

/// Value of `part` of a row that is measured.
const TEST: f64 = 0.0;
/// Value of `part` of a row that is trained and calibrated on.
const TRAINING: f64 = 1.0;
/// BERT's `[PAD]`, which fills a row of tokens up and is none of the text.
const PAD: f64 = 0.0;
/// Largest number of a class or a word that is taken.
const MOST: f64 = 1_048_576.0;

/// The set in `tokens` (rows x tokens), `label` and `part`. Calibration samples are the first training
/// rows; a row ends before its padding, and rows longer than `longest` are cut.
///
/// # Errors
/// Arrays that are missing, do not fit each other or hold what is no whole number; a part that is none; no test
/// rows, or fewer training rows than calibration needs; training rows that are measured.
pub fn mails(
    arrays: &Arrays,
    dense: Probe,
    params: &MailsParams,
    (longest, calibration): (usize, usize),
) -> Result<TaskSet, Mistakes> {
    let mut mistakes = Mistakes::none();
    let m = &mut mistakes;
    let empty = Array {
        shape: Vec::new(),
        values: Vec::new(),
    };
    let [tokens, label, part] = ["tokens", "label", "part"].map(|name| {
        let array = arrays.get(name);
        m.require(
            array.is_some(),
            name,
            "",
            "the file holds no array of this name",
            "write it again with scripts/make_mails.py",
        );
        let array = array.unwrap_or(&empty);
        let odd = array
            .values
            .iter()
            .find(|value| !(0.0..=MOST).contains(*value) || value.fract() != 0.0);
        if let Some(value) = odd {
            m.add(
                name,
                value,
                "must be a whole number from 0 to 1048576",
                "write the file again",
            );
        }
        array
    });
    if !m.0.is_empty() {
        return Err(mistakes);
    }
    let (rows, width) = match tokens.shape[..] {
        [rows, width] if width > 0 => (rows, width),
        _ => (0, 1),
    };
    m.require(
        rows > 0 && label.shape == [rows] && part.shape == [rows],
        "tokens",
        "",
        format!(
            "tokens has shape {:?}, label {:?} and part {:?}; they must be [rows, tokens], [rows] and [rows]",
            tokens.shape, label.shape, part.shape
        ),
        "write the file again",
    );
    if !m.0.is_empty() {
        return Err(mistakes);
    }
    if let Some(row) = (0..rows).find(|row| ![TEST, TRAINING].contains(&part.values[*row])) {
        m.add(
            "part",
            part.values[row],
            format!("row {row} must be 0 (measured) or 1 (trained and calibrated on)"),
            "write the file again",
        );
        return Err(mistakes);
    }
    let mut notices = Notices::none();
    let (mut samples, mut labels) = (Vec::new(), Vec::new());
    let (mut trained, mut classes) = (Vec::new(), Vec::new());
    let mut padded = 0;
    for (row, ids) in tokens.values.chunks_exact(width).enumerate() {
        let length = width - ids.iter().rev().take_while(|id| **id == PAD).count();
        padded += usize::from(length < width);
        let ids: Vec<u32> = ids[..length].iter().map(|id| *id as u32).collect();
        let class = label.values[row] as usize;
        if part.values[row] == TEST {
            samples.push(ids);
            labels.push(class);
        } else {
            trained.push(ids);
            classes.push(class);
        }
    }
    if padded > 0 {
        notices.note(format!(
            "{padded} of {rows} rows are filled up with token 0, [PAD]; each ends before it"
        ));
    }
    let both = twice(samples.iter(), &trained.iter().collect::<Vec<_>>());
    match few(&both, trained.len(), "1", |at| format!("training row {at}")) {
        Ok(said) => said.into_iter().for_each(|said| notices.note(said)),
        Err(wrong) => return Err(wrong.within("part")),
    }
    let (mut trained, mut classes) = (without(trained, &both), without(classes, &both));
    let training = params.training.unwrap_or(usize::MAX);
    trained.truncate(training);
    classes.truncate(training);
    let lengths = |rows: &[Vec<u32>]| -> Vec<usize> { rows.iter().map(Vec::len).collect() };
    let lengths = Lengths {
        samples: lengths(&samples),
        calibration: lengths(&trained[..calibration.min(trained.len())]),
        training: match params.probe {
            ProbeSource::Dense {} => Vec::new(),
            ProbeSource::Refitted {} => lengths(&trained),
        },
    };
    let cut = |mut ids: Vec<u32>| {
        if ids.len() > longest
            && let Some(last) = ids.last().copied()
        {
            ids.truncate(longest.saturating_sub(1));
            ids.push(last);
        }
        Input::Tokens(ids)
    };
    let samples: Vec<Input> = samples.into_iter().map(cut).collect();
    let trained: Vec<Input> = trained.into_iter().map(cut).collect();
    m.require(
        !samples.is_empty(),
        "part",
        "",
        "holds no row to measure",
        "write the file again",
    );
    m.keep(
        "part",
        enough(trained.len(), calibration, "rows to train and calibrate on"),
    );
    mistakes.or(|| TaskSet {
        samples: classed(samples.into_iter(), &labels),
        targets: Targets::Classes(labels),
        calibration: trained[..calibration].to_vec(),
        judge: match params.probe {
            ProbeSource::Dense {} => Judge::Probe(dense),
            ProbeSource::Refitted {} => Judge::Refitted(Training::of(trained, &classes)),
        },
        lengths,
        notices,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays(label: Vec<f64>) -> Arrays {
        let array = |shape: &[usize], values: Vec<f64>| Array {
            shape: shape.to_vec(),
            values,
        };
        Arrays::from([
            (
                "tokens".to_owned(),
                array(&[3, 4], (0..12).map(f64::from).collect()),
            ),
            ("label".to_owned(), array(&[label.len()], label)),
            ("part".to_owned(), array(&[3], vec![1.0, 0.0, 1.0])),
        ])
    }

    fn params(probe: ProbeSource) -> MailsParams {
        MailsParams {
            path: "mails".into(),
            probe,
            training: None,
        }
    }

    fn probe() -> Probe {
        Probe::fit(&[], &[])
    }

    #[test]
    fn test_rows_are_measured_and_training_rows_calibrate() {
        let params = params(ProbeSource::Refitted {});
        let set = mails(&arrays(vec![0.0, 1.0, 2.0]), probe(), &params, (3, 1)).unwrap();
        assert_eq!(set.samples.len(), 1);
        assert_eq!(set.samples[0].1, Input::Tokens(vec![4, 5, 7]));
        assert_eq!(set.calibration, [Input::Tokens(vec![0, 1, 3])]);
        assert_eq!(set.targets, Targets::Classes(vec![1]));
        let Judge::Refitted(training) = &set.judge else {
            panic!()
        };
        let mut labels = training.labels.clone();
        labels.sort_unstable();
        assert_eq!(labels, [0, 2]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let params = params(ProbeSource::Dense {});
        let said = |arrays: &Arrays, calibration| {
            let wrong = mails(arrays, probe(), &params, (9, calibration)).unwrap_err();
            wrong.0[0].to_string()
        };
        assert!(said(&arrays(vec![0.0, 0.5, 1.0]), 1).starts_with("label = 0.5: must be a whole"));
        assert!(said(&arrays(vec![0.0, 1.0]), 1).contains("label [2]"));
        assert!(
            said(&arrays(vec![0.0; 3]), 3)
                .contains("holds 2 rows to train and calibrate on, and 3 are asked for")
        );
        let mut part = arrays(vec![0.0; 3]);
        part.get_mut("part").unwrap().values[2] = 2.0;
        assert!(said(&part, 1).starts_with("part = 2: row 2 must be 0 (measured) or 1"));
        let mut lacking = arrays(vec![0.0; 3]);
        lacking.remove("part");
        assert!(said(&lacking, 1).starts_with("part: the file holds no array"));
    }

    #[test]
    fn a_row_ends_before_its_padding_and_none_is_measured_and_calibrates() {
        let params = params(ProbeSource::Dense {});
        let mut padded = arrays(vec![0.0, 1.0, 1.0]);
        let tokens = &mut padded.get_mut("tokens").unwrap().values;
        tokens.copy_from_slice(&[2.0, 9.0, 3.0, 0.0, 2.0, 0.0, 3.0, 0.0, 2.0, 8.0, 8.0, 3.0]);
        let set = mails(&padded, probe(), &params, (3, 2)).unwrap();
        assert_eq!(set.samples[0].1, Input::Tokens(vec![2, 0, 3]));
        let calibration = [vec![2, 9, 3], vec![2, 8, 3]].map(Input::Tokens);
        assert_eq!(set.calibration, calibration);
        assert_eq!(set.lengths.samples, [3]);
        assert_eq!(set.lengths.calibration, [3, 4]);
        let notes = set.notices.of(crate::base::notice::Weight::Note);
        assert!(
            notes[0].starts_with("2 of 3 rows are filled up"),
            "{notes:?}"
        );
        let mut both = padded;
        let tokens = &mut both.get_mut("tokens").unwrap().values;
        tokens.copy_within(4..8, 0);
        let said = mails(&both, probe(), &params, (3, 1)).unwrap_err().0;
        let words = "part = 1: 1 of its 2 rows are measured too, the first in training row 0";
        assert!(said[0].to_string().starts_with(words), "{said:?}");
    }
}
