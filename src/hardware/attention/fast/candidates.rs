//! Which columns of a row are converted, and how likely it is that no other one comes.

use super::front::Front;
use super::row::know;
use super::{Finish, Keys, Prepared, keeps_all, quotas};
use crate::hardware::kernel::Known;

/// Expected number of columns left out that trip by the clean stop step, at most: it moves work between
/// candidates and the walk over the others. Time is flat around it, from 1e-4 to 1e-2.
pub(super) const CUT: f64 = 3e-4;
/// Standard deviations below a level beyond which a column adds nothing to a stored probability: 1e-12.
const NEAR: f64 = 7.0;
/// Unit of a stored probability.
pub(super) const LEAST: f64 = 1.0 / 4_294_967_296.0;
/// Marks a token that is no candidate.
pub(super) const NONE: u16 = u16::MAX;
/// One query.
#[derive(Debug, Default)]
pub(super) struct PlannedRow {
    pub tiles: Vec<PlannedTile>,
    /// Entries of all tiles' lists together.
    pub depth: usize,
    /// What is known of the candidates, tile by tile in address order.
    pub known: Known,
    /// Index of a token among the candidates, or [`NONE`].
    pub index: Vec<u16>,
    /// Live columns of the whole row.
    pub live: usize,
}

/// One tile of one query.
#[derive(Debug, Default)]
pub(super) struct PlannedTile {
    pub start: usize,
    pub live: usize,
    /// Most places of any design that chooses.
    pub quota: usize,
    /// Entries of its list: one more than places, so that a tie is seen.
    pub depth: usize,
    pub keys: Keys,
    /// Live tokens that are no candidates, the shallowest first.
    pub others: Vec<u16>,
    /// By stop code: the probability that none of the others has come by then, in 2^-32.
    pub alone: Vec<u32>,
}

impl PlannedRow {
    /// Keys of all tiles, which stand one behind another.
    pub fn keys(&self) -> Keys {
        let start = self.tiles.first().map_or(0, |tile| tile.keys.start);
        start..self.tiles.last().map_or(0, |tile| tile.keys.end)
    }
}

