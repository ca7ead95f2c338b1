//! Attention of one block, forward and backward, in every way it can be trained.
//!
//! For a row of scores s: the complete softmax is P, the softmax over the kept scores A (zero
//! elsewhere). The forward pass multiplies A, perhaps quantised, with V. With g the gradient that
//! arrives at A, the backward pass gives
//!
//! - `kept`: dL/ds = A (g - sum A g), the gradient of the forward pass itself away from ties;
//! - `complete`: dL/ds = P (g - sum P g), as if nothing had been left out.

use super::gemm::{View, gemm};
use super::layout::Net;
use super::math::{dot, exp, largest, round, sum, wide};
use super::select::Keep;
use super::way::Attend;

/// What a block's attention keeps for its backward pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads {
    /// Rows of q, k and v side by side.
    pub qkv: Vec<f32>,
    /// The same, quantised; empty where nothing is.
    coded: Vec<f32>,
    /// The softmax whose slope goes back, by image, head and query.
    pub soft: Vec<f32>,
    /// What multiplies V where that is something else; empty where it is not.
    pub hard: Vec<f32>,
    /// The heads' outputs side by side.
    pub out: Vec<f32>,
}

/// Room for the gradients of one head.
#[derive(Clone, Debug)]
pub(super) struct Room {
    d_shares: Vec<f32>,
    kept: Vec<(f32, usize)>,
}

impl Room {
    pub fn new(net: &Net) -> Self {
        Self {
            d_shares: vec![0.0; net.tokens().pow(2)],
            kept: Vec::with_capacity(net.tokens() + 1),
        }
    }
}

/// What a block's attention works on: images of a transformer, and the units of the block's operands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    pub net: &'a Net,
    pub units: &'a [f32],
    pub images: usize,
}

/// Operands of a head lie side by side in a row.
#[derive(Clone, Copy)]
struct Sizes {
    tokens: usize,
    width: usize,
    head: usize,
    heads: usize,
}

impl Sizes {
    fn of(net: &Net) -> Self {
        Self {
            tokens: net.tokens(),
            width: net.params.width,
            head: net.head_width(),
            heads: net.params.heads,
        }
    }

    /// One operand (0 q, 1 k, 2 v) of one head of one image.
    fn operand(self, rows: &[f32], image: usize, head: usize, which: usize) -> View<'_> {
        let start = self.start(image, head, which);
        View::strided(&rows[start..], self.tokens, self.head, 3 * self.width)
    }

    fn start(self, image: usize, head: usize, which: usize) -> usize {
        image * self.tokens * 3 * self.width + which * self.width + head * self.head
    }

    /// One head's part of rows of the width.
    fn part(self, image: usize, head: usize) -> usize {
        image * self.tokens * self.width + head * self.head
    }

    fn matrix(self, image: usize, head: usize) -> std::ops::Range<usize> {
        let size = self.tokens * self.tokens;
        let at = image * self.heads + head;
        at * size..(at + 1) * size
    }

    fn scale(self) -> f32 {
        1.0 / (self.head as f32).sqrt()
    }
}

impl Attend {
    /// Room for `images` images.
    pub(super) fn heads(&self, net: &Net, images: usize) -> Heads {
        let rows = images * net.tokens();
        let width = net.params.width;
        let shares = rows * net.params.heads * net.tokens();
        let if_so = |so: bool, count: usize| vec![0.0; if so { count } else { 0 }];
        Heads {
            qkv: vec![0.0; rows * 3 * width],
            coded: if_so(self.quantise.is_some(), rows * 3 * width),
            soft: vec![0.0; shares],
            hard: if_so(self.is_split(), shares),
            out: vec![0.0; rows * width],
        }
    }

