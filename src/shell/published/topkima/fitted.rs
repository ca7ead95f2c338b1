//! What needs a constant that the paper does not state: the clock of the digital sorter.

use super::schedule::{self, Heads, LITERAL, SELECTED};
use super::{How, Row, paper};
use crate::base::mistake::Mistakes;
use crate::base::sourced::Sourced;
use crate::base::units::Picos;
use crate::hardware::events::Stage;
use crate::hardware::timing::TimeConstants;

/// All fitted numbers.
pub(super) fn rows(constants: &TimeConstants) -> Vec<Row> {
    made(constants).unwrap_or_else(|mistakes| {
        vec![Row::refused(
            How::Fitted,
            "schedule with a sort clock",
            &mistakes,
        )]
    })
}

/// The three designs with another sort clock.
fn with_clock(
    constants: &TimeConstants,
    reading: schedule::Reading,
    clock: Picos,
) -> Result<Heads, Mistakes> {
    let constants = TimeConstants {
        sort_clock: Sourced::bare(clock),
        ..constants.clone()
    };
    schedule::heads(&constants, reading, &schedule::mean_stops())
}

fn made(constants: &TimeConstants) -> Result<Vec<Row>, Mistakes> {
    let clock = constants.sort_clock.value;
    let heads = with_clock(constants, SELECTED, clock)?;
    let mut table = Vec::new();
    for picos in [500, 1_000, 2_000, 4_000] {
        let other = with_clock(constants, SELECTED, Picos::new(picos))?;
        table.push(format!(
            "{} {:.1}x {:.1} %",
            Picos::new(picos),
            other.over_digital(),
            100.0 * other.sort_share()
        ));
    }
    let half = with_clock(constants, LITERAL, Picos::new(500))?;
    let needed = needed(&heads, clock);
    let row = |quantity: &str, published: &str, model: String| {
        Row::new(How::Fitted, quantity, published, model)
    };
    let fit = format!(
        "With a sort clock of {clock}, fitted: one constant for one number and one bound. Speed-up and sort share by \
         clock: {}.",
        table.join(", ")
    );
    Ok(vec![
        row(
            "digital top-k / topkima, selected reading",
            "about 8x",
            format!("{:.2}x", heads.over_digital()),
        )
        .against(paper::SPEED_DIGITAL, heads.over_digital())
        .note(&fit),
        row(
            "share of sorting in the digital top-k",
            "at least 75 %",
            format!("{:.1} %", 100.0 * heads.sort_share()),
        )
        .note(&fit),
        row(
            "sort clock that gives 8x exactly",
            "not stated",
            format!("{:.3} ns", needed.for_speed),
        )
        .note("Solved from the schedule's own times, which are linear in the sort clock."),
        row(
            "shortest sort clock with a share of 75 %",
            "not stated",
            format!("{:.3} ns", needed.for_share),
        )
        .note("Solved from the schedule's own times, which are linear in the sort clock."),
        row(
            "the same two, literal reading, 0.5 ns",
            "about 8x, >= 75 %",
            format!("{:.2}x, {:.1} %", half.over_digital(), 100.0 * half.sort_share()),
        )
        .against(paper::SPEED_DIGITAL, half.over_digital())
        .note("Another clock in another reading does about as well: these two numbers cannot tell the readings apart."),
    ])
}

/// Sort clocks in ns.
struct Needed {
    for_speed: f64,
    for_share: f64,
}

/// With D the digital head without its sort and S the sort at a clock of one: D + c S = 8 T for the
/// speed, c S = 0.75 (D + c S) for the share.
fn needed(heads: &Heads, clock: Picos) -> Needed {
    let sort = heads.digital.busy.get(Stage::Sort).get() as f64;
    let rest = heads.digital.makespan.get() as f64 - sort;
    let topkima = heads.topkima.makespan.get() as f64;
    let cycles = sort / clock.nanoseconds();
    Needed {
        for_speed: (paper::SPEED_DIGITAL * topkima - rest) / cycles,
        for_share: paper::SORT_SHARE / (1.0 - paper::SORT_SHARE) * rest / cycles,
    }
}
