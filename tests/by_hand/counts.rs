//! What is counted, shown by devices on which one thing costs and all else is free.

use crate::setup::*;
use topkima::hardware::attention::{AttentionParams, Head, Mask, Place};
use topkima::hardware::device::Device;
use topkima::hardware::events::Action;
use topkima::hardware::quantise::{Clip, Matrix, Quantiser};
use topkima::hardware::topk::Split;

const QUERIES: usize = 3;

/// So many tokens of dimension d with four values each; row t scores about as t does.
fn rising(tokens: usize, d: usize) -> Head {
    Head {
        q: Matrix::from_element(d, QUERIES, 1.0),
        k: Matrix::from_fn(tokens, d, |token, _| (token % 8) as f64),
        v: Matrix::from_fn(4, tokens, |row, token| ((row + token) % 31) as f64 - 15.0),
        mask: Mask::default(),
        place: Place::default(),
    }
}

/// A device on which one action costs one picojoule.
fn only_price(action: Action) -> Device {
    ideal(|params| {
        free(params);
        set_price(params, action, 1.0);
    })
}

/// How often an action happens in a head, in both modes.
fn counted(params: &AttentionParams, head: &Head, action: Action) -> u64 {
    let device = only_price(action);
    let [exact, fast] =
        both(params, &device, head, TOPKIMA).map(|answer| (answer.energy * 1e12).round() as u64);
    assert_eq!(exact, fast, "{action}: exact {exact}, fast {fast}");
    exact
}

/// A code of -31..31 takes five bits and a sign: 64 of them are 384 bits, six words of 64 bits.
#[test]
fn a_query_is_read_in_words_of_codes_with_their_signs() {
    for (max_code, d, words) in [
        (31, 64, 6),
        (31, 10, 1),
        (31, 11, 2),
        (31, 32, 3),
        (31, 33, 4),
        (16, 64, 6),
        (15, 64, 5),
        (15, 12, 1),
        (15, 13, 2),
        (7, 16, 1),
        (7, 17, 2),
        (1, 32, 1),
        (1, 33, 2),
    ] {
        let mut params = hardware(8, 64.0, 2, Split::Proportional {});
        params.quantise.q = Quantiser::Uniform {
            max_code,
            clip: Clip::AbsMax {},
        };
        let found = counted(&params, &rising(12, d), Action::BufferRead);
        assert_eq!(
            found,
            QUERIES as u64 * words,
            "codes up to {max_code}, d = {d}"
        );
    }
}

/// Eight bits a number of the output: 8 numbers are one word, 9 two.
#[test]
fn an_output_is_written_in_words_of_bytes() {
    for (values, words) in [(1, 1), (8, 1), (9, 2), (64, 8)] {
        let mut head = rising(12, 4);
        head.v = Matrix::from_element(values, 12, 1.0);
        let params = hardware(8, 64.0, 2, Split::Proportional {});
        let found = counted(&params, &head, Action::BufferWrite);
        assert_eq!(found, QUERIES as u64 * words, "{values} values");
    }
}

/// A tile that gets no place is off: of three tiles of K the share of k leaves one or two idle, and each tile of V leaks.
#[test]
fn tiles_without_a_place_do_not_leak() {
    let device = ideal(|params| {
        free(params);
        set_leakage(params, 1.0);
    });
    // 20 tokens on tiles of 8, 8 and 4; V on one tile of 256 rows.
    for (k, split, driven) in [
        (1, Split::Proportional {}, 1),
        (2, Split::Proportional {}, 2),
        (3, Split::Proportional {}, 3),
        (1, Split::Even {}, 1),
        (2, Split::Even {}, 2),
        (5, Split::Explicit(vec![5, 0, 0]), 1),
        (5, Split::Explicit(vec![0, 3, 2]), 2),
    ] {
        let params = hardware(8, 64.0, k, split.clone());
        for datapath in DESIGNS {
            let keys = if [TOPKIMA, PER_TILE].contains(&datapath) {
                driven
            } else {
                3
            };
            for answer in both(&params, &device, &rising(20, 4), datapath) {
                // A microwatt for a picosecond is 1e-18 J.
                let tile = answer.makespan.get() as f64 * 1e-18;
                let tiles = answer.energy / tile;
                assert!(
                    (tiles - f64::from(keys + 1)).abs() < 1e-9,
                    "{datapath:?}, k = {k}, {split:?}: {tiles} tiles leak"
                );
            }
        }
    }
}

/// Compares between tiles take time one after another: the smallest step over t driven tiles takes t - 1, and where
/// each tile keeps k every further tile brings k winners to merge.
#[test]
fn compares_between_tiles_take_their_time_and_energy() {
    let device = |merge: u64| {
        ideal(|params| {
            free(params);
            set_price(params, Action::CodeCompare, 1.0);
            params.timing.merge_compare = picos(merge);
        })
    };
    // Tokens on tiles of 8: how many tiles, k, which of them are driven, compares a query.
    for (tokens, k, split, datapath, compares) in [
        (20, 3, Split::Proportional {}, TOPKIMA, 2),
        (20, 3, Split::Proportional {}, PER_TILE, 2),
        (20, 3, Split::Proportional {}, GLOBAL, 2),
        (20, 3, Split::Proportional {}, CONVENTIONAL, 2),
        (20, 2, Split::Proportional {}, TOPKIMA, 1),
        (20, 1, Split::Proportional {}, TOPKIMA, 0),
        (8, 3, Split::Proportional {}, TOPKIMA, 0),
        (9, 3, Split::Even {}, TOPKIMA, 1),
    ] {
        let params = hardware(8, 64.0, k, split);
        let head = rising(tokens, 4);
        let (none, some) = (device(0), device(1000));
        let none = both(&params, &none, &head, datapath);
        let some = both(&params, &some, &head, datapath);
        for (none, some) in none.iter().zip(&some) {
            let longer = some.makespan.get() - none.makespan.get();
            let what = format!("{tokens} tokens, k = {k}, {datapath:?}");
            assert_eq!(longer, QUERIES as u64 * compares * 1000, "{what}");
            // Codes of a conventional design come in address order: in its tiles the smallest is looked for as well,
            // with as many compares as there are columns less one a tile.
            let inside = if datapath == CONVENTIONAL {
                tokens as u64 - 3
            } else {
                0
            };
            let energy = (some.energy * 1e12).round() as u64;
            assert_eq!(energy, QUERIES as u64 * (compares + inside), "{what}");
        }
    }
    // Merging has no fast path.
    let params = hardware(8, 64.0, 3, Split::PerTile {});
    for datapath in [TOPKIMA, PER_TILE] {
        let [none, some] =
            [0, 1000].map(|merge| exact(&params, &device(merge), &rising(20, 4), datapath).0);
        let longer = some.makespan.get() - none.makespan.get();
        assert_eq!(longer, QUERIES as u64 * 2 * (1 + 3) * 1000);
        assert_eq!(
            (some.energy * 1e12).round() as u64,
            QUERIES as u64 * 2 * (1 + 3)
        );
    }
}
