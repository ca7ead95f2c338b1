//! The yardstick: nalgebra's one-thread f32 product of 384 x 64 with 64 x 384, and a trial of
//! `experiments/throughput.toml` and `experiments/throughput_nominal.toml`. A trial is timed 32 at a time,
//! as it is run, and given for each; once more without time and energy, which tells what the ledger takes.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::DMatrix;
use topkima::base::rng::Seed;
use topkima::hardware::attention::{BLOCK, Calibration, Fast, FastRoom, Finish, Prepared};
use topkima::shell::config::{Overrides, Plan};

fn sgemm(c: &mut Criterion) {
    let a = DMatrix::<f32>::from_fn(384, 64, |i, j| (i * j % 7) as f32);
    let b = DMatrix::<f32>::from_fn(64, 384, |i, j| (i * j % 5) as f32);
    let mut out = DMatrix::<f32>::zeros(384, 384);
    let mut group = c.benchmark_group("yardstick");
    // Multiply-accumulates.
    group.throughput(Throughput::Elements(384 * 64 * 384));
    group.bench_function("sgemm", |bench| {
        bench.iter(|| black_box(&mut out).gemm(1.0, black_box(&a), black_box(&b), 0.0));
    });
}

fn trials(c: &mut Criterion) {
    for name in ["throughput", "throughput_nominal"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join("experiments").join(name).with_extension("toml");
        let mut plan = Plan::load(&path, &Overrides::default()).unwrap();
        let case = plan.case(0, 0).unwrap();
        let attention = &case.attention;
        let rows = &case.heads().unwrap().workload.calibration[0];
        let calibration = Calibration::of(attention, rows, 0);
        let calibrated = Prepared::of(attention, rows, calibration, 1);
        let finishes = [Finish::load(attention, case.datapath, 0, &calibrated)];
        let head = &case.heads().unwrap().workload.heads[0];
        let prepared = Prepared::of(attention, head, calibration, attention.topk[0].k);
        let fast = match Fast::plan(attention, &finishes, &prepared, true) {
            Ok(fast) => fast,
            Err(why) => {
                eprintln!("{name} has no fast path: {why}");
                continue;
            }
        };
        let mut room = FastRoom::default();
        let mut group = c.benchmark_group("yardstick");
        group.throughput(Throughput::Elements(BLOCK));
        let mut time = |name: &str, fast: &Fast<'_>| {
            group.bench_function(name, |bench| {
                let mut block = 1;
                bench.iter(|| {
                    block += 1;
                    let tallies = fast.run(Seed(4), block, &mut room);
                    black_box(fast.spent(0, &tallies[0]));
                    tallies
                });
            });
        };
        time(&format!("32 trials of {name}"), &fast);
        let uncounted = format!("32 trials of {name} without time and energy");
        time(&uncounted, &fast.uncounted());
    }
}

criterion_group!(yardstick, sgemm, trials);
criterion_main!(yardstick);
