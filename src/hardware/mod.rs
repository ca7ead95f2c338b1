//! First floor: the physics.

pub mod quantise;
