//! Heads cut in two, and what synthetic scores come to.

use std::sync::Arc;

use serde::Deserialize;

use super::*;
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

/// Without spread the own key of a query scores peak (1 - x^2 / |k|^2), x being the dimension that the sink takes: 63/64
/// of it in the mean, never more; queries that agree with key 0 have none.
#[test]
fn the_own_key_of_a_query_scores_its_peak() {
    let scores = drawn(Family::Peaked {
        sigma: 1e-6,
        sink: 5.0,
        peak: 4.0,
    });
    let own: Vec<f64> = (0..scores.ncols())
        .map(|query| {
            scores
                .column(query)
                .iter()
                .skip(1)
                .copied()
                .fold(f64::MIN, f64::max)
        })
        .filter(|score| *score > 3.0)
        .collect();
    assert!(own.len() > 375, "{} of 384", own.len());
    assert!(own.iter().all(|score| *score <= 4.0 + 1e-4));
    let mean = own.iter().sum::<f64>() / own.len() as f64;
    assert!((mean / (4.0 * 63.0 / 64.0) - 1.0).abs() < 0.01, "{mean}");
    assert!(scores.row(0).iter().all(|score| (score - 5.0).abs() < 1e-9));
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
