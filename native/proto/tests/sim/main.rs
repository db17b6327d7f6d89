//! Scenarios of many nodes in virtual time. Each test reads as what happens, in order.

mod chaos;
mod delivery;
mod hostile_relay;
mod membership;
mod packets;
mod random;
mod rekey;
mod restart;
mod roaming;
mod traffic;
mod wire;
mod world;
