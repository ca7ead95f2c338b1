//! What the formulas come to at one age: how far a level strays, and where it drifts.

/// Standard deviation of a level, relative to the largest, at one age.
#[derive(Clone, Debug, PartialEq)]
pub enum Spread {
    /// Zero.
    None,
    /// In weight levels; the crossbar applies it a weight at a time.
    Additive(f64),
    /// sigma x.
    Proportional(f64),
    /// Polynomial in x.
    Polynomial(Vec<f64>),
    /// a (1 - exp(-x / b)).
    Saturating {
        /// a.
        a: f64,
        /// b.
        b: f64,
    },
    /// x min(q0 / max(p^exponent, 1e-3), q_max) root, p the level as programmed.
    Flicker {
        /// q0.
        q0: f64,
        /// Exponent of the programmed level.
        exponent: f64,
        /// Largest q.
        q_max: f64,
        /// sqrt(ln((t + t0 + t_r) / (2 t_r))).
        root: f64,
    },
}

impl Spread {
    /// Standard deviation at level `x`, with `programmed` the level before drift.
    #[must_use]
    pub fn sigma(&self, x: f64, programmed: f64) -> f64 {
        match self {
            Self::None | Self::Additive(_) => 0.0,
            Self::Proportional(sigma) => sigma * x,
            // Both are checked to be above zero for levels of 0..=1; a level may stray a little beyond.
            Self::Polynomial(coefficients) => horner(coefficients, x).max(0.0),
            Self::Saturating { a, b } => (a * (1.0 - (-x / b).exp())).max(0.0),
            Self::Flicker {
                q0,
                exponent,
                q_max,
                root,
            } => x * (q0 / programmed.powf(*exponent).max(1e-3)).min(*q_max) * root,
        }
    }

    /// The largest standard deviation over all levels from 0 to 1; zero where it is one of a whole weight.
    #[must_use]
    pub fn largest(&self) -> f64 {
        let at = |step: u32| f64::from(step) / 1000.0;
        let sigmas = (0..=1000).map(|step| self.sigma(at(step), at(step)));
        sigmas.fold(0.0, f64::max)
    }

    /// The same formula with every standard deviation multiplied.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        if factor == 0.0 {
            return Self::None;
        }
        match self.clone() {
            Self::None => Self::None,
            Self::Additive(sigma) => Self::Additive(sigma * factor),
            Self::Proportional(sigma) => Self::Proportional(sigma * factor),
            Self::Polynomial(coefficients) => {
                Self::Polynomial(coefficients.iter().map(|c| c * factor).collect())
            }
            Self::Saturating { a, b } => Self::Saturating { a: a * factor, b },
            Self::Flicker {
                q0,
                exponent,
                q_max,
                root,
            } => Self::Flicker {
                q0,
                exponent,
                q_max,
                root: root * factor,
            },
        }
    }
}

/// Drift at one age.
#[derive(Clone, Debug, PartialEq)]
pub enum Drift {
    /// None.
    None,
    /// Multiply by exp(-nu log), log = ln((t + t0) / t0).
    PowerLaw {
        /// ln((t + t0) / t0).
        log: f64,
        /// `[a, b, low, high]` of the mean exponent.
        mean: [f64; 4],
        /// `[a, b, low, high]` of its spread.
        spread: [f64; 4],
    },
    /// Add a polynomial in x to the target.
    Shift(Vec<f64>),
}

impl Drift {
    /// Where a mean drift takes the level `target`; the spread of a write at that age lies around it.
    /// Not negative only after the spread is added.
    #[must_use]
    pub fn expected(&self, target: f64) -> f64 {
        match self {
            Self::None | Self::PowerLaw { .. } => target,
            Self::Shift(coefficients) => target + horner(coefficients, target),
        }
    }

    /// The level after drift of a cell that was meant to hold `target` and holds `written`; `draw` is
    /// standard normal. The exponent follows the target, as in the published model. A shift of the
    /// mean is in `written` already, through [`expected`](Self::expected).
    #[must_use]
    pub fn apply(&self, target: f64, written: f64, draw: f64) -> f64 {
        let clipped =
            |[a, b, low, high]: [f64; 4]| (a * target.max(1e-7).ln() + b).clamp(low, high);
        match self {
            Self::None | Self::Shift(_) => written,
            Self::PowerLaw { log, mean, spread } => {
                written * (-(clipped(*mean) + clipped(*spread) * draw).abs() * log).exp()
            }
        }
    }
}

/// A polynomial, lowest power first.
pub(super) fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}
