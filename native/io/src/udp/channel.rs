//! The twin of a socket in memory: trains through a bounded channel to the other end, with a bell as descriptor.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::{Datagrams, SocketStatus};
use crate::poll::Bell;

const TRAINS: usize = 1024;

/// One end of a wire between two sockets.
pub(crate) struct Channel {
    local_address: SocketAddr,
    remote_address: SocketAddr,
    incoming: Receiver<Train>,
    outgoing: SyncSender<Train>,
    bell: Arc<Bell>,
    other_bell: Arc<Bell>,
    status: SocketStatus,
}

struct Train {
    segment_size: usize,
    bytes: Vec<u8>,
}

/// Makes a wire between two addresses. A train to any other address, or to a full channel, is lost.
pub(crate) fn wire(left: SocketAddr, right: SocketAddr) -> (Channel, Channel) {
    let (to_right, from_left) = sync_channel(TRAINS);
    let (to_left, from_right) = sync_channel(TRAINS);
    let (left_bell, right_bell) = (bell(), bell());
    let end = |local_address, remote_address, incoming, outgoing, bell: &Arc<Bell>, other_bell: &Arc<Bell>| Channel {
        local_address,
        remote_address,
        incoming,
        outgoing,
        bell: bell.clone(),
        other_bell: other_bell.clone(),
        status: SocketStatus::default(),
    };
    let left_end = end(left, right, from_right, to_right, &left_bell, &right_bell);
    let right_end = end(right, left, from_left, to_left, &right_bell, &left_bell);
    (left_end, right_end)
}

fn bell() -> Arc<Bell> {
    Arc::new(Bell::new().expect("a descriptor is left"))
}

impl Datagrams for Channel {
    fn send(&mut self, to: SocketAddr, segment_size: usize, bytes: &[u8]) -> usize {
        let train = Train { segment_size, bytes: bytes.to_vec() };
        if to == self.remote_address && self.outgoing.try_send(train).is_ok() {
            self.status.counters.datagrams_sent += bytes.len().div_ceil(segment_size) as u64;
            self.other_bell.ring();
        } else {
            self.status.counters.dropped_unreachable += bytes.len().div_ceil(segment_size) as u64;
        }
        bytes.len()
    }

    fn receive(&mut self, mut take: impl FnMut(SocketAddr, usize, &mut [u8])) -> bool {
        self.bell.quiet();
        for mut train in self.incoming.try_iter() {
            self.status.counters.datagrams_received += train.bytes.len().div_ceil(train.segment_size) as u64;
            take(self.remote_address, train.segment_size, &mut train.bytes);
        }
        false
    }

    fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    fn status(&self) -> SocketStatus {
        self.status
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
