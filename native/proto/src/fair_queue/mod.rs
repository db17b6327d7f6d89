//! Packets that wait for a slow way, fair between their flows and never for long (FQ-CoDel, RFC 8290): a flow that has
//! not waited lately goes first, the others take turns by bytes, and a flow that is always too quick loses packets, or
//! is told of congestion where it understands that (ECN, RFC 3168).

mod codel;

use std::collections::VecDeque;
use std::time::Instant;

use crate::link::Waiting;
use crate::packet::{IpHeader, behead, flow_hash, mark_congestion};
use codel::Codel;

const FLOWS: usize = 64;
/// What a flow may send before it is the next one's turn.
const QUANTUM: isize = 1514;
/// What waits at most: enough for CoDel to take effect before, in the time of which quick flows fill some MiB.
const MOST_BYTES: usize = 8 << 20;
/// What waits before the queue has no room for those who can wait themselves.
const ENOUGH_BYTES: usize = 2 << 20;
const ENOUGH_PACKETS: usize = 1024;

pub(crate) struct FairQueue {
    flows: Box<[Flow]>,
    /// Flows with packets: those that had none a moment ago, and the others.
    fresh: VecDeque<usize>,
    others: VecDeque<usize>,
    length: usize,
    bytes: usize,
    late: usize,
}

#[derive(Default)]
struct Flow {
    packets: VecDeque<Waiting>,
    bytes: usize,
    credit: isize,
    listed: bool,
    codel: Codel,
}

impl FairQueue {
    pub fn new() -> Self {
        let flows = (0..FLOWS).map(|_| Flow::default()).collect();
        Self { flows, fresh: VecDeque::new(), others: VecDeque::new(), length: 0, bytes: 0, late: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether another packet is welcome.
    pub fn has_room(&self) -> bool {
        self.length < ENOUGH_PACKETS && self.bytes < ENOUGH_BYTES
    }

    /// Adds a packet; says how many of the longest flow had to go for it.
    pub fn push(&mut self, ip: &IpHeader, waiting: Waiting) -> usize {
        let index = flow_hash(ip, &waiting.packet) as usize % FLOWS;
        let flow = &mut self.flows[index];
        self.length += 1;
        self.bytes += waiting.packet.len();
        flow.bytes += waiting.packet.len();
        flow.packets.push_back(waiting);
        if !flow.listed {
            flow.listed = true;
            flow.credit = QUANTUM;
            self.fresh.push_back(index);
        }
        let mut dropped = 0;
        while self.bytes > MOST_BYTES {
            self.drop_from_longest();
            dropped += 1;
        }
        dropped
    }

    /// Takes the next packet.
    pub fn pop(&mut self, now: Instant) -> Option<Waiting> {
        loop {
            let is_fresh = !self.fresh.is_empty();
            let index = *self.fresh.front().or_else(|| self.others.front())?;
            let flow = &mut self.flows[index];
            if flow.credit <= 0 {
                flow.credit += QUANTUM;
                self.move_back(is_fresh, index);
                continue;
            }
            match self.pop_of(now, index) {
                Some(waiting) => return Some(waiting),
                // A flow that was fresh waits its turn once before it may be so again.
                None if is_fresh && !self.others.is_empty() => self.move_back(is_fresh, index),
                None => self.unlist(is_fresh, index),
            }
        }
    }

    /// How many packets were dropped since the last question, because they waited too long.
    pub fn take_late(&mut self) -> usize {
        std::mem::take(&mut self.late)
    }

    fn pop_of(&mut self, now: Instant, index: usize) -> Option<Waiting> {
        let flow = &mut self.flows[index];
        while let Some(mut waiting) = flow.packets.pop_front() {
            let length = waiting.packet.len();
            self.length -= 1;
            self.bytes -= length;
            flow.bytes -= length;
            let sojourn = now.saturating_duration_since(waiting.since);
            let is_last = flow.packets.is_empty();
            if flow.codel.is_one_too_many(now, sojourn, is_last) && !mark_congestion(&mut waiting.packet) {
                self.late += 1;
                if !behead(&waiting.offload, &mut waiting.packet) {
                    continue;
                }
            }
            flow.credit -= length as isize;
            return Some(waiting);
        }
        None
    }

    fn move_back(&mut self, is_fresh: bool, index: usize) {
        if is_fresh {
            self.fresh.pop_front()
        } else {
            self.others.pop_front()
        };
        self.others.push_back(index);
    }

    fn unlist(&mut self, is_fresh: bool, index: usize) {
        if is_fresh {
            self.fresh.pop_front()
        } else {
            self.others.pop_front()
        };
        self.flows[index].listed = false;
    }

    fn drop_from_longest(&mut self) {
        let Some(longest) = self.flows.iter_mut().max_by_key(|flow| flow.bytes) else { return };
        if let Some(dropped) = longest.packets.pop_front() {
            longest.bytes -= dropped.packet.len();
            self.bytes -= dropped.packet.len();
            self.length -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
