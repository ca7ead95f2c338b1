//! A case whose heads are those of a whole encoder.

use std::ops::Range;
use std::sync::Arc;

use super::case::key;
use super::{Case, EncoderWork, Plan, Work};
use crate::base::mistake::Mistakes;
use crate::hardware::attention::{Attention, Datapath};
use crate::hardware::topk::Topk;
use crate::shell::config::{ExperimentParams, FileMistakes, Study};
use crate::study::model::{Laid, ModelParams};

impl Plan {
    /// One design at one point of an experiment with `[model]` and `[task]`.
    pub(super) fn encoder_case(
        &mut self,
        params: &ExperimentParams,
        design: usize,
    ) -> Result<Case, FileMistakes> {
        let file = self.file.clone();
        let mut mistakes = Mistakes::none();
        for (key, given) in [
            ("model", params.model.is_some()),
            ("task", params.task.is_some()),
        ] {
            mistakes.require(
                given,
                key,
                "",
                "an encoder needs both [model] and [task]",
                "see experiments/accuracy_vs_k_sts.toml",
            );
        }
        mistakes.require(
            params.workload.is_empty(),
            "workload",
            "",
            "an experiment runs single heads or an encoder, not both",
            "take out [workload], or [model] and [task]",
        );
        let (Some(model), Some(task), true) = (&params.model, &params.task, mistakes.0.is_empty())
        else {
            return Err(FileMistakes::of(&file, mistakes));
        };
        let study = self.store.study(&file, &self.folder, model, task);
        let device = self
            .store
            .device(&file, &self.folder, &self.devices, &params.device);
        let (study, device) = match (study, device) {
            (Ok(study), Ok(device)) => (study, device),
            (study, device) => {
                let mut all = FileMistakes::default();
                for wrong in [study.err(), device.as_ref().err().cloned()]
                    .into_iter()
                    .flatten()
                {
                    all.join(wrong);
                }
                let judged = params.attention().judge(None, device.as_deref().ok());
                all.join(FileMistakes::of(&file, judged));
                return Err(all);
            }
        };
        let datapath = self.params.design[design].datapath;
        let attention = params.attention();
        let shape = &study.encoder.shape;
        let laid = Laid::check(
            &attention,
            &device,
            datapath,
            shape,
            study.longest,
            &study.lengths,
        )
        .map_err(|wrong| FileMistakes::of(&file, wrong))?;
        laid.longest
            .check_time(
                datapath,
                laid.heads() * study.set.samples.len(),
                study.longest,
            )
            .map_err(|wrong| FileMistakes::of(&file, wrong))?;
        // A conventional design keeps every column, so k says nothing about it.
        let topk = (datapath != Datapath::Conventional {}).then_some(&attention.topk);
        Ok(Case {
            attention: Arc::new(attention_of(&laid, &study, model)),
            work: Work::Encoder(EncoderWork {
                study,
                laid: Arc::new(laid),
            }),
            datapath,
            // Layers see what the layers before them selected: nothing is shared.
            front: key(&(
                model,
                task,
                &params.device,
                &attention.quantise,
                &attention.crossbar,
                &attention.ramp,
                &attention.av,
                topk,
                &attention.softmax,
                &attention.timing,
                datapath,
            )),
            back: key(&()),
        })
    }
}

/// The layout of the longest sample, with a warning where the weights were trained for other hardware.
fn attention_of(laid: &Laid, study: &Study, model: &ModelParams) -> Attention {
    let mut attention = laid.longest.clone();
    attention.notices.join(&study.notices);
    let weights = model.weights.display();
    let trained = &study.encoder.trained;
    let all = laid.datapath == Datapath::Conventional {};
    if let Some(k) = &trained.k {
        let same = |one: usize| *k == one.to_string() && !all;
        let every = k == "all" && (all || attention.topk.iter().all(|one| one.k == study.longest));
        if !every && !attention.topk.iter().all(|one| same(one.k)) {
            attention.notices.warn(format!(
                "model: {weights} was trained with k = {k}; with another k it is less right"
            ));
        }
    }
    let most = study.lengths.last().copied().unwrap_or(0);
    let k = attention.topk.iter().map(|one| one.k).min();
    if let Some(k) = k.filter(|k| !all && *k >= most) {
        attention.notices.warn(format!(
            "topk.k = {k}: no sample has more than {most} tokens, so no key is left out"
        ));
    }
    // A design that keeps every column shares nothing out.
    if let (Some(split), false) = (&trained.split, all) {
        let sizes = sum(attention.crossbar.tiles().iter().map(Range::len));
        let own = |topk: &Topk| {
            let merged = if topk.merges { ", merged" } else { "" };
            format!("{} of {sizes}{merged}", sum(topk.quota.iter().copied()))
        };
        let other = attention.topk.iter().map(own).find(|own| own != split);
        if let Some(other) = other {
            attention.notices.warn(format!(
                "model: {weights} was trained with k shared out to tiles as {split}; the run shares it out as its own tiles do, {other}"
            ));
        }
    }
    if trained.quantise.is_some() {
        attention.notices.warn(format!(
            "model: {weights} was trained with rounded operands; the run rounds as its own `quantise` says, with scales fitted by calibration, and does not use the file's `quantise` and `units`"
        ));
    }
    attention
}

/// Numbers with a plus between them.
fn sum(numbers: impl Iterator<Item = usize>) -> String {
    let texts: Vec<String> = numbers.map(|number| number.to_string()).collect();
    texts.join("+")
}