impl Front {
    pub fn plan_row(
        &mut self,
        finishes: &[Finish<'_>],
        prepared: &Prepared,
        query: usize,
        orderly: bool,
    ) -> PlannedRow {
        let attention = finishes[0].attention;
        let tokens = prepared.k.nrows();
        let tiles = attention.crossbar.tiles();
        let live: Vec<Vec<usize>> = tiles
            .iter()
            .map(|tile| {
                tile.clone()
                    .filter(|token| prepared.mask.is_live(query, *token, tokens))
                    .collect()
            })
            .collect();
        let counts: Vec<usize> = live.iter().map(Vec::len).collect();
        let mut most = vec![0; tiles.len()];
        for finish in finishes.iter().filter(|finish| !keeps_all(finish)) {
            for (most, quota) in most.iter_mut().zip(quotas(finish, &counts)) {
                *most = (*most).max(quota);
            }
        }
        let mut row = PlannedRow {
            index: vec![NONE; tokens],
            live: counts.iter().sum(),
            ..PlannedRow::default()
        };
        for ((tile, live), quota) in tiles.iter().zip(live).zip(most) {
            let count = live.len();
            let (chosen, others, alone) = self.choose(live, query, quota, orderly);
            let first = self.slots;
            self.slots += chosen.len();
            for token in &chosen {
                row.index[*token] = row.known.identity.len() as u16;
                know(&mut row.known, *token, prepared, query);
            }
            row.depth += if quota == 0 { 0 } else { quota + 1 };
            row.tiles.push(PlannedTile {
                start: tile.start,
                live: count,
                quota,
                depth: if quota == 0 { 0 } else { quota + 1 },
                keys: first..self.slots,
                others,
                alone,
            });
        }
        row
    }

    /// The candidates of a tile in address order, and by stop code how likely no other column has come.
    fn choose(
        &self,
        live: Vec<usize>,
        query: usize,
        quota: usize,
        orderly: bool,
    ) -> (Vec<usize>, Vec<u16>, Vec<u32>) {
        if self.whole {
            return (live, Vec::new(), vec![u32::MAX; self.levels.len()]);
        }
        if quota == 0 {
            return Default::default();
        }
        let mut live: Vec<(f64, usize)> = live
            .into_iter()
            .map(|token| (self.depth[(token, query)], token))
            .collect();
        live.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let steps = self.levels.len();
        let mut kept = live.len();
        if orderly && quota < live.len() {
            let clean_stop = self
                .levels
                .partition_point(|level| level.0 < live[quota - 1].0);
            let stop = clean_stop.min(steps - 1);
            let mut expected = 0.0;
            while kept > quota + 1 {
                expected += self.reaches(live[kept - 1].1, query, stop);
                if expected > self.cut {
                    break;
                }
                kept -= 1;
            }
        }
        let others = live.split_off(kept);
        let mut chosen: Vec<usize> = live.into_iter().map(|(_, token)| token).collect();
        chosen.sort_unstable();
        let alone = self.alone(&others, query);
        let others = others.into_iter().map(|(_, token)| token as u16).collect();
        (chosen, others, alone)
    }

    /// By stop code the probability that none of the others, the shallowest first, has come by then.
    fn alone(&self, others: &[(f64, usize)], query: usize) -> Vec<u32> {
        let steps = self.levels.len();
        let mut alone = vec![u32::MAX; steps];
        if others.is_empty() {
            return alone;
        }
        let variance = |token: usize| self.variance[(token, query)];
        let widest = others
            .iter()
            .map(|(_, token)| variance(*token))
            .fold(0.0, f64::max);
        // Where the ramp itself does not spread, a column's spread is the same at every step.
        let spread: Vec<f64> = if self.ramp_spreads {
            Vec::new()
        } else {
            let others = others.iter();
            others.map(|(_, token)| variance(*token).sqrt()).collect()
        };
        for (code, alone) in alone.iter_mut().enumerate() {
            let (level, moved) = self.levels[code];
            let far = level + NEAR * (widest + moved).sqrt();
            let mut none = 1.0;
            for (at, (depth, token)) in others.iter().enumerate() {
                if *depth >= far {
                    break;
                }
                let sigma = spread.get(at).copied();
                let sigma = sigma.unwrap_or_else(|| (variance(*token) + moved).sqrt());
                none *= 1.0 - self.trips(*depth, sigma, code);
                if none < LEAST {
                    break;
                }
            }
            *alone = (none / LEAST) as u32;
            if *alone == 0 {
                break;
            }
        }
        // Codes after the last computed one: someone has surely come.
        if let Some(gone) = alone.iter().position(|alone| *alone == 0) {
            alone[gone..].fill(0);
        }
        alone[steps - 1] = 0;
        alone
    }

    /// Probability that a column has tripped by the step of a code, from its own law.
    pub fn reaches(&self, token: usize, query: usize, code: usize) -> f64 {
        let at = (token, query);
        let sigma = (self.variance[at] + self.levels[code].1).sqrt();
        self.trips(self.depth[at], sigma, code)
    }

    /// The same of a depth and its standard deviation, that of the level among it.
    fn trips(&self, depth: f64, sigma: f64, code: usize) -> f64 {
        if code + 1 == self.levels.len() {
            // The last code takes what lies below the last level.
            return 1.0;
        }
        let distance = self.levels[code].0 - depth;
        if sigma > 0.0 {
            self.normal.below(distance / sigma)
        } else {
            f64::from(u8::from(distance >= 0.0))
        }
    }
}

/// The candidates of a tile, in the order of their keys.
pub(super) fn candidates<'a>(
    row: &'a PlannedRow,
    tile: &PlannedTile,
) -> impl Iterator<Item = usize> + 'a {
    let before: usize = row
        .tiles
        .iter()
        .take_while(|other| other.keys.start < tile.keys.start)
        .map(|other| other.keys.len())
        .sum();
    row.known.identity[before..before + tile.keys.len()]
        .iter()
        .map(|identity| (identity & 0xFFFF) as usize)
}
