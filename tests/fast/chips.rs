//! Heads that are written to one chip share what was fabricated.

use crate::compare::{assert_joint, assert_one_law};
use crate::setup::*;

#[test]
fn heads_on_one_chip() {
    assert_one_law(
        &Scene::new(sram, vec![synthetic(1, 0.0, 0.0), synthetic(3, 0.0, 0.0)]),
        1.01,
    );
}
