//! The cut between columns that are converted and columns that are walked moves work, not the law of a
//! row: with a cut of 1 a third of all row-tiles and more are decided by the walk.

use crate::compare::assert_one_law_of_rows;
use crate::setup::*;

fn scene(cut: f64) -> Scene {
    Scene {
        cut: Some(cut),
        ..Scene::new(
            |scale| additive(0.3, 0.5, scale),
            vec![synthetic(1, 0.0, 0.0)],
        )
    }
}

#[test]
fn the_law_of_a_row_is_that_of_the_exact_path_at_a_cut_of_one() {
    assert_one_law_of_rows(&scene(1.0));
}

#[test]
fn nobody_left_out_is_the_same_law() {
    assert_one_law_of_rows(&scene(0.0));
}

#[test]
fn uneven_ladders_are_walked_by_their_own_law() {
    assert_one_law_of_rows(&Scene {
        cut: Some(0.5),
        ..Scene::new(sram, vec![synthetic(2, 5.0, 4.0)])
    });
}
