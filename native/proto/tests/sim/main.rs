//! Scenarios of many nodes in virtual time. Each test reads as what happens, in order.

mod chaos;
mod delivery;
mod hostile_relay;
mod internet;
mod membership;
mod moving;
mod narrow;
mod packets;
mod paths;
mod random;
mod rekey;
mod relaying;
mod restart;
mod roaming;
mod site;
mod traffic;
mod wire;
mod world;
