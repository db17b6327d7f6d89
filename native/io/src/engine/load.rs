//! How much passes through the engine just now.

use std::time::{Duration, Instant};

use golem_vpn_proto::Counters;

/// How long is looked at.
const PERIOD: Duration = Duration::from_millis(1);
/// What is a heavy load, in packets and bytes of a second: well above what questions and answers amount to that wait for
/// each other.
const HEAVY_PACKETS: f64 = 1e5;
const HEAVY_BYTES: f64 = 1.28e8;

pub(super) struct Load {
    since: Instant,
    packets: u64,
    bytes: u64,
    is_heavy: bool,
}

impl Load {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, packets: 0, bytes: 0, is_heavy: false }
    }

    /// Takes note of what has passed so far, both ways; whether that is a heavy load.
    pub(super) fn is_heavy(&mut self, now: Instant, counters: &Counters) -> bool {
        let past = now.saturating_duration_since(self.since);
        if past >= PERIOD {
            let (packets, bytes) = (counters.packets_in + counters.packets_out, counters.bytes_in + counters.bytes_out);
            let per_second = |now: u64, before: u64| (now - before) as f64 / past.as_secs_f64();
            self.is_heavy =
                per_second(packets, self.packets) >= HEAVY_PACKETS || per_second(bytes, self.bytes) >= HEAVY_BYTES;
            (self.since, self.packets, self.bytes) = (now, packets, bytes);
        }
        self.is_heavy
    }
}

#[cfg(test)]
mod tests {
    use golem_vpn_proto::{Config, Node, NodeId};

    use super::*;

    /// Whether it is heavy when so much has passed in each of some milliseconds.
    fn is_heavy(packets: u64, bytes: u64) -> bool {
        let mut counters = Node::new(Config::new(NodeId([1; 20])), Box::new(|bytes| bytes.fill(0))).counters().clone();
        let mut now = Instant::now();
        let mut load = Load::new(now);
        let mut is_heavy = false;
        for _ in 0..4 {
            now += Duration::from_millis(2);
            counters.packets_out += packets;
            counters.bytes_in += 2 * bytes;
            counters.packets_in += packets;
            is_heavy = load.is_heavy(now, &counters);
        }
        is_heavy
    }

    #[test]
    fn many_packets_or_many_bytes_are_a_heavy_load() {
        assert!(!is_heavy(0, 0));
        assert!(!is_heavy(90, 90_000));
        assert!(is_heavy(110, 10_000));
        assert!(is_heavy(10, 140_000));
    }

    #[test]
    fn it_is_over_when_nothing_passes() {
        let node = Node::new(Config::new(NodeId([1; 20])), Box::new(|bytes| bytes.fill(0)));
        let (now, mut counters) = (Instant::now(), node.counters().clone());
        let mut load = Load::new(now);
        counters.bytes_out = 1 << 30;
        assert!(load.is_heavy(now + PERIOD, &counters));
        assert!(load.is_heavy(now + PERIOD * 3 / 2, &counters), "the period is not over");
        assert!(!load.is_heavy(now + PERIOD * 2, &counters));
    }
}
