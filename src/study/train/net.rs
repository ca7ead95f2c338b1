//! The transformer on a few images at once: forward with everything kept, and backward.

use super::attention::{Batch, Heads, Room, softmax};
use super::layer::{Norm, linear, linear_add, linear_input, linear_weights};
use super::layout::{BlockPlaces, Net, Pair};
use super::math::{add, gelu_all};
use super::way::{Attend, Units};

/// What a block keeps for its backward pass.
#[derive(Clone, Debug, Default)]
struct BlockTape {
    before: Norm,
    heads: Heads,
    after: Norm,
    /// The hidden layer before GELU, then GELU's slope there.
    slope: Vec<f32>,
    /// The hidden layer after GELU.
    hidden: Vec<f32>,
}

/// Everything that a forward pass leaves for a backward pass, for a fixed number of images.
#[derive(Clone, Debug)]
pub struct Tape {
    images: usize,
    patches: Vec<f32>,
    /// The residual stream, at last the output of the last block.
    stream: Vec<f32>,
    blocks: Vec<BlockTape>,
    first_tokens: Vec<f32>,
    last: Norm,
    /// Class scores, by image.
    pub logits: Vec<f32>,
    room: Room,
    d_stream: Vec<f32>,
    d_row: Vec<f32>,
    d_qkv: Vec<f32>,
    d_hidden: Vec<f32>,
}

/// What a batch lost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Sum of the cross entropies in nats.
    pub sum: f64,
    /// Images whose largest class score is their label's.
    pub right: usize,
}

/// A transformer with weights, and how its attention works.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// Sizes and places.
    pub net: &'a Net,
    /// Values of all tensors.
    pub weights: &'a [f32],
    /// How its attention works.
    pub attend: &'a Attend,
    /// Values of one code of the quantised operands.
    pub units: &'a Units,
}

impl Tape {
    /// Room for `images` images.
    #[must_use]
    pub fn new(net: &Net, attend: &Attend, images: usize) -> Self {
        let rows = images * net.tokens();
        let (width, hidden) = (net.params.width, net.params.hidden);
        let block = || BlockTape {
            before: Norm::new(rows, width),
            heads: attend.heads(net, images),
            after: Norm::new(rows, width),
            slope: vec![0.0; rows * hidden],
            hidden: vec![0.0; rows * hidden],
        };
        Self {
            images,
            patches: vec![0.0; rows * net.params.patch.pow(2)],
            stream: vec![0.0; rows * width],
            blocks: (0..net.params.layers).map(|_| block()).collect(),
            first_tokens: vec![0.0; images * width],
            last: Norm::new(images, width),
            logits: vec![0.0; images * net.classes],
            room: Room::new(net),
            d_stream: vec![0.0; rows * width],
            d_row: vec![0.0; rows * width],
            d_qkv: vec![0.0; rows * 3 * width],
            d_hidden: vec![0.0; rows * hidden],
        }
    }

    /// Images it has room for.
    #[must_use]
    pub fn images(&self) -> usize {
        self.images
    }

    /// Output of the last block, by image, token and width.
    #[must_use]
    pub fn stream(&self) -> &[f32] {
        &self.stream
    }

    /// q, k and v of a block, by row, from the last forward pass.
    pub(super) fn qkv(&self, layer: usize) -> &[f32] {
        &self.blocks[layer].heads.qkv
    }

    /// Which shares of all blocks are not zero: what was selected.
    #[cfg(test)]
    pub(super) fn selected(&self) -> Vec<bool> {
        let blocks = self.blocks.iter().map(|block| &block.heads);
        let driven = blocks.flat_map(|heads| {
            if heads.hard.is_empty() {
                &heads.soft
            } else {
                &heads.hard
            }
        });
        driven.map(|share| *share != 0.0).collect()
    }

    /// Loss of the last forward pass with these labels; leaves its gradient, times `weight`, in the
    /// place of the class scores.
    pub fn loss(&mut self, net: &Net, labels: &[u8], weight: f32) -> Loss {
        let mut loss = Loss::default();
        for (row, label) in self.logits.chunks_exact_mut(net.classes).zip(labels) {
            let label = usize::from(*label);
            loss.right += usize::from(best(row) == label);
            softmax(row);
            loss.sum -= f64::from(row[label].max(f32::MIN_POSITIVE)).ln();
            row[label] -= 1.0;
            for x in row {
                *x *= weight;
            }
        }
        loss
    }
}

