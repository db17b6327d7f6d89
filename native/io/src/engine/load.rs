//! How much passes through the engine just now.

use std::time::{Duration, Instant};

use golem_vpn_proto::Counters;

/// How long is looked at.
const PERIOD: Duration = Duration::from_millis(1);
/// What is a heavy load, in packets and bytes of a second: well above what questions and answers amount to that wait for
/// each other.
const HEAVY_PACKETS: f64 = 1e5;
const HEAVY_BYTES: f64 = 1.28e8;
/// Reads of devices in a second that make a flood: streams are read in super-packets, and stay well below that.
const FLOOD_READS: f64 = 1e5;

/// What is done best depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or questions and answers.
    Light,
    /// Streams, or packets that come from peers.
    Heavy,
    /// Single packets from devices, faster than it pays to be woken for some.
    Flood,
}

pub(super) struct Load {
    since: Instant,
    packets: u64,
    bytes: u64,
    reads: u64,
    kind: Kind,
}

impl Load {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, packets: 0, bytes: 0, reads: 0, kind: Kind::Light }
    }

    /// Takes note of what has passed so far, both ways, and how often devices were read for it; what kind of a load that is.
    pub(super) fn kind(&mut self, now: Instant, counters: &Counters, reads: u64) -> Kind {
        let past = now.saturating_duration_since(self.since);
        if past >= PERIOD {
            let (packets, bytes) = (counters.packets_in + counters.packets_out, counters.bytes_in + counters.bytes_out);
            let per_second = |now: u64, before: u64| (now - before) as f64 / past.as_secs_f64();
            self.kind = if per_second(reads, self.reads) >= FLOOD_READS {
                Kind::Flood
            } else if per_second(packets, self.packets) >= HEAVY_PACKETS || per_second(bytes, self.bytes) >= HEAVY_BYTES
            {
                Kind::Heavy
            } else {
                Kind::Light
            };
            (self.since, self.packets, self.bytes, self.reads) = (now, packets, bytes, reads);
        }
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use golem_vpn_proto::{Config, Node, NodeId};

    use super::*;

    fn no_counters() -> Counters {
        Node::new(Config::new(NodeId([1; 20])), Box::new(|bytes| bytes.fill(0))).counters().clone()
    }

    /// The kind of load when so much passes in each of some milliseconds.
    fn kind(packets: u64, bytes: u64, reads: u64) -> Kind {
        let mut counters = no_counters();
        let mut now = Instant::now();
        let mut load = Load::new(now);
        let mut kind = Kind::Light;
        for round in 1..5 {
            now += Duration::from_millis(2);
            counters.packets_out += packets;
            counters.bytes_in += 2 * bytes;
            counters.packets_in += packets;
            kind = load.kind(now, &counters, 2 * round * reads);
        }
        kind
    }

    #[test]
    fn many_packets_or_many_bytes_are_a_heavy_load() {
        assert_eq!(kind(0, 0, 0), Kind::Light);
        assert_eq!(kind(90, 90_000, 90), Kind::Light);
        assert_eq!(kind(110, 10_000, 0), Kind::Heavy);
        assert_eq!(kind(10, 140_000, 10), Kind::Heavy);
    }

    #[test]
    fn many_reads_are_a_flood() {
        assert_eq!(kind(110, 140_000, 90), Kind::Heavy);
        assert_eq!(kind(110, 140_000, 110), Kind::Flood);
    }

    #[test]
    fn it_is_over_when_nothing_passes() {
        let (now, mut counters) = (Instant::now(), no_counters());
        let mut load = Load::new(now);
        counters.bytes_out = 1 << 30;
        assert_eq!(load.kind(now + PERIOD, &counters, 0), Kind::Heavy);
        assert_eq!(load.kind(now + PERIOD * 3 / 2, &counters, 0), Kind::Heavy, "the period is not over");
        assert_eq!(load.kind(now + PERIOD * 2, &counters, 0), Kind::Light);
    }
}
