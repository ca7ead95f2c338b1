//! Do the variants of the softmax macro approach the exact one through a whole head?

use crate::setup::*;
use topkima::hardware::attention::Mask;
use topkima::hardware::softmax::Exponential;

fn error(exponential: Exponential) -> f64 {
    let head = head(300, 24, 48, 16, Mask::default());
    let mut params = exact();
    params.softmax.exponential = exponential;
    Bench::new(&params, &device("ideal", &[]), &head).error(CONVENTIONAL)
}

#[test]
fn base_2_approaches_the_exact_softmax_as_its_chords_get_shorter() {
    let found = [1, 2, 4, 16, 64, 1024].map(|segments| error(Exponential::Base2 { segments }));
    // A chord is off by the square of its length.
    for (pair, chords) in found.windows(2).zip([2.0, 2.0, 4.0, 4.0, 16.0_f64]) {
        let ratio = pair[0] / pair[1];
        assert!((ratio / chords.powi(2) - 1.0).abs() < 0.25, "{found:?}");
    }
    assert!(found[5] < 1e-6, "{found:?}");
}

#[test]
fn the_published_polynomial_stays_near_the_exact_softmax() {
    let found = error(Exponential::IBert {});
    assert!(found > 1e-5 && found < 5e-3, "{found}");
}

#[test]
fn saturation_with_nothing_above_its_threshold_is_the_exact_softmax() {
    let of = |above_percent| {
        error(Exponential::SaturationApproximate {
            lambda: 5.0,
            above_percent,
        })
    };
    // The threshold is the largest score of the head itself when no score may lie above it.
    let found = [10.0, 1.0, 0.1, 1e-9].map(of);
    assert!(found.windows(2).all(|pair| pair[1] < pair[0]), "{found:?}");
    assert!(found[3] < 1e-6, "{found:?}");
}
