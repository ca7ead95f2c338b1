//! Q, K and V: from a user's arrays or from a synthetic family, never from a file itself.
//!
//! Calibration rows never appear in results: a file names another file or gives up its first
//! queries, a synthetic family draws a separate stream.

pub mod arrays;
mod synthetic;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de};

use self::arrays::Array;
pub use self::synthetic::{Family, SyntheticParams};
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::hardware::attention::{Head, Mask, Place, Shape};
use crate::hardware::quantise::Matrix;

/// Where calibration rows come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CalibrationSource {
    /// Another file of the same layout.
    Path(PathBuf),
    /// The first queries and keys of each head; those queries are left out of the results.
    First(usize),
}

impl<'de> Deserialize<'de> for CalibrationSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathOrCount;
        impl de::Visitor<'_> for PathOrCount {
            type Value = CalibrationSource;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the path of a file of the same layout, or the number of first queries to calibrate on")
            }
            fn visit_str<E: de::Error>(self, path: &str) -> Result<CalibrationSource, E> {
                Ok(CalibrationSource::Path(path.into()))
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<CalibrationSource, E> {
                usize::try_from(count)
                    .map(CalibrationSource::First)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(count), &self))
            }
        }
        deserializer.deserialize_any(PathOrCount)
    }
}

/// `[workload.file]`: a user's own arrays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileParams {
    /// An .npz, a folder of .npy, or a .safetensors with `q`, `k`, `v` and perhaps `mask`;
    /// relative to the experiment file.
    pub path: PathBuf,
    /// Which heads; all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<Vec<usize>>,
    /// Whether Q is already divided by sqrt(d).
    #[serde(default)]
    pub scaled: bool,
    /// Where calibration rows come from.
    pub calibration: CalibrationSource,
}

/// `[workload]`: a file or a synthetic family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadParams {
    /// A user's own arrays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileParams>,
    /// A synthetic family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<SyntheticParams>,
    /// Sizes only, for time and energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<ShapeParams>,
    /// A query sees no later token.
    #[serde(default)]
    pub causal: bool,
}

/// `[workload.shape]`: a head without numbers. Every tile stops at `alpha` of its ramp.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShapeParams {
    /// Keys.
    pub tokens: usize,
    /// Queries.
    pub queries: usize,
    /// Dimension of a query and a key.
    pub d_head: usize,
    /// Dimension of a value.
    pub d_value: usize,
    /// Steps executed over steps of a full ramp, rounded up to a whole step. It depends on scores
    /// and full scale, so without numbers it has to be given; 0.31 is the paper's.
    pub alpha: f64,
}

impl Default for ShapeParams {
    fn default() -> Self {
        Self {
            tokens: 384,
            queries: 384,
            d_head: 64,
            d_value: 64,
            alpha: 0.31,
        }
    }
}

impl ShapeParams {
    fn check(&self) -> Result<Workload, Mistakes> {
        let mut mistakes = Mistakes::none();
        for (key, value, high) in [
            ("tokens", self.tokens, MAX_TOKENS),
            ("queries", self.queries, MAX_TOKENS),
            ("d_head", self.d_head, 4096),
            ("d_value", self.d_value, 4096),
        ] {
            mistakes.require(
                (1..=high).contains(&value),
                key,
                value,
                format!("must be from 1 to {high}"),
                "the paper's head has 384 tokens and d 64",
            );
        }
        mistakes.require(
            self.alpha > 0.0 && self.alpha <= 1.0,
            "alpha",
            self.alpha,
            "must be above 0 and at most 1",
            "the paper's average is 0.31",
        );
        mistakes.or(|| Workload {
            heads: Vec::new(),
            calibration: Vec::new(),
            nominal: Some(Nominal {
                shape: Shape {
                    heads: 1,
                    queries: self.queries,
                    tokens: self.tokens,
                    d_head: self.d_head,
                    d_value: self.d_value,
                },
                alpha: self.alpha,
            }),
        })
    }
}

/// A head of which only the sizes are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nominal {
    /// Sizes.
    pub shape: Shape,
    /// Steps executed over steps of a full ramp.
    pub alpha: f64,
}

/// Heads to run and heads to calibrate on, Q divided by sqrt(d) in both.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Heads that are measured.
    pub heads: Vec<Head>,
    /// Calibration rows of each.
    pub calibration: Vec<Head>,
    /// Sizes in place of heads, where only time and energy are asked for.
    pub nominal: Option<Nominal>,
}

impl Workload {
    /// Sizes; all heads are alike.
    #[must_use]
    pub fn shape(&self) -> Shape {
        if let Some(nominal) = self.nominal {
            return nominal.shape;
        }
        let first = &self.heads[0];
        Shape {
            heads: self.heads.len(),
            queries: first.q.ncols(),
            tokens: first.k.nrows(),
            d_head: first.k.ncols(),
            d_value: first.v.nrows(),
        }
    }
}

/// Largest number of tokens or queries that is taken.
pub const MAX_TOKENS: usize = 65_536;

