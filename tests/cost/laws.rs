//! Sums, threads, early stop and prices: the laws that tie cost to what was done.

use crate::common;
use crate::setup::*;
use topkima::base::energy::Corner;
use topkima::hardware::attention::{Datapath, HeadCost, Sort};
use topkima::hardware::events::{Action, Bill, Cost, Ledger, Stage};
use topkima::shell::experiment::{Cell, Shelf, groups, row, run_group};
use topkima::study::metrics::Metric;

#[test]
fn sums_over_stages_and_over_actions_are_the_total() {
    let mut plan = real(&[]);
    for design in 0..plan.designs() {
        let case = plan.case(0, design).unwrap();
        let queries = paid(&case);
        let spent = spent(&case, &queries);
        let bill = bill(&spent, &case.attention);
        let total = bill.total().si();
        let stages: f64 = Stage::ALL.iter().map(|stage| bill.stage(*stage).si()).sum();
        let actions: f64 = Action::ALL
            .iter()
            .map(|action| bill.action(*action).si())
            .sum();
        assert!(close(stages, actions) && close(stages + bill.leakage().si(), total));
        assert!(close(bill.dynamic().si() + bill.leakage().si(), total));
        assert_eq!(
            spent.energy(&case.attention.device.prices, Corner::Nominal),
            bill.total()
        );
        for action in Action::ALL {
            let count = Stage::ALL
                .iter()
                .map(|stage| spent.ledger.stage(*stage).count(action))
                .sum::<u64>();
            assert_eq!(count, spent.ledger.total().count(action), "{action}");
        }
        // Queries counted apart and added are the head, apart from what a head pays once.
        let parts = [&queries[..100], &queries[100..101], &queries[101..]];
        let parts = parts.into_iter().fold(Ledger::ZERO, |sum, part| {
            sum.then(&super::setup::spent(&case, part).ledger)
        });
        for stage in Stage::OF_A_QUERY {
            assert_eq!(parts.stage(stage), spent.ledger.stage(stage), "{stage}");
        }
        assert!(total > 0.0 && bill.stage(Stage::WriteK).si() > 0.0);
    }
}

