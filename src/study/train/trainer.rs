//! Training by steps: a batch is cut into a fixed number of parts whose gradients are added in
//! their order, so that the weights are the same bytes whoever computes the parts.

use super::adamw::{Moments, ScheduleParams, descend};
use super::images::{Images, order, view};
use super::layout::Net;
use super::math::add;
use super::net::{Loss, Model, Tape};
use super::way::{Attend, Units};
use crate::base::rng::{Purpose, Seed, Site};

/// Parts of a batch.
pub const PARTS: usize = 8;
/// Images that go through the transformer at once.
pub const PASS: usize = 4;
/// A batch is a multiple of this.
pub const GRAIN: usize = PARTS * PASS;
/// Training images from which the units of quantised operands are fitted: the first ones.
const CALIBRATION: usize = 512;

/// Who does the work: does `job` with every item and its number, in any order, on any thread.
pub trait Crew {
    /// Does `job` with every item.
    fn each<T: Send>(&self, items: &mut [T], job: impl Fn(usize, &mut T) + Send + Sync);
}

/// One after the other.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Crew for Alone {
    fn each<T: Send>(&self, items: &mut [T], job: impl Fn(usize, &mut T) + Send + Sync) {
        for (at, item) in items.iter_mut().enumerate() {
            job(at, item);
        }
    }
}

/// Everything that a training goes on from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Steps that are done.
    pub step: usize,
    /// Values of all tensors.
    pub weights: Vec<f32>,
    /// The optimiser's means.
    pub moments: Moments,
    /// Values of one code of the quantised operands.
    pub units: Units,
}

/// What is trained, on what and how.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Sizes and places.
    pub net: &'a Net,
    /// How its attention works.
    pub attend: &'a Attend,
    /// How long and how.
    pub schedule: &'a ScheduleParams,
    /// Training images.
    pub images: &'a Images,
    /// Seed of first weights, order and views.
    pub seed: Seed,
}

/// The loss is no number any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the loss is no number at step {0}; lower the rate, or lengthen the warm-up")]
pub struct Diverged(pub usize);

struct Part {
    tape: Tape,
    pixels: Vec<f32>,
    gradient: Vec<f32>,
    loss: Loss,
}

/// A training under way.
pub struct Trainer<'a> {
    task: Task<'a>,
    /// Where it stands.
    pub state: State,
    parts: Vec<Part>,
    /// An epoch and its order; a batch may lie across two.
    orders: [(usize, Vec<u32>); 2],
    gradient: Vec<f32>,
}

/// First weights: of linear layers normal with variance 1 / (3 inputs), as wide as the usual uniform
/// ones; of embeddings normal with deviation 0.02; of LayerNorms one; biases zero.
#[must_use]
pub fn first_weights(net: &Net, seed: Seed) -> Vec<f32> {
    let mut weights = vec![0.0; net.size()];
    for (at, tensor) in net.tensors.iter().enumerate() {
        let values = &mut weights[tensor.place.clone()];
        let name = tensor.name.as_str();
        if name.ends_with("bias") {
            continue;
        }
        if tensor.shape.len() == 1 {
            values.fill(1.0);
            continue;
        }
        let deviation = if name.ends_with(".weight") {
            let inputs: usize = tensor.shape[1..].iter().product();
            1.0 / (3.0 * inputs as f64).sqrt()
        } else {
            0.02
        };
        let mut stream = seed.stream(Purpose::TrainingWeights, 0, Site(at as u64, 0));
        for value in values {
            *value = (stream.normal() * deviation) as f32;
        }
    }
    weights
}

impl<'a> Trainer<'a> {
    /// Begins from these weights.
    #[must_use]
    pub fn begin(task: Task<'a>, weights: Vec<f32>, crew: &impl Crew) -> Self {
        let none = vec![0.0; weights.len()];
        let model = Model {
            net: task.net,
            weights: &weights,
            attend: task.attend,
            units: &Units::default(),
        };
        let units = units(&model, task.images, crew);
        let state = State {
            step: 0,
            weights,
            moments: Moments {
                first: none.clone(),
                second: none,
            },
            units,
        };
        Self::go_on(task, state)
    }

    /// Goes on from a state of the same task.
    #[must_use]
    pub fn go_on(task: Task<'a>, state: State) -> Self {
        let size = task.net.size();
        let part = || Part {
            tape: Tape::new(task.net, task.attend, PASS),
            pixels: vec![0.0; PASS * task.net.side.pow(2)],
            gradient: vec![0.0; size],
            loss: Loss::default(),
        };
        Self {
            task,
            state,
            parts: (0..PARTS).map(|_| part()).collect(),
            orders: [(usize::MAX, Vec::new()), (usize::MAX, Vec::new())],
            gradient: vec![0.0; size],
        }
    }