/// Arrays of a file by name.
pub type Arrays = BTreeMap<String, Array>;

/// Names that a file is asked for.
pub const WANTED: [&str; 4] = ["q", "k", "v", "mask"];

impl WorkloadParams {
    /// The workload of a synthetic family.
    ///
    /// # Errors
    /// Neither or both kinds given; sizes outside their range.
    pub fn synthesise(&self, seed: Seed) -> Result<Workload, Mistakes> {
        let mut mistakes = Mistakes::none();
        let drawn = match (&self.synthetic, &self.shape, &self.file) {
            (Some(synthetic), None, None) => {
                mistakes.keep("synthetic", synthetic.draw(seed, self.causal))
            }
            (None, Some(shape), None) => mistakes.keep("shape", shape.check()),
            _ => {
                mistakes.add(
                    "",
                    "",
                    "needs one of [workload.file], [workload.synthetic] and [workload.shape]",
                    "see experiments/k_sweep.toml for a file, throughput.toml for a synthetic head and cost_vs_length.toml for a shape",
                );
                None
            }
        };
        match drawn {
            Some(workload) if mistakes.0.is_empty() => Ok(workload),
            _ => Err(mistakes),
        }
    }
}

impl FileParams {
    /// The workload of a file's arrays; `calibration` are the other file's, if one is named.
    ///
    /// # Errors
    /// Missing arrays, shapes that do not fit, heads that do not exist, a mask that is not 0/1, a
    /// query that sees no key.
    pub fn assemble(
        &self,
        arrays: &Arrays,
        calibration: Option<&Arrays>,
        causal: bool,
    ) -> Result<Workload, Mistakes> {
        let mut mistakes = Mistakes::none();
        let heads = mistakes.keep("", self.heads_of(arrays, causal));
        let rows = calibration.and_then(|arrays| {
            let other = FileParams {
                path: PathBuf::new(),
                ..self.clone()
            };
            mistakes.keep("calibration", other.heads_of(arrays, causal))
        });
        let Some(heads) = heads else {
            return Err(mistakes);
        };
        let (heads, calibration) = match (&self.calibration, rows) {
            (CalibrationSource::First(count), _) => {
                let (queries, tokens) = heads
                    .first()
                    .map_or((0, 0), |head| (head.q.ncols(), head.k.nrows()));
                mistakes.require(
                    *count >= 1 && *count < queries && *count <= tokens,
                    "calibration",
                    count,
                    format!(
                        "must leave queries to measure: from 1 to {}",
                        queries.saturating_sub(1).min(tokens)
                    ),
                    "give up fewer queries, or name another file",
                );
                if !mistakes.0.is_empty() {
                    return Err(mistakes);
                }
                heads.into_iter().map(|head| head.split_off(*count)).unzip()
            }
            (CalibrationSource::Path(_), Some(rows)) => {
                let fits = rows.len() == heads.len()
                    && rows
                        .iter()
                        .zip(&heads)
                        .all(|(a, b)| a.k.ncols() == b.k.ncols() && a.v.nrows() == b.v.nrows());
                mistakes.require(
                    fits,
                    "calibration",
                    "",
                    "the calibration file must hold as many heads, of the same d, as the file itself",
                    "name a file of the same layout",
                );
                (heads, rows)
            }
            (CalibrationSource::Path(_), None) => return Err(mistakes),
        };
        mistakes.or(|| Workload {
            heads,
            calibration,
            nominal: None,
        })
    }

