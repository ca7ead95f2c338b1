//! Is what a lane spends what an account of its traces comes to, to the yoctojoule and picosecond?

use crate::modes::Set;
use crate::setup::*;
use topkima::base::rng::Seed;
use topkima::hardware::attention::{Fast, FastRoom};
use topkima::hardware::events::Schedule;
use topkima::hardware::timing::{Arbiter, RowTime, StartUp};

fn hold(scene: &Scene) {
    let set = Set::new(scene, 1.0);
    let finishes = set.finishes(0);
    let fast = Fast::plan(&set.attentions[0], &finishes, &set.prepared[0], true).unwrap();
    let mut room = FastRoom::default();
    let mut latencies = Vec::new();
    for seed in 0..24 {
        // The account is kept for the first lane of the first block.
        for (design, tally) in fast.run(Seed(seed), 0, &mut room).iter().enumerate() {
            let (spent, account) = (
                fast.spent(design, tally)[0],
                tally.account.as_ref().unwrap(),
            );
            let prices = &set.attentions[design].device.prices;
            assert_eq!(spent, account.price(prices), "design {design}");
            if design == 0 {
                latencies.push(spent.latency);
            }
        }
    }
    latencies.sort();
    latencies.dedup();
    assert!(latencies.len() > 5, "nothing differs: {latencies:?}");
}

#[test]
fn a_lane_spends_what_its_traces_cost() {
    let designs = vec![
        (TOPKIMA, 5),
        (TOPKIMA, 2),
        (PER_TILE, 5),
        (GLOBAL, 4),
        (CONVENTIONAL, 5),
    ];
    let masks = [Default::default(), padding(), causal()];
    for (at, mask) in masks.iter().enumerate() {
        for counted in [false, true] {
            let mut scene = Scene::new(sram, vec![synthetic(1, 0.0, 0.0)]).masked(mask);
            scene.designs.clone_from(&designs);
            let timing = &mut scene.params.timing;
            if counted {
                timing.start_up = StartUp::Counted {};
                timing.row = RowTime::WholeRow {};
                timing.schedule = Schedule::pipelined();
            }
            if at == 1 {
                timing.arbiter = Arbiter::PaperMax {};
            }
            hold(&scene);
            // Rows of V that are driven cost, bit columns that are converted too.
            hold(&scene.on_tiles(20));
        }
    }
}
