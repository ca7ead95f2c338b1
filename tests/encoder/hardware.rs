//! Do heads on the simulated hardware follow the float heads inside a whole encoder?

use std::collections::BTreeSet;

use topkima::base::rng::Seed;
use topkima::hardware::attention::{AttentionParams, AvParams, Datapath, Sort};
use topkima::hardware::converter::{FullScale, RampParams, Range};
use topkima::hardware::crossbar::{Chip, CrossbarParams};
use topkima::hardware::device::Device;
use topkima::hardware::topk::{K, Split, TopkParams};
use topkima::shell::config::{DeviceChoice, load_device};
use topkima::study::model::{
    Encoder, Float, FloatTopk, Input, Laid, Pooling, Recording, Sample, Simulated, Spending,
};

use crate::common::exact_on;
use crate::setup::{distance, minilm, minilm_words, root};

const SEED: Seed = Seed(11);
const LONGEST: usize = 24;
const TEXTS: [&str; 5] = [
    "A ramp ADC stops at the fifth crossing.",
    "Noise.",
    "Two people are playing chess in the park while a dog sleeps under the table.",
    "The largest scores trip first.",
    "Rain fell on the newspapers.",
];
const CALIBRATION: [&str; 3] = [
    "Somebody left a bicycle at the gate and went home on foot.",
    "Yes!",
    "Each column has its own comparator, and no two of them are alike.",
];
const DESIGNS: [Datapath; 4] = [
    Datapath::Conventional {},
    Datapath::DigitalTopk {
        sort: Sort::Global {},
    },
    Datapath::DigitalTopk {
        sort: Sort::PerTile {},
    },
    Datapath::Topkima {},
];

fn device(name: &str) -> Device {
    let file = root().join(format!("device_params/{name}.toml"));
    load_device(&file, &DeviceChoice::default()).unwrap()
}

fn inputs(texts: &[&str]) -> Vec<Input> {
    let words = minilm_words();
    let encode = |text: &&str| Input::Tokens(words.encode(text, LONGEST));
    texts.iter().map(encode).collect()
}

/// A whole encoder on one chip: inputs, and which of them stand in a batch together.
struct Bench {
    encoder: Encoder,
    inputs: Vec<Input>,
    laid: Laid,
    recorded: Vec<topkima::study::model::Recorded>,
}

type Run = (Vec<Vec<f32>>, Spending);

impl Bench {
    fn new(params: &AttentionParams, device: &Device, datapath: Datapath) -> Self {
        let encoder = minilm(Pooling::Mean {});
        let (inputs, rows) = (inputs(&TEXTS), inputs(&CALIBRATION));
        let lengths: BTreeSet<usize> = inputs
            .iter()
            .chain(&rows)
            .map(|input| encoder.embedding.tokens(input))
            .collect();
        let laid =
            Laid::check(params, device, datapath, &encoder.shape, LONGEST, &lengths).unwrap();
        let batch: Vec<Sample<'_>> = (0..)
            .zip(&rows)
            .map(|(index, input)| Sample { index, input })
            .collect();
        let (_, recorded) = encoder.forward(&batch, &Recording);
        assert_eq!(recorded.len(), CALIBRATION.len() * 72);
        Self {
            encoder,
            inputs,
            laid,
            recorded,
        }
    }

    /// Features in the order of the inputs, run in these batches.
    fn run(&self, trial: u64, batches: &[&[usize]]) -> Run {
        let simulated = Simulated::calibrate(&self.laid, SEED, &self.recorded).unwrap();
        let chip = simulated.on_chip(trial);
        let mut features = vec![Vec::new(); self.inputs.len()];
        let mut spending = Spending::default();
        for batch in batches {
            let samples: Vec<Sample<'_>> = batch
                .iter()
                .map(|&at| Sample {
                    index: at as u64,
                    input: &self.inputs[at],
                })
                .collect();
            let (found, spent) = self.encoder.forward(&samples, &chip);
            for (at, found) in batch.iter().zip(found) {
                features[*at] = found.as_slice().to_vec();
            }
            topkima::study::model::Trace::join(&mut spending, spent);
        }
        (features, spending)
    }

    fn float(&self) -> Vec<Vec<f32>> {
        let run = |input| {
            let (found, ()) = self.encoder.forward(&[Sample { index: 0, input }], &Float);
            found[0].as_slice().to_vec()
        };
        self.inputs.iter().map(run).collect()
    }

    /// Norm of the difference to the float features over their norm, all inputs together.
    fn error(&self) -> f64 {
        let (ours, _) = self.run(0, &[&[0, 1, 2, 3, 4]]);
        let (mut apart, mut norm) = (0.0, 0.0);
        for (a, b) in ours.iter().flatten().zip(self.float().iter().flatten()) {
            apart += f64::from(a - b).powi(2);
            norm += f64::from(*b).powi(2);
        }
        (apart / norm).sqrt()
    }
}