    /// Whether every step is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state.step >= self.task.schedule.steps
    }

    /// The epoch and image at a position of the endless row of shuffled epochs.
    fn draw(&mut self, position: usize) -> (usize, usize) {
        let count = self.task.images.len();
        let (epoch, at) = (position / count, position % count);
        let slot = &mut self.orders[epoch % 2];
        if slot.0 != epoch {
            *slot = (epoch, order(self.task.seed, epoch, count));
        }
        (epoch, slot.1[at] as usize)
    }

    /// One step; the loss is that of the batch before the step.
    ///
    /// # Errors
    /// A loss that is no number.
    pub fn step(&mut self, crew: &impl Crew) -> Result<Loss, Diverged> {
        let Task {
            net,
            attend,
            schedule,
            images,
            seed,
        } = self.task;
        let batch = schedule.batch;
        let first = self.state.step * batch;
        let drawn: Vec<(usize, usize)> = (first..first + batch)
            .map(|position| self.draw(position))
            .collect();
        let model = Model {
            net,
            weights: &self.state.weights,
            attend,
            units: &self.state.units,
        };
        let area = net.side.pow(2);
        crew.each(&mut self.parts, |at, part| {
            part.gradient.fill(0.0);
            part.loss = Loss::default();
            let own = &drawn[at * batch / PARTS..(at + 1) * batch / PARTS];
            for pass in own.chunks_exact(PASS) {
                let mut labels = [0; PASS];
                let rows = part.pixels.chunks_exact_mut(area).zip(&mut labels);
                for ((pixels, label), &(epoch, image)) in rows.zip(pass) {
                    images.seen(image, view(seed, epoch, image, schedule), pixels);
                    *label = images.labels[image];
                }
                model.forward(&part.pixels, &mut part.tape);
                let loss = part.tape.loss(net, &labels, 1.0 / batch as f32);
                part.loss.sum += loss.sum;
                part.loss.right += loss.right;
                model.backward(&mut part.tape, &mut part.gradient);
            }
        });
        let mut loss = Loss::default();
        self.gradient.fill(0.0);
        for part in &self.parts {
            add(&mut self.gradient, &part.gradient);
            loss.sum += part.loss.sum;
            loss.right += part.loss.right;
        }
        if !loss.sum.is_finite() || self.gradient.iter().any(|g| !g.is_finite()) {
            return Err(Diverged(self.state.step));
        }
        descend(
            net,
            schedule,
            self.state.step,
            &self.gradient,
            &mut self.state.weights,
            &mut self.state.moments,
        );
        self.state.step += 1;
        Ok(loss)
    }
}

/// Units of the quantised operands of `model`, whose own are not looked at, from the first images in a
/// forward pass without quantisation.
#[must_use]
pub fn units(model: &Model<'_>, images: &Images, crew: &impl Crew) -> Units {
    let (net, attend) = (model.net, model.attend);
    if attend.quantise.is_none() {
        return Units::default();
    }
    let exact = Attend {
        quantise: None,
        ..attend.clone()
    };
    let model = Model {
        attend: &exact,
        units: &Units::default(),
        ..*model
    };
    let count = images.len().min(CALIBRATION);
    let layers = net.params.layers;
    // One pass a job; its q, k and v by layer.
    let mut passes: Vec<Vec<Vec<f32>>> = vec![Vec::new(); count.div_ceil(PASS)];
    crew.each(&mut passes, |at, rows| {
        let mut tape = Tape::new(net, &exact, PASS);
        let seen = fill(images, at * PASS, count);
        model.forward(&seen, &mut tape);
        *rows = (0..layers).map(|layer| tape.qkv(layer).to_vec()).collect();
    });
    let fitted = (0..layers).flat_map(|layer| {
        let rows: Vec<f32> = passes.iter().flat_map(|pass| pass[layer].clone()).collect();
        attend.fit(net, &rows)
    });
    Units(fitted.collect())
}

/// A pass of unaltered images from `first`; behind the last one it is shown again.
fn fill(images: &Images, first: usize, count: usize) -> Vec<f32> {
    let area = images.side.pow(2);
    let mut pixels = vec![0.0; PASS * area];
    for (at, row) in pixels.chunks_exact_mut(area).enumerate() {
        images.plain((first + at).min(count - 1), row);
    }
    pixels
}

/// The class that the model gives each image.
#[must_use]
pub fn classify(model: &Model<'_>, images: &Images, crew: &impl Crew) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = vec![Vec::new(); PARTS];
    let passes = images.len().div_ceil(PASS);
    crew.each(&mut parts, |at, classes| {
        let mut tape = Tape::new(model.net, model.attend, PASS);
        for pass in at * passes / PARTS..(at + 1) * passes / PARTS {
            let first = pass * PASS;
            model.forward(&fill(images, first, images.len()), &mut tape);
            let rows = tape.logits.chunks_exact(model.net.classes);
            let left = images.len() - first;
            classes.extend(rows.take(left).map(|row| super::net::best(row) as u8));
        }
    });
    parts.concat()
}

/// Share of images whose class is found.
#[must_use]
pub fn accuracy(model: &Model<'_>, images: &Images, crew: &impl Crew) -> f64 {
    let found = classify(model, images, crew);
    let right = found.iter().zip(&images.labels).filter(|(a, b)| a == b);
    right.count() as f64 / images.len() as f64
}
