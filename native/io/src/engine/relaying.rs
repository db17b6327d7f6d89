//! Trains on their way to and from relays, in bounded queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use golem_vpn_proto::{NodeId, RelayId};
use tokio::sync::mpsc;

/// Trains that wait in each direction.
const TRAINS: usize = 128;
/// Trains taken in one round, so that nothing else starves.
const PER_ROUND: usize = 32;

/// Sealed datagrams that a relay carries to this peer, or has carried here from it: each of `segment_size` bytes, the
/// last may be shorter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayedTrain {
    pub relay: RelayId,
    pub peer: NodeId,
    pub segment_size: usize,
    pub bytes: Vec<u8>,
}

/// The engine's ends.
pub(super) struct Relaying {
    outgoing: mpsc::Sender<RelayedTrain>,
    incoming: Receiver<RelayedTrain>,
    drops: Arc<Drops>,
    /// Of all trains so far, both ways.
    bytes: u64,
}

/// Where trains that came through relays are put in.
pub(super) struct RelayIn {
    incoming: SyncSender<RelayedTrain>,
    drops: Arc<Drops>,
}

#[derive(Default)]
struct Drops {
    outgoing: AtomicU64,
    incoming: AtomicU64,
}

/// Datagrams that found their queue full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayedDrops {
    pub outgoing: u64,
    pub incoming: u64,
}

impl Relaying {
    pub(super) fn new() -> (Self, RelayIn, mpsc::Receiver<RelayedTrain>) {
        let (outgoing, to_relays) = mpsc::channel(TRAINS);
        let (sender, incoming) = sync_channel(TRAINS);
        let drops = Arc::new(Drops::default());
        let relay_in = RelayIn { incoming: sender, drops: drops.clone() };
        (Self { outgoing, incoming, drops, bytes: 0 }, relay_in, to_relays)
    }

    /// Gives a train to whoever is connected to the relay.
    pub(super) fn send(&mut self, relay: RelayId, peer: NodeId, segment_size: usize, bytes: &[u8]) {
        let datagrams = bytes.len().div_ceil(segment_size) as u64;
        self.bytes += bytes.len() as u64;
        let train = RelayedTrain { relay, peer, segment_size, bytes: bytes.to_vec() };
        if self.outgoing.try_send(train).is_err() {
            self.drops.outgoing.fetch_add(datagrams, Ordering::Relaxed);
        }
    }

    /// Hands what came through relays to `take`, within its share of a round; whether there may be more.
    pub(super) fn receive(&mut self, mut take: impl FnMut(RelayedTrain)) -> bool {
        for _ in 0..PER_ROUND {
            let Ok(train) = self.incoming.try_recv() else { return false };
            self.bytes += train.bytes.len() as u64;
            take(train);
        }
        true
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn dropped(&self) -> RelayedDrops {
        RelayedDrops {
            outgoing: self.drops.outgoing.load(Ordering::Relaxed),
            incoming: self.drops.incoming.load(Ordering::Relaxed),
        }
    }
}

impl RelayIn {
    pub(super) fn put(&self, train: RelayedTrain) -> bool {
        let datagrams = train.bytes.len().div_ceil(train.segment_size.max(1)) as u64;
        let taken = self.incoming.try_send(train).is_ok();
        if !taken {
            self.drops.incoming.fetch_add(datagrams, Ordering::Relaxed);
        }
        taken
    }
}