/// Nothing is rounded and every key has a place.
fn exact() -> AttentionParams {
    let all = TopkParams {
        k: K::All(LONGEST),
        ..TopkParams::default()
    };
    exact_on(10, 16, all)
}

fn small_tiles(k: K, split: Split) -> AttentionParams {
    AttentionParams {
        crossbar: CrossbarParams {
            bitlines: 16,
            ..CrossbarParams::default()
        },
        topk: TopkParams {
            k,
            split,
            ..TopkParams::default()
        },
        ..AttentionParams::default()
    }
}

#[test]
fn without_rounding_and_noise_every_design_equals_the_float_encoder() {
    for datapath in DESIGNS {
        let error = Bench::new(&exact(), &device("ideal"), datapath).error();
        assert!(error < 1e-5, "{datapath:?}: {error}");
    }
}

#[test]
fn each_bit_of_the_ramp_brings_the_encoder_closer_to_float() {
    let error = |bits| {
        let mut params = exact();
        params.ramp = RampParams {
            bits,
            range: Range::Symmetric {},
            full_scale: FullScale::Scores(64.0),
            ..RampParams::default()
        };
        Bench::new(&params, &device("ideal"), Datapath::Topkima {}).error()
    };
    let errors = [8, 10, 12].map(error);
    // Two bits are a quarter of the step.
    assert!(
        errors[1] < 0.4 * errors[0] && errors[2] < 0.4 * errors[1],
        "{errors:?}"
    );
    assert!(errors[2] < 5e-3, "{errors:?}");
}

#[test]
fn a_result_depends_neither_on_the_batch_nor_on_the_order() {
    let params = small_tiles(K::All(5), Split::Proportional {});
    let bench = Bench::new(&params, &device("sram-65nm"), Datapath::Topkima {});
    let (together, spent) = bench.run(1, &[&[0, 1, 2, 3, 4]]);
    for batches in [
        &[&[4, 2, 0][..], &[3, 1][..]][..],
        &[&[2], &[1], &[0], &[4], &[3]],
    ] {
        let (apart, also_spent) = bench.run(1, batches);
        assert!(together == apart);
        assert_eq!(spent.cost, also_spent.cost);
        assert_eq!(spent.steps, also_spent.steps);
    }
    assert_ne!(
        together,
        bench.run(2, &[&[0, 1, 2, 3, 4]]).0,
        "another chip"
    );
    assert!(spent.noise_lsb().unwrap() > 0.05);
}

/// It is run once for all k of a sweep.
#[test]
fn the_conventional_design_comes_to_the_same_at_every_k() {
    let run = |datapath, k| {
        let params = small_tiles(K::All(k), Split::Proportional {});
        Bench::new(&params, &device("sram-65nm"), datapath).run(1, &[&[0, 1, 2, 3, 4]])
    };
    for datapath in DESIGNS {
        let same = run(datapath, 2) == run(datapath, 7);
        assert_eq!(
            same,
            datapath == (Datapath::Conventional {}),
            "{datapath:?}"
        );
    }
}

/// Few keys cost float heads what they cost hardware without any error.
#[test]
fn float_heads_with_k_keys_are_the_hardware_without_errors() {
    let all = &[&[0, 1, 2, 3, 4][..]];
    for (k, split) in [
        (2, Split::Proportional {}),
        (5, Split::Explicit(vec![3, 2])),
        (4, Split::PerTile {}),
        (LONGEST, Split::Proportional {}),
    ] {
        let mut params = small_tiles(K::All(k), split);
        let exact = exact();
        params.quantise = exact.quantise;
        (params.ramp, params.softmax, params.av) = (exact.ramp, exact.softmax, exact.av);
        let bench = |datapath| Bench::new(&params, &device("ideal"), datapath);
        let hardware = bench(Datapath::Topkima {}).run(0, all).0;
        let float = bench(Datapath::Float {});
        let inputs = (0..).zip(&float.inputs);
        let samples: Vec<Sample<'_>> = inputs
            .map(|(index, input)| Sample { index, input })
            .collect();
        let (found, ()) = float
            .encoder
            .forward(&samples, &FloatTopk::new(&float.laid));
        for (found, hardware) in found.iter().zip(hardware) {
            let hardware: Vec<f64> = hardware.iter().map(|value| f64::from(*value)).collect();
            let apart = distance(found.as_slice(), &hardware);
            assert!(apart < 1e-5, "k = {k}: {apart}");
        }
    }
}

#[test]
fn k_stands_for_all_heads_for_a_layer_or_for_a_head() {
    let features = |k| {
        let params = small_tiles(k, Split::Proportional {});
        let bench = Bench::new(&params, &device("ideal"), Datapath::Topkima {});
        bench.run(0, &[&[0, 1, 2, 3, 4]]).0
    };
    let of_layers = vec![5, 3, 3, 3, 3, 8];
    let of_heads = of_layers.iter().flat_map(|k| [*k; 12]).collect();
    let by_layer = features(K::PerHead(of_layers));
    assert_eq!(by_layer, features(K::PerHead(of_heads)));
    assert_eq!(features(K::All(3)), features(K::PerHead(vec![3; 6])));
    assert_ne!(by_layer, features(K::All(3)));
}