/// The class of the largest score, the lower one of equals.
#[must_use]
pub fn best(scores: &[f32]) -> usize {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = at;
        }
    }
    best
}

impl Model<'_> {
    fn pair(&self, pair: &Pair) -> (&[f32], &[f32]) {
        (
            &self.weights[pair.weight.clone()],
            &self.weights[pair.bias.clone()],
        )
    }

    fn batch(&self, layer: usize, images: usize) -> Batch<'_> {
        let size = 3 * self.net.params.heads;
        let units = self.units.0.get(layer * size..(layer + 1) * size);
        Batch {
            net: self.net,
            units: units.unwrap_or(&[]),
            images,
        }
    }

    /// Class scores of images of normalised pixels, as many as the tape has room for.
    pub fn forward(&self, pixels: &[f32], tape: &mut Tape) {
        let net = self.net;
        self.embed(pixels, tape);
        let Tape {
            stream,
            blocks,
            room,
            ..
        } = tape;
        for (layer, (at, block)) in net.blocks.iter().zip(blocks).enumerate() {
            let (weight, bias) = self.pair(&at.before);
            block.before.forward(stream, weight, bias);
            let (weight, bias) = self.pair(&at.qkv);
            linear(&mut block.heads.qkv, &block.before.out, weight, bias);
            let batch = self.batch(layer, tape.images);
            self.attend.forward(batch, &mut block.heads, room);
            let (weight, bias) = self.pair(&at.out);
            linear_add(stream, &block.heads.out, weight, bias);
            let (weight, bias) = self.pair(&at.after);
            block.after.forward(stream, weight, bias);
            let (weight, bias) = self.pair(&at.up);
            linear(&mut block.slope, &block.after.out, weight, bias);
            gelu_all(&mut block.slope, &mut block.hidden);
            let (weight, bias) = self.pair(&at.down);
            linear_add(stream, &block.hidden, weight, bias);
        }
        let width = net.params.width;
        let images = tape.stream.chunks_exact(net.tokens() * width);
        for (token, image) in tape.first_tokens.chunks_exact_mut(width).zip(images) {
            token.copy_from_slice(&image[..width]);
        }
        let (weight, bias) = self.pair(&net.last);
        tape.last.forward(&tape.first_tokens, weight, bias);
        let (weight, bias) = self.pair(&net.classifier);
        linear(&mut tape.logits, &tape.last.out, weight, bias);
    }

    /// Patches, positions and the class token.
    fn embed(&self, pixels: &[f32], tape: &mut Tape) {
        let net = self.net;
        let (side, patch, width) = (net.side, net.params.patch, net.params.width);
        let across = side / patch;
        let area = patch * patch;
        let images = pixels.chunks_exact(side * side);
        for (rows, image) in tape
            .patches
            .chunks_exact_mut(net.tokens() * area)
            .zip(images)
        {
            // The first row belongs to the class token and stays zero.
            for (at, row) in rows[area..].chunks_exact_mut(area).enumerate() {
                let corner = (at / across * side + at % across) * patch;
                for (y, line) in row.chunks_exact_mut(patch).enumerate() {
                    line.copy_from_slice(&image[corner + y * side..][..patch]);
                }
            }
        }
        let (weight, bias) = self.pair(&net.patches);
        let cls = &self.weights[net.cls.clone()];
        let positions = &self.weights[net.positions.clone()];
        for image in tape.stream.chunks_exact_mut(net.tokens() * width) {
            image.copy_from_slice(positions);
            for (at, row) in image.chunks_exact_mut(width).enumerate() {
                add(row, if at == 0 { cls } else { bias });
            }
        }
        let none = vec![0.0; width];
        linear_add(&mut tape.stream, &tape.patches, weight, &none);
    }

    /// Adds to `gradient` that of the loss left in the tape.
    pub fn backward(&self, tape: &mut Tape, gradient: &mut [f32]) {
        let net = self.net;
        let width = net.params.width;
        let logits = &tape.logits;
        let images = tape.images;
        {
            let (d_weight, d_bias) = two(gradient, &net.classifier);
            linear_weights(logits, &tape.last.out, d_weight, d_bias);
        }
        let d_first = &mut tape.d_row[..images * width];
        let weight = &self.weights[net.classifier.weight.clone()];
        linear_input(d_first, logits, weight, net.classes);
        tape.first_tokens.fill(0.0);
        let weight = &self.weights[net.last.weight.clone()];
        let (d_weight, d_bias) = two(gradient, &net.last);
        tape.last
            .backward(d_first, weight, d_weight, d_bias, &mut tape.first_tokens);
        tape.d_stream.fill(0.0);
        let per_image = tape.d_stream.chunks_exact_mut(net.tokens() * width);
        for (image, token) in per_image.zip(tape.first_tokens.chunks_exact(width)) {
            image[..width].copy_from_slice(token);
        }
        for (layer, at) in net.blocks.iter().enumerate().rev() {
            self.block_backward(layer, at, tape, gradient);
        }
        self.embed_backward(tape, gradient);
    }

    fn block_backward(
        &self,
        layer: usize,
        at: &BlockPlaces,
        tape: &mut Tape,
        gradient: &mut [f32],
    ) {
        let net = self.net;
        let weight = |pair: &Pair| &self.weights[pair.weight.clone()];
        let Tape {
            blocks,
            d_stream,
            d_row,
            d_qkv,
            d_hidden,
            room,
            images,
            ..
        } = tape;
        let block = &blocks[layer];
        let (width, hidden) = (net.params.width, net.params.hidden);
        let (d_weight, d_bias) = two(gradient, &at.down);
        linear_weights(d_stream, &block.hidden, d_weight, d_bias);
        linear_input(d_hidden, d_stream, weight(&at.down), width);
        for (d, slope) in d_hidden.iter_mut().zip(&block.slope) {
            *d *= slope;
        }
        let (d_weight, d_bias) = two(gradient, &at.up);
        linear_weights(d_hidden, &block.after.out, d_weight, d_bias);
        linear_input(d_row, d_hidden, weight(&at.up), hidden);
        let (d_weight, d_bias) = two(gradient, &at.after);
        block
            .after
            .backward(d_row, weight(&at.after), d_weight, d_bias, d_stream);
        let (d_weight, d_bias) = two(gradient, &at.out);
        linear_weights(d_stream, &block.heads.out, d_weight, d_bias);
        linear_input(d_row, d_stream, weight(&at.out), width);
        let batch = self.batch(layer, *images);
        self.attend
            .backward(batch, &block.heads, d_row, d_qkv, room);
        let (d_weight, d_bias) = two(gradient, &at.qkv);
        linear_weights(d_qkv, &block.before.out, d_weight, d_bias);
        linear_input(d_row, d_qkv, weight(&at.qkv), 3 * width);
        let (d_weight, d_bias) = two(gradient, &at.before);
        block
            .before
            .backward(d_row, weight(&at.before), d_weight, d_bias, d_stream);
    }

    fn embed_backward(&self, tape: &Tape, gradient: &mut [f32]) {
        let net = self.net;
        let width = net.params.width;
        let mut none = vec![0.0; width];
        let d_weight = &mut gradient[net.patches.weight.clone()];
        linear_weights(&tape.d_stream, &tape.patches, d_weight, &mut none);
        for image in tape.d_stream.chunks_exact(net.tokens() * width) {
            add(&mut gradient[net.positions.clone()], image);
            add(&mut gradient[net.cls.clone()], &image[..width]);
            for row in image[width..].chunks_exact(width) {
                add(&mut gradient[net.patches.bias.clone()], row);
            }
        }
    }
}

/// Weight and bias of a pair among the gradients; the bias lies behind the weight.
fn two<'a>(gradient: &'a mut [f32], pair: &Pair) -> (&'a mut [f32], &'a mut [f32]) {
    let (front, back) = gradient.split_at_mut(pair.bias.start);
    (
        &mut front[pair.weight.clone()],
        &mut back[..pair.bias.len()],
    )
}
