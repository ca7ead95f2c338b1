//! Gradients against finite differences and against their definitions, on a net of a few hundred weights.

use proptest::prelude::*;

use super::attention::{Batch, Heads, Room};
use super::layout::{Net, NetParams};
use super::net::{Model, Tape};
use super::select::TopParams;
use super::way::{Attend, AttentionParams, Gradient, QatParams, Units};
use crate::base::rng::{Purpose, Seed, Site};
use crate::hardware::quantise::{Clip, Quantiser};
use crate::hardware::topk::Split;

const SIDE: usize = 8;
const IMAGES: usize = 2;

/// Four patches and the class token, two blocks of two heads.
fn tiny() -> Net {
    let params = NetParams {
        patch: 4,
        width: 8,
        layers: 2,
        heads: 2,
        hidden: 12,
    };
    params.check(SIDE, 3).unwrap()
}

fn normals(count: usize, site: u64, deviation: f64) -> Vec<f32> {
    let mut stream = Seed(11).stream(Purpose::TrainingWeights, 1, Site(site, 0));
    (0..count)
        .map(|_| (stream.normal() * deviation) as f32)
        .collect()
}

/// Weights far from their start, so that no gradient is small by symmetry.
fn weights(net: &Net) -> Vec<f32> {
    let mut weights = normals(net.size(), 0, 0.4);
    for tensor in &net.tensors {
        if tensor.name.contains("norm") && tensor.name.ends_with("weight") {
            for weight in &mut weights[tensor.place.clone()] {
                *weight = 1.0 + 0.5 * *weight;
            }
        }
    }
    weights
}

fn top(k: usize, tiles: &[usize], split: Split) -> Option<TopParams> {
    Some(TopParams {
        k,
        tiles: tiles.to_vec(),
        split,
    })
}

fn kept(k: usize) -> AttentionParams {
    AttentionParams {
        top: top(k, &[], Split::Proportional {}),
        ..AttentionParams::default()
    }
}

/// Loss of both images, and which shares are not zero.
fn loss(
    net: &Net,
    attend: &Attend,
    weights: &[f32],
    gradient: Option<&mut [f32]>,
) -> (f64, Vec<bool>) {
    let model = Model {
        net,
        weights,
        attend,
        units: &Units::default(),
    };
    let mut tape = Tape::new(net, attend, IMAGES);
    model.forward(&normals(IMAGES * SIDE * SIDE, 5, 0.7), &mut tape);
    let selected = tape.selected();
    let loss = tape.loss(net, &[2, 0], 1.0).sum;
    if let Some(gradient) = gradient {
        model.backward(&mut tape, gradient);
    }
    (loss, selected)
}

/// Holds every weight's gradient to differences of the forward pass, wherever the steps change no
/// selection: only there is the forward pass smooth. Gives how many weights of each tensor that leaves.
fn hold_to_differences(params: &AttentionParams) -> Vec<(usize, usize)> {
    const STEP: f32 = 3e-3;
    let net = tiny();
    let attend = params.check(net.tokens()).unwrap();
    let weights = weights(&net);
    let mut gradient = vec![0.0; net.size()];
    let (_, selected) = loss(&net, &attend, &weights, Some(&mut gradient));
    let mut compared = Vec::new();
    for tensor in &net.tensors {
        let mut smooth = 0;
        for at in tensor.place.clone() {
            let moved = |steps: f32| {
                let mut weights = weights.clone();
                weights[at] += steps * STEP;
                let (loss, chosen) = loss(&net, &attend, &weights, None);
                (loss, chosen == selected)
            };
            let [far_below, below, above, far_above] = [-2.0, -1.0, 1.0, 2.0].map(moved);
            if ![far_below, below, above, far_above]
                .iter()
                .all(|(_, same)| *same)
            {
                continue;
            }
            smooth += 1;
            let slope = (8.0 * (above.0 - below.0) - (far_above.0 - far_below.0))
                / (12.0 * f64::from(STEP));
            let found = f64::from(gradient[at]);
            assert!(
                (slope - found).abs() < 4e-4 + 2e-3 * slope.abs(),
                "{}[{}]: {found}, by differences {slope}",
                tensor.name,
                at - tensor.place.start
            );
        }
        compared.push((smooth, tensor.place.len()));
    }
    compared
}

