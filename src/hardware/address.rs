//! Where draws of the macro belong: every [`Site`] is made here, so that no two meanings share one.
//!
//! | draws | site |
//! |---|---|
//! | fabricated with a slot (mismatch, stuck cells; offsets, lines and replicas of a column) | array, slot |
//! | written with a slot for one head (programming, drift) | head and array, slot |
//! | all slots of an array, numbered below one key | the same, marked; 0 |
//! | of a query (read noise of K's columns, comparators, columns left out) | head, query |
//! | of a query in a tile (read noise of V's columns, ADC; which column left out came) | head, query and tile |
//! | of a query's column at every step | head, query and token |
//! | of a column in all queries of a block of trials | head, token |
//!
//! Heads are numbered below 2^55, queries, tiles and tokens below 2^31.

use crate::base::rng::Site;

const HIGHEST: u64 = 1 << 63;
const SECOND: u64 = 1 << 62;

/// An array of cells of the macro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Array {
    /// K^T.
    Keys = 0,
    /// V.
    Values = 1,
}

/// The slot of line `line` of a tile: cells stay where they were fabricated, whatever is written there.
#[must_use]
pub const fn slot(tile: u64, line: u64) -> u64 {
    tile << 32 | line
}

/// The slot of a token where cells move with it: the same for every size of tiles.
#[must_use]
pub const fn slot_of_token(token: usize) -> u64 {
    HIGHEST | token as u64
}

/// Draws that are fabricated with a slot.
#[must_use]
pub const fn fabricated(array: Array, slot: u64) -> Site {
    Site(array as u64, slot)
}

/// Draws that are written with a slot, for one head.
#[must_use]
pub const fn written(array: Array, head: u64, slot: u64) -> Site {
    Site(head << 8 | array as u64, slot)
}

/// Draws of all slots together, which the caller numbers.
#[must_use]
pub const fn of_all_slots(one: Site) -> Site {
    Site(one.0 | SECOND, 0)
}

/// Draws of a query.
#[must_use]
pub const fn query(head: u64, query: u64) -> Site {
    Site(head, query)
}

/// Draws of a query in a tile.
#[must_use]
pub const fn tile(head: u64, query: u64, tile: usize) -> Site {
    Site(head, query << 32 | tile as u64)
}

/// Read noise of V's cells for a query in a tile, apart from that of K's.
#[must_use]
pub const fn read_of_values(head: u64, query: u64, tile: usize) -> Site {
    Site(head | HIGHEST, query << 32 | tile as u64)
}

/// Which of the columns left out of a tile came, apart from the draw that decides whether.
#[must_use]
pub const fn left_out(head: u64, query: u64, tile: usize) -> Site {
    Site(head, HIGHEST | query << 32 | tile as u64)
}

/// Draws of a query's column at every step of its ramp, apart from one a conversion.
#[must_use]
pub const fn steps(head: u64, query: u64, token: usize) -> Site {
    Site(head, HIGHEST | query << 32 | token as u64)
}

/// Draws of a column in all queries of a block of trials.
#[must_use]
pub const fn column(head: u64, token: usize) -> Site {
    Site(head, token as u64)
}

/// Draws of all conversions of a head, which the caller numbers.
#[must_use]
pub const fn conversions(head: u64) -> Site {
    Site(head, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Purpose;
    use std::collections::BTreeMap;

    const HEADS: [u64; 4] = [0, 1, 255, (1 << 55) - 1];
    const NUMBERS: [u64; 4] = [0, 1, 2, (1 << 31) - 1];

    /// All that one path of the program draws for a purpose, by what it means: equal sites are equal meanings.
    #[test]
    fn no_two_meanings_share_a_site() {
        let mut owners: BTreeMap<(u64, u64, u64), String> = BTreeMap::new();
        let mut own = |purposes: &[Purpose], site: Site, meaning: String| {
            for purpose in purposes {
                let key = (*purpose as u64, site.0, site.1);
                let owner = owners.entry(key).or_insert_with(|| meaning.clone());
                assert_eq!(*owner, meaning, "{purpose:?} {site:?}");
            }
        };
        let mut slots: Vec<u64> = Vec::new();
        for tile in NUMBERS {
            slots.extend(NUMBERS.map(|line| slot(tile, line)));
        }
        slots.extend(NUMBERS.map(|token| slot_of_token(token as usize)));
        let fabricated_ones = [
            Purpose::CellMismatch,
            Purpose::StuckAt,
            Purpose::ColumnOffset,
            Purpose::LineMismatch,
            Purpose::ReplicaMismatch,
        ];
        let written_ones = [Purpose::Programming, Purpose::Drift];
        for array in [Array::Keys, Array::Values] {
            for slot in &slots {
                own(
                    &fabricated_ones,
                    fabricated(array, *slot),
                    format!("{array:?} {slot}"),
                );
            }
            let all = of_all_slots(fabricated(array, 0));
            own(&fabricated_ones, all, format!("{array:?}, all"));
            for head in HEADS {
                for slot in &slots {
                    own(
                        &written_ones,
                        written(array, head, *slot),
                        format!("{array:?} {head} {slot}"),
                    );
                }
                // Blocks of trials hold up to 2^53 heads.
                let all = of_all_slots(written(array, head >> 2, 0));
                own(&written_ones, all, format!("{array:?} {}, all", head >> 2));
            }
        }
        for head in HEADS {
            for at in NUMBERS {
                own(
                    &[Purpose::DeviceRead],
                    query(head, at),
                    format!("K {head} {at}"),
                );
                own(
                    &[Purpose::Comparator],
                    query(head, at),
                    format!("{head} {at}"),
                );
                own(
                    &[Purpose::Excluded],
                    query(head, at),
                    format!("{head} {at}"),
                );
                for other in NUMBERS {
                    let (name, number) = (format!("{head} {at} in {other}"), other as usize);
                    own(
                        &[Purpose::DeviceRead],
                        read_of_values(head, at, number),
                        name.clone(),
                    );
                    own(&[Purpose::PlainAdc], tile(head, at, number), name.clone());
                    own(
                        &[Purpose::Excluded],
                        left_out(head, at, number),
                        name.clone(),
                    );
                    own(&[Purpose::Comparator], steps(head, at, number), name);
                }
            }
        }
    }
}
