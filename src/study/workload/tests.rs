//! Heads cut in two, and what synthetic scores come to.

use std::sync::Arc;

use serde::Deserialize;

use super::*;
use crate::base::arrays;
use crate::base::rng::Seed;
use crate::hardware::attention::{Mask, Place, Reference};
use crate::hardware::quantise::Matrix;

/// Six queries on seven tokens, told apart by their numbers; a pair is live unless its sum is 4.
fn head() -> Head {
    let pairs: Arc<[bool]> = (0..6 * 7).map(|at| at / 7 + at % 7 != 4).collect();
    let tokens: Arc<[bool]> = (0..7).map(|token| token != 5).collect();
    Head {
        q: Matrix::from_fn(2, 6, |d, query| (10 * query + d) as f64),
        k: Matrix::from_fn(7, 2, |token, d| (100 * token + d) as f64),
        v: Matrix::from_fn(3, 7, |row, token| (1000 * token + row) as f64),
        mask: Mask {
            tokens: Some(tokens),
            pairs: Some(pairs),
            causal: Some(1),
        },
        place: Place {
            head: 4,
            first_query: 20,
        },
    }
}

#[test]
fn a_head_split_off_is_the_first_queries_on_the_first_keys_and_the_rest_on_all() {
    let whole = head();
    let live = |query, token| whole.mask.is_live(query, token, 7);
    let first = whole.pick(&[0, 1], Some(&[0, 1]));
    let rest = whole.pick(&[2, 3, 4, 5], None);
    assert_eq!(
        (first.q.shape(), first.k.shape(), first.v.shape()),
        ((2, 2), (2, 2), (3, 2))
    );
    assert_eq!(
        (rest.q.shape(), rest.k.shape(), rest.v.shape()),
        ((2, 4), (7, 2), (3, 7))
    );
    assert_eq!(first.q.as_slice(), [0.0, 1.0, 10.0, 11.0]);
    assert_eq!(
        rest.q.as_slice(),
        [20.0, 21.0, 30.0, 31.0, 40.0, 41.0, 50.0, 51.0]
    );
    assert_eq!((&rest.k, &rest.v), (&whole.k, &whole.v));
    assert_eq!(first.k, whole.k.rows(0, 2));
    assert_eq!(first.v, whole.v.columns(0, 2));
    for query in 0..2 {
        for token in 0..2 {
            assert_eq!(first.mask.is_live(query, token, 2), live(query, token));
        }
    }
    for query in 0..4 {
        for token in 0..7 {
            let found = rest.mask.is_live(query, token, 7);
            assert_eq!(found, live(query + 2, token), "{query} {token}");
        }
    }
    // Where a query stands in its file does not change, nor does the head.
    let place = |first_query| Place {
        head: 4,
        first_query,
    };
    assert_eq!((first.place, rest.place), (place(20), place(22)));
}

fn drawn(family: Family) -> Matrix {
    let params = SyntheticParams {
        family,
        ..SyntheticParams::default()
    };
    Reference::scores(&params.draw(Seed(3), false).unwrap().heads[0])
}

#[test]
fn a_peaked_family_stands_as_its_text_says() {
    #[derive(Deserialize)]
    struct File {
        family: Family,
    }
    let read = |text| toml::from_str::<File>(text).unwrap().family;
    let peaked = |sigma, sink, peak| Family::Peaked { sigma, sink, peak };
    assert_eq!(read("family = { peaked = {} }"), peaked(1.0, 5.0, 4.0));
    assert_eq!(
        read("family = { peaked = { sink = 2.0 } }"),
        peaked(1.0, 2.0, 4.0)
    );
    assert_eq!(
        read("family = { gaussian = {} }"),
        Family::Gaussian { sigma: 1.0 }
    );
}

/// Scores of a query with all keys but the sink, d = 64: without peaks normal with a deviation of sigma, but for the
/// dimension that the sink takes, sqrt(63 / 64).
#[test]
fn other_scores_of_a_peaked_head_spread_by_sigma() {
    let scores = drawn(Family::Peaked {
        sigma: 2.0,
        sink: 5.0,
        peak: 1e-6,
    });
    let others: Vec<f64> = (0..scores.ncols())
        .flat_map(|query| {
            scores
                .column(query)
                .iter()
                .skip(1)
                .copied()
                .collect::<Vec<_>>()
        })
        .collect();
    let variance = others.iter().map(|s| s * s).sum::<f64>() / others.len() as f64;
    let expected = 4.0 * 63.0 / 64.0;
    assert!(
        (variance / expected - 1.0).abs() < 0.03,
        "{variance} for {expected}"
    );
}

/// 2^14 bytes of header are read, one more is not.
#[test]
fn the_header_of_an_npy_has_a_stated_end() {
    let npy = |length: usize| {
        let mut header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".to_owned();
        header.push_str(&" ".repeat(length - header.len()));
        let start = b"\x93NUMPY\x01\x00".iter().copied();
        let length = (length as u16).to_le_bytes();
        let bytes: Vec<u8> = start
            .chain(length)
            .chain(header.bytes())
            .chain(2.5_f32.to_le_bytes())
            .collect();
        arrays::read_npy(&bytes)
    };
    assert_eq!(npy(1 << 14).unwrap().values, [2.5]);
    let message = npy((1 << 14) + 1).unwrap_err().to_string();
    assert!(message.contains("16385"), "{message}");
}

