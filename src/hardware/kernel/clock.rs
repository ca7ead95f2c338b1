//! How long queries of 32 lanes take: the slowest tile's ramp, arbiter and softmax, and the stations they pass.

use super::level::{Simd, for_each_level};
use super::{LANES, Lanes, Line, Slot};

/// What a tile's time is made of, in ps; see `timing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileClock {
    /// One step.
    pub clock: u32,
    /// One grant.
    pub grant: u32,
    /// Whether the ramp waits until a step's grants are done; otherwise the paper's maximum.
    pub waits: bool,
    /// Before the first step.
    pub start_up: u32,
    /// The tile's own softmax; none if all tiles share one.
    pub softmax: Option<u32>,
}

/// A tile of a query, and the slots that hold its grants in ascending order of their codes (steps less one); the last is
/// its stop. A tile without grants is not driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// What its time is made of.
    pub clock: TileClock,
    /// Its first slot.
    pub first: usize,
    /// How many.
    pub count: usize,
}

impl Granted {
    /// Its grants among the slots of a query.
    #[inline(always)]
    #[must_use]
    pub fn grants<'s>(&self, slots: &'s [Slot]) -> &'s [Slot] {
        &slots[self.first..self.first + self.count]
    }
}

/// What a station of the pipeline takes for a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Station {
    /// In all lanes alike, in ps.
    pub alike: u64,
    /// Whether its time holds the lane's own ramp, arbiter, softmax.
    pub own: [bool; 3],
}

/// How far 32 heads have come at a station, in ps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    pub(super) done: Line<Lanes<u64>>,
    pub(super) busy: Line<Lanes<u64>>,
}

impl Passed {
    /// A station that is free from then on.
    #[must_use]
    pub fn from(free: u64) -> Self {
        Self {
            done: Line([free; LANES]),
            busy: Line([0; LANES]),
        }
    }

    /// When it was done with its last query, lane by lane.
    #[must_use]
    pub fn done(&self) -> &Lanes<u64> {
        &self.done.0
    }

    /// How long it was busy.
    #[must_use]
    pub fn busy(&self) -> &Lanes<u64> {
        &self.busy.0
    }
}

for_each_level! {
    /// One more query: from its tiles, of which the slowest counts (ties go to the one before), and from the `softmax` of
    /// the row if its tiles share one. It begins at a station when the station and the query are ready.
    pub fn pass_query(
        tiles: &[Granted],
        slots: &[Slot],
        softmax: u32,
        stations: &[Station],
        passed: &mut [Passed],
    ) = pass
}

#[inline(always)]
fn pass<S: Simd>(
    s: S,
    tiles: &[Granted],
    slots: &[Slot],
    softmax: u32,
    stations: &[Station],
    passed: &mut [Passed],
) {
    s.pass(tiles, slots, softmax, stations, passed);
}

/// Stop steps and ties, lane by lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    /// Sum over driven tiles.
    pub sum: Lanes<u64>,
    /// Driven tiles whose stop step holds more columns than places.
    pub ties: Lanes<u64>,
    /// Sum over queries of the latest.
    pub slowest: Lanes<u64>,
}

for_each_level! {
    /// Takes in a driven tile: the codes of its last place and of the column behind it. A ramp that does not stop
    /// early ends at `full`. Gives its stop step; `slowest` is the latest of the query.
    pub fn take_stop(
        last: &Lanes<u16>,
        next: &Lanes<u16>,
        full: Option<u16>,
        stops: &mut Stops,
        slowest: &mut Lanes<u16>,
        stop: &mut Lanes<u16>,
    ) = stop_of_tile
}

#[inline(always)]
fn stop_of_tile<S: Simd>(
    _: S,
    last: &Lanes<u16>,
    next: &Lanes<u16>,
    full: Option<u16>,
    stops: &mut Stops,
    slowest: &mut Lanes<u16>,
    stop: &mut Lanes<u16>,
) {
    for lane in 0..LANES {
        stop[lane] = full.unwrap_or(last[lane] + 1);
        slowest[lane] = slowest[lane].max(stop[lane]);
    }
    for lane in 0..LANES {
        stops.sum[lane] += u64::from(stop[lane]);
        stops.ties[lane] += u64::from(last[lane] == next[lane]);
    }
}
