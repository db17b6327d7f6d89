//! Scenarios of many nodes in virtual time. Each test reads as what happens, in order.

mod delivery;
mod packets;
mod random;
mod world;
