//! What holds for any input.

mod devices;
mod garbage;
mod handshakes;
mod merging;
#[path = "../sim/packets.rs"]
#[expect(dead_code, reason = "shared with the simulator, which uses more of it")]
mod packets;
mod pair;
mod replay;
mod splitting;
mod switching;
