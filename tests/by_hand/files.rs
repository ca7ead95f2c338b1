//! Heads out of arrays: what a file means.

use std::collections::BTreeMap;

use crate::setup::*;
use topkima::base::arrays::Array;
use topkima::hardware::attention::{Head, Reference};
use topkima::hardware::topk::Split;
use topkima::study::workload::{Arrays, Axes, CalibrationSource, FileParams};

fn array(shape: &[usize], values: &[f64]) -> Array {
    Array {
        shape: shape.to_vec(),
        values: values.to_vec(),
    }
}

/// The head of these arrays without its first query.
fn assembled(arrays: &Arrays, scaled: bool) -> Head {
    let params = FileParams {
        path: "own.npz".into(),
        heads: None,
        axes: Axes::default(),
        scaled,
        calibration: CalibrationSource::First(1),
    };
    let workload = params.assemble(arrays, None, false).unwrap();
    assert_eq!(workload.heads.len(), 1);
    workload.heads.into_iter().next().unwrap()
}

/// Two queries and two keys of d = 4, values of 2.
fn arrays(second: [f64; 4]) -> Arrays {
    let mut q = vec![1.0, 1.0, 1.0, 1.0];
    q.extend(second);
    BTreeMap::from([
        ("q".to_owned(), array(&[1, 2, 4], &q)),
        (
            "k".to_owned(),
            array(&[1, 2, 4], &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
        ),
        ("v".to_owned(), array(&[1, 2, 2], &[4.0, 8.0, 12.0, -8.0])),
    ])
}

/// softmax(q k / sqrt(d)) v: a score of 2 ln 3 over sqrt(4) against one of 0 gives weights of 3/4 and 1/4.
#[test]
fn q_of_a_file_is_divided_by_the_root_of_d() {
    let head = assembled(&arrays([2.0 * 3.0_f64.ln(), 0.0, 0.0, 0.0]), false);
    assert_eq!(head.q.as_slice(), [3.0_f64.ln(), 0.0, 0.0, 0.0]);
    let output = Reference::of(&head).output;
    for (found, expected) in output.iter().zip([6.0, 4.0]) {
        assert!((found - expected).abs() < 1e-12, "{output}");
    }
    // 2 ln 3 as it stands: weights of 9/10 and 1/10.
    let head = assembled(&arrays([2.0 * 3.0_f64.ln(), 0.0, 0.0, 0.0]), true);
    let output = Reference::of(&head).output;
    for (found, expected) in output.iter().zip([4.8, 6.4]) {
        assert!((found - expected).abs() < 1e-12, "{output}");
    }
}

/// Of q = 30 and k = 7 with d = 4 the hardware sees 15 x 7 = 105: a ramp from 256 in steps of 8 meets it at step 19.
/// Said to be scaled it sees 210, at step 6.
#[test]
fn the_ramp_meets_the_scaled_score() {
    let mut arrays = arrays([30.0, 0.0, 0.0, 0.0]);
    arrays.get_mut("k").unwrap().values[0] = 7.0;
    let device = ideal(|_| ());
    let params = hardware(8, 256.0, 1, Split::Proportional {});
    for (scaled, step) in [(false, 19), (true, 6)] {
        let head = assembled(&arrays, scaled);
        for answer in both(&params, &device, &head, TOPKIMA) {
            let found = answer.stops.iter().position(|count| *count > 0);
            assert_eq!(found, Some(step), "scaled = {scaled}");
        }
    }
}
