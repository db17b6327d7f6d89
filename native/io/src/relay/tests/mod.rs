//! Relays and their clients over loopback.

mod clients;
mod fixture;
mod proxy;
mod server;
