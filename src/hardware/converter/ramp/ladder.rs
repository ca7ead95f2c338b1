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
    pub(super) fn of_cells(
        nominal: &[f64],
        sigma: f64,
        draws: &[f64],
        cells: usize,
        rises: bool,
    ) -> Self {
        let steps = nominal.len() - 1;
        let mut depth = Vec::with_capacity(draws.len() / cells * steps);
        let per_step = cells as f64 / steps as f64;
        for column in draws.chunks_exact(cells) {
            let (mut deviation, mut deepest) = (0.0, f64::NEG_INFINITY);
            for step in 1..=steps {
                let (from, to) = ((step - 1) as f64 * per_step, step as f64 * per_step);
                let mean = cover(column, from, to) / per_step;
                deviation += sigma * mean * (nominal[step] - nominal[step - 1]);
                // A column trips at the *first* level it reaches, so a step that went up counts
                // only from where the ramp has been before. Noise drawn at each step needs the
                // level itself.
                let level = nominal[step] + deviation;
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

/// Sum of `cells` over the stretch `from..to`, counting parts of cells.
fn cover(cells: &[f64], from: f64, to: f64) -> f64 {
    let first = from.floor() as usize;
    cells
        .iter()
        .enumerate()
        .skip(first)
        .take_while(|(at, _)| (*at as f64) < to)
        .map(|(at, cell)| cell * (to.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0))
        .sum()
}
