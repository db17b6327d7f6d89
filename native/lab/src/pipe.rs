//! One direction of the wire, without I/O: frames go in with the time, and come out when theirs has come.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::frame::packet_length;
use crate::impairment::Impairment;
use crate::random::Random;

/// Frames that are under way at once; a wire without a rate would hold any number.
const MOST_UNDER_WAY: usize = 65_536;

/// What became of the frames that went in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub delivered: u64,
    pub lost: u64,
    pub too_long: u64,
    pub queue_full: u64,
    pub duplicated: u64,
    pub reordered: u64,
}

pub struct Pipe {
    pub impairment: Impairment,
    counters: Counters,
    random: Random,
    /// When the wire has sent all that it was given.
    free_at: Option<Instant>,
    under_way: BinaryHeap<Reverse<Frame>>,
    sequence: u64,
}

struct Frame {
    arrives: Instant,
    sequence: u64,
    bytes: Vec<u8>,
}

impl Pipe {
    pub fn new(seed: u64) -> Self {
        Self {
            impairment: Impairment::default(),
            counters: Counters::default(),
            random: Random::new(seed),
            free_at: None,
            under_way: BinaryHeap::new(),
            sequence: 0,
        }
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes a frame at one end.
    pub fn accept(&mut self, now: Instant, bytes: &[u8]) {
        let Some(length) = packet_length(bytes) else {
            self.send(now, bytes);
            return;
        };
        if self.impairment.mtu.is_some_and(|mtu| length > mtu) {
            self.counters.too_long += 1;
            return;
        }
        let Some(sent) = self.queue(now, bytes.len()) else {
            self.counters.queue_full += 1;
            return;
        };
        if self.random.happens(self.impairment.loss) {
            self.counters.lost += 1;
            return;
        }
        let doubled = self.random.happens(self.impairment.duplicate);
        self.counters.duplicated += u64::from(doubled);
        for _ in 0..1 + u8::from(doubled) {
            let arrives = self.arrival(sent);
            self.send(arrives, bytes);
        }
    }

    /// Gives a frame that has arrived at the other end.
    pub fn deliver(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_arrival()? > now {
            return None;
        }
        self.counters.delivered += 1;
        self.under_way.pop().map(|Reverse(frame)| frame.bytes)
    }

    /// Tells when the next frame arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.under_way.peek().map(|Reverse(frame)| frame.arrives)
    }

    /// Gives the moment when the wire has sent a frame; `None` where too much waits before it.
    fn queue(&mut self, now: Instant, length: usize) -> Option<Instant> {
        let Some(rate) = self.impairment.rate else { return Some(now) };
        let begins = self.free_at.map_or(now, |free_at| free_at.max(now));
        let waiting = (begins - now).as_secs_f64() * rate / 8.0;
        if waiting + length as f64 > self.impairment.queue as f64 {
            return None;
        }
        let sent = begins + Duration::from_secs_f64(length as f64 * 8.0 / rate);
        self.free_at = Some(sent);
        Some(sent)
    }

    fn arrival(&mut self, sent: Instant) -> Instant {
        let held = self.random.happens(self.impairment.reorder);
        self.counters.reordered += u64::from(held);
        sent + self.impairment.delay + if held { self.impairment.hold } else { Duration::ZERO }
    }

    fn send(&mut self, arrives: Instant, bytes: &[u8]) {
        if self.under_way.len() >= MOST_UNDER_WAY {
            self.counters.queue_full += 1;
            return;
        }
        self.under_way.push(Reverse(Frame { arrives, sequence: self.sequence, bytes: bytes.to_vec() }));
        self.sequence += 1;
    }
}

impl Frame {
    fn place(&self) -> (Instant, u64) {
        (self.arrives, self.sequence)
    }
}

impl Ord for Frame {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Frame {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Frame {}

#[cfg(test)]
mod tests;
