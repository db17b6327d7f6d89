//! At what address others see the data socket: asking, answering, and what both say on the wire.

mod client;
mod server;
mod wire;

pub use client::ReflectorAddress;
pub(crate) use client::{Reflections, Request};
pub(crate) use server::Reflector;
pub use wire::ReflectionKey;
pub(crate) use wire::{Head, Kind};
