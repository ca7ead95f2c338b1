//! How long the tile of 32 lanes takes that takes longest: ramp, arbiter and softmax.

use super::level::{Simd, for_each_level};
use super::{LANES, Lanes, Slot};

/// Most durations of a stage that differ from lane to lane.
type Own<'a> = &'a [&'a Lanes<u32>];

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

/// Of the tile that has taken longest so far, in ps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slowest {
    /// Its ramp.
    pub ramp: Lanes<u32>,
    /// Its arbiter beyond the ramp.
    pub beyond: Lanes<u32>,
    /// Its softmax, or that of the row.
    pub softmax: Lanes<u32>,
}

for_each_level! {
    /// Takes in a tile, from its grants in ascending order of their codes (steps less one); the last is
    /// its stop. Ties go to the tile before.
    pub fn take_slowest(tile: &TileClock, grants: &[Slot], slowest: &mut Slowest) = take
}

#[inline(always)]
fn take<S: Simd>(_: S, tile: &TileClock, grants: &[Slot], slowest: &mut Slowest) {
    let Some(stop) = grants.last().map(|slot| &slot.code) else {
        return;
    };
    let mut beyond = [0_u32; LANES];
    if tile.waits {
        // What a step's grants so far take, beyond the clock that the next step hides.
        let mut served = [tile.grant; LANES];
        for pair in grants.windows(2) {
            for lane in 0..LANES {
                let same = pair[0].code[lane] == pair[1].code[lane];
                let over = served[lane].max(tile.clock) - tile.clock;
                beyond[lane] += if same { 0 } else { over };
                served[lane] = if same { served[lane] } else { 0 } + tile.grant;
            }
        }
        for lane in 0..LANES {
            beyond[lane] += served[lane];
        }
    } else {
        let all = tile.clock + tile.grant * grants.len() as u32;
        for lane in 0..LANES {
            let ramp = tile.clock * (u32::from(stop[lane]) + 1);
            beyond[lane] = (ramp + tile.grant).max(all) - ramp;
        }
    }
    let own = tile.softmax.unwrap_or(0);
    for lane in 0..LANES {
        let ramp = tile.clock * (u32::from(stop[lane]) + 1) + tile.start_up;
        let compared = if tile.softmax.is_some() {
            slowest.softmax[lane]
        } else {
            0
        };
        let longer =
            ramp + beyond[lane] + own > slowest.ramp[lane] + slowest.beyond[lane] + compared;
        let softmax = if tile.softmax.is_some() {
            own
        } else {
            slowest.softmax[lane]
        };
        slowest.ramp[lane] = if longer { ramp } else { slowest.ramp[lane] };
        slowest.beyond[lane] = if longer {
            beyond[lane]
        } else {
            slowest.beyond[lane]
        };
        slowest.softmax[lane] = if longer {
            softmax
        } else {
            slowest.softmax[lane]
        };
    }
}

for_each_level! {
    /// One more query at a station: it begins when the station and the query (`at`) are ready and takes `alike`
    /// and the lane's `own` durations; all in ps.
    pub fn pass_station(
        alike: u64,
        own: Own<'_>,
        at: &mut Lanes<u64>,
        done: &mut Lanes<u64>,
        busy: &mut Lanes<u64>,
    ) = pass
}

#[inline(always)]
fn pass<S: Simd>(
    _: S,
    alike: u64,
    own: Own<'_>,
    at: &mut Lanes<u64>,
    done: &mut Lanes<u64>,
    busy: &mut Lanes<u64>,
) {
    let mut time = [alike; LANES];
    for more in own {
        for lane in 0..LANES {
            time[lane] += u64::from(more[lane]);
        }
    }
    for lane in 0..LANES {
        at[lane] = done[lane].max(at[lane]) + time[lane];
        done[lane] = at[lane];
        busy[lane] += time[lane];
    }
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