    fn heads_of(&self, arrays: &Arrays, causal: bool) -> Result<Vec<Head>, Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        let mut taken = Vec::new();
        for name in ["q", "k", "v"] {
            match arrays.get(name) {
                None => m.add(
                    "path",
                    self.path.display(),
                    format!("holds no array `{name}`"),
                    "a workload file holds `q`, `k` and `v` of shape (heads, tokens, d) or (tokens, d)",
                ),
                Some(array) => match array.shape[..] {
                    [tokens, d] => taken.push((array, [1, tokens, d])),
                    [heads, tokens, d] => taken.push((array, [heads, tokens, d])),
                    _ => m.add(
                        "path",
                        self.path.display(),
                        format!("`{name}` has shape {:?}", array.shape),
                        "it must be (heads, tokens, d) or (tokens, d)",
                    ),
                },
            }
        }
        let [
            (q, [q_heads, queries, q_d]),
            (k, [k_heads, tokens, k_d]),
            (v, [v_heads, v_tokens, d_value]),
        ] = taken[..]
        else {
            return Err(mistakes);
        };
        let shapes = format!("q {:?}, k {:?}, v {:?}", q.shape, k.shape, v.shape);
        m.require(
            q_heads == k_heads && k_heads == v_heads,
            "path",
            &shapes,
            "q, k and v must hold the same number of heads",
            "write all three with the same first dimension",
        );
        m.require(
            tokens == v_tokens,
            "path",
            &shapes,
            "k and v must hold the same number of tokens",
            "write both with one row a token",
        );
        m.require(
            q_d == k_d,
            "path",
            &shapes,
            "q and k must have the same d",
            "check that q and k belong to the same model",
        );
        m.require(
            (1..=MAX_TOKENS).contains(&tokens)
                && (1..=MAX_TOKENS).contains(&queries)
                && q_d >= 1
                && d_value >= 1
                && q_heads >= 1,
            "path",
            &shapes,
            format!("from 1 to {MAX_TOKENS} tokens and queries, and no empty dimension"),
            "cut the arrays",
        );
        m.require(
            !causal || queries <= tokens,
            "path",
            &shapes,
            "a causal workload needs a key for every query",
            "set `workload.causal = false`, or give the keys",
        );
        let chosen: Vec<usize> = self.heads.clone().unwrap_or_else(|| (0..q_heads).collect());
        m.require(
            !chosen.is_empty() && chosen.iter().all(|head| *head < q_heads),
            "heads",
            format!("{chosen:?}"),
            format!("the file holds heads 0 to {}", q_heads.saturating_sub(1)),
            "name heads that exist, or leave the key out for all of them",
        );
        if !m.0.is_empty() {
            return Err(mistakes);
        }
        let mut mask = m
            .keep("", mask(arrays.get("mask"), queries, tokens))
            .unwrap_or_default();
        mask.causal = causal.then_some(tokens - queries);
        let blind = (0..queries)
            .find(|query| !(0..tokens).any(|token| mask.is_live(*query, token, tokens)));
        if let Some(query) = blind {
            m.add(
                "mask",
                format!("row of query {query}"),
                "every key is masked, so its softmax has no meaning",
                "leave at least one key live for every query, or drop the query",
            );
        }
        mistakes.or(|| {
            let factor = if self.scaled {
                1.0
            } else {
                1.0 / (q_d as f64).sqrt()
            };
            let part = |array: &Array, head: usize, rows: usize, columns: usize| {
                let start = head * rows * columns;
                Matrix::from_column_slice(
                    columns,
                    rows,
                    &array.values[start..start + rows * columns],
                )
            };
            chosen
                .iter()
                .map(|&head| Head {
                    q: part(q, head, queries, q_d) * factor,
                    k: part(k, head, tokens, k_d).transpose(),
                    v: part(v, head, tokens, d_value),
                    mask: mask.clone(),
                    place: Place {
                        head: head as u64,
                        first_query: 0,
                    },
                })
                .collect()
        })
    }
}

fn mask(array: Option<&Array>, queries: usize, tokens: usize) -> Result<Mask, Mistakes> {
    let mut mistakes = Mistakes::none();
    let Some(array) = array else {
        return Ok(Mask::default());
    };
    let odd = array
        .values
        .iter()
        .position(|value| *value != 0.0 && *value != 1.0);
    if let Some(at) = odd {
        mistakes.add(
            "mask",
            format!("{} at element {at}", array.values[at]),
            "a mask holds only 0 (masked) and 1 (live)",
            "write it as 0/1, not as -inf or as a score",
        );
    }
    let live: Arc<[bool]> = array.values.iter().map(|value| *value == 1.0).collect();
    let mask = if array.shape[..] == [tokens] {
        Mask {
            tokens: Some(live),
            ..Mask::default()
        }
    } else if array.shape[..] == [queries, tokens] {
        Mask {
            pairs: Some(live),
            ..Mask::default()
        }
    } else {
        mistakes.add(
            "mask",
            format!("shape {:?}", array.shape),
            format!("must be ({tokens},) or ({queries}, {tokens}): tokens, or queries by tokens"),
            "give one row for all heads",
        );
        Mask::default()
    };
    mistakes.or(|| mask)
}

impl Head {
    /// The head without its first `count` queries, and its first queries and keys to calibrate on.
    #[must_use]
    pub fn split_off(self, count: usize) -> (Head, Head) {
        let tokens = self.k.nrows();
        let pairs = |rows: std::ops::Range<usize>, width: usize| {
            self.mask.pairs.as_ref().map(|live| {
                rows.flat_map(|row| live[row * tokens..row * tokens + width].iter().copied())
                    .collect()
            })
        };
        let queries = self.q.ncols();
        let first = Head {
            q: self.q.columns(0, count).into_owned(),
            k: self.k.rows(0, count).into_owned(),
            v: self.v.columns(0, count).into_owned(),
            mask: Mask {
                tokens: self.mask.tokens.as_ref().map(|live| live[..count].into()),
                pairs: pairs(0..count, count),
                causal: self.mask.causal,
            },
            place: self.place,
        };
        let rest = Head {
            q: self.q.columns(count, queries - count).into_owned(),
            mask: Mask {
                tokens: self.mask.tokens.clone(),
                pairs: pairs(count..queries, tokens),
                causal: self.mask.causal.map(|first| first + count),
            },
            k: self.k,
            v: self.v,
            place: Place {
                first_query: self.place.first_query + count,
                ..self.place
            },
        };
        (rest, first)
    }
}
