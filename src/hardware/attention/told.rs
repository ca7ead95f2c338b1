//! What the rows of a head say of its hardware before any noise: scores below the ramp, lines at their end, wires that
//! take too much.

use super::{Attention, AttentionParams, AvParams, Calibration, Head, Prepared, Reference};
use crate::base::energy::Corner;
use crate::base::notice::Notices;
use crate::base::units::Joules;
use crate::hardware::converter::Placement;
use crate::hardware::crossbar::{COARSE_LOSS, LineReading};
use crate::hardware::device::Device;
use crate::hardware::events::Action;
use crate::hardware::quantise::Quantiser;

/// Queries with fewer positive live scores than they may keep keys, among those that see more keys than that: a
/// one-sided ramp reads every score below zero as its last code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Few {
    /// The number a reader knows the head by.
    pub head: u64,
    /// Keys that a query keeps.
    pub k: usize,
    /// Queries with too few.
    pub few: usize,
    /// All queries.
    pub queries: usize,
}

impl Few {
    /// Of each query of a head, the positive live scores and the live ones.
    #[must_use]
    pub fn count(rows: &Head) -> Vec<[usize; 2]> {
        let scores = Reference::scores(rows);
        let tokens = scores.nrows();
        let count = |query: usize| {
            let column = scores.column(query);
            let live = column
                .iter()
                .enumerate()
                .filter(|(token, _)| rows.mask.is_live(query, *token, tokens));
            live.fold([0, 0], |[positive, live], (_, score)| {
                [positive + usize::from(*score > 0.0), live + 1]
            })
        };
        (0..scores.ncols()).map(count).collect()
    }

    /// Of a head whose queries were counted.
    #[must_use]
    pub fn of(head: u64, k: usize, counted: &[[usize; 2]]) -> Self {
        let few = counted
            .iter()
            .filter(|[positive, live]| *positive < k && k < *live);
        Self {
            head,
            k,
            few: few.count(),
            queries: counted.len(),
        }
    }

    /// Says of heads on a one-sided ramp what share of their queries has too few; nothing if every query has enough.
    pub fn tell(heads: &[Self], notices: &mut Notices) {
        let sum = |of: fn(&Self) -> usize| heads.iter().map(of).sum::<usize>();
        let (few, queries) = (sum(|one| one.few), sum(|one| one.queries));
        if few == 0 {
            return;
        }
        let share = |few: usize, queries: usize| 100.0 * few as f64 / queries.max(1) as f64;
        let worst = heads.iter().rev().max_by(|a, b| {
            let [a, b] = [a, b].map(|one| share(one.few, one.queries));
            a.total_cmp(&b)
        });
        let most = match worst.filter(|_| heads.len() > 1) {
            Some(one) => format!(
                ", in head {} {:.1} %",
                one.head,
                share(one.few, one.queries)
            ),
            None => String::new(),
        };
        let ks = || heads.iter().map(|one| one.k);
        let k = match (ks().min(), ks().max()) {
            (Some(low), Some(high)) if low < high => format!("k = {low} to {high}"),
            (low, _) => format!("k = {}", low.unwrap_or(0)),
        };
        let all = share(few, queries);
        notices.warn_worst(
            "ramp.range",
            all,
            format!(
                "ramp.range: up to {all:.1} % of the calibration queries ({few} of {queries}{most}) have fewer positive live scores than {k}, and more keys; a one-sided ramp reads all other scores as its last code, and of these the lowest address wins: `ramp.range = {{ symmetric = {{}} }}` tells them apart"
            ),
        );
    }
}

/// Live scores of a head of which a line is at its end before the ramp meets it, so that they read too high or too
/// low.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopped {
    /// The number a reader knows the head by.
    pub head: u64,
    /// Scores that the end of a line moves.
    pub moved: u64,
    /// All of them.
    pub live: u64,
    /// The farthest move in LSB.
    pub farthest: f64,
}

/// Share of the scores that a line's end may move without a word.
const FEW_MOVED: f64 = 1e-3;

