//! Keys whose values leave what prices were made for.
//!
//! Prices state the sizes they hold for ([`Stated`]); here stands which key of an experiment is which size. A key that
//! changes accuracy and not the price is told, with the price and what would make it follow.

use std::fmt::Display;

use super::{Attention, AvParams, Datapath};
use crate::base::energy::{Corner, Span};
use crate::base::units::Joules;
use crate::hardware::events::{Action, Stated};
use crate::hardware::quantise::Quantiser;
use crate::hardware::softmax::{Reciprocal, Table, Weights};
use crate::hardware::timing::pulse_units;

/// A key whose value lies beyond what prices were made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// The prices that do not follow it, with what they are for.
    pub prices: Vec<String>,
}

impl Beyond {
    /// What to say of all values of the key, where they leave these prices behind.
    #[must_use]
    pub fn text(&self, values: &[String]) -> String {
        if values.iter().all(|value| value == EXACT) {
            return format!(
                "{} = exact: prices do not follow this key ({}), and no price can be for an exact part: it is charged as if it were the one they are for",
                self.key,
                self.prices.join(", ")
            );
        }
        format!(
            "{} = {}: prices do not follow this key ({}); set their energy, low, high and `for` under device.with.energy to price it",
            self.key,
            values.join(", "),
            self.prices.join(", ")
        )
    }
}

/// What is found while keys are compared.
struct Compared<'a> {
    attention: &'a Attention,
    found: Vec<Beyond>,
}

impl Compared<'_> {
    /// Compares a size, `shown` as the value of `key`, with what the prices of `actions` state, and the leakage.
    /// An exact part has no size, so no price is for it.
    fn size<T: PartialOrd + PartialEq + Display>(
        &mut self,
        (key, shown): (&'static str, String),
        (name, size): (&str, Option<T>),
        stated: impl Fn(&Stated) -> Option<&Span<T>>,
        (actions, leaks): (&[Action], bool),
    ) {
        let device = &self.attention.device;
        let mut prices = Vec::new();
        let mut one = |what: &str, cost: String, all: &Stated| {
            if let Some(span) = stated(all)
                && size.as_ref().is_none_or(|size| !span.holds(size))
            {
                prices.push(format!("{what} {cost} is for {name} = {span}"));
            }
        };
        for action in actions {
            let price = device.prices.explain(*action);
            let cost = if *action == Action::AdcConversion {
                format!(
                    "{} and {}",
                    price.energy, device.timing.adc_conversion.value
                )
            } else {
                price.energy.to_string()
            };
            one(action.name(), cost, &price.stated);
        }
        if leaks {
            let leakage = device.prices.leakage();
            one("leakage", leakage.power.to_string(), &leakage.stated);
        }
        if !prices.is_empty() {
            self.found.push(Beyond {
                key,
                value: shown,
                prices,
            });
        }
    }
}

const EXACT: &str = "exact";

/// Largest code of Q where nothing is said.
const DEFAULT_Q: u32 = 31;

