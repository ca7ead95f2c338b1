//! First floor: the physics.

pub mod attention;
pub mod converter;
pub mod crossbar;
pub mod device;
pub mod quantise;
pub mod softmax;
pub mod topk;
