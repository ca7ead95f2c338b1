//! Real heads run on one chip, and what their queries cost.

use std::path::{Path, PathBuf};

use topkima::base::energy::{Bill, Corner};
use topkima::base::rng::Seed;
use topkima::hardware::attention::{
    Account, Attention, Calibration, Finish, Outcome, Prepared, Spent,
};
use topkima::hardware::crossbar::Chip;
use topkima::shell::config::{Case, Overrides, Plan};

pub fn experiment(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("experiments/{name}.toml"))
}

pub fn load(name: &str, set: &[(&str, &str)]) -> Plan {
    let value = |text: &str| {
        let table: toml::Table = toml::from_str(&format!("value = {text}")).unwrap();
        table["value"].clone()
    };
    let overrides = Overrides {
        set: set
            .iter()
            .map(|(path, text)| ((*path).to_owned(), value(text)))
            .collect(),
        ..Overrides::default()
    };
    Plan::load(&experiment(name), &overrides).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// One real head with the three designs of `pipeline.toml`, where digital-topk sorts tile by tile.
pub fn real(set: &[(&str, &str)]) -> Plan {
    let head = [("workload.file.heads", "[8]"), ("trials", "2")];
    load("pipeline", &[&head, set].concat())
}

/// Every query of the first head of a case on the chip of trial 0.
pub fn outcomes(case: &Case) -> (Prepared, Vec<Outcome>) {
    let (attention, seed) = (&case.attention, Seed(1));
    let rows = &case.workload.calibration[0];
    let calibration = Calibration::of(attention, rows, 0);
    let finish = Finish::load(
        attention,
        case.datapath,
        0,
        &Prepared::of(attention, rows, calibration, 1),
    );
    let prepared = Prepared::of(attention, &case.workload.heads[0], calibration, 5);
    let values = attention.values.as_ref();
    let chip = Chip::fabricate(seed, 0, &attention.device, &attention.crossbar, values);
    let trips = attention
        .convert(seed, &chip, &attention.ladders(&chip), 0, &prepared)
        .trips;
    let select = |query| finish.select(trips.column(query).as_slice(), query, &prepared);
    let all = (0..trips.ncols()).map(select).collect();
    (prepared, all)
}

/// What these queries cost: `which` gives their numbers.
pub fn spent(
    case: &Case,
    prepared: &Prepared,
    outcomes: &[Outcome],
    which: std::ops::Range<usize>,
) -> Spent {
    let finish = Finish::nominal_of(&case.attention, case.datapath);
    let mut account = Account::open(&finish, prepared.v.nrows());
    for query in which.clone() {
        account.add(prepared.query(query), &outcomes[query]);
    }
    account.close(which.len())
}

pub fn bill(spent: &Spent, attention: &Attention) -> Bill {
    let prices = &attention.device.prices;
    prices.bill(
        &spent.ledger,
        spent.run.makespan,
        spent.tiles,
        Corner::Nominal,
    )
}

pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}
