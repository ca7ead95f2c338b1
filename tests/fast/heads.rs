//! The same laws over heads, noise, ties, masks and designs.
//!
//! An error of 0.09 levels a weight comes to 0.5 LSB a score here, so that both kinds of noise count alike.

use crate::compare::{assert_joint, assert_one_law, assert_one_law_told_by};
use crate::modes::Set;
use crate::setup::*;
use topkima::hardware::attention::Fast;
use topkima::study::metrics::Metric;

fn gaussian() -> Vec<topkima::hardware::attention::Head> {
    vec![synthetic(1, 0.0, 0.0)]
}

#[test]
fn weight_errors_and_read_noise_on_a_gaussian_head() {
    assert_one_law(
        &Scene::new(|scale| additive(0.09, 0.5, scale), gaussian()),
        1.01,
    );
}

#[test]
fn the_shipped_device_under_four_designs_and_two_k() {
    let mut scene = Scene::new(sram, gaussian());
    scene.designs = vec![(TOPKIMA, 5), (TOPKIMA, 3), (PER_TILE, 5), (GLOBAL, 5)];
    assert_one_law(&scene, 1.01);
}

#[test]
fn a_peaked_head_with_a_sink() {
    assert_one_law(&Scene::new(sram, vec![synthetic(2, 5.0, 4.0)]), 1.02);
}

/// All columns are converted, for every design beside the one that keeps them all.
#[test]
fn the_conventional_design_and_one_beside_it() {
    let mut scene = Scene::new(sram, gaussian());
    scene.designs = vec![(CONVENTIONAL, 5), (TOPKIMA, 5)];
    assert_one_law_told_by(&scene, 1.01, &[Metric::CodeErrorLsb, Metric::Divergence]);
}

/// Two rows go to an entry of the kernel, 64 columns to a tile, 32 columns of V to a group: none is full.
#[test]
fn an_odd_number_of_everything() {
    let scene = Scene::new(sram, gaussian()).cut_to([31, 63, 95, 31]);
    assert_one_law(&scene, 1.01);
}

/// Errors of a column that one query keeps are drawn for that pair alone.
#[test]
fn one_query() {
    let scene = Scene::new(sram, gaussian()).cut_to([32, 1, 96, 32]);
    assert_one_law(&scene, 1.1);
}

#[test]
fn a_real_head() {
    let [head, rows] = real(5);
    let mut scene = Scene::new(sram, vec![head]);
    scene.calibration = vec![rows];
    assert_one_law(&scene, 1.05);
}

#[test]
fn low_noise() {
    // So little noise that hardly a row is decided by it.
    assert_one_law_told_by(
        &Scene::new(|scale| additive(0.02, 0.1, scale), gaussian()),
        1.01,
        &[],
    );
}

#[test]
fn high_noise() {
    assert_one_law(
        &Scene::new(|scale| additive(0.4, 2.0, scale), gaussian()),
        1.01,
    );
}

#[test]
fn a_ramp_of_eight_steps_where_ties_are_the_rule() {
    let mut scene = Scene::new(sram, gaussian());
    scene.params.ramp.bits = 3;
    assert_one_law(&scene, 1.01);
}

#[test]
fn masked_tokens() {
    assert_one_law(&Scene::new(sram, gaussian()).masked(&padding()), 1.01);
}

#[test]
fn causal_rows() {
    assert_one_law(&Scene::new(sram, gaussian()).masked(&causal()), 1.01);
}

#[test]
fn rows_of_a_trial_share_its_written_errors() {
    // Nearly all of the noise is written, so that rows of one trial go together.
    assert_joint(&Scene::new(|scale| additive(0.8, 0.05, scale), gaussian()));
}

/// Noise of 0.3 LSB at every comparison and weights that miss by half a level, none of them correlated: their squares
/// add. A unit charge is one level of a weight times one code of Q.
#[test]
fn the_noise_that_a_run_tells_is_the_root_of_the_sum_of_its_squares() {
    let told = |weight, read| {
        let mut scene = Scene::new(
            move |scale| additive(weight, read, scale),
            vec![synthetic(1, 0.0, 0.0)],
        );
        scene.designs = vec![(TOPKIMA, 5)];
        let set = Set::new(&scene, 1.0);
        let (attention, prepared) = (&set.attentions[0], &set.prepared[0]);
        let finishes = set.finishes(0);
        let fast = Fast::plan(attention, &finishes, prepared, true).unwrap();
        let squares: f64 = prepared.q.iter().map(|q| q * q).sum();
        let lsb = prepared.calibration.lsb_charges();
        (
            fast.noise_lsb(),
            (squares / prepared.q.ncols() as f64).sqrt() / lsb,
        )
    };
    approx::assert_relative_eq!(told(0.0, 0.3).0, 0.3, max_relative = 1e-6);
    let (noise, one_level) = told(0.5, 0.0);
    approx::assert_relative_eq!(noise, 0.5 * one_level, max_relative = 1e-6);
    let (noise, one_level) = told(0.5, 0.3);
    approx::assert_relative_eq!(noise, (0.5 * one_level).hypot(0.3), max_relative = 1e-6);
}
