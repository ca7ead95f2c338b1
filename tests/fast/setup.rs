//! Hardware and heads that both modes run.

use std::path::Path;
use std::sync::Arc;

use crate::common::*;
use topkima::base::rng::{Purpose, Seed, Site};
use topkima::hardware::attention::{AttentionParams, AvParams, Datapath, Head, Mask, Place, Sort};
use topkima::hardware::crossbar::CrossbarParams;
use topkima::hardware::device::{Device, Effect, Selection};
use topkima::hardware::quantise::Matrix;
use topkima::shell::config::{Overrides, Plan};

/// The modes draw from different seeds, so that nothing they share can hide a difference.
pub const EXACT: Seed = Seed(20_260_303);
pub const FAST: Seed = Seed(30_260_303);

pub const TOPKIMA: Datapath = Datapath::Topkima {};
pub const CONVENTIONAL: Datapath = Datapath::Conventional {};
pub const GLOBAL: Datapath = Datapath::DigitalTopk {
    sort: Sort::Global {},
};
pub const PER_TILE: Datapath = Datapath::DigitalTopk {
    sort: Sort::PerTile {},
};

/// Keys, queries and dimension of the heads here: tiles of 64 + 32 columns.
pub const TOKENS: usize = 96;
pub const QUERIES: usize = 64;
pub const D: usize = 32;

/// The shipped SRAM device with all its effects, every sigma times `scale`.
pub fn sram(scale: f64) -> Device {
    let selection = Selection {
        noise_scale: scale,
        ..Selection::default()
    };
    checked(&device_params("sram-65nm"), 0.0, &selection)
}

/// The same with these effects alone.
pub fn sram_only(only: &[Effect], scale: f64) -> Device {
    let selection = Selection {
        only: Some(only.to_vec()),
        noise_scale: scale,
        ..Selection::default()
    };
    checked(&device_params("sram-65nm"), 0.0, &selection)
}

/// Additive errors of written weights in weight levels, and read noise in LSB; nothing else.
pub fn additive(weight: f64, read: f64, scale: f64) -> Device {
    let text = format!(
        r#"
        programming = {{ additive = {{ sigma = {{ value = "{weight} weight-LSB", low = "0 weight-LSB", high = "9 weight-LSB", source = "assumed" }} }} }}
        column = {{ noise = {{ value = "{read} LSB", low = "0 LSB", high = "9 LSB", source = "assumed" }} }}
        "#
    );
    let (mut table, _) = device_table("ideal");
    // A choice is replaced whole.
    table.remove("programming");
    merge(&mut table, toml::from_str(&text).unwrap());
    let selection = Selection {
        noise_scale: scale,
        ..Selection::default()
    };
    checked(&typed(table), 0.0, &selection)
}

/// Independent normal numbers whose scores have standard deviation one; with a sink and a peak a row
/// token 0 stands `sink` above the others for every query, and each query agrees with one key by `peak`.
pub fn synthetic(seed: u64, sink: f64, peak: f64) -> Head {
    let normals = |purpose, rows, columns| {
        let mut stream = Seed(seed).stream(purpose, 0, Site(0, 0));
        Matrix::from_fn(rows, columns, |_, _| stream.normal())
    };
    let mut q = normals(Purpose::SyntheticQuery, D, QUERIES);
    let mut k = normals(Purpose::SyntheticKey, TOKENS, D);
    for query in 0..QUERIES {
        let own = 1 + (query * 29) % (TOKENS - 1);
        for d in 0..D {
            q[(d, query)] += peak / (D as f64).sqrt() * k[(own, d)];
        }
        if sink > 0.0 {
            q[(0, query)] = 2.0;
        }
    }
    if sink > 0.0 {
        k.row_mut(0).fill(0.0);
        k[(0, 0)] = sink * (D as f64).sqrt() / 2.0;
    }
    Head {
        q: q / (D as f64).sqrt(),
        k,
        v: normals(Purpose::SyntheticValue, D, TOKENS),
        mask: Mask::default(),
        place: Place::default(),
    }
}

