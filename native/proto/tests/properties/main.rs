//! What holds for any input.

mod devices;
mod elsewhere;
mod garbage;
mod handshakes;
mod merging;
#[path = "../sim/packets.rs"]
mod packets;
mod pair;
mod queueing;
mod replay;
mod splitting;
mod switching;
