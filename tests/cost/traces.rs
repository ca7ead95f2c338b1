//! What the stages of a query paid, against what its trace alone says it counts.

use crate::setup::*;
use topkima::base::rng::Seed;
use topkima::hardware::attention::{Account, Datapath, Finish, Sort};
use topkima::hardware::crossbar::Chip;
use topkima::hardware::events::{Action, Cost, Ledger};
use topkima::shell::config::Case;

/// Settings that make every branch of a count happen somewhere.
const SETTINGS: [&[(&str, &str)]; 7] = [
    &[],
    &[("timing.arbiter", "{ queue = {} }")],
    &[("topk.split", "{ per-tile = {} }")],
    &[("topk.k", "1")],
    &[("av", "{ ideal = {} }")],
    &[("softmax.weights", "{ unit = { max_code = 31 } }")],
    &[("workload.causal", "true")],
];

/// Every design under every setting.
fn cases() -> impl Iterator<Item = (String, Case)> {
    let designs = [
        Datapath::Conventional {},
        Datapath::DigitalTopk {
            sort: Sort::PerTile {},
        },
        Datapath::DigitalTopk {
            sort: Sort::Global {},
        },
        Datapath::Topkima {},
    ];
    SETTINGS.into_iter().flat_map(move |set| {
        designs.map(|datapath| {
            let mut case = real(set).case(0, 0).unwrap();
            case.datapath = datapath;
            (format!("{datapath:?} {set:?}"), case)
        })
    })
}

#[test]
fn a_query_pays_at_its_stages_what_its_trace_counts() {
    for (name, case) in cases() {
        let finish = Finish::nominal_of(&case.attention, case.datapath);
        let queries = paid(&case);
        for (at, query) in queries.iter().enumerate() {
            let mut counted = Ledger::ZERO;
            finish.count(&query.value.trace, &mut counted);
            assert_eq!(query.cost, counted, "{name}: query {at}");
        }
        let traces: Vec<_> = queries.iter().map(|q| q.value.trace.clone()).collect();
        let (paid, counted) = (spent(&case, &queries), traced(&case, &traces));
        assert_eq!(paid, counted, "{name}");
    }
}

/// K and V written to a chip count what their layout says, and a tile without a place is not written.
#[test]
fn writing_a_head_counts_its_layout() {
    for (name, case) in cases() {
        let attention = &case.attention;
        let finish = Finish::nominal_of(attention, case.datapath);
        let prepared = prepared(&case);
        let values = attention.values.as_ref();
        let (seed, device) = (Seed(1), &attention.device);
        let chip = Chip::fabricate(seed, 0, device, &attention.crossbar, values);
        let ladders = attention.ladders(&chip);
        let written = attention
            .convert(seed, &chip, &ladders, 0, &prepared)
            .written;
        let values = values.map_or(Cost::ZERO, |values| {
            values.program(seed, 0, &chip, device, &prepared.v).cost
        });
        let chip = Account::open(&finish, &written, values).close(0);
        let layout = Account::of_layout(&finish).close(0);
        assert_eq!(chip.ledger, layout.ledger, "{name}");
        let cells = chip.ledger.total().count(Action::CellWrite);
        let idle = |at: &usize| !finish.is_idle(*at);
        let tiles = attention.crossbar.tiles().iter().enumerate();
        let keys: usize = tiles
            .filter(|(at, _)| idle(at))
            .map(|(_, tile)| tile.len())
            .sum();
        // Keys in three digits, values in the four bits of 15.
        let bits = if attention.values.is_some() { 4 } else { 0 };
        assert_eq!(
            cells as usize,
            keys * prepared.k.ncols() * 3 + 384 * prepared.v.nrows() * bits
        );
    }
}
