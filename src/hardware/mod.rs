//! First floor: the physics.
//!
//! Import order, each room only from those above it: [`quantise`] · [`address`] · [`events`] · [`kernel`] · [`timing`] · [`device`] ·
//! [`crossbar`] and [`converter`] · [`topk`] and [`softmax`] · [`attention`].

pub mod address;
pub mod attention;
pub mod converter;
pub mod crossbar;
pub mod device;
pub mod events;
pub mod kernel;
pub mod quantise;
pub mod softmax;
pub mod timing;
pub mod topk;
