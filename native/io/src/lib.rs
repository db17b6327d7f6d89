//! Everything of the data plane that touches the system: sockets, TUN devices, threads. The rules are in `golem_vpn_proto`.

pub mod control;
pub mod data_plane;
pub mod descriptor;
pub mod engine;
mod entropy;
pub mod features;
pub mod gate;
pub mod interfaces;
pub mod kernel_stack;
#[cfg(test)]
mod namespace;
pub mod offloads;
mod poll;
mod port_mapping;
pub mod queue;
pub mod relay;
pub mod sandbox;
mod scheduling;
pub mod stack;
pub mod tun;
mod udp;
pub mod workers;

pub use udp::{SocketCounters, SocketStatus};
