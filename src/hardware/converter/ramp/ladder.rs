//! The levels that a column's replica cells make of the nominal ramp.

/// The depths of every column's steps: one ladder for all, or one a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladders {
    steps: usize,
    depth: Vec<f64>,
}

impl Ladders {
    /// One ladder for all columns, from the depths of the nominal ramp, the start first.
    pub(super) fn nominal(nominal: &[f64]) -> Self {
        Self {
            steps: nominal.len() - 1,
            depth: nominal[1..].to_vec(),
        }
    }

    /// A ladder a column, `cells` draws each; `rises` keeps a step that went up as it is.
    pub(super) fn of_cells(mixes: &[Mix], draws: &[f64], cells: usize, rises: bool) -> Self {
        let steps = mixes.len();
        let mut depth = Vec::with_capacity(draws.len() / cells * steps);
        for column in draws.chunks_exact(cells) {
            let (mut deviation, mut deepest) = (0.0, f64::NEG_INFINITY);
            for mix in mixes {
                let own = column[mix.first..].iter().zip(&mix.weights);
                deviation += own.map(|(cell, weight)| weight * cell).sum::<f64>();
                // A column trips at the *first* level it reaches, so a step that went up counts
                // only from where the ramp has been before. Noise drawn at each step needs the
                // level itself.
                let level = mix.level + deviation;
                deepest = if rises { level } else { level.max(deepest) };
                depth.push(deepest);
            }
        }
        Self { steps, depth }
    }

    /// Depth of the steps 1..=N of a column.
    #[must_use]
    pub fn of(&self, column: usize) -> &[f64] {
        let start = if self.depth.len() > self.steps {
            column * self.steps
        } else {
            0
        };
        &self.depth[start..start + self.steps]
    }
}

/// One step of a ramp: its nominal level, and how the deviations of its replica cells move it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// Depth of its level in LSB.
    pub level: f64,
    /// Its first replica cell.
    pub first: usize,
    /// LSB a unit of the normal deviation of each of its cells; empty where replicas do not count.
    pub weights: Vec<f64>,
}

/// The steps of a ramp of these nominal depths, the start first, made of `cells` replicas that spread by
/// `sigma`: a step takes its share of the cells in turn, parts of cells counting as parts.
pub(super) fn mixes(nominal: &[f64], sigma: f64, cells: usize) -> Vec<Mix> {
    let steps = nominal.len() - 1;
    let per_step = cells as f64 / steps as f64;
    let mix = |step: usize| {
        let (from, to) = ((step - 1) as f64 * per_step, step as f64 * per_step);
        let first = from.floor() as usize;
        let share = |at: usize| {
            let (start, end) = (at as f64, at as f64 + 1.0);
            (to.min(end) - from.max(start)).max(0.0) / per_step
        };
        let end = cells.min(to.ceil() as usize);
        Mix {
            level: nominal[step],
            first: first.min(cells),
            weights: (first..end)
                .filter(|_| sigma > 0.0)
                .map(|at| sigma * share(at) * (nominal[step] - nominal[step - 1]))
                .collect(),
        }
    };
    (1..=steps).map(mix).collect()
}
