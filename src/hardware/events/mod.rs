//! The analog macro's own words: what happens in it, where, and the trace from which its time is read.
//!
//! [`base`](crate::base) counts, prices and lays out in time what it is told; here stands of what. The types below are
//! those of the ground floor with these words.

mod action;
mod sizes;
mod trace;

use crate::base::{cost, energy, pipeline};

pub use action::{Action, Macro, Stage};
pub use sizes::{CellKind, Stated};
pub use trace::{QueryTrace, RampShape, StepGrants, TileShape, TileTrace, sort_compares};

/// Counts of the macro's actions.
pub type Cost = cost::Cost<Action>;

/// A value together with what happened to make it: the [`Cost`] of one stage, unless said otherwise.
pub type Costed<T, C = Cost> = cost::Costed<T, C>;

/// Counts of its actions by stage.
pub type Ledger = cost::Ledger<Macro>;

/// What one of its actions costs, and why.
pub type Price = energy::Price<Stated>;

/// Its price list as written.
pub type PriceList = energy::PriceList<Macro>;

/// Its price list as checked.
pub type Prices = energy::Prices<Macro>;

/// What its counts come to.
pub type Bill = energy::Bill<Macro>;

/// How long each of its stages takes.
pub type StageTimes = pipeline::StageTimes<Stage>;

/// How its queries follow one another.
pub type Schedule = pipeline::Schedule<Stage>;

/// A head under way.
pub type Progress = pipeline::Progress<Stage>;

/// What a head took.
pub type Run = pipeline::Run<Stage>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::energy::{Corner, Leaking};
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Periphery {
        energy: PriceList,
    }

    fn default_list() -> PriceList {
        let text = include_str!("../../../device_params/shared/periphery-65nm.toml");
        toml::from_str::<Periphery>(text).unwrap().energy
    }

    fn prices() -> Prices {
        default_list().check().unwrap()
    }

    #[test]
    fn the_default_list_reads_checks_and_survives_writing() {
        let list = default_list();
        let again: PriceList = toml::from_str(&toml::to_string(&list).unwrap()).unwrap();
        assert_eq!(again, list);
        let prices = list.check().unwrap();
        for action in Action::ALL {
            let Price { source, node, .. } = prices.explain(action);
            let tagged = ["published", "derived", "assumed"]
                .iter()
                .any(|tag| source.starts_with(tag));
            assert!(tagged && node == "65 nm", "{action}: {source}");
        }
    }

    #[test]
    fn the_pipeline_has_a_station_for_every_stage_of_a_query() {
        assert!(Schedule::pipelined().check().is_ok());
    }

    #[test]
    fn early_stop_never_spends_more_than_the_ramp_run_to_its_end() {
        let shape = TileShape {
            wordlines: 256,
            bitlines: 256,
        };
        let ramp = RampShape {
            calibration_rows: 32,
            ramp_rows: 32,
            steps: 32,
            swing: 32,
            code_bits: 5,
        };
        let prices = prices();
        let energy = |tile: &TileTrace| {
            let (ramp, arbiter) = tile.conversion(&shape, &ramp);
            let ledger = Ledger::of(Stage::Ramp, ramp).then(&Ledger::of(Stage::Arbiter, arbiter));
            Corner::ALL.map(|c| prices.energy(&ledger, Leaking::NONE, c).si())
        };
        let trips = || (1..=200u32).map(|i| 1 + i * i / 1300);
        let full: Vec<u32> = trips().collect();
        let end = TileTrace {
            stop_step: 32,
            ..TileTrace::stopped(200, 32, 200, full.iter().copied())
        };
        for k in 1..=200 {
            let early = TileTrace::stopped(200, 32, k, full.iter().copied());
            assert!(
                energy(&early)
                    .iter()
                    .zip(energy(&end))
                    .all(|(early, end)| *early <= end)
            );
        }
    }
}