/// The places of a tile that a short sample does not reach go to the tiles that it fills.
#[test]
fn a_sample_shorter_than_a_tile_keeps_k_keys_all_the_same() {
    let features = |split, bitlines| {
        let mut params = small_tiles(K::All(5), split);
        params.crossbar.bitlines = bitlines;
        // The converter of A x V would be fitted to what each split selects.
        params.av = AvParams::Ideal {};
        let bench = Bench::new(&params, &device("ideal"), Datapath::Topkima {});
        bench.run(0, &[&[0, 1, 2, 3, 4]]).0
    };
    let one_tile = features(Split::Proportional {}, 24);
    let two_tiles = features(Split::Explicit(vec![3, 2]), 16);
    let lengths: Vec<usize> = inputs(&TEXTS)
        .iter()
        .map(|input| match input {
            Input::Tokens(ids) => ids.len(),
            Input::Image(_) => 0,
        })
        .collect();
    assert!(lengths.iter().any(|length| *length > 16), "{lengths:?}");
    for (at, length) in lengths.into_iter().enumerate() {
        if length <= 16 {
            assert!(one_tile[at] == two_tiles[at], "{length} tokens");
        } else {
            assert!(one_tile[at] != two_tiles[at], "{length} tokens");
        }
    }
}

#[test]
fn k_at_every_live_key_loses_nothing_and_few_keys_lose_something() {
    let distance = |k: usize| {
        let params = TopkParams {
            k: K::All(k),
            ..TopkParams::default()
        };
        let params = AttentionParams {
            topk: params,
            ..exact()
        };
        Bench::new(&params, &device("ideal"), Datapath::Topkima {}).error()
    };
    let errors = [1, 3, 5, 24].map(distance);
    assert!(errors[0] > errors[1] && errors[1] > errors[2], "{errors:?}");
    assert!(errors[2] > 1e-3 && errors[3] < 1e-5, "{errors:?}");
}

/// Every sample is written to the same cells from the first bitline on, whatever its length.
#[test]
fn layouts_of_all_lengths_are_one_chip() {
    let device = device("sram-65nm");
    let params = small_tiles(K::All(5), Split::Explicit(vec![3, 2]));
    let bench = Bench::new(&params, &device, Datapath::Topkima {});
    let chip = |tokens: usize| {
        let laid = bench.laid.of_length(tokens).unwrap();
        assert_eq!(laid.crossbar.tokens(), tokens);
        Chip::fabricate(SEED, 4, &device, &laid.crossbar, laid.values.as_ref())
    };
    let lengths: BTreeSet<usize> = bench
        .inputs
        .iter()
        .map(|input| bench.encoder.embedding.tokens(input))
        .collect();
    let longest = chip(*lengths.last().unwrap());
    for &tokens in &lengths {
        let chip = chip(tokens);
        assert_eq!(chip.offset, longest.offset[..tokens]);
        assert_eq!(chip.line, longest.line[..tokens]);
        let cells = chip.replica.len();
        assert_eq!(chip.replica, longest.replica[..cells]);
        assert!(!chip.offset.is_empty() && cells > 0);
    }
    assert!(bench.laid.of_length(LONGEST + 1).is_none());
}

/// By the operands of the float pass: scores are products of rows, and only their signs matter.
#[test]
fn queries_with_too_few_positive_scores_are_counted_head_by_head() {
    let k = 5;
    let of = |range: Range, datapath| {
        let params = AttentionParams {
            topk: TopkParams {
                k: K::All(k),
                ..TopkParams::default()
            },
            ramp: RampParams {
                range,
                ..RampParams::default()
            },
            ..AttentionParams::default()
        };
        Bench::new(&params, &device("sram-65nm"), datapath)
    };
    let bench = of(Range::OneSided {}, DESIGNS[3]);
    let mut wanted = vec![[0, 0]; bench.laid.heads()];
    for one in &bench.recorded {
        let scores = one.k.transpose() * &one.q;
        let [few, queries] = &mut wanted[one.site.layer * 12 + one.site.head];
        for row in scores.column_iter() {
            let positive = row.iter().filter(|score| **score > 0.0).count();
            *few += usize::from(row.len() > k && positive < k);
            *queries += 1;
        }
    }
    let simulated = Simulated::calibrate(&bench.laid, SEED, &bench.recorded).unwrap();
    let found: Vec<[usize; 2]> = simulated
        .few()
        .iter()
        .map(|one| [one.few, one.queries])
        .collect();
    assert_eq!(found, wanted);
    assert!(wanted.iter().any(|[few, _]| *few > 0));
    for bench in [
        of(Range::Symmetric {}, DESIGNS[3]),
        of(Range::OneSided {}, DESIGNS[0]),
    ] {
        let simulated = Simulated::calibrate(&bench.laid, SEED, &bench.recorded).unwrap();
        assert!(simulated.few().is_empty());
    }
}
