//! What the loops of a trial cost, on every level of instructions of this processor.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use statrs::distribution::{ContinuousCDF, Normal};
use topkima::hardware::kernel::*;

/// Rows of a column and queries that keep it, as in the yardstick's head.
const ROWS: usize = 64;
const PAIRS: usize = 41;

fn statics() -> Statics {
    let scale = 32_000.0 / (6.4 * 0.3);
    Statics {
        scale,
        lift: 1.0 / (scale * 100.0),
        row_pairs: ROWS / 2,
        queries: (0..PAIRS * ROWS / 2)
            .map(|at| {
                let code = |at: usize| (at * 7 % 63) as i32 - 31;
                code(2 * at) & 0xFFFF | code(2 * at + 1) << 16
            })
            .collect(),
        has: [false, false, true],
        ladder: Vec::new(),
        replicas: 0,
        grid: 512.0,
        steps: 32,
        tag_bits: 8,
    }
}

fn pairs() -> Vec<Pair> {
    (0..PAIRS as u32)
        .map(|at| Pair {
            query: at,
            slot: at,
            draw: at,
            tag: 5,
            depth: 4.0 + at as f32 / 4.0,
            offset: 0.0,
            line: 0.0,
            noise: 0.5,
        })
        .collect()
}

fn normals_of_a_key(c: &mut Criterion) {
    let mut out = vec![[0.0; LANES]; 256];
    let mut group = c.benchmark_group("normals");
    group.throughput(Throughput::Elements(256 * LANES as u64));
    for level in Level::all() {
        group.bench_function(level.name(), |b| {
            let mut first = 0;
            b.iter(|| {
                first += 256;
                fill_normals(level, 7, first, black_box(&mut out));
            });
        });
    }
}

/// One column of 64 rows and 41 queries for 32 trials: error by error, by a factor, on an uneven ladder.
fn columns(c: &mut Criterion) {
    let (even, pairs) = (statics(), pairs());
    let source = |row: u32| Source {
        draw: row,
        row,
        gain: 0.3,
    };
    let sources: Vec<Source> = (0..ROWS as u32).map(source).collect();
    let factor = Factor::of(PAIRS, |row, column| if row == column { 1.0 } else { 0.1 });
    let step = |step: u32| StepMix {
        level: step as f32,
        first: step - 1,
        weights: vec![0.05],
    };
    let uneven = Statics {
        ladder: (1..=32).map(step).collect(),
        replicas: 32,
        ..even.clone()
    };
    let draws = ColumnDraws::default();
    let (mut room, mut keys) = (Column::default(), vec![[0; LANES]; PAIRS]);
    let mut group = c.benchmark_group("column");
    group.throughput(Throughput::Elements((PAIRS * LANES) as u64));
    for level in Level::all() {
        group.bench_function(BenchmarkId::new("errors", level.name()), |b| {
            b.iter(|| {
                convert_column(
                    level,
                    &even,
                    &draws,
                    &sources,
                    &pairs,
                    &mut room,
                    black_box(&mut keys),
                );
            });
        });
        group.bench_function(BenchmarkId::new("factor", level.name()), |b| {
            b.iter(|| {
                convert_jointly(
                    level,
                    &even,
                    &draws,
                    &factor,
                    &pairs,
                    &mut room,
                    black_box(&mut keys),
                );
            });
        });
        group.bench_function(BenchmarkId::new("factor and ladder", level.name()), |b| {
            b.iter(|| {
                convert_jointly(
                    level,
                    &uneven,
                    &draws,
                    &factor,
                    &pairs,
                    &mut room,
                    black_box(&mut keys),
                );
            });
        });
    }
}

/// The first four of 27 columns, and of all 256, for 32 trials.
fn ranks(c: &mut Criterion) {
    let keys: Vec<Lanes<u16>> = (0..256)
        .map(|at| words(3, at).map(|half| (half % 8192) as u16))
        .collect();
    let mut first = vec![[0; LANES]; 4];
    let mut group = c.benchmark_group("best");
    for columns in [27, 256] {
        group.throughput(Throughput::Elements(columns * LANES as u64));
        for level in Level::all() {
            group.bench_function(BenchmarkId::new(columns.to_string(), level.name()), |b| {
                b.iter(|| best(level, black_box(&keys[..columns as usize]), &mut first));
            });
        }
    }
}

/// Softmax, metrics and A x V of one row of five survivors and 64 components, for 32 trials.
fn rows(c: &mut Criterion) {
    let value = |code: usize| (-0.2 * code as f32).exp();
    let tables = RowTables {
        values: std::array::from_fn(value),
        entropies: std::array::from_fn(|code| value(code) * value(code).ln()),
        weights: std::array::from_fn(|code| (31.0 * value(code)).round()),
        gain: 1.0 / 31.0,
        decoded: std::array::from_fn(|code| code as f32),
        weighing: Weighing::Looked,
        reciprocal_bits: 16,
    };
    let known = Known {
        log_probability: vec![-3.0; 64],
        clean: vec![9.0; 64],
        identity: (0..64).map(|at| (at << 16) | (at * 6)).collect(),
    };
    let slots: Vec<Slot> = (0..5)
        .map(|at| Slot {
            code: words(1, at).map(|half| (half % 32) as u16),
            index: words(2, at).map(|half| (half % 64) as u16),
        })
        .collect();
    let value = |row: usize, column: usize| (row * column % 13) as f32;
    let (values, float) = (Rows::of(384, 64, value), Rows::of(384, 64, value));
    let (mut weights, mut tokens) = (vec![[0.0; LANES]; 5], vec![[0; LANES]; 5]);
    let (mut sums, mut gain) = (RowSums::default(), [0.0; LANES]);
    let mut distance = [[0.0; 16]; LANES];
    let mut group = c.benchmark_group("row");
    group.throughput(Throughput::Elements(LANES as u64));
    for level in Level::all() {
        group.bench_function(BenchmarkId::new("softmax", level.name()), |b| {
            b.iter(|| {
                softmax_row(
                    level,
                    &tables,
                    &known,
                    black_box(&slots),
                    &[0, 1, 2, 3, 4],
                    5,
                    &mut sums,
                    &mut weights,
                    &mut tokens,
                    &mut gain,
                );
            });
        });
        group.bench_function(BenchmarkId::new("product", level.name()), |b| {
            b.iter(|| {
                plain_product(
                    level,
                    &values,
                    &float,
                    9,
                    black_box(&tokens),
                    &weights,
                    &gain,
                    &mut distance,
                );
            });
        });
    }
}

