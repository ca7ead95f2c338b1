//! Trials of a scene by either mode, and what they leave.

use crate::setup::*;
use topkima::base::rng::Seed;
use topkima::hardware::attention::{
    Account, Attention, AttentionParams, BLOCK, Calibration, Datapath, Fast, FastRoom, Finish,
    Prepared, Shape,
};
use topkima::hardware::crossbar::Chip;
use topkima::hardware::kernel::Lanes;
use topkima::hardware::topk::{K, TopkParams};
use topkima::study::metrics::{HeadTally, Values, fold};

/// A scene on one device, planned.
pub struct Set {
    pub attentions: Vec<Attention>,
    pub prepared: Vec<Prepared>,
    designs: Vec<Datapath>,
    calibrated: Vec<Prepared>,
    cut: Option<f64>,
    shared: bool,
}

/// What a run of trials leaves.
pub struct Sample {
    /// Numbers of each trial, design by design.
    pub values: Vec<Vec<Values>>,
    /// By design: sum over columns of the square of the rows that chose them, trial by trial; heads share
    /// columns.
    pub spread: Vec<Vec<f64>>,
    /// By design: the same for rows that are each taken from another trial, where that was done.
    pub shuffled: Vec<Vec<f64>>,
    /// By design and group of trials: how often each column was kept by each query of each head.
    pub kept: Vec<Vec<Vec<f32>>>,
    /// By design and group: how often a ramp stopped at each step.
    pub stops: Vec<Vec<Vec<f32>>>,
}

impl Set {
    pub fn new(scene: &Scene, scale: f64) -> Self {
        let device = (scene.device)(scale);
        let shape = Shape {
            heads: scene.heads.len(),
            queries: scene.heads[0].q.ncols(),
            tokens: scene.heads[0].k.nrows(),
            d_head: scene.heads[0].k.ncols(),
            d_value: scene.heads[0].v.nrows(),
        };
        let attention = |&(_, k): &(Datapath, usize)| {
            let params = AttentionParams {
                topk: TopkParams {
                    k: K::All(k),
                    ..scene.params.topk.clone()
                },
                ..scene.params.clone()
            };
            params.check(shape, &device).unwrap()
        };
        let attentions: Vec<Attention> = scene.designs.iter().map(attention).collect();
        let most = scene.designs.iter().map(|(_, k)| *k).max().unwrap();
        let (mut prepared, mut calibrated) = (Vec::new(), Vec::new());
        for (number, (head, rows)) in scene.heads.iter().zip(&scene.calibration).enumerate() {
            let calibration = Calibration::of(&attentions[0], rows, number);
            let mut head = head.clone();
            head.place.head = number as u64;
            prepared.push(Prepared::of(&attentions[0], &head, calibration, most));
            calibrated.push(Prepared::of(&attentions[0], rows, calibration, 1));
        }
        Self {
            attentions,
            prepared,
            designs: scene
                .designs
                .iter()
                .map(|(datapath, _)| *datapath)
                .collect(),
            calibrated,
            cut: scene.cut,
            shared: scene.shared,
        }
    }