#[test]
fn the_plain_gradient_agrees_with_finite_differences() {
    let compared = hold_to_differences(&AttentionParams::default());
    assert!(compared.iter().all(|(smooth, all)| smooth == all));
}

#[test]
fn the_kept_only_gradient_agrees_with_finite_differences_of_its_forward_away_from_ties() {
    let tiled = AttentionParams {
        top: top(3, &[3, 2], Split::Explicit(vec![2, 1])),
        gradient: Some(Gradient::Kept {}),
        ..AttentionParams::default()
    };
    for params in [kept(1), kept(2), kept(3), tiled] {
        let compared = hold_to_differences(&params);
        let smooth: usize = compared.iter().map(|(smooth, _)| smooth).sum();
        let all: usize = compared.iter().map(|(_, all)| all).sum();
        assert!(smooth * 5 > all * 4, "{smooth} of {all}");
        assert!(
            compared.iter().all(|(smooth, all)| 3 * smooth >= *all),
            "{compared:?}"
        );
    }
}

#[test]
fn keeping_all_keys_is_the_plain_transformer_forward_and_backward() {
    let net = tiny();
    let weights = weights(&net);
    let gradient = |params: &AttentionParams| {
        let mut gradient = vec![0.0; net.size()];
        let attend = params.check(net.tokens()).unwrap();
        let (loss, _) = loss(&net, &attend, &weights, Some(&mut gradient));
        (loss, gradient)
    };
    let (plain, expected) = gradient(&AttentionParams::default());
    for way in [None, Some(Gradient::Complete {})] {
        let params = AttentionParams {
            gradient: way,
            ..kept(5)
        };
        let (loss, found) = gradient(&params);
        assert!((loss - plain).abs() < 1e-5);
        for (a, b) in expected.iter().zip(&found) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
}

/// One head alone: what is wanted of its backward pass is computed here in f64 from the definition.
struct OneHead {
    net: Net,
    qkv: Vec<f32>,
    d_out: Vec<f32>,
}

const TOKENS: usize = 10;
const HEAD: usize = 4;

impl OneHead {
    fn new(site: u64) -> Self {
        let params = NetParams {
            patch: 1,
            width: HEAD,
            layers: 1,
            heads: 1,
            hidden: 1,
        };
        Self {
            net: params.check(3, 2).unwrap(),
            qkv: normals(TOKENS * 3 * HEAD, site, 1.3),
            d_out: normals(TOKENS * HEAD, site + 1000, 1.0),
        }
    }

    /// Its matrices and the gradient of q, k and v.
    fn run(&self, params: &AttentionParams, units: &[f32]) -> (Heads, Vec<f32>) {
        let attend = params.check(TOKENS).unwrap();
        let mut heads = attend.heads(&self.net, 1);
        let mut room = Room::new(&self.net);
        heads.qkv.copy_from_slice(&self.qkv);
        let batch = Batch {
            net: &self.net,
            units,
            images: 1,
        };
        attend.forward(batch, &mut heads, &mut room);
        let mut d_qkv = vec![0.0; self.qkv.len()];
        attend.backward(batch, &heads, &self.d_out, &mut d_qkv, &mut room);
        (heads, d_qkv)
    }

    fn operand(&self, values: &[f32], which: usize) -> nalgebra::DMatrix<f64> {
        nalgebra::DMatrix::from_fn(TOKENS, HEAD, |row, column| {
            f64::from(values[row * 3 * HEAD + which * HEAD + column])
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// dL/ds = (diag(P) - P P^T) g with the complete softmax P and g = dL/dA over every key.
    #[test]
    fn the_complete_gradient_is_the_full_softmax_jacobian_applied_to_what_arrives(
        site in 0_u64..1000,
        k in 1_usize..9,
    ) {
        let head = OneHead::new(site);
        let params = AttentionParams { gradient: Some(Gradient::Complete {}), ..kept(k) };
        let (heads, d_qkv) = head.run(&params, &[]);
        let [q, key, v] = [0, 1, 2].map(|which| head.operand(&head.qkv, which));
        let d_out = nalgebra::DMatrix::from_fn(TOKENS, HEAD, |row, column| {
            f64::from(head.d_out[row * HEAD + column])
        });
        let scores = &q * key.transpose() * 0.5;
        let mut d_scores = nalgebra::DMatrix::zeros(TOKENS, TOKENS);
        let mut driven = nalgebra::DMatrix::zeros(TOKENS, TOKENS);
        for row in 0..TOKENS {
            let powers = scores.row(row).map(f64::exp).transpose();
            let p = &powers / powers.sum();
            let jacobian = nalgebra::DMatrix::from_diagonal(&p) - &p * p.transpose();
            let arrives = &v * d_out.row(row).transpose();
            d_scores.set_row(row, &(jacobian * arrives).transpose());
            // Forward: only the k largest, summing to one.
            let mut order: Vec<usize> = (0..TOKENS).collect();
            order.sort_by(|a, b| powers[*b].total_cmp(&powers[*a]));
            let total: f64 = order[..k].iter().map(|at| powers[*at]).sum();
            for at in &order[..k] {
                driven[(row, *at)] = powers[*at] / total;
            }
        }
        let out = &driven * &v;
        let expected = [&d_scores * &key * 0.5, d_scores.transpose() * &q * 0.5, driven.transpose() * &d_out];
        for (which, expected) in expected.iter().enumerate() {
            let found = head.operand(&d_qkv, which);
            prop_assert!((found - expected).amax() < 2e-5);
        }
        for (found, expected) in heads.out.iter().zip(out.transpose().iter()) {
            prop_assert!((f64::from(*found) - expected).abs() < 2e-6);
        }
    }

    /// Straight through: with operands that lie on codes already and A as it is, quantising changes
    /// nothing inside the clip, and outside the gradient is zero and no other is touched.
    #[test]
    fn the_quantised_gradient_is_the_unquantised_one_inside_the_clip_and_zero_outside(
        site in 0_u64..1000,
        complete in any::<bool>(),
    ) {
        const UNIT: f32 = 0.125;
        const MOST: f32 = 15.0;
        let mut head = OneHead::new(site);
        // Beyond 15 codes of 0.125 in every operand.
        head.qkv[0] = 2.5;
        head.qkv[3 * HEAD + HEAD] = -3.0;
        head.qkv[2 * HEAD + 1] = 2.0;
        let clipped: Vec<f32> = head.qkv.iter()
            .map(|x| ((x / UNIT).round_ties_even() * UNIT).clamp(-MOST * UNIT, MOST * UNIT))
            .collect();
        let uniform = Quantiser::Uniform { max_code: 15, clip: Clip::AbsMax {} };
        let quantise = |a_max_code| Some(QatParams { q: uniform, k: uniform, v: uniform, a_max_code });
        let gradient = complete.then_some(Gradient::Complete {});
        let exact = AttentionParams { gradient, ..kept(4) };
        let coded = AttentionParams { quantise: quantise(0), ..exact.clone() };
        let (_, found) = head.run(&coded, &[UNIT; 3]);
        let on_codes = OneHead { qkv: clipped, ..OneHead::new(site) };
        let (_, expected) = on_codes.run(&exact, &[]);
        let mut outside = 0;
        for ((x, found), expected) in head.qkv.iter().zip(&found).zip(&expected) {
            if x.abs() > MOST * UNIT {
                outside += 1;
                prop_assert_eq!(*found, 0.0);
            } else {
                prop_assert_eq!(found, expected);
            }
        }
        prop_assert!(outside >= 3);
        // A quantised too: its own gradient goes straight through, so only dV, which A multiplies, moves.
        let (heads, with_a) = head.run(&AttentionParams { quantise: quantise(31), ..exact.clone() }, &[UNIT; 3]);
        for (row, (found, with_a)) in found.chunks(HEAD).zip(with_a.chunks(HEAD)).enumerate() {
            if row % 3 != 2 {
                prop_assert_eq!(found, with_a);
            }
        }
        for row in heads.hard.chunks(TOKENS) {
            let top = row.iter().copied().fold(0.0_f32, f32::max);
            for share in row {
                let code = share / top * 31.0;
                prop_assert!((code - code.round()).abs() < 1e-3, "{}", code);
            }
        }
    }
}
