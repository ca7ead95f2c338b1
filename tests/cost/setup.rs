//! Real heads run on one chip, and what their queries cost.

use std::path::{Path, PathBuf};

use topkima::base::energy::Corner;
use topkima::base::rng::Seed;
use topkima::hardware::attention::{Account, Attention, Finish, HeadCost, Outcome, Prepared};
use topkima::hardware::events::{Bill, Costed, Ledger, QueryTrace};
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
    let mut all = vec![("workload.file.heads", "[8]"), ("trials", "2")];
    all.retain(|(key, _)| set.iter().all(|(own, _)| own != key));
    all.extend(set);
    load("pipeline", &all)
}

/// The first head of a case.
pub fn prepared(case: &Case) -> Prepared {
    let rows = &case.heads().unwrap().workload.calibration[0];
    let calibrated = case.attention.calibrate(0, rows);
    calibrated.quantise(&case.heads().unwrap().workload.heads[0], 5)
}

/// Every query of the first head of a case on the chip of trial 0, as it was paid for.
pub fn paid(case: &Case) -> Vec<Costed<Outcome, Ledger>> {
    let (attention, seed) = (&case.attention, Seed(1));
    let calibrated = attention.calibrate(0, &case.heads().unwrap().workload.calibration[0]);
    let design = calibrated.design(case.datapath);
    let prepared = prepared(case);
    let trial = attention.trial(seed, 0);
    let written = trial.write(&prepared);
    (0..prepared.q.ncols())
        .map(|query| written.query(&design, query))
        .collect()
}

/// What a head of these queries costs.
pub fn spent(case: &Case, queries: &[Costed<Outcome, Ledger>]) -> HeadCost {
    let finish = Finish::nominal_of(&case.attention, case.datapath);
    let mut account = Account::of_layout(&finish);
    for query in queries {
        account.add(query);
    }
    account.close(case.attention.pairs(queries.len()))
}

/// What a head of queries with these traces costs.
pub fn traced(case: &Case, traces: &[QueryTrace]) -> HeadCost {
    let finish = Finish::nominal_of(&case.attention, case.datapath);
    let mut account = Account::of_layout(&finish);
    for trace in traces {
        account.add_trace(trace);
    }
    account.close(case.attention.pairs(traces.len()))
}

pub fn bill(spent: &HeadCost, attention: &Attention) -> Bill {
    spent.bill(&attention.device.prices, Corner::Nominal)
}

pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}