    pub fn finishes(&self, head: usize) -> Vec<Finish<'_>> {
        let load = |(attention, datapath): (_, &Datapath)| {
            Finish::load(attention, *datapath, head, &self.calibrated[head])
        };
        self.attentions
            .iter()
            .zip(&self.designs)
            .map(load)
            .collect()
    }

    fn sample(&self, groups: usize) -> Sample {
        let designs = self.designs.len();
        let cells: usize = self
            .prepared
            .iter()
            .map(|p| p.q.ncols() * p.k.nrows())
            .sum();
        let steps = self.attentions[0].ramp.steps() as usize + 1;
        Sample {
            values: vec![Vec::new(); designs],
            spread: vec![Vec::new(); designs],
            shuffled: vec![Vec::new(); designs],
            kept: vec![vec![vec![0.0; cells]; groups]; designs],
            stops: vec![vec![vec![0.0; steps]; groups]; designs],
        }
    }

    /// Trials by the exact path, `each` a group.
    pub fn exact(&self, groups: usize, each: usize) -> Sample {
        let mut sample = self.sample(groups);
        let front = &self.attentions[0];
        let all: Vec<Vec<Finish<'_>>> =
            (0..self.prepared.len()).map(|h| self.finishes(h)).collect();
        for trial in 0..groups * each {
            let group = trial / each;
            let (device, crossbar) = (&front.device, &front.crossbar);
            let values = front.values.as_ref();
            let chip = Chip::fabricate(EXACT, trial as u64, device, crossbar, values);
            let ladders = front.ladders(&chip);
            let mut tallies = vec![Vec::new(); self.designs.len()];
            let mut rows = vec![[0_u32; TOKENS]; self.designs.len()];
            let mut first = 0;
            for (head, prepared) in self.prepared.iter().enumerate() {
                let number = head as u64;
                let conversion = front.convert(EXACT, &chip, &ladders, number, prepared);
                let stored = values.map(|values| {
                    values
                        .program(EXACT, number, &chip, device, &prepared.v)
                        .value
                });
                let tokens = prepared.k.nrows();
                for (design, finish) in all[head].iter().enumerate() {
                    let attention = finish.attention;
                    let mut tally = HeadTally::of(prepared);
                    let mut account = Account::of_layout(finish);
                    for query in 0..prepared.q.ncols() {
                        let trips = conversion.trips.column(query);
                        let mut done = finish.select(trips.as_slice(), query, prepared);
                        finish.drive(
                            EXACT,
                            &chip,
                            (number, query),
                            prepared,
                            stored.as_ref(),
                            &mut done,
                        );
                        account.add(&done);
                        for winner in &done.value.survivors {
                            let cell = first + query * tokens + winner.token;
                            sample.kept[design][group][cell] += 1.0;
                            rows[design][winner.token] += 1;
                        }
                        let k = finish.topk.k;
                        tally.add(attention, finish.datapath, k, prepared, query, &done.value);
                    }
                    tally.cost = Some(account.close(prepared.live).price(&attention.device.prices));
                    for (sum, count) in sample.stops[design][group]
                        .iter_mut()
                        .zip(&tally.stop_steps)
                    {
                        *sum += *count as f32;
                    }
                    tallies[design].push(tally);
                }
                first += prepared.q.ncols() * tokens;
            }
            for (design, heads) in tallies.iter().enumerate() {
                sample.values[design].push(fold(heads));
                sample.spread[design].push(square(&rows[design]));
            }
        }
        sample
    }

    /// Trials by the fast path, `each` (a multiple of 32) a group.
    pub fn fast(&self, groups: usize, each: usize) -> Sample {
        self.fast_of(FAST, groups, each)
    }

    /// The same from another seed.
    pub fn fast_of(&self, seed: Seed, groups: usize, each: usize) -> Sample {
        let mut sample = self.sample(groups);
        let alone = self.prepared.len() == 1 && !self.shared;
        let all: Vec<Vec<Finish<'_>>> =
            (0..self.prepared.len()).map(|h| self.finishes(h)).collect();
        let plan = |(finishes, prepared)| match self.cut {
            Some(cut) => Fast::plan_at(cut, &self.attentions[0], finishes, prepared, alone),
            None => Fast::plan(&self.attentions[0], finishes, prepared, alone),
        };
        let heads: Vec<Fast<'_>> = all
            .iter()
            .zip(&self.prepared)
            .map(|pair| plan((pair.0.as_slice(), pair.1)).unwrap())
            .collect();
        let mut room = FastRoom::default();
        for block in 0..groups * each / 32 {
            let group = block * 32 / each;
            let mut tallies = vec![vec![Vec::new(); self.designs.len()]; 32];
            let mut rows = vec![vec![[0_u32; TOKENS]; 32]; self.designs.len()];
            let mut mixed = rows.clone();
            let mut first = 0;
            for (head, fast) in heads.iter().enumerate() {
                let prepared = &self.prepared[head];
                let tokens = prepared.k.nrows();
                let see = |design: usize, query: usize, kept: &[Lanes<u16>]| {
                    for lanes in kept {
                        for (lane, token) in lanes.iter().enumerate() {
                            let token = usize::from(*token);
                            sample.kept[design][group][first + query * tokens + token] += 1.0;
                            rows[design][lane][token] += 1;
                            mixed[design][(lane + 7 * head + query) % 32][token] += 1;
                        }
                    }
                };
                let done = fast.watch(seed, block as u64, &mut room, see);
                for (design, tally) in done.iter().enumerate() {
                    let spent = fast.spent(design, tally);
                    for (lane, by_design) in tallies.iter_mut().enumerate() {
                        let spent = spent[lane];
                        let finish = &all[head][design];
                        let tally = HeadTally::of_fast(finish, prepared, tally, lane, spent);
                        for (sum, count) in sample.stops[design][group]
                            .iter_mut()
                            .zip(&tally.stop_steps)
                        {
                            *sum += *count as f32;
                        }
                        by_design[design].push(tally);
                    }
                }
                first += prepared.q.ncols() * tokens;
            }
            for by_design in &tallies {
                for (design, heads) in by_design.iter().enumerate() {
                    sample.values[design].push(fold(heads));
                }
            }
            for design in 0..self.designs.len() {
                sample.spread[design].extend(rows[design].iter().map(|rows| square(rows)));
                sample.shuffled[design].extend(mixed[design].iter().map(|rows| square(rows)));
            }
        }
        assert_eq!(BLOCK, 32);
        sample
    }
}

fn square(rows: &[u32]) -> f64 {
    rows.iter().map(|count| f64::from(*count).powi(2)).sum()
}
