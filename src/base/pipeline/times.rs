//! How long each stage takes.

use crate::base::units::Picos;
use crate::base::vocabulary::{Named, Zero};

/// One duration a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageTimes<S: Named>(S::Each<Picos>);

impl<S: Named> Default for StageTimes<S> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl<S: Named> StageTimes<S> {
    /// No time anywhere.
    pub const ZERO: Self = Self(Zero::ZERO);

    /// The duration of one stage.
    #[must_use]
    pub fn get(&self, stage: S) -> Picos {
        self.0.as_ref()[stage.place()]
    }

    /// The same with another duration for one stage.
    #[must_use]
    pub fn with(mut self, stage: S, time: Picos) -> Self {
        self.0.as_mut()[stage.place()] = time;
        self
    }

    /// One after the other: stage by stage, durations add.
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        for (mine, more) in self.0.as_mut().iter_mut().zip(next.0.as_ref()) {
            *mine += *more;
        }
        self
    }

    /// Side by side: stage by stage, the longer counts.
    #[must_use]
    pub fn alongside(mut self, other: &Self) -> Self {
        for (mine, theirs) in self.0.as_mut().iter_mut().zip(other.0.as_ref()) {
            *mine = (*mine).max(*theirs);
        }
        self
    }

    /// All stages one after another: the latency of one query that has the hardware to itself.
    #[must_use]
    pub fn total(&self) -> Picos {
        self.0.as_ref().iter().copied().sum()
    }
}
