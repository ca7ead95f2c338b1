//! Whether a column that is no candidate trips by the stop step, and which: exact for every cut.
//!
//! Given the stop code c of a tile's last place, no other column has come by c with probability
//! `alone[c]`, the product over them of 1 - P_j(c). One uniform decides; if it says that some has come, a
//! walk through them, the shallowest first, draws who: each with P_j / (1 - N_j) as long as somebody has come
//! among it and those behind it, N_j being the probability that none of these has. After each that has come
//! one uniform decides by N whether anybody behind it has. Its code comes from its law cut off at c.

use super::candidates::{LEAST, PlannedTile};
use super::front::Front;
use super::row::Row;
use crate::base::rng::{Purpose, Seed};
use crate::hardware::address;
use crate::hardware::attention::Prepared;
use crate::hardware::kernel::{LANES, Lanes, Level, overtaken};

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
            let site = address::left_out(head, prepared.address(query), tile);
            let trial = block * LANES as u64 + lane as u64;
            let mut stream = seed.stream(Purpose::Excluded, trial, site);
            for (token, code) in self.walk(query, tile, stop, || stream.uniform()) {
                row.come.know(&self.rows[query], token, prepared, query);
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
        let PlannedTile { others, alone, .. } = &self.rows[query].tiles[tile];
        let reaches = |token: u16| self.reaches(usize::from(token), query, stop);
        let mut come = Vec::new();
        // Probability that none has come from here on; somebody has.
        let mut none = f64::from(alone[stop]) * LEAST;
        for (at, &other) in others.iter().enumerate() {
            let own = reaches(other);
            // The table holds `none` to 2^-32; where a quotient of that is too coarse, take the product.
            let none_behind = if none > 1e-3 {
                (none / (1.0 - own)).min(1.0)
            } else {
                let mut none = 1.0;
                for other in &others[at + 1..] {
                    none *= 1.0 - reaches(*other);
                    if none < LEAST {
                        break;
                    }
                }
                none
            };
            if uniform() * (1.0 - none) < own {
                let target = uniform() * own;
                let token = usize::from(other);
                let code = (0..stop).find(|code| self.reaches(token, query, *code) > target);
                come.push((token, code.unwrap_or(stop)));
                if uniform() < none_behind {
                    break;
                }
            }
            none = none_behind;
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
