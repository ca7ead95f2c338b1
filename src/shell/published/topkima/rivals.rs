//! The paper's table of systems: published numbers over published numbers, no model in between.

use super::paper::{self, RIVALS, Rival};
use super::{How, Row};

/// One row a rival, and the two ranges that the paper prints.
pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = RIVALS.iter().map(rival).collect();
    let speeds = RIVALS.iter().filter_map(|rival| rival.tops);
    let efficiencies = RIVALS.iter().map(|rival| rival.tops_per_watt);
    rows.push(range(
        "speed over the rivals",
        paper::RIVALS_SPEED,
        paper::TOPS,
        speeds,
    ));
    rows.push(range(
        "efficiency over the rivals",
        paper::RIVALS_EFFICIENCY,
        paper::TOPS_PER_WATT,
        efficiencies,
    ));
    let own = paper::TOPS_PER_WATT / paper::X_FORMER_OWN;
    rows.push(
        Row::new(
            How::System,
            "efficiency over X-Former by its own 6.72 TOPS/W",
            format!("{}x", paper::RIVALS_EFFICIENCY[0]),
            format!("{own:.2}x"),
        )
        .against(paper::RIVALS_EFFICIENCY[0], own)
        .note("Against X-Former as it states itself; 13.44 in the paper's table is exactly twice that."),
    );
    rows
}

fn rival(rival: &Rival) -> Row {
    let efficiency = paper::TOPS_PER_WATT / rival.tops_per_watt;
    let (printed, ratio) = match rival.tops {
        Some(tops) => (
            format!("{tops} TOPS, {} /W", rival.tops_per_watt),
            format!("{:.1}x, {efficiency:.1}x", paper::TOPS / tops),
        ),
        None => (
            format!("-, {} /W", rival.tops_per_watt),
            format!("-, {efficiency:.2}x"),
        ),
    };
    let quantity = format!("over {}: speed, efficiency", rival.name);
    Row::new(How::System, quantity, printed, ratio).note(rival.note)
}

/// The error is that of the end which is further off.
fn range(
    quantity: &str,
    [low, high]: [f64; 2],
    own: f64,
    rivals: impl Iterator<Item = f64>,
) -> Row {
    let ratios: Vec<f64> = rivals.map(|rival| own / rival).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    let row = Row::new(
        How::System,
        quantity,
        format!("{low}x to {high}x"),
        format!("{least:.2}x to {most:.1}x"),
    )
    .note("Published over published: it tests the paper's division, not this simulator. The error is that of the worse end.");
    if (least / low - 1.0).abs() > (most / high - 1.0).abs() {
        row.against(low, least)
    } else {
        row.against(high, most)
    }
}
