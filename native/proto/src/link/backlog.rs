//! Packets that wait until there is a session with their peer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::{DeviceId, DropReason, Offload};

const MOST_PACKETS: usize = 256;
const MOST_BYTES: usize = 1 << 20;

/// A packet as the device gave it.
pub(crate) struct Waiting {
    pub since: Instant,
    pub device: DeviceId,
    pub offload: Offload,
    pub packet: Vec<u8>,
}

/// A bounded queue: a packet that finds it full is dropped.
#[derive(Default)]
pub(crate) struct Backlog {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

impl Backlog {
    pub fn push(&mut self, waiting: Waiting) -> Result<(), DropReason> {
        if self.waiting.len() >= MOST_PACKETS || self.bytes + waiting.packet.len() > MOST_BYTES {
            return Err(DropReason::BacklogFull);
        }
        self.bytes += waiting.packet.len();
        self.waiting.push_back(waiting);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When the oldest packet came.
    pub fn oldest(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.since)
    }

    /// Everything, in order.
    pub fn take(&mut self) -> VecDeque<Waiting> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// Drops what waits for longer than `limit`; says how many packets that were.
    pub fn expire(&mut self, now: Instant, limit: Duration) -> usize {
        let before = self.waiting.len();
        while let Some(oldest) = self.waiting.front().filter(|oldest| now >= oldest.since + limit) {
            self.bytes -= oldest.packet.len();
            self.waiting.pop_front();
        }
        before - self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(since: Instant, length: usize) -> Waiting {
        Waiting { since, device: DeviceId(1), offload: Offload::default(), packet: vec![0; length] }
    }

    #[test]
    fn packets_and_bytes_are_bounded() {
        let (now, mut backlog) = (Instant::now(), Backlog::default());
        assert!(backlog.push(waiting(now, MOST_BYTES)).is_ok());
        assert_eq!(backlog.push(waiting(now, 1)), Err(DropReason::BacklogFull));
        assert_eq!(backlog.take().len(), 1);
        for _ in 0..MOST_PACKETS {
            assert!(backlog.push(waiting(now, 1)).is_ok());
        }
        assert_eq!(backlog.push(waiting(now, 1)), Err(DropReason::BacklogFull));
    }

    #[test]
    fn old_packets_expire_and_make_room() {
        let (now, mut backlog) = (Instant::now(), Backlog::default());
        let second = Duration::from_secs(1);
        backlog.push(waiting(now, MOST_BYTES / 2)).unwrap();
        backlog.push(waiting(now + second, MOST_BYTES / 2)).unwrap();
        assert_eq!(backlog.expire(now + second, second), 1);
        assert_eq!(backlog.oldest(), Some(now + second));
        assert!(backlog.push(waiting(now + second, MOST_BYTES / 2)).is_ok());
    }
}
