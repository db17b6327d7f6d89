//! Everything of the data plane that touches the system: sockets, TUN devices, threads. The rules are in `golem_vpn_proto`.

pub mod control;
pub mod gate;
pub mod interfaces;
#[allow(dead_code, unused_imports)] // until the engine, its user, is there
mod poll;
#[allow(dead_code)]
pub mod queue;
#[allow(dead_code)]
pub mod tun;
#[allow(dead_code, unused_imports)]
mod udp;
