//! Datagrams on their way to and from control connections, in bounded queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use golem_vpn_proto::NodeId;
use tokio::sync::mpsc;

use super::messages::Carried;

/// Datagrams that wait in each direction.
const DATAGRAMS: usize = 1024;
/// Datagrams taken in one round, so that nothing else starves.
const PER_ROUND: usize = 256;

/// The engine's ends.
pub(super) struct Carriage {
    outgoing: mpsc::Sender<Carried>,
    incoming: Receiver<Carried>,
    drops: Arc<Drops>,
}

/// Where datagrams that were carried here are put in.
pub(super) struct CarryIn {
    incoming: SyncSender<Carried>,
    drops: Arc<Drops>,
}

#[derive(Default)]
struct Drops {
    outgoing: AtomicU64,
    incoming: AtomicU64,
}

/// Datagrams that found their queue full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarriedDrops {
    pub outgoing: u64,
    pub incoming: u64,
}

impl Carriage {
    pub(super) fn new() -> (Self, CarryIn, mpsc::Receiver<Carried>) {
        let (outgoing, to_carry) = mpsc::channel(DATAGRAMS);
        let (sender, incoming) = sync_channel(DATAGRAMS);
        let drops = Arc::new(Drops::default());
        let carry_in = CarryIn { incoming: sender, drops: drops.clone() };
        (Self { outgoing, incoming, drops }, carry_in, to_carry)
    }

    /// Gives away a train, one datagram at a time.
    pub(super) fn send(&self, peer: NodeId, segment_size: usize, bytes: &[u8]) {
        for datagram in bytes.chunks(segment_size) {
            if self.outgoing.try_send((peer, datagram.to_vec())).is_err() {
                self.drops.outgoing.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Hands what was carried here to `take`, within its share of a round; whether there may be more.
    pub(super) fn receive(&self, mut take: impl FnMut(NodeId, &mut [u8])) -> bool {
        for _ in 0..PER_ROUND {
            let Ok((peer, mut datagram)) = self.incoming.try_recv() else { return false };
            take(peer, &mut datagram);
        }
        true
    }

    pub(super) fn dropped(&self) -> CarriedDrops {
        CarriedDrops {
            outgoing: self.drops.outgoing.load(Ordering::Relaxed),
            incoming: self.drops.incoming.load(Ordering::Relaxed),
        }
    }
}

impl CarryIn {
    pub(super) fn put(&self, carried: Carried) -> bool {
        let taken = self.incoming.try_send(carried).is_ok();
        if !taken {
            self.drops.incoming.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}
