//! Converters: the in-memory ramp that ranks columns, and the plain ADC behind A x V.

mod plain;
mod ramp;

pub use plain::{AdcParams, PlainAdc};
pub use ramp::{
    Below, Decode, FullScale, Ladders, Mix, NoiseDraw, Placement, Ramp, RampParams, Range,
    Resolution, StepCount,
};
