//! What is to be said of an experiment over all its points: keys that leave what prices were made for, hardware
//! that grows along a sweep, and keys that do nothing.

use toml::{Table, Value};

use super::{Case, Work};
use crate::base::notice::Notices;
use crate::hardware::attention::{Beyond, Datapath, Sort};
use crate::hardware::timing::Arbiter;
use crate::shell::config::ExperimentParams;

/// Most values of a key that are named.
const MOST_VALUES: usize = 8;

/// What the cases of a plan have in common.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Keys beyond their prices, with every value.
    beyond: Vec<(Beyond, Vec<String>)>,
    /// Fewest and most key tiles of any case.
    tiles: Option<(usize, usize)>,
    /// Whether a case uses the seed, and whether its trials differ.
    seeded: bool,
    drawn: bool,
    /// Whether a case looks at k, shares it out, has an arbiter, has noise at the comparator.
    keeps: bool,
    shares: bool,
    arbitrates: bool,
    waits: bool,
    compares: bool,
    /// Whether a case has numbers to lose, and whether one runs on hardware.
    values: bool,
    hardware: bool,
}

/// Keys of hardware without effect on time and energy of a head without numbers.
const OF_VALUES: [&str; 13] = [
    "device.noise_scale",
    "device.only",
    "device.without",
    "device.age",
    "device.with.programming",
    "device.with.drift",
    "device.with.read",
    "device.with.stuck_at",
    "device.with.column",
    "device.with.cell.sram.mismatch",
    "ramp.full_scale",
    "ramp.decode",
    "ramp.comparator_noise",
];

/// Rooms of the hardware, none of which float heads have.
const OF_HARDWARE: [&str; 10] = [
    "device.noise_scale",
    "device.only",
    "device.without",
    "device.age",
    "device.with",
    "ramp",
    "crossbar",
    "softmax",
    "av",
    "timing",
];

impl Told {
    /// Takes in a case.
    pub fn hear(&mut self, case: &Case) {
        let (attention, datapath) = (&case.attention, case.datapath);
        for beyond in attention.beyond_prices(datapath) {
            let known = self
                .beyond
                .iter_mut()
                .find(|(known, _)| known.key == beyond.key);
            match known {
                Some((known, values)) => {
                    unite(&mut known.prices, beyond.prices);
                    unite(values, [beyond.value]);
                }
                None => {
                    let value = beyond.value.clone();
                    self.beyond.push((beyond, vec![value]));
                }
            }
        }
        let tiles = attention.units(datapath).key_tiles;
        let (low, high) = self.tiles.unwrap_or((tiles, tiles));
        self.tiles = Some((low.min(tiles), high.max(tiles)));
        let (on_chips, resamples) = match &case.work {
            Work::Heads(_) => (true, false),
            Work::Shape(_) => (false, false),
            // Its intervals are over draws of the samples.
            Work::Encoder(_) => (datapath != (Datapath::Float {}), true),
        };
        self.values |= !matches!(case.work, Work::Shape(_));
        self.hardware |= datapath != (Datapath::Float {});
        let drawn = on_chips && attention.draws();
        self.drawn |= drawn;
        self.seeded |= drawn || resamples;
        let conventional = datapath == (Datapath::Conventional {});
        let sorts_all = Datapath::DigitalTopk {
            sort: Sort::Global {},
        };
        self.keeps |= !conventional;
        self.shares |= !conventional && datapath != sorts_all;
        self.arbitrates |= datapath == (Datapath::Topkima {});
        self.waits |= attention.timing.switches().arbiter != (Arbiter::Stall {});
        self.compares |= attention.device.column.noise > 0.0;
    }

    /// Says it. `given` holds the file's keys with what the command line sets.
    pub fn say(self, params: &ExperimentParams, given: &Table, notices: &mut Notices) {
        for (beyond, values) in &self.beyond {
            let mut values = values.clone();
            let more = values.len().saturating_sub(MOST_VALUES);
            values.truncate(MOST_VALUES);
            if more > 0 {
                values.push(format!("and {more} more"));
            }
            notices.warn(beyond.text(&values));
        }
        if let Some((low, high)) = self.tiles.filter(|(low, high)| low < high) {
            notices.note(format!(
                "rows stand for {low} to {high} key tiles that convert side by side, with the sorters and softmax lanes that rows.csv tells (key_tiles, value_tiles, sorters, softmax_lanes): what a row of more tiles gains in time is more hardware"
            ));
        }
        if !(self.seeded || params.workload.synthetic.is_some()) {
            notices.note(format!(
                "seed = {}: nothing is drawn, so every seed gives the same numbers",
                params.seed
            ));
        }
        if !self.drawn && params.trials > 1 {
            notices.note(format!(
                "trials = {}: nothing of a chip is drawn, so all trials are the same and one is enough",
                params.trials
            ));
        }
        let mut keys = Vec::new();
        leaves("", given, &mut keys);
        let set = params.design.iter().flat_map(|design| design.set.keys());
        keys.extend(params.sweep.keys().chain(set).cloned());
        let within = |above: &str| {
            let inner = format!("{above}.");
            keys.iter()
                .any(|key| key == above || key.starts_with(&inner))
        };
        let idle = |of: &[&str]| -> Vec<String> {
            let given = of.iter().filter(|key| within(key));
            given.map(|key| (*key).to_owned()).collect()
        };
        for (does, keys, why) in [
            (
                self.values,
                &OF_VALUES[..],
                "sizes alone have no values, so",
            ),
            (
                self.hardware,
                &OF_HARDWARE[..],
                "float heads run on no hardware, so",
            ),
        ] {
            let idle = idle(keys);
            if !does && !idle.is_empty() {
                let these = if idle.len() == 1 {
                    "this key does"
                } else {
                    "these keys do"
                };
                notices.note(format!("{}: {why} {these} nothing", idle.join(", ")));
            }
        }
        for (does, key, why) in [
            (self.keeps, "topk", "no design chooses among its keys"),
            (
                self.shares || !self.keeps,
                "topk.split",
                "no design shares k out to its tiles",
            ),
            (
                self.arbitrates || !self.waits,
                "timing.arbiter",
                "no design has an arbiter",
            ),
            (
                self.arbitrates,
                "workload.shape.alpha",
                "no design stops its ramp",
            ),
            (
                self.compares,
                "ramp.comparator_noise",
                "no comparator has noise",
            ),
            (
                params.design.len() > 1,
                "reference",
                "there is one design, which has no other to be compared with",
            ),
        ] {
            if !does && within(key) {
                notices.note(format!("{key}: {why}, so the key does nothing"));
            }
        }
        for key in &keys {
            let Some(label) = key.strip_prefix("device.with.energy.") else {
                continue;
            };
            let Some((price, "node" | "voltage")) = label.rsplit_once('.') else {
                continue;
            };
            let own = ["energy", "power"].map(|part| format!("device.with.energy.{price}.{part}"));
            if !own.iter().any(|own| keys.contains(own)) {
                notices.note(format!(
                    "{key}: node and voltage of a price are labels, and its energy does not follow them"
                ));
            }
        }
    }
}

/// Adds what is not there yet.
fn unite(all: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

/// The paths of a tree's values.
fn leaves(above: &str, tree: &Table, paths: &mut Vec<String>) {
    for (key, value) in tree {
        let path = if above.is_empty() {
            key.clone()
        } else {
            format!("{above}.{key}")
        };
        match value {
            Value::Table(inner) if !inner.is_empty() => leaves(&path, inner, paths),
            _ => paths.push(path),
        }
    }
}