    /// Visits every value of the quantised operands with its unit and largest code.
    #[inline(always)]
    fn each_operand(
        &self,
        batch: Batch<'_>,
        mut visit: impl FnMut(std::ops::Range<usize>, f32, f32),
    ) {
        let sizes = Sizes::of(batch.net);
        let Some(codes) = self.codes() else { return };
        for row in 0..batch.images * sizes.tokens {
            for (which, code) in codes.iter().enumerate() {
                for head in 0..sizes.heads {
                    if let Some(code) = code {
                        let start = (3 * row + which) * sizes.width + head * sizes.head;
                        let unit = batch.units[3 * head + which];
                        visit(start..start + sizes.head, unit, *code as f32);
                    }
                }
            }
        }
    }

    /// From q, k and v to the heads' outputs.
    pub(super) fn forward(&self, batch: Batch<'_>, on: &mut Heads, room: &mut Room) {
        let sizes = Sizes::of(batch.net);
        if self.quantise.is_some() {
            on.coded.copy_from_slice(&on.qkv);
            let coded = &mut on.coded;
            wide(|| {
                self.each_operand(batch, |place, unit, most| {
                    let inverse = 1.0 / unit;
                    for x in &mut coded[place] {
                        *x = round((*x * inverse).clamp(-most, most)) * unit;
                    }
                });
            });
        }
        let operands = if self.quantise.is_some() {
            &on.coded
        } else {
            &on.qkv
        };
        for image in 0..batch.images {
            for head in 0..sizes.heads {
                let q = sizes.operand(operands, image, head, 0);
                let k = sizes.operand(operands, image, head, 1);
                let v = sizes.operand(operands, image, head, 2);
                let at = sizes.matrix(image, head);
                let soft = &mut on.soft[at.clone()];
                gemm(soft, sizes.tokens, sizes.scale(), q, k.t(), 0.0);
                let hard = if self.is_split() {
                    &mut on.hard[at]
                } else {
                    &mut []
                };
                self.shares(sizes.tokens, soft, hard, &mut room.kept);
                let driven = if hard.is_empty() { soft } else { hard };
                let driven = View::new(driven, sizes.tokens, sizes.tokens);
                let out = &mut on.out[sizes.part(image, head)..];
                gemm(out, sizes.width, 1.0, driven, v, 0.0);
            }
        }
    }

    /// From rows of scores in `soft` to the softmax whose slope goes back, there, and to A as it is
    /// driven in `hard`, which is empty where the two are one.
    fn shares(
        &self,
        tokens: usize,
        soft: &mut [f32],
        hard: &mut [f32],
        kept: &mut Vec<(f32, usize)>,
    ) {
        if let Some(keep) = self.keep.as_ref().filter(|_| self.complete) {
            hard.copy_from_slice(soft);
            softmax_of_kept(keep, hard, tokens, kept);
            softmax_all(soft, tokens);
        } else {
            match &self.keep {
                Some(keep) => softmax_of_kept(keep, soft, tokens, kept),
                None => softmax_all(soft, tokens),
            }
            if !hard.is_empty() {
                hard.copy_from_slice(soft);
            }
        }
        if let Some(most) = self.quantise.map(|qat| qat.a_max_code as f32)
            && most > 0.0
        {
            wide(|| {
                for row in hard.chunks_exact_mut(tokens) {
                    let top = largest(row);
                    let (up, down) = (most / top, top / most);
                    for share in row {
                        *share = round(*share * up) * down;
                    }
                }
            });
        }
    }