impl Attention {
    /// The keys of this hardware, run as one design, that leave what its prices were made for.
    #[must_use]
    pub fn beyond_prices(&self, datapath: Datapath) -> Vec<Beyond> {
        let mut all = Compared {
            attention: self,
            found: Vec::new(),
        };
        // A float design and a converter without steps are not priced at all.
        if datapath == (Datapath::Float {}) || self.ramp.is_exact() {
            return all.found;
        }
        self.compare_selection(datapath, &mut all);
        self.compare_softmax(&mut all);
        self.compare_pulses(&mut all);
        self.compare_lines(&mut all);
        let rows = self.tile.wordlines as usize;
        let leaks = (&[][..], true);
        all.size(
            ("crossbar.wordlines", rows.to_string()),
            ("wordlines", Some(rows)),
            |stated| stated.wordlines.as_ref(),
            leaks,
        );
        if let AvParams::Tiles {
            wordlines,
            adc,
            columns_per_adc,
        } = self.av
        {
            all.size(
                ("av.tiles.wordlines", wordlines.to_string()),
                ("wordlines", Some(wordlines)),
                |stated| stated.wordlines.as_ref(),
                leaks,
            );
            all.size(
                ("av.tiles.columns_per_adc", columns_per_adc.to_string()),
                ("columns_per_adc", Some(columns_per_adc)),
                |stated| stated.columns_per_adc.as_ref(),
                leaks,
            );
            let bits = adc.coding().map(|coding| coding.bits);
            let key = match bits {
                Some(_) => "av.tiles.adc.uniform.bits",
                None => "av.tiles.adc",
            };
            if adc.own_cost().is_none() {
                all.size(
                    (key, shown(bits)),
                    ("bits", bits),
                    |stated| stated.bits.as_ref(),
                    (&[Action::AdcConversion], false),
                );
            }
        }
        all.found
    }

    fn compare_selection(&self, datapath: Datapath, all: &mut Compared<'_>) {
        let sorts = matches!(datapath, Datapath::DigitalTopk { .. });
        let merges = datapath == (Datapath::Conventional {}) || self.crossbar.tiles().len() > 1;
        let mut converting = vec![Action::CounterStep];
        converting.extend(merges.then_some(Action::CodeCompare));
        converting.extend(sorts.then_some(Action::SortCompare));
        let bits = self.ramp.bits();
        all.size(
            ("ramp.bits", bits.to_string()),
            ("bits", Some(bits)),
            |stated| stated.bits.as_ref(),
            (&converting, false),
        );
        let mut wires = vec![Action::CounterStep];
        wires.extend((datapath == (Datapath::Topkima {})).then_some(Action::ArbiterGrant));
        let bitlines = self.crossbar.bitlines();
        all.size(
            ("crossbar.bitlines", bitlines.to_string()),
            ("bitlines", Some(bitlines)),
            |stated| stated.bitlines.as_ref(),
            (&wires, true),
        );
        let mut ks: Vec<usize> = self.topk.iter().map(|topk| topk.k).collect();
        ks.sort_unstable();
        ks.dedup();
        for k in ks.into_iter().filter(|_| sorts) {
            all.size(
                ("topk.k", k.to_string()),
                ("k", Some(k)),
                |stated| stated.k.as_ref(),
                (&[Action::SortCompare], false),
            );
        }
    }

    fn compare_softmax(&self, all: &mut Compared<'_>) {
        let (key, width) = match self.softmax.table {
            Table::Exact {} => ("softmax.table", None),
            Table::Entries { bits, width } => {
                let loaded = [Action::LutWrite, Action::ExpLookup];
                all.size(
                    ("softmax.table.entries.bits", bits.to_string()),
                    ("bits", Some(bits)),
                    |stated| stated.bits.as_ref(),
                    (&loaded, false),
                );
                let lanes = self.timing.switches().softmax_lanes;
                all.size(
                    ("timing.softmax_lanes", lanes.to_string()),
                    ("lanes", Some(lanes)),
                    |stated| stated.lanes.as_ref(),
                    (&[Action::LutWrite], false),
                );
                ("softmax.table.entries.width", Some(width))
            }
        };
        let used = [Action::LutWrite, Action::ExpLookup, Action::Accumulate];
        all.size(
            (key, shown(width)),
            ("width", width),
            |stated| stated.width.as_ref(),
            (&used, false),
        );
        let (key, bits) = match self.softmax.reciprocal {
            Reciprocal::Exact {} => ("softmax.reciprocal", None),
            Reciprocal::Bits(bits) => ("softmax.reciprocal.bits", Some(bits)),
        };
        all.size(
            (key, shown(bits)),
            ("bits", bits),
            |stated| stated.bits.as_ref(),
            (&[Action::Reciprocal, Action::Multiply], false),
        );
    }