impl Stopped {
    /// Of a head's clean sums.
    #[must_use]
    pub fn of(head: u64, attention: &Attention, prepared: &Prepared) -> Self {
        let mut all = Self {
            head,
            moved: 0,
            live: prepared.live,
            farthest: 0.0,
        };
        let Some(negative) = &prepared.clean.negative else {
            return all;
        };
        let line = LineReading {
            line: &attention.device.line,
            mismatch: &[],
            full_scale: prepared.calibration.full_scale_charges(),
            in_column: attention.ramp.is_in_column(),
        };
        let tokens = negative.nrows();
        let lsb = prepared.calibration.lsb_charges();
        for (at, (signed, negative)) in prepared.clean.signed.iter().zip(negative).enumerate() {
            let moved = line.moved_by_headroom(*signed, *negative) / lsb;
            // What rounding leaves of a difference of large numbers is no move.
            if moved.abs() > 1e-6 && prepared.mask.is_live(at / tokens, at % tokens, tokens) {
                all.moved += 1;
                all.farthest = all.farthest.max(moved.abs());
            }
        }
        all
    }

    /// Says what share of the scores of these heads a line's end moves; nothing if hardly any.
    pub fn tell(heads: &[Self], notices: &mut Notices) {
        let sum = |of: fn(&Self) -> u64| heads.iter().map(of).sum::<u64>();
        let (moved, live) = (sum(|one| one.moved), sum(|one| one.live));
        let share = moved as f64 / live.max(1) as f64;
        if share < FEW_MOVED {
            return;
        }
        let worst = heads
            .iter()
            .max_by(|a, b| a.farthest.total_cmp(&b.farthest));
        let worst = worst.map_or_else(String::new, |one| {
            format!("up to {:.2} LSB, in head {}", one.farthest, one.head)
        });
        notices.warn_worst(
            "line.headroom",
            share,
            format!(
                "line.headroom: of {:.1} % of the live scores a line is at its end before the ramp meets it, which moves their codes by {worst}: a smaller device.with.line.unit_discharge or a higher device.with.line.precharge gives the lines more room",
                100.0 * share
            ),
        );
    }
}

/// How much of a head's clean scores the ramp tells apart: those above its start all read the first code, and rows of
/// which no score reaches the last step but one read one code alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Met {
    /// Live scores above the ramp's start.
    pub above: u64,
    /// Live scores.
    pub live: u64,
    /// Queries whose scores all lie within the ramp's last step or below.
    pub flat: u64,
    /// Queries.
    pub queries: u64,
}

/// Share of scores or queries that a ramp may miss without a word. The shipped full scales, percentiles of other rows,
/// miss some.
const FEW_MISSED: f64 = 0.05;

impl Met {
    /// Of a head's clean sums.
    #[must_use]
    pub fn of(attention: &Attention, prepared: &Prepared) -> Self {
        let signed = &prepared.clean.signed;
        let tokens = signed.nrows();
        let steps = f64::from(attention.ramp.steps());
        let calibration = &prepared.calibration;
        let last = calibration.full_scale_charges() - (steps - 1.0) * calibration.lsb_charges();
        let is_flat = |query: &usize| {
            let column = signed.column(*query);
            let mut live = column.iter().enumerate();
            let exact = attention.ramp.is_exact();
            !exact
                && live.all(|(token, sum)| {
                    !prepared.mask.is_live(*query, token, tokens) || *sum < last
                })
        };
        Self {
            above: prepared.clipped,
            live: prepared.live,
            flat: (0..signed.ncols()).filter(is_flat).count() as u64,
            queries: signed.ncols() as u64,
        }
    }

    /// Says what share of scores or queries the full scale misses; nothing if hardly any.
    pub fn tell(heads: &[Self], notices: &mut Notices) {
        let sum = |of: fn(&Self) -> u64| heads.iter().map(of).sum::<u64>() as f64;
        let above = sum(|one| one.above) / sum(|one| one.live).max(1.0);
        let flat = sum(|one| one.flat) / sum(|one| one.queries).max(1.0);
        if above > FEW_MISSED {
            notices.warn_worst(
                "ramp.full_scale above",
                above,
                format!(
                    "ramp.full_scale: {:.1} % of the live scores lie above the ramp's start and all read its first code (clip_rate): a larger full scale tells them apart",
                    100.0 * above
                ),
            );
        }
        if flat > FEW_MISSED {
            notices.warn_worst(
                "ramp.full_scale below",
                flat,
                format!(
                    "ramp.full_scale: of {:.1} % of the queries no score reaches the ramp's last step but one, so that all read one code and the lowest address wins: a smaller full scale tells them apart",
                    100.0 * flat
                ),
            );
        }
    }
}

