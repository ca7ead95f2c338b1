//! AdamW with a linear warm-up, a cosine to zero, and a bound on the gradient's norm.
//!
//! Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019. Only matrices of linear
//! layers decay.

use serde::{Deserialize, Serialize};

use super::layout::Net;
use crate::base::mistake::Mistakes;

/// `schedule`: how long a way is trained and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleParams {
    /// Steps.
    pub steps: usize,
    /// Images of a step.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Largest step size.
    pub rate: f64,
    /// Steps in which the rate rises from zero.
    #[serde(default)]
    pub warm_up: usize,
    /// Weight decay: a linear weight shrinks by rate x decay in a step.
    #[serde(default = "decay")]
    pub decay: f64,
    /// Memory of the mean of gradients.
    #[serde(default = "beta1")]
    pub beta1: f64,
    /// Memory of the mean of their squares.
    #[serde(default = "beta2")]
    pub beta2: f64,
    /// Largest norm of a gradient; what is above is scaled down to it.
    #[serde(default = "clip")]
    pub clip: f64,
    /// An image is shifted by up to this many pixels along both axes.
    #[serde(default)]
    pub shift: usize,
    /// Whether every second image is mirrored.
    #[serde(default)]
    pub flip: bool,
}

const fn batch() -> usize {
    128
}
const fn decay() -> f64 {
    0.05
}
const fn beta1() -> f64 {
    0.9
}
const fn beta2() -> f64 {
    0.99
}
const fn clip() -> f64 {
    1.0
}

/// Most steps of a way.
const MOST_STEPS: usize = 100_000_000;

impl ScheduleParams {
    /// The schedule, if it can be; a batch must be a multiple of `grain` images.
    ///
    /// # Errors
    /// Every number outside its range.
    pub fn check(&self, grain: usize, side: usize) -> Result<Self, Mistakes> {
        let mut m = Mistakes::none();
        m.require(
            (1..=MOST_STEPS).contains(&self.steps),
            "steps",
            self.steps,
            format!("must be from 1 to {MOST_STEPS}"),
            "write for instance 1000",
        );
        m.require(
            (1..=65_536).contains(&self.batch) && self.batch.is_multiple_of(grain),
            "batch",
            self.batch,
            format!("must be a multiple of {grain} from {grain} to 65536: a batch is cut alike whatever the number of threads"),
            "write for instance 128",
        );
        m.require(
            self.rate > 0.0 && self.rate <= 1.0,
            "rate",
            self.rate,
            "must be above 0 and at most 1",
            "write for instance 0.001",
        );
        m.require(
            self.warm_up < self.steps.max(1),
            "warm_up",
            self.warm_up,
            "must be below the number of steps",
            "write for instance a twentieth of them",
        );
        m.require(
            (0.0..=10.0).contains(&self.decay),
            "decay",
            self.decay,
            "must be from 0 to 10",
            "write for instance 0.05",
        );
        for (key, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            m.require(
                (0.0..1.0).contains(&beta),
                key,
                beta,
                "must be from 0 to below 1",
                "leave it out",
            );
        }
        m.require(
            self.clip > 0.0,
            "clip",
            self.clip,
            "must be above 0",
            "write for instance 1, or inf for no bound",
        );
        m.require(
            self.shift < side,
            "shift",
            self.shift,
            format!("must be below the side of an image, {side} pixels"),
            "write for instance 1",
        );
        m.or(|| self.clone())
    }

    /// Step size of step `step`, counted from zero.
    #[must_use]
    pub fn rate_at(&self, step: usize) -> f64 {
        if step < self.warm_up {
            return self.rate * (step + 1) as f64 / self.warm_up as f64;
        }
        let done = (step - self.warm_up) as f64 / (self.steps - self.warm_up) as f64;
        self.rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
    }
}

/// Means of gradients and of their squares, as many as weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Of gradients.
    pub first: Vec<f32>,
    /// Of their squares.
    pub second: Vec<f32>,
}

