//! Heads that are written to one chip share what was fabricated.

use crate::compare::{assert_joint, assert_one_law};
use crate::setup::*;

#[test]
fn heads_on_one_chip() {
    let heads = vec![synthetic(1, 0.0, 0.0), synthetic(3, 0.0, 0.0)];
    assert_one_law(&Scene::new(sram, heads), 1.01);
}

/// The same head twice, so that a column that one keeps by its fabricated error the other keeps too.
#[test]
fn heads_on_one_chip_go_together() {
    let heads = vec![synthetic(1, 0.0, 0.0), synthetic(1, 0.0, 0.0)];
    assert_joint(&Scene::new(sram, heads));
}