    /// What the lines are charged to, and how far a unit charge takes them.
    fn compare_lines(&self, all: &mut Compared<'_>) {
        let line = &self.device.line;
        let charged = [
            Action::MacCharge,
            Action::CalibrationCharge,
            Action::RampCharge,
        ];
        all.size(
            ("line.unit_discharge", line.unit_discharge.to_string()),
            ("unit_discharge", Some(line.unit_discharge)),
            |stated| stated.unit_discharge.as_ref(),
            (&charged, false),
        );
        all.size(
            ("line.precharge", line.precharge.to_string()),
            ("precharge", Some(line.precharge)),
            |stated| stated.precharge.as_ref(),
            (&charged, false),
        );
    }

    /// Pulses on the wordlines: those of Q, and those of A where A x V is on tiles.
    fn compare_pulses(&self, all: &mut Compared<'_>) {
        let device = &self.device;
        let places = self.crossbar.places.len() as u32;
        let q = match self.quantise.q {
            Quantiser::Exact {} => ("quantise.q", None),
            Quantiser::Uniform { max_code, .. } => ("quantise.q.uniform.max_code", Some(max_code)),
        };
        let a = match self.softmax.weights {
            Weights::Exact {} => ("softmax.weights", None),
            Weights::RowMax { max_code } => ("softmax.weights.row-max.max_code", Some(max_code)),
            Weights::Unit { max_code } => ("softmax.weights.unit.max_code", Some(max_code)),
        };
        let radix = device.cell.radix();
        let timing = &device.timing;
        let a = self
            .values
            .as_ref()
            .map(|_| (a, 2, 1, &timing.av_pulse_unit));
        let reads = device.prices.price(Action::CellRead, Corner::Nominal) > Joules::from_si(0.0);
        for ((key, code), radix, places, unit) in [Some((q, radix, places, &timing.pulse_unit)), a]
            .into_iter()
            .flatten()
        {
            let units = code.map(|code| pulse_units(code, radix, places));
            let pulse = units.map(|units| unit.value.times(units));
            let told = match (code, pulse) {
                (Some(code), Some(pulse)) if reads => format!("{code} (pulses of up to {pulse})"),
                _ => shown(code),
            };
            all.size(
                (key, told.clone()),
                ("code", code),
                |stated| stated.code.as_ref(),
                (&[Action::MacCharge], false),
            );
            // Where the default Q would be as long, it is the digits of K that make its pulses so.
            let stated = device
                .prices
                .explain(Action::InputCode)
                .stated
                .units
                .as_ref();
            let by_k =
                stated.is_some_and(|span| !span.holds(&pulse_units(DEFAULT_Q, radix, places)));
            let blamed = match (by_k, self.quantise.k.max_code()) {
                (true, Some(k)) => ("quantise.k.uniform.max_code", k.to_string()),
                _ => (key, told.clone()),
            };
            all.size(
                blamed,
                ("units", units),
                |stated| stated.units.as_ref(),
                (&[Action::InputCode], false),
            );
            if reads {
                all.size(
                    (key, told),
                    ("pulse", pulse),
                    |stated| stated.pulse.as_ref(),
                    (&[Action::CellRead], false),
                );
            }
        }
        if let (Some([g_max, g_min]), true) = (device.conductances, reads) {
            let read = (&[Action::CellRead][..], false);
            all.size(
                ("cell.resistive.g_max", g_max.to_string()),
                ("g_max", Some(g_max)),
                |stated| stated.g_max.as_ref(),
                read,
            );
            all.size(
                ("cell.resistive.g_min", g_min.to_string()),
                ("g_min", Some(g_min)),
                |stated| stated.g_min.as_ref(),
                read,
            );
        }
    }
}

fn shown(size: Option<u32>) -> String {
    size.map_or_else(|| EXACT.to_owned(), |size| size.to_string())
}
