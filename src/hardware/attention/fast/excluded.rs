//! Whether a column that is no candidate trips by the stop step, and which: exact for every cut.
//!
//! Given the stop code c of a tile's last place, no other column has come by c with probability
//! `alone[c]`, the product over them of 1 - P_j(c). One uniform decides; if it says that some has come, a
//! walk through them, the shallowest first, draws who, the first with P_j / (1 - product of those left), the
//! others with P_j, and each one's code from its law cut off at c.

use super::back::Row;
use super::front::Front;
use crate::base::kernel::{LANES, Lanes, Level, overtaken};
use crate::base::rng::{Purpose, Seed, Site};
use crate::hardware::attention::Prepared;

impl Front {
    /// Adds to the lists of a tile whatever column left out has come by the stop step.
    pub fn surprise(
        &self,
        level: Level,
        (seed, block, head): (Seed, u64, u64),
        (query, tile, key): (usize, usize, u64),
        prepared: &Prepared,
        list: &mut [Lanes<u16>],
        row: &mut Row,
    ) {
        let part = &self.rows[query].tiles[tile];
        let tag_bits = self.statics.tag_bits;
        let last = part.quota - 1;
        let mut lanes = overtaken(level, key, tile as u64, &list[last], tag_bits, &part.alone);
        while lanes != 0 {
            let lane = lanes.trailing_zeros() as usize;
            lanes &= lanes - 1;
            let stop = usize::from(list[last][lane] >> tag_bits);
            let site = Site(head, prepared.address(query) << 32 | tile as u64);
            let trial = block * LANES as u64 + lane as u64;
            let mut stream = seed.stream(Purpose::Excluded, trial, site);
            for (token, code) in self.walk(query, tile, stop, || stream.uniform()) {
                row.know(&self.rows[query], token, prepared, query);
                insert(list, lane, (code << tag_bits | (token - part.start)) as u16);
            }
        }
    }

    /// Columns left out that have come by the stop code, with their codes, given that one has.
    fn walk(
        &self,
        query: usize,
        tile: usize,
        stop: usize,
        mut uniform: impl FnMut() -> f64,
    ) -> Vec<(usize, usize)> {
        let others = self.rows[query].tiles[tile]
            .others
            .iter()
            .map(|token| usize::from(*token));
        // The shallowest come first. Spreads differ little, but one deep column of a wide spread must not be
        // lost, so the walk ends after some in a row that add nothing to what has been met.
        let (mut silent, mut met) = (0, 0.0);
        let others: Vec<(usize, f64)> = others
            .map(|token| (token, self.reaches(token, query, stop)))
            .take_while(|(_, reaches)| {
                met += reaches;
                silent = if *reaches > 1e-10 * met {
                    0
                } else {
                    silent + 1
                };
                silent < 8
            })
            .collect();
        // Product over the columns from each one on.
        let mut left = vec![1.0; others.len() + 1];
        for (at, (_, reaches)) in others.iter().enumerate().rev() {
            left[at] = left[at + 1] * (1.0 - reaches);
        }
        let mut come = Vec::new();
        for (at, (token, reaches)) in others.iter().enumerate() {
            let chance = if come.is_empty() {
                reaches / (1.0 - left[at])
            } else {
                *reaches
            };
            if uniform() < chance {
                let target = uniform() * reaches;
                let code = (0..stop).find(|code| self.reaches(*token, query, *code) > target);
                come.push((*token, code.unwrap_or(stop)));
            }
        }
        come
    }
}

/// Puts a key where it belongs in one lane's list; the last one falls out.
fn insert(list: &mut [Lanes<u16>], lane: usize, key: u16) {
    let mut coming = key;
    for kept in list {
        if coming < kept[lane] {
            std::mem::swap(&mut coming, &mut kept[lane]);
        }
    }
}