#[test]
fn a_breakdown_sums_to_the_row_and_its_shares_to_one() {
    let mut plan = real(&[("trials", "1")]);
    for group in groups(&plan) {
        let (results, _) =
            run_group(&mut plan, &group, &mut Shelf::default(), &mut |_| ()).unwrap();
        for result in results {
            let lines = row(&plan, &result, true).breakdown;
            let number = |line: &Vec<Cell>, at: usize| line[at].number().unwrap();
            let column = |at: usize| lines.iter().map(|line| number(line, at)).sum::<f64>();
            let energy = result.summary().unwrap().values[Metric::EnergyPj as usize].mean;
            assert!((column(5) / energy - 1.0).abs() < 1e-9, "{energy}");
            assert!((column(7) - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn energy_is_equal_to_the_bit_for_any_number_of_threads() {
    let heads = [
        ("workload.file.heads", "[2, 8, 9]"),
        ("trials", "3"),
        ("sweep", "{ \"timing.softmax_lanes\" = [1, 4] }"),
    ];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let mut plan = load("pipeline", &heads);
            let mut bits = Vec::new();
            for group in groups(&plan) {
                for result in run_group(&mut plan, &group, &mut Shelf::default(), &mut |_| ())
                    .unwrap()
                    .0
                {
                    let values = &result.summary().unwrap().values;
                    let wanted = [
                        Metric::EnergyPj,
                        Metric::EnergyPjHigh,
                        Metric::LatencyNs,
                        Metric::TopsPerW,
                    ];
                    bits.push(wanted.map(|metric| values[metric as usize].mean.to_bits()));
                }
            }
            bits
        })
    };
    let one = run(1);
    assert_eq!(one.len(), 6);
    assert_eq!(one, run(2));
    assert_eq!(one, run(8));
}

#[test]
fn early_stop_never_costs_more_than_the_same_ramp_run_to_its_end() {
    for arbiter in ["stall", "paper-max", "queue"] {
        let mut plan = real(&[("timing.arbiter", &format!("{{ {arbiter} = {{}} }}"))]);
        let case = plan.case(0, 2).unwrap();
        assert_eq!(case.datapath, Datapath::Topkima {});
        let steps = case.attention.ramp.steps();
        let mut faster = 0;
        for early in paid(&case) {
            let mut end = early.value.trace.clone();
            for tile in end.tiles.iter_mut().filter(|tile| tile.columns > 0) {
                tile.stop_step = steps;
            }
            let end = traced(&case, std::slice::from_ref(&end));
            let query = early.value.row.codes.clone();
            let early = spent(&case, std::slice::from_ref(&early));
            for action in Action::ALL {
                let count = |spent: &HeadCost| spent.ledger.total().count(action);
                assert!(count(&early) <= count(&end), "{arbiter} {query:?} {action}");
            }
            for corner in Corner::ALL {
                let energy = |spent: &HeadCost| spent.energy(&case.attention.device.prices, corner);
                assert!(energy(&early) <= energy(&end), "{arbiter} {query:?}");
            }
            assert!(early.interval <= end.interval && early.makespan <= end.makespan);
            faster += usize::from(early.makespan < end.makespan);
        }
        assert!(faster > 384 / 2, "{arbiter}: only {faster} stopped early");
    }
}

/// The same selection by full ramps and sorters, their sorting not counted, costs at least what the
/// stopped ramps with their arbiters cost, in ramp time and in energy.
#[test]
fn stopping_never_costs_more_than_full_ramps_with_free_sorting() {
    let mut plan = real(&[]);
    let (sorted, stopped) = (plan.case(0, 1).unwrap(), plan.case(0, 2).unwrap());
    assert_eq!(
        sorted.datapath,
        Datapath::DigitalTopk {
            sort: Sort::PerTile {}
        }
    );
    let (full, early) = (paid(&sorted), paid(&stopped));
    for (query, (full, early)) in full.iter().zip(&early).enumerate() {
        assert_eq!(full.value.survivors, early.value.survivors);
        let full = spent(&sorted, std::slice::from_ref(full));
        let early = spent(&stopped, std::slice::from_ref(early));
        let (bill_full, bill_early) = (
            bill(&full, &sorted.attention),
            bill(&early, &stopped.attention),
        );
        let free = bill_full.dynamic().si() - bill_full.stage(Stage::Sort).si();
        assert!(bill_early.dynamic().si() <= free, "{query}");
        for stage in [Stage::Input, Stage::Merge, Stage::Softmax, Stage::Av] {
            assert_eq!(
                full.ledger.stage(stage),
                early.ledger.stage(stage),
                "{query} {stage}"
            );
        }
        assert!(
            full.ledger.stage(Stage::Sort) != Cost::ZERO
                && early.ledger.stage(Stage::Sort) == Cost::ZERO
        );
    }
    let busy = |spent: &HeadCost, stage| spent.busy.get(stage);
    let (full, early) = (spent(&sorted, &full), spent(&stopped, &early));
    let ramps = busy(&early, Stage::Ramp) + busy(&early, Stage::Arbiter);
    assert!(ramps < busy(&full, Stage::Ramp));
}

#[test]
fn doubling_one_price_in_the_device_file_doubles_only_its_share() {
    let (device, _) = common::device_table("sram-65nm");
    // Counts do not know prices, so a head is run once and billed under each file.
    let mut plan = real(&[]);
    let spent: Vec<HeadCost> = (0..3)
        .map(|design| {
            let case = plan.case(0, design).unwrap();
            spent(&case, &paid(&case)[..20])
        })
        .collect();
    let bills = |set: &[(&str, &str)]| -> Vec<Bill> {
        let attention = load("throughput_nominal", set)
            .case(0, 0)
            .unwrap()
            .attention;
        spent.iter().map(|spent| bill(spent, &attention)).collect()
    };
    let before = bills(&[]);
    for action in Action::ALL {
        let price = device["energy"][action.name()]["energy"].as_str().unwrap();
        let (number, unit) = price.split_once(' ').unwrap();
        let doubled = format!("\"{} {unit}\"", 2.0 * number.parse::<f64>().unwrap());
        let path = |key: &str| format!("device.with.energy.{}.{key}", action.name());
        let (energy, high) = (path("energy"), path("high"));
        let after = bills(&[(&energy, &doubled), (&high, "\"1 J\"")]);
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.leakage(), after.leakage());
            for stage in Stage::ALL {
                for other in Action::ALL {
                    let factor = if other == action { 2.0 } else { 1.0 };
                    let (old, new) = (
                        before.entry(stage, other).si(),
                        after.entry(stage, other).si(),
                    );
                    assert!(
                        close(new, factor * old),
                        "{action} doubled: {stage} {other} {old} {new}"
                    );
                }
            }
            let rise = after.total().si() - before.total().si();
            assert!((rise - before.action(action).si()).abs() <= 1e-9 * before.total().si());
        }
    }
}

/// What a device states for five bits is told to be taken as it stands wherever another ramp takes it.
#[test]
fn a_ramp_that_the_device_does_not_speak_of_is_warned_of() {
    let told = |name, set: &[(&str, &str)], key: &str| {
        let plan = load(name, set);
        plan.notices
            .iter()
            .filter(|(_, text)| text.starts_with(key))
            .count()
    };
    assert_eq!(told("adc_bits", &[], "ramp.bits:"), 1);
    assert_eq!(told("pipeline", &[], "ramp.bits:"), 0);
    let silent = [("device", "{ name = \"ideal\" }")];
    assert_eq!(told("adc_bits", &silent, "ramp.bits:"), 0);
    // Both keys set beside the bits, or the bits that a device states them for: nothing is left to warn of.
    let offset = ("device.with.column.offset", "\"0.6 LSB\"");
    let noise = ("device.with.column.noise", "\"0.6 LSB\"");
    assert_eq!(told("adc_bits", &[offset, noise], "ramp.bits:"), 0);
    for (one, named, other) in [(offset, "noise", "offset"), (noise, "offset", "noise")] {
        let plan = load("adc_bits", &[one]);
        let left: Vec<_> = plan
            .notices
            .iter()
            .filter(|(_, text)| text.starts_with("ramp.bits:"))
            .collect();
        assert_eq!(left.len(), 1);
        assert!(
            left[0]
                .1
                .contains(&format!("set device.with.column.{named} beside")),
            "{left:?}"
        );
        assert!(!left[0].1.contains(&format!("column.{other}")), "{left:?}");
    }
    let seven = [("ramp.bits", "7"), ("device.with.column.bits", "7")];
    assert_eq!(told("pipeline", &seven, "ramp.bits:"), 0);
    assert_eq!(told("pipeline", &seven[1..], "ramp.bits:"), 1);
    assert_eq!(told("pipeline", &[("av", "{ ideal = {} }")], "av.ideal"), 1);
    let external = [("ramp.placement", "{ external = {} }")];
    assert_eq!(told("pipeline", &external, "ramp.placement"), 1);
}