impl AttentionParams {
    /// Numbers that are taken beyond what they were stated for.
    pub(super) fn stated_elsewhere(&self, device: &Device) -> Notices {
        let mut notices = Notices::none();
        let column = &device.column;
        let bits = self.ramp.bits;
        let elsewhere = [
            ("comparator noise", "noise", column.noise, column.noise_for),
            ("column offset", "offset", column.offset, column.offset_for),
        ]
        .into_iter()
        .filter(|(.., value, stated)| *value > 0.0 && stated.is_some_and(|stated| stated != bits));
        let (mut stated, mut keys) = (Vec::new(), Vec::new());
        for (what, key, value, of) in elsewhere {
            let of = of.unwrap_or(bits);
            stated.push(format!("{what} ({value} LSB) for a ramp of {of} bits"));
            keys.push(format!("device.with.column.{key}"));
        }
        if !keys.is_empty() {
            notices.warn(format!(
                "ramp.bits: {} states {}, taken as so many LSB of any other; what is fixed in volts doubles in LSB with every bit more: set {} beside ramp.bits, or device.with.column.bits where both are stated for another ramp",
                device.name,
                stated.join(" and "),
                keys.join(" and ")
            ));
        }
        if self.ramp.placement == (Placement::External {}) {
            notices.warn(
                "ramp.placement: prices are those of a ramp in the column; one ramp for all columns is charged as if each column had its own replicas".to_owned(),
            );
        }
        let on_tiles = self.av != (AvParams::Ideal {});
        for (key, exact, what) in [
            (
                "quantise.k",
                self.quantise.k == (Quantiser::Exact {}),
                "weight of K",
            ),
            (
                "quantise.v",
                on_tiles && self.quantise.v == (Quantiser::Exact {}),
                "value of V",
            ),
        ] {
            if exact {
                notices.warn(format!(
                    "{key} = exact: each {what} is priced and timed as one cell, written, driven and read once, however exact it is: energy and time are those of its fewest bits"
                ));
            }
        }
        if self.av == (AvParams::Ideal {}) {
            let price = |action| device.prices.price(action, Corner::Nominal);
            let (multiply, add) = (price(Action::Multiply), price(Action::Accumulate));
            let both = Joules::from_si(((multiply.si() + add.si()) * 1e21).round() / 1e21);
            notices.warn(format!(
                "av.ideal: ideal is without noise and without time, not without energy: each of the k x d_v products of a query costs {both} (multiply {multiply}, accumulate {add}), and latency is that of what comes before"
            ));
        }
        notices
    }
}

impl Attention {
    /// Says where a cell of these heads loses more of its voltage in the wires than the first order is good for.
    pub fn tell_wires(&self, heads: &[Calibration], notices: &mut Notices) {
        let currents = heads.iter().map(|head| head.key_current);
        let mean = currents.fold(0.0, f64::max);
        let [wordline, bitline] = self.crossbar.largest_losses(&self.device, mean);
        let largest = wordline.max(bitline);
        if largest <= COARSE_LOSS {
            return;
        }
        let percent = |loss: f64| format!("{:.0} %", 100.0 * loss);
        notices.warn_worst(
            "line.wire",
            largest,
            format!(
                "line.wire: the farthest cell of a tile loses {} of its voltage along its wordline and {} along its bitline; the loss is first-order and coarse above {}, and what loses 100 % counts as nothing: a smaller device.with.line.wire, {} or tile keeps it below",
                percent(wordline),
                percent(bitline),
                percent(COARSE_LOSS),
                self.device.cell.conductance_key(),
            ),
        );
    }
}
