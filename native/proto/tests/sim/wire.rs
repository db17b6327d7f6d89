//! What lies between the nodes, and what is on its way there.

use std::time::{Duration, Instant};

use golem_vpn_proto::{NodeId, Route};

/// How datagrams travel.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    pub latency: Duration,
    /// Added to the latency at random, so that datagrams overtake each other.
    pub jitter: Duration,
    /// Datagrams lost, and datagrams that come twice, of a thousand.
    pub loss: u64,
    pub duplication: u64,
    /// Longer IP packets are swallowed.
    pub mtu: usize,
}

impl Wire {
    /// Loses nothing and keeps the order.
    pub fn clean() -> Self {
        Self { latency: Duration::from_millis(5), jitter: Duration::ZERO, loss: 0, duplication: 0, mtu: 1500 }
    }
}

/// Something on its way: earlier first, and what was sent first first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Scheduled {
    pub at: Instant,
    pub sequence: u64,
    pub what: What,
}

/// What arrives somewhere.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Datagrams { from: Route, to: Route, segment_size: usize, bytes: Vec<u8> },
    Handshake { from: usize, to: NodeId, id: u64, message: Vec<u8> },
    Reply { from: NodeId, to: usize, message: Vec<u8> },
    Failure { host: usize, to: NodeId, id: u64 },
}