    /// From the gradient of the heads' outputs to that of q, k and v.
    pub(super) fn backward(
        &self,
        batch: Batch<'_>,
        on: &Heads,
        d_out: &[f32],
        d_qkv: &mut [f32],
        room: &mut Room,
    ) {
        let sizes = Sizes::of(batch.net);
        let operands = if self.quantise.is_some() {
            &on.coded
        } else {
            &on.qkv
        };
        let step = 3 * sizes.width;
        for image in 0..batch.images {
            for head in 0..sizes.heads {
                let [q, k, v] = [0, 1, 2].map(|which| sizes.operand(operands, image, head, which));
                let [dq, dk, dv] = [0, 1, 2].map(|which| sizes.start(image, head, which));
                let at = sizes.matrix(image, head);
                let soft = &on.soft[at.clone()];
                let driven = if self.is_split() { &on.hard[at] } else { soft };
                let driven = View::new(driven, sizes.tokens, sizes.tokens);
                let d_out = &d_out[sizes.part(image, head)..];
                let d_out = View::strided(d_out, sizes.tokens, sizes.head, sizes.width);
                gemm(&mut d_qkv[dv..], step, 1.0, driven.t(), d_out, 0.0);
                gemm(&mut room.d_shares, sizes.tokens, 1.0, d_out, v.t(), 0.0);
                let rows = room.d_shares.chunks_exact_mut(sizes.tokens);
                let rows = rows.zip(soft.chunks_exact(sizes.tokens));
                wide(|| {
                    for (d_row, soft) in rows {
                        let mean = dot(d_row, soft);
                        for (d, share) in d_row.iter_mut().zip(soft) {
                            *d = share * (*d - mean);
                        }
                    }
                });
                let d_scores = View::new(&room.d_shares, sizes.tokens, sizes.tokens);
                gemm(&mut d_qkv[dq..], step, sizes.scale(), d_scores, k, 0.0);
                gemm(&mut d_qkv[dk..], step, sizes.scale(), d_scores.t(), q, 0.0);
            }
        }
        let raw = &on.qkv;
        self.each_operand(batch, |place, unit, most| {
            let clip = unit * most;
            for (d, x) in d_qkv[place.clone()].iter_mut().zip(&raw[place]) {
                if x.abs() > clip {
                    *d = 0.0;
                }
            }
        });
    }

    /// Units of a block's operands from q, k and v of calibration images.
    pub(super) fn fit(&self, net: &Net, qkv: &[f32]) -> Vec<f32> {
        let sizes = Sizes::of(net);
        let Some(qat) = self.quantise else {
            return Vec::new();
        };
        let mut units = Vec::new();
        for head in 0..sizes.heads {
            for (which, quantiser) in [qat.q, qat.k, qat.v].into_iter().enumerate() {
                let start = which * sizes.width + head * sizes.head;
                let values: Vec<f64> = qkv
                    .chunks_exact(3 * sizes.width)
                    .flat_map(|row| &row[start..start + sizes.head])
                    .map(|x| f64::from(*x))
                    .collect();
                let unit = quantiser.fit(&values, 1).unit as f32;
                // Nothing but zero is zero in any unit.
                units.push(if unit > 0.0 { unit } else { 1.0 });
            }
        }
        units
    }
}

/// The softmax of a row, in place.
#[inline(always)]
pub(super) fn softmax(row: &mut [f32]) {
    let top = largest(row);
    for x in row.iter_mut() {
        *x = exp(*x - top);
    }
    let inverse = 1.0 / sum(row);
    for x in row {
        *x *= inverse;
    }
}

/// The softmax of every row.
fn softmax_all(rows: &mut [f32], tokens: usize) {
    wide(|| {
        for row in rows.chunks_exact_mut(tokens) {
            softmax(row);
        }
    });
}

/// The softmax of every row over what is kept of it; zero elsewhere.
fn softmax_of_kept(keep: &Keep, rows: &mut [f32], tokens: usize, kept: &mut Vec<(f32, usize)>) {
    for row in rows.chunks_exact_mut(tokens) {
        keep.choose(row, kept);
        row.fill(0.0);
        let top = kept.iter().fold(
            f32::NEG_INFINITY,
            |top, (score, _)| {
                if *score > top { *score } else { top }
            },
        );
        let mut total = 0.0;
        for (score, at) in kept.iter() {
            row[*at] = exp(score - top);
            total += row[*at];
        }
        for (_, at) in kept.iter() {
            row[*at] /= total;
        }
    }
}