/// One tile of 256 columns and five of its winners: whether a column left out has overtaken them, their places
/// unpacked and its stop; and the time of a query of two such tiles with three and two winners.
fn stops(c: &mut Criterion) {
    let lists: Vec<Lanes<u16>> = (0..6_u16).map(|at| [(2 * at) << 8 | at; LANES]).collect();
    let (index, alone): (Vec<u16>, _) = ((0..256).collect(), [u32::MAX; 32]);
    let mut slots = vec![Slot::EMPTY; 6];
    unpack(Level::best(), &lists, 5, 8, &index, &mut slots);
    let winners = slots.clone();
    let (last, next) = (&winners[4].code, &winners[5].code);
    let clock = TileClock {
        clock: 4000,
        grant: 3000,
        waits: true,
        start_up: 0,
        softmax: Some(9000),
    };
    let tile = |first, count| Granted {
        clock,
        first,
        count,
    };
    let tiles = [tile(0, 3), tile(3, 2)];
    let station = Station {
        alike: 900,
        own: [true; 3],
    };
    let mut stops = Stops::default();
    let (mut latest, mut stop) = ([0; LANES], [0; LANES]);
    let mut passed = [Passed::from(0)];
    let mut group = c.benchmark_group("query");
    group.throughput(Throughput::Elements(LANES as u64));
    for level in Level::all() {
        let name = |step: &str| BenchmarkId::new(step, level.name());
        group.bench_function(name("overtaken"), |b| {
            b.iter(|| overtaken(level, 5, 3, black_box(&lists[4]), 8, &alone));
        });
        group.bench_function(name("unpack"), |b| {
            b.iter(|| unpack(level, black_box(&lists), 5, 8, &index, &mut slots));
        });
        group.bench_function(name("stop"), |b| {
            b.iter(|| {
                let last = black_box(last);
                take_stop(level, last, next, None, &mut stops, &mut latest, &mut stop);
            });
        });
        group.bench_function(name("time"), |b| {
            b.iter(|| {
                let slots = black_box(&winners[..]);
                pass_query(level, &tiles, slots, 0, &[station], &mut passed);
            });
        });
    }
}

/// V of 384 tokens, 64 components and 4 bits on two tiles, half of its cells conducting: the cells of one trial,
/// and its 384 queries of five survivors.
fn tiles_of_v(c: &mut Criterion) {
    const TOKENS: usize = 384;
    const SURVIVORS: usize = 5;
    let cells = Cells::of(TOKENS, [4, 64], true, |token, bit, column| {
        let word = words(1, (token * 4 + bit) as u64)[column % LANES];
        [(0.0, 0.0), (4500.0, 200.0), (0.0, 0.0), (-4500.0, 200.0)][(word % 4) as usize]
    });
    let normal = Normal::standard();
    let rounding = Rounding::of(0.35, 127, FINEST, |x| normal.cdf(x));
    let first: Vec<u64> = (0..TOKENS as u64).map(|at| at * 8).collect();
    let survivor = |at: usize| {
        let word = words(2, at as u64)[0];
        (word % TOKENS as u32) << 16 | (3000 + (word >> 16) % 9000)
    };
    let driven = Driven {
        survivors: &(0..TOKENS * SURVIVORS).map(survivor).collect::<Vec<_>>(),
        ends: &(1..=TOKENS)
            .map(|query| (query * SURVIVORS) as u32)
            .collect::<Vec<_>>(),
        key: 7,
        first: &first,
        gains: &[0.1; TOKENS],
        float: &vec![1.0; TOKENS * cells.width()],
    };
    let (mut written, mut room) = (Written::default(), Joined::default());
    let (mut squares, mut rows) = ([0.0; 16], vec![0; 2 * TOKENS]);
    let mut group = c.benchmark_group("tiles of V");
    for level in Level::all() {
        group.bench_function(BenchmarkId::new("write", level.name()), |b| {
            b.iter(|| write_cells(level, &cells, black_box(5), &first, &mut written));
        });
        group.bench_function(BenchmarkId::new("drive and convert", level.name()), |b| {
            b.iter(|| {
                tile_product(
                    level,
                    &cells,
                    &written,
                    &rounding,
                    256,
                    black_box(driven),
                    &mut room,
                    &mut squares,
                    &mut rows,
                );
            });
        });
    }
}

criterion_group!(
    kernels,
    normals_of_a_key,
    columns,
    ranks,
    stops,
    rows,
    tiles_of_v
);
criterion_main!(kernels);
