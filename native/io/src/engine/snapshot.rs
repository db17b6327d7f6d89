//! The state of the engine at one moment, for status pages and metrics.

use std::net::SocketAddr;

use golem_vpn_proto::{Cipher, Counters, DeviceId, Nat, PeerStatus};

use super::relaying::RelayedDrops;
use crate::tun::TunOffloads;
use crate::udp::SocketStatus;

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub local_address: SocketAddr,
    /// Ciphers that sessions may use, in order of preference.
    pub ciphers: Vec<Cipher>,
    /// Totals and drops by reason.
    pub counters: Counters,
    pub socket: SocketStatus,
    pub devices: Vec<DeviceStatus>,
    pub peers: Vec<PeerStatus>,
    /// Where reflectors see the socket for packets, newest first, and what lies between.
    pub reflected: Vec<SocketAddr>,
    pub nat: Nat,
    /// Trains that threads beside the packet thread have sealed or opened.
    pub trains_by_workers: u64,
    /// Events that nobody fetched in time. Handshakes among them are tried again.
    pub dropped_events: u64,
    /// Datagrams for and from relays that found their queue full.
    pub dropped_relayed: RelayedDrops,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    pub id: DeviceId,
    pub name: String,
    pub kind: DeviceKind,
    /// What the device takes as it is; nothing for a queue.
    pub offloads: TunOffloads,
    pub counters: DeviceCounters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    Tun,
    Queue,
}

/// What passed a device, super-packets counted as one. "In" is from the device into the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    pub packets_in: u64,
    pub bytes_in: u64,
    pub packets_out: u64,
    pub bytes_out: u64,
    /// Packets from the device that can't be read.
    pub dropped_in: u64,
    /// Packets that the device did not take.
    pub dropped_out: u64,
}