/// The first keys and queries of a head of the shipped activations, and of its calibration text.
pub fn real(head: usize) -> [Head; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = root.join("data/attention");
    let text = format!(
        r#"
        question = "What do real heads do?"
        seed = 1
        trials = 1
        [workload.file]
        path = "{data}/test.safetensors"
        calibration = "{data}/calibration.safetensors"
        heads = [{head}]
        [device]
        name = "ideal"
        [[design]]
        name = "topkima"
        datapath = {{ topkima = {{}} }}
        "#,
        data = data.display()
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.toml");
    std::fs::write(&path, text).unwrap();
    let mut plan = Plan::load(&path, &Overrides::default()).unwrap();
    let case = plan.case(0, 0).unwrap();
    let workload = &case.heads().unwrap().workload;
    [&workload.heads[0], &workload.calibration[0]].map(|whole| Head {
        q: whole.q.columns(0, QUERIES).into_owned(),
        k: whole.k.rows(0, TOKENS).into_owned(),
        v: whole.v.columns(0, TOKENS).into_owned(),
        mask: Mask::default(),
        place: Place::default(),
    })
}

/// What both modes run.
pub struct Scene {
    /// A device for a factor on all its sigmas.
    pub device: Box<dyn Fn(f64) -> Device + Sync>,
    pub params: AttentionParams,
    /// Design and k.
    pub designs: Vec<(Datapath, usize)>,
    pub heads: Vec<Head>,
    pub calibration: Vec<Head>,
    /// Cut of the fast path, if not its own.
    pub cut: Option<f64>,
    /// Planned as if another head were written to the same chip.
    pub shared: bool,
}

impl Scene {
    pub fn new(device: impl Fn(f64) -> Device + Sync + 'static, heads: Vec<Head>) -> Self {
        Self {
            device: Box::new(device),
            params: AttentionParams {
                crossbar: CrossbarParams {
                    bitlines: 64,
                    ..CrossbarParams::default()
                },
                av: AvParams::Ideal {},
                ..AttentionParams::default()
            },
            designs: vec![(TOPKIMA, 5)],
            calibration: heads.clone(),
            heads,
            cut: None,
            shared: false,
        }
    }

    /// With V of so many columns on tiles of 64 rows.
    pub fn on_tiles(mut self, columns: usize) -> Self {
        let mut params = AvParams::default();
        if let AvParams::Tiles { wordlines, .. } = &mut params {
            *wordlines = 64;
        }
        self.params.av = params;
        for head in self.heads.iter_mut().chain(&mut self.calibration) {
            head.v = head.v.rows(0, columns).into_owned();
        }
        self
    }

    /// With the first rows of K, queries, tokens and columns of V.
    pub fn cut_to(mut self, [d, queries, tokens, columns]: [usize; 4]) -> Self {
        for head in self.heads.iter_mut().chain(&mut self.calibration) {
            head.q = head.q.view((0, 0), (d, queries)).into_owned();
            head.k = head.k.view((0, 0), (tokens, d)).into_owned();
            head.v = head.v.view((0, 0), (columns, tokens)).into_owned();
        }
        self
    }

    pub fn masked(mut self, mask: &Mask) -> Self {
        for head in &mut self.heads {
            head.mask = mask.clone();
        }
        self
    }
}

/// Every third token but for the first.
pub fn padding() -> Mask {
    let live: Arc<[bool]> = (0..TOKENS).map(|at| at % 3 != 2).collect();
    Mask {
        tokens: Some(live),
        ..Mask::default()
    }
}

/// Query q sees tokens 0 to q + 3: the first rows have fewer keys than k, and some none on tile 1.
pub fn causal() -> Mask {
    Mask {
        causal: Some(3),
        ..Mask::default()
    }
}