/// Values begin at a multiple of 64 bytes, as numpy writes them (NEP 1), whatever the shape's text takes.
#[test]
fn values_of_an_npy_begin_at_a_multiple_of_64_bytes() {
    for shape in [&[1][..], &[1, 1], &[1, 1, 1, 1, 1, 1, 1, 1], &[1; 20]] {
        let file = arrays::write_npz(&[("q", shape, &[2.5])]).unwrap();
        let begin = file.windows(6).position(|six| six == b"\x93NUMPY").unwrap();
        let length = u16::from_le_bytes([file[begin + 8], file[begin + 9]]);
        assert_eq!((10 + length) % 64, 0, "{shape:?}");
        let header = &file[begin + 10..][..usize::from(length)];
        assert_eq!(header.last(), Some(&b'\n'));
        assert_eq!(
            file[begin + 10 + header.len()..][..8],
            2.5_f64.to_le_bytes()
        );
    }
}

#[test]
fn a_shape_is_taken_up_to_its_ends() {
    let of = |change: &dyn Fn(&mut ShapeParams)| {
        let mut shape = ShapeParams::default();
        change(&mut shape);
        WorkloadParams::default().sizes(&shape).is_ok()
    };
    assert!(of(&|_| {}) && of(&|shape| shape.alpha = 1.0) && of(&|shape| shape.alpha = 1e-9));
    assert!(of(&|shape| (shape.tokens, shape.queries) = (1, MAX_TOKENS)));
    assert!(!of(&|shape| shape.alpha = 0.0) && !of(&|shape| shape.alpha = 1.001));
    assert!(!of(&|shape| shape.tokens = 0) && !of(&|shape| shape.queries = MAX_TOKENS + 1));
    assert!(!of(&|shape| shape.d_head = 4097) && !of(&|shape| shape.d_value = 0));
}

#[test]
fn nothing_given_is_empty_and_anything_is_not() {
    assert!(WorkloadParams::default().is_empty());
    let causal = WorkloadParams {
        causal: true,
        ..WorkloadParams::default()
    };
    assert!(!causal.is_empty());
}

#[test]
fn a_causal_head_hides_later_tokens() {
    for causal in [false, true] {
        let head = &SyntheticParams::default()
            .draw(Seed(1), causal)
            .unwrap()
            .heads[0];
        let tokens = head.k.nrows();
        for [query, token] in [
            [0, 0],
            [0, 1],
            [5, 4],
            [5, 5],
            [5, 6],
            [tokens - 1, tokens - 1],
        ] {
            let live = head.mask.is_live(query, token, tokens);
            assert_eq!(live, !causal || token <= query, "{causal} {query} {token}");
        }
    }
}

/// q, k and v of 4 tokens of d = 2, with a mask of tokens or of pairs.
#[test]
fn a_mask_hides_tokens_or_pairs_as_it_lies_in_the_file() {
    let array = |shape: &[usize], values: &[f64]| Array {
        shape: shape.to_vec(),
        values: values.to_vec(),
    };
    // No two rows in one direction.
    let rows = [1.0, 2.0, -1.0, 5.0, 3.0, -4.0, -7.0, -2.0];
    let pairs: Vec<f64> = (0..16).map(|at| f64::from(u8::from(at % 5 != 1))).collect();
    for (mask, live) in [
        (
            array(&[4], &[1.0, 0.0, 1.0, 1.0]),
            [true, false, true, true],
        ),
        // Row 2 of the pairs, elements 8 to 11, of which the last is hidden.
        (array(&[4, 4], &pairs), [true, true, true, false]),
    ] {
        let mut arrays: Arrays = ["q", "k", "v"]
            .map(|name| (name.to_owned(), array(&[4, 2], &rows)))
            .into();
        arrays.insert("mask".to_owned(), mask);
        let params = FileParams {
            path: "a.npz".into(),
            heads: None,
            axes: Axes::default(),
            scaled: true,
            calibration: CalibrationSource::First(1),
        };
        let head = &params.assemble(&arrays, None, false).unwrap().heads[0];
        // A row of q that is the file's row 2.
        let row = (0..head.q.ncols())
            .find(|query| head.q[(0, *query)] == 3.0)
            .unwrap();
        for (token, live) in live.into_iter().enumerate() {
            assert_eq!(head.mask.is_live(row, token, 4), live, "{token}");
        }
    }
}

#[test]
fn calibration_is_a_path_or_a_count_and_anything_else_is_told_so() {
    let read = |value: &str| {
        let text = format!("path = \"a.npz\"\ncalibration = {value}");
        toml::from_str::<FileParams>(&text).map(|params| params.calibration)
    };
    let path = CalibrationSource::Path("b.npz".into());
    assert_eq!(read("\"b.npz\"").unwrap(), path);
    assert_eq!(read("32").unwrap(), CalibrationSource::First(32));
    for bad in ["true", "-1", "1.5", "[]"] {
        let message = read(bad).unwrap_err().to_string();
        assert!(
            message.contains("number of first queries to calibrate on"),
            "{bad}: {message}"
        );
    }
}
