//! One case of a plan: one design at one point of the sweep, checked and ready to run.

use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::head::whole;
use super::{Origin, Plan, blame};
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::hardware::attention::{Attention, Datapath};
use crate::shell::config::{ExperimentParams, FileMistakes, Fitted, Given, Study, tree};
use crate::study::model::Laid;
use crate::study::workload::{Nominal, Workload};

/// What two cases have in common if it is equal.
pub type Key = [u8; 16];

/// What a case runs. Kinds differ in what is drawn and in what their rows tell.
#[derive(Clone, Debug)]
pub enum Work {
    /// Heads with their numbers.
    Heads(HeadsWork),
    /// A head of which only the sizes are known: time and energy.
    Shape(Nominal),
    /// A whole encoder on a labelled set.
    Encoder(EncoderWork),
}

/// Heads, their calibration rows, and what these come to on the hardware.
#[derive(Clone, Debug)]
pub struct HeadsWork {
    /// Heads and their calibration rows.
    pub workload: Arc<Workload>,
    /// Calibration of each head.
    pub calibrations: Fitted,
}

/// An encoder with its labelled set, on the hardware of one design.
#[derive(Clone, Debug)]
pub struct EncoderWork {
    /// Encoder and set.
    pub study: Arc<Study>,
    /// Hardware of every length that occurs.
    pub laid: Arc<Laid>,
}

/// One design at one point, ready to run.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it runs.
    pub work: Work,
    /// The hardware.
    pub attention: Arc<Attention>,
    /// The design.
    pub datapath: Datapath,
    /// Cases of the same front share everything up to the trips.
    pub front: Key,
    /// Cases of the same front and back are the same.
    pub back: Key,
}

impl Case {
    /// The heads, if that is what it runs.
    #[must_use]
    pub fn heads(&self) -> Option<&HeadsWork> {
        match &self.work {
            Work::Heads(heads) => Some(heads),
            Work::Shape(_) | Work::Encoder(_) => None,
        }
    }
}

pub(super) fn key(parts: &impl Serialize) -> Key {
    let text = serde_json::to_vec(parts).unwrap_or_default();
    let digest = Sha256::digest(&text);
    std::array::from_fn(|at| digest[at])
}

impl Plan {
    /// One design at one point.
    ///
    /// # Errors
    /// Every mistake of it; none after the plan has been loaded and its files stay as they are.
    pub fn case(&mut self, point: usize, design: usize) -> Result<Case, FileMistakes> {
        let mut tree = self.tree.clone();
        let mut mistakes = Mistakes::none();
        let places = self.places(point);
        let swept = self.swept.iter().zip(&self.values).zip(&places);
        let swept = swept.map(|((swept, values), at)| {
            let origin = Origin::swept(&swept.path, *at);
            (&swept.path, &values[*at], origin)
        });
        let own = self.params.design[design].set.iter();
        let own = own.filter(|(at, _)| whole(at).is_none());
        let own = own.map(|(at, value)| {
            let key = format!("design[{design}].set.\"{at}\"");
            (at, value, Origin::in_file(at, key))
        });
        let mut origins = self.origins.clone();
        for (at, value, origin) in swept.chain(own) {
            match tree::set(&mut tree, at, value.clone()) {
                Ok(()) => origins.push(origin),
                Err(part) => mistakes.add(
                    &origin.key,
                    "",
                    format!("the path does not exist: `{part}` is not a table"),
                    "a path is keys of this file joined by points, such as \"topk.k\"",
                ),
            }
        }
        let mut reading = tree::read::<ExperimentParams>(&tree);
        mistakes.0.extend(std::mem::take(&mut reading.mistakes).0);
        reading.lost.extend(self.lost.iter().cloned());
        let file = self.file.clone();
        let told = |found: FileMistakes| blame(found, &file, &origins);
        let mut all = told(FileMistakes::of(&file, mistakes));
        let Some(params) = reading.value.take() else {
            return Err(all);
        };
        let believed = |found: FileMistakes| {
            let mut kept = FileMistakes::default();
            for mut one in found.0 {
                let is_here = one.file == file;
                let checked = Mistakes(vec![one.mistake.clone()]);
                match (is_here, reading.believed(checked).0.pop()) {
                    (true, None) => {}
                    (_, believed) => {
                        one.mistake = believed.unwrap_or(one.mistake);
                        kept.0.push(one);
                    }
                }
            }
            told(kept)
        };
        if params.model.is_some() || params.task.is_some() {
            return match self.encoder_case(&params, design) {
                Ok(case) if all.0.is_empty() => Ok(case),
                Ok(_) => Err(all),
                Err(found) => {
                    all.join(believed(found));
                    Err(all)
                }
            };
        }
        if self.params.design[design].datapath == (Datapath::Float {}) {
            let mut wrong = Mistakes::none();
            wrong.add(
                &format!("design[{design}].datapath"),
                "float",
                "is a whole encoder without hardware; a single head is compared with its float output in any design",
                "take another datapath, or give [model] and [task]",
            );
            all.join(FileMistakes::of(&file, wrong));
        }
        let given = self
            .store
            .workload(&file, &self.folder, &params.workload, Seed(params.seed));
        let device = self
            .store
            .device(&file, &self.folder, &self.devices, &params.device);
        let attention = params.attention();
        let (given, device) = match (given, device) {
            (Ok(given), Ok(device)) => (given, device),
            (given, device) => {
                let judged = attention.judge(
                    given.as_ref().ok().map(Given::shape),
                    device.as_deref().ok(),
                );
                for wrong in [given.err(), device.err()].into_iter().flatten() {
                    all.join(believed(wrong));
                }
                all.join(believed(FileMistakes::of(&file, judged)));
                return Err(all);
            }
        };
        match attention.check(given.shape(), &device) {
            Err(found) => {
                all.join(believed(FileMistakes::of(&file, found)));
                Err(all)
            }
            Ok(mut checked) if all.0.is_empty() => {
                let datapath = self.params.design[design].datapath;
                let work = self
                    .calibrated(given, &mut checked, datapath)
                    .map_err(|mistakes| told(FileMistakes::of(&file, mistakes)))?;
                // A conventional design keeps every column, so k says nothing about it.
                let topk = (datapath != Datapath::Conventional {}).then_some(&attention.topk);
                Ok(Case {
                    work,
                    attention: Arc::new(checked),
                    datapath,
                    front: key(&(
                        &params.workload,
                        &params.device,
                        &attention.quantise,
                        &attention.crossbar,
                        &attention.ramp,
                        &attention.av,
                    )),
                    back: key(&(topk, &attention.softmax, &attention.timing, datapath)),
                })
            }
            Ok(_) => Err(all),
        }
    }
}
