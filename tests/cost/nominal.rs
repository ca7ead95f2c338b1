//! Heads without numbers: how fast they are priced, and that they cost what a simulated head costs.

use std::time::{Duration, Instant};

use crate::common;
use crate::setup::*;
use topkima::base::rng::Seed;
use topkima::base::units::Picos;
use topkima::hardware::attention::{
    Account, AttentionParams, Calibration, Datapath, Finish, Head, Mask, Place, Prepared, Shape,
    Sort,
};
use topkima::hardware::converter::{FullScale, RampParams};
use topkima::hardware::crossbar::CrossbarParams;
use topkima::hardware::events::Stage;
use topkima::hardware::quantise::{Clip, Matrix, QuantiseParams, Quantiser};
use topkima::hardware::softmax::{SoftmaxParams, Table, Weights};
use topkima::hardware::topk::{K, Split, TopkParams};
use topkima::shell::config::Work;

/// What one cost-only point and design takes, the plan being checked: the best of many.
#[test]
fn a_cost_only_point_takes_less_than_100_us() {
    let mut plan = load("cost_vs_length", &[]);
    let limit = Duration::from_micros(if cfg!(debug_assertions) { 1000 } else { 100 });
    for point in 0..plan.points() {
        for design in 0..plan.designs() {
            let case = plan.case(point, design).unwrap();
            let (mut best, mut whole) = (Duration::MAX, Duration::MAX);
            let mut energy = 0.0;
            for _ in 0..50 {
                let start = Instant::now();
                let finish = Finish::nominal_of(&case.attention, case.datapath);
                let mut account = Account::of_layout(&finish);
                account.add_nominal(384, 10);
                let price = account
                    .close(384 * 384)
                    .price(&case.attention.device.prices);
                best = best.min(start.elapsed());
                energy += price.energy[0].si();
            }
            for _ in 0..10 {
                let start = Instant::now();
                let Work::Shape(nominal) = plan.case(point, design).unwrap().work else {
                    panic!("{point} {design} is no shape");
                };
                energy += nominal.alpha;
                whole = whole.min(start.elapsed());
            }
            println!("point {point} design {design}: {best:?}, and {whole:?} for its case");
            assert!(energy > 0.0 && best < limit, "{point} {design}: {best:?}");
        }
    }
}

/// Twelve keys on tiles of 8 and 4, five places; both tiles stop at `stop`, one grant a step. Scores are
/// whole steps of a ramp from 1/2, so that no weight rounds to zero.
fn stopping_at(stop: u32, queries: usize) -> (AttentionParams, Head) {
    let codes = |max_code| Quantiser::Uniform {
        max_code,
        clip: Clip::AbsMax {},
    };
    let params = AttentionParams {
        quantise: QuantiseParams {
            q: codes(31),
            k: codes(32),
            v: codes(15),
        },
        crossbar: CrossbarParams {
            bitlines: 8,
            ..CrossbarParams::default()
        },
        ramp: RampParams {
            full_scale: FullScale::Scores(0.5),
            ..RampParams::default()
        },
        topk: TopkParams {
            k: K::All(5),
            split: Split::Proportional {},
            ..TopkParams::default()
        },
        softmax: SoftmaxParams {
            table: Table::Entries { bits: 5, width: 16 },
            weights: Weights::RowMax { max_code: 31 },
            ..SoftmaxParams::default()
        },
        ..AttentionParams::default()
    };
    // Key of the step s: (32 - s) / 64; the largest code of K is 32 of 64.
    let step = |s: u32| f64::from(32 - s) / 64.0;
    let last = 30;
    let steps = [
        stop,
        last,
        stop - 1,
        last,
        stop - 2,
        last,
        last,
        last,
        last,
        stop,
        last,
        stop - 1,
    ];
    let mut k = Matrix::from_iterator(12, 1, steps.into_iter().map(step));
    // The scale comes from calibration rows, which hold the largest key.
    k[(1, 0)] = if stop < last { step(last) } else { 0.0 };
    let head = Head {
        q: Matrix::from_element(1, queries, 1.0),
        k,
        v: Matrix::from_fn(3, 12, |row, token| (row + token) as f64 - 6.0),
        mask: Mask::default(),
        place: Place::default(),
    };
    (params, head)
}

#[test]
fn the_nominal_cost_is_the_simulated_one_where_every_tile_stops_at_that_step() {
    let queries = 7;
    let device = common::checked(&common::device_params("ideal"), 0.0, &Default::default());
    let global = Datapath::DigitalTopk {
        sort: Sort::Global {},
    };
    let per_tile = Datapath::DigitalTopk {
        sort: Sort::PerTile {},
    };
    for stop in [3, 4, 10, 25] {
        let (params, head) = stopping_at(stop, queries);
        let shape = Shape {
            heads: 1,
            queries,
            tokens: 12,
            d_head: 1,
            d_value: 3,
        };
        let attention = params.check(shape, &device).unwrap();
        let mut rows = head.clone();
        rows.k[(1, 0)] = 0.5;
        let calibration = Calibration::of(&attention, &rows, 0);
        let prepared = Prepared::of(&attention, &head, calibration, 5);
        let trial = attention.trial(Seed(1), 0);
        let written = trial.write(&prepared);
        for datapath in [
            Datapath::Conventional {},
            per_tile,
            global,
            Datapath::Topkima {},
        ] {
            let finish = Finish::load(&attention, datapath, 0, &prepared);
            let simulated = written.head(&finish, |_, outcome| {
                if datapath == (Datapath::Topkima {}) {
                    let stops: Vec<_> = outcome.tiles.iter().map(|tile| tile.stop).collect();
                    assert_eq!(stops, [Some(f64::from(stop)); 2]);
                }
            });
            let simulated = simulated.unwrap();
            let mut nominal = Account::of_layout(&finish);
            nominal.add_nominal(queries as u64, stop);
            let nominal = nominal.close(prepared.live);
            for stage in Stage::ALL {
                assert_eq!(
                    simulated.ledger.stage(stage),
                    nominal.ledger.stage(stage),
                    "{datapath:?} {stage}"
                );
            }
            assert_eq!(simulated, nominal, "{datapath:?} {stop}");
            assert!(simulated.makespan > Picos::ZERO);
        }
    }
}
