//! Who seals and opens trains: the packet thread itself, or threads beside it where there are some and the train is
//! long enough. Whoever it is, trains keep their order in each direction.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use golem_vpn_proto::{Ecn, Node, Opened, SealedTrain};

use crate::features::Features;
use crate::poll::Bell;
use crate::udp::{LONGEST_DATAGRAM, Received};
use crate::workers::{Lane, Workers};

/// Bytes of a train that are worth waking another thread for.
const LONG: usize = 16 << 10;
/// Most workers of a daemon that nobody told otherwise.
const MOST_WORKERS: usize = 4;
/// Trains that wait to be opened before no more are received, which then wait in the socket.
const MOST_OPENING: usize = 16;
/// Most buffers that are kept to be used again.
const MOST_SPARE: usize = 32;

pub(super) struct Crew {
    workers: Workers,
    sealing: Lane<SealedTrain>,
    opening: Lane<Arrival>,
    spare: Vec<Box<[u8]>>,
}

/// A train that was received and opened.
pub(super) struct Arrival {
    from: SocketAddr,
    ecn: Ecn,
    segment_size: usize,
    length: usize,
    buffer: Box<[u8]>,
    opened: Opened,
}

/// How many workers a machine gets: none where the packet thread and the payloads have two processors between them,
/// as measured; half of its processors otherwise.
fn workers_of_this_machine() -> usize {
    match available_parallelism().map_or(1, NonZero::get) {
        ..=2 => 0,
        processors => (processors / 2).min(MOST_WORKERS),
    }
}

impl Crew {
    /// # Errors
    /// When the process is out of threads.
    pub(super) fn new(features: Features, bell: &Arc<Bell>) -> io::Result<Self> {
        // Whoever wants low latency does not want to wait for a thread that waits for a processor.
        let by_default = || if features.low_latency { 0 } else { workers_of_this_machine() };
        let workers = features.workers.unwrap_or_else(by_default);
        // One train for each worker, and another that it finds when it is done: more would wait where flows can't be told apart.
        let (sealed, opened) = (bell.clone(), bell.clone());
        let sealing = Lane::new(2 * workers + 1, move || sealed.ring());
        let opening = Lane::new(MOST_OPENING, move || opened.ring());
        Ok(Self { workers: Workers::start(workers)?, sealing, opening, spare: Vec::new() })
    }

    /// Trains that were sealed or opened by workers.
    pub(super) fn trains_by_workers(&self) -> u64 {
        self.workers.jobs()
    }

    /// Whether there is something to send now, or to have sealed.
    pub(super) fn has_transmits(&mut self, node: &Node) -> bool {
        self.sealing.is_ready() || (self.sealing.has_room() && node.has_transmits())
    }

    /// The next train to send.
    pub(super) fn next_train(&mut self, now: Instant, node: &mut Node) -> Option<SealedTrain> {
        while self.sealing.has_room() {
            let Some(train) = node.poll_train(now) else { break };
            if self.workers.count() > 0 && train.length() >= LONG {
                self.sealing.hand_over(&mut self.workers, move || train.seal());
            } else if self.sealing.is_empty() {
                return Some(train.seal());
            } else {
                self.sealing.append(train.seal());
            }
        }
        self.sealing.pop()
    }

    /// Whether more may be received.
    pub(super) fn may_receive(&self) -> bool {
        self.opening.has_room()
    }

    /// Takes a train that was received.
    pub(super) fn receive(&mut self, now: Instant, node: &mut Node, mut train: Received<'_>) {
        let Received { from, ecn, segment_size, length, .. } = train;
        let is_long = self.workers.count() > 0 && length >= LONG;
        if !is_long && self.opening.is_empty() {
            return node.handle_datagram(now, from.into(), ecn, segment_size, train.bytes());
        }
        let opening = node.opening(segment_size, train.bytes());
        let mut buffer = train.take(self.spare.pop().unwrap_or_else(|| vec![0; LONGEST_DATAGRAM].into_boxed_slice()));
        let open = move || {
            let opened = opening.open(segment_size, &mut buffer[..length]);
            Arrival { from, ecn, segment_size, length, buffer, opened }
        };
        if is_long {
            self.opening.hand_over(&mut self.workers, open);
        } else {
            self.opening.append(open());
        }
    }

    /// Has the node handle the oldest train that was opened elsewhere; tells how long it was, if there is one.
    pub(super) fn handle_arrival(&mut self, now: Instant, node: &mut Node) -> Option<usize> {
        let mut arrival = self.opening.pop()?;
        let Arrival { from, ecn, segment_size, length, ref opened, .. } = arrival;
        node.handle_opened(now, from.into(), ecn, segment_size, &mut arrival.buffer[..length], opened);
        if self.spare.len() < MOST_SPARE {
            self.spare.push(arrival.buffer);
        }
        Some(length)
    }

    /// Whether something that was received waits to be handled.
    pub(super) fn has_arrivals(&mut self) -> bool {
        self.opening.is_ready()
    }
}
