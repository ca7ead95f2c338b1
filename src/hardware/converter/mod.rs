//! Converters: the in-memory ramp that ranks columns, and the plain ADC behind A x V.

mod plain;
mod ramp;
mod sar;

pub use plain::{AdcParams, Coding, PlainAdc};
pub use ramp::{
    Below, Decode, FullScale, Ladders, Mix, NoiseDraw, Placement, Ramp, RampParams, Range,
    Resolution, StepCount,
};
pub use sar::{OwnCost, SAR_BITS, SAR_SUPPLY, sar_cost};
