//! Packets between an address of the stack and one remote address that go past the stack, to a user of their own.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use smoltcp::wire::IpCidr;
use tokio::sync::Notify;

use super::ConnectError;
use super::table::lock;
use crate::queue::PacketQueue;

/// More diversions than this are refused: the packets that wait for each may take some hundred KiB.
const MOST_DIVERSIONS: usize = 1024;
/// Packets that may wait for the user, each of the device's MTU at most: 300 ms of 10 Mbit/s.
const QUEUE_LENGTH: usize = 256;

/// The two addresses between which packets are diverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pair {
    pub local: IpAddr,
    pub remote: IpAddr,
}

/// Why no more packets are diverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiversionEnd {
    /// The user wants no more.
    Closed,
    /// A newer diversion of the same pair takes them.
    Replaced,
    /// The stack is gone, or has the local address no more.
    Gone,
}

/// What the stack receives for a pair of addresses, less the segments of its own connections, until it is dropped.
pub struct Diversion {
    diversions: Arc<Diversions>,
    queue: Arc<PacketQueue>,
    pair: Pair,
    network: IpCidr,
    line: Arc<Line>,
}

/// The diversions of a stack.
#[derive(Debug, Default)]
pub(crate) struct Diversions {
    lines: Mutex<HashMap<Pair, Arc<Line>>>,
    emptied: Notify,
}

/// What the diversions and the user of a diversion share.
#[derive(Debug, Default)]
pub(crate) struct Line {
    state: Mutex<State>,
    changed: Notify,
    overflowed: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    packets: VecDeque<Vec<u8>>,
    end: Option<DiversionEnd>,
}

impl Diversion {
    pub(crate) fn new(
        diversions: Arc<Diversions>,
        queue: Arc<PacketQueue>,
        pair: Pair,
        network: IpCidr,
        line: Arc<Line>,
    ) -> Self {
        Self { diversions, queue, pair, network, line }
    }

    pub fn pair(&self) -> Pair {
        self.pair
    }

    /// Whether this is another address of the local one's network.
    pub fn is_neighbour(&self, address: IpAddr) -> bool {
        address != self.pair.local && self.network.contains_addr(&address.into())
    }

    /// Waits for the next packet; for one task at a time. What came before the end can still be taken.
    pub async fn receive(&self) -> Result<Vec<u8>, DiversionEnd> {
        loop {
            match self.line.take() {
                Some(received) => return received,
                None => self.line.changed.notified().await,
            }
        }
    }

    /// Takes the next packet, if there is one.
    pub fn try_receive(&self) -> Option<Vec<u8>> {
        self.line.take()?.ok()
    }

    /// Gives a packet to the engine as soon as there is room.
    ///
    /// # Errors
    /// When the diversion has ended.
    pub async fn send(&self, mut packet: Vec<u8>) -> Result<(), DiversionEnd> {
        loop {
            if let Some(end) = self.line.end() {
                return Err(end);
            }
            match self.queue.try_send(packet) {
                Ok(()) => return Ok(()),
                Err(_) if self.queue.is_closed() => return Err(DiversionEnd::Gone),
                Err(returned) => packet = returned,
            }
            self.queue.writable().await;
        }
    }

    /// Ends the diversion: the stack has the packets of this pair again.
    pub fn close(&self) {
        self.line.finish(DiversionEnd::Closed);
        self.diversions.end(&self.pair, &self.line);
    }

    /// How many packets were dropped because the user was slow to take them.
    pub fn overflowed(&self) -> u64 {
        self.line.overflowed.load(Ordering::Relaxed)
    }
}

impl Drop for Diversion {
    fn drop(&mut self) {
        self.close();
    }
}

impl Diversions {
    /// Adds one, in place of an earlier one of the same pair.
    pub fn open(&self, pair: Pair) -> Result<Arc<Line>, ConnectError> {
        let mut lines = lock(&self.lines);
        if lines.len() >= MOST_DIVERSIONS && !lines.contains_key(&pair) {
            return Err(ConnectError::TooMany);
        }
        let line = Arc::new(Line::default());
        if let Some(earlier) = lines.insert(pair, line.clone()) {
            earlier.finish(DiversionEnd::Replaced);
        }
        Ok(line)
    }

    pub fn find(&self, pair: &Pair) -> Option<Arc<Line>> {
        lock(&self.lines).get(pair).cloned()
    }

    pub fn is_empty(&self) -> bool {
        lock(&self.lines).is_empty()
    }

    /// Ends those whose pairs are not to be kept.
    pub fn retain(&self, is_kept: impl Fn(&Pair) -> bool) {
        let mut lines = lock(&self.lines);
        for (_, line) in lines.extract_if(|pair, _| !is_kept(pair)) {
            line.finish(DiversionEnd::Gone);
        }
        self.tell(&lines);
    }

    /// Waits until there are none any more; for one task at a time.
    pub async fn emptied(&self) {
        self.emptied.notified().await;
    }

    /// Removes one, unless a newer one has taken its place.
    fn end(&self, pair: &Pair, line: &Arc<Line>) {
        let mut lines = lock(&self.lines);
        if lines.get(pair).is_some_and(|present| Arc::ptr_eq(present, line)) {
            lines.remove(pair);
        }
        self.tell(&lines);
    }

    fn tell(&self, lines: &HashMap<Pair, Arc<Line>>) {
        if lines.is_empty() {
            self.emptied.notify_one();
        }
    }
}

impl Line {
    /// Leaves a packet for the user, unless too many wait already.
    pub fn offer(&self, packet: Vec<u8>) {
        let mut state = lock(&self.state);
        if state.packets.len() < QUEUE_LENGTH {
            state.packets.push_back(packet);
            self.changed.notify_one();
        } else {
            self.overflowed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends it; the first reason stays.
    pub fn finish(&self, end: DiversionEnd) {
        lock(&self.state).end.get_or_insert(end);
        self.changed.notify_one();
    }

    fn end(&self) -> Option<DiversionEnd> {
        lock(&self.state).end
    }

    fn take(&self) -> Option<Result<Vec<u8>, DiversionEnd>> {
        let mut state = lock(&self.state);
        state.packets.pop_front().map(Ok).or(state.end.map(Err))
    }
}