/// Takes step `step`, counted from zero, along `gradient`.
pub(super) fn descend(
    net: &Net,
    schedule: &ScheduleParams,
    step: usize,
    gradient: &[f32],
    weights: &mut [f32],
    moments: &mut Moments,
) {
    const EPSILON: f32 = 1e-8;
    let square: f64 = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
    let scale = (schedule.clip / square.sqrt()).min(1.0) as f32;
    let rate = schedule.rate_at(step);
    let power = i32::try_from(step + 1).unwrap_or(i32::MAX);
    let unbias = |beta: f64| (1.0 / (1.0 - beta.powi(power))) as f32;
    let (unbias1, unbias2) = (unbias(schedule.beta1), unbias(schedule.beta2));
    let (beta1, beta2) = (schedule.beta1 as f32, schedule.beta2 as f32);
    for tensor in &net.tensors {
        let place = tensor.place.clone();
        let decays = tensor.shape.len() > 1 && tensor.name.ends_with(".weight");
        let shrink = if decays {
            (rate * schedule.decay) as f32
        } else {
            0.0
        };
        let rate = rate as f32;
        let own = weights[place.clone()]
            .iter_mut()
            .zip(&gradient[place.clone()]);
        let first = &mut moments.first[place.clone()];
        let second = &mut moments.second[place];
        for (((weight, gradient), first), second) in own.zip(first).zip(second) {
            let gradient = gradient * scale;
            *first = beta1 * *first + (1.0 - beta1) * gradient;
            *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
            let along = *first * unbias1 / ((*second * unbias2).sqrt() + EPSILON);
            *weight -= rate * along + shrink * *weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::NetParams;
    use super::*;

    fn schedule() -> ScheduleParams {
        ScheduleParams {
            steps: 100,
            batch: 32,
            rate: 0.1,
            warm_up: 10,
            decay: 0.5,
            beta1: 0.9,
            beta2: 0.99,
            clip: 1e9,
            shift: 0,
            flip: false,
        }
    }

    #[test]
    fn the_rate_rises_to_its_value_and_falls_to_zero() {
        let schedule = schedule();
        let rates: Vec<f64> = (0..100).map(|step| schedule.rate_at(step)).collect();
        assert!((rates[0] - 0.01).abs() < 1e-15 && (rates[9] - 0.1).abs() < 1e-15);
        assert!((rates[55] - 0.05).abs() < 1e-12 && rates[99] > 0.0 && rates[99] < 1e-4);
        assert!(rates[10..].windows(2).all(|pair| pair[1] < pair[0]));
    }

    /// The first step of Adam is the rate along the sign of the gradient, whatever its size; a linear
    /// weight shrinks beside it and a bias does not.
    #[test]
    fn the_first_step_is_the_rate_along_the_sign() {
        let net = NetParams::default().check(28, 10).unwrap();
        let size = net.size();
        let gradient: Vec<f32> = (0..size)
            .map(|at| if at % 2 == 0 { 3e-3 } else { -50.0 })
            .collect();
        let mut weights = vec![2.0_f32; size];
        let mut moments = Moments {
            first: vec![0.0; size],
            second: vec![0.0; size],
        };
        let schedule = ScheduleParams {
            warm_up: 0,
            ..schedule()
        };
        descend(&net, &schedule, 0, &gradient, &mut weights, &mut moments);
        for tensor in &net.tensors {
            let shrunk = if tensor.name.ends_with("dense.weight") {
                0.1
            } else {
                0.0
            };
            if tensor.name.ends_with("dense.weight") || tensor.name.ends_with("bias") {
                for at in tensor.place.clone() {
                    let expected = 2.0 - shrunk - if at % 2 == 0 { 0.1 } else { -0.1 };
                    assert!(
                        (weights[at] - expected).abs() < 1e-4,
                        "{} {}",
                        tensor.name,
                        weights[at]
                    );
                }
            }
        }
    }

    #[test]
    fn a_gradient_above_the_bound_keeps_only_its_direction() {
        let net = NetParams::default().check(28, 10).unwrap();
        let size = net.size();
        let bounded = ScheduleParams {
            clip: 1.0,
            ..schedule()
        };
        let moved = |factor: f32| {
            let gradient: Vec<f32> = (0..size).map(|at| factor * (at as f32).sin()).collect();
            let mut moments = Moments {
                first: vec![0.0; size],
                second: vec![0.0; size],
            };
            descend(
                &net,
                &bounded,
                0,
                &gradient,
                &mut vec![0.0; size],
                &mut moments,
            );
            moments.first
        };
        let norm = |values: &[f32]| {
            values
                .iter()
                .map(|x| f64::from(*x).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let (large, larger, small) = (moved(1.0), moved(7.0), moved(1e-4));
        assert!((norm(&large) - 0.1).abs() < 1e-5 && (norm(&larger) - 0.1).abs() < 1e-5);
        assert!(norm(&small) < 0.1 * 0.5);
    }

    #[test]
    fn every_number_out_of_range_is_named() {
        let wrong = ScheduleParams {
            steps: 0,
            batch: 33,
            rate: f64::NAN,
            warm_up: 5,
            decay: -1.0,
            beta1: 1.0,
            beta2: -0.1,
            clip: 0.0,
            shift: 28,
            flip: false,
        };
        let mistakes = wrong.check(32, 28).unwrap_err();
        let keys: Vec<&str> = mistakes.0.iter().map(|m| m.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "steps", "batch", "rate", "warm_up", "decay", "beta1", "beta2", "clip", "shift"
            ]
        );
    }
}
