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
    /// The same as a heavy load, but most of it through relays: there other threads of this process carry as much.
    Relayed,
    /// Streams, or packets that come from peers.
    Heavy,
    /// Single packets from devices, faster than it pays to be woken for some.
    Flood,
}

/// What has passed so far, both ways.
pub(super) struct Passed<'a> {
    pub(super) counters: &'a Counters,
    /// How often devices were read for it.
    pub(super) reads: u64,
    pub(super) relayed_bytes: u64,
}

pub(super) struct Load {
    since: Instant,
    packets: u64,
    bytes: u64,
    reads: u64,
    relayed_bytes: u64,
    kind: Kind,
}

impl Load {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, packets: 0, bytes: 0, reads: 0, relayed_bytes: 0, kind: Kind::Light }
    }

    /// Takes note of what has passed; what kind of a load that is.
    pub(super) fn kind(&mut self, now: Instant, &Passed { counters, reads, relayed_bytes }: &Passed<'_>) -> Kind {
        let past = now.saturating_duration_since(self.since);
        if past >= PERIOD {
            let (packets, bytes) = (counters.packets_in + counters.packets_out, counters.bytes_in + counters.bytes_out);
            let per_second = |now: u64, before: u64| (now - before) as f64 / past.as_secs_f64();
            let bytes_per_second = per_second(bytes, self.bytes);
            let is_heavy = per_second(packets, self.packets) >= HEAVY_PACKETS || bytes_per_second >= HEAVY_BYTES;
            self.kind = if is_heavy && per_second(relayed_bytes, self.relayed_bytes) > bytes_per_second / 2.0 {
                Kind::Relayed
            } else if per_second(reads, self.reads) >= FLOOD_READS {
                Kind::Flood
            } else if is_heavy {
                Kind::Heavy
            } else {
                Kind::Light
            };
            *self = Self { since: now, packets, bytes, reads, relayed_bytes, kind: self.kind };
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

    fn directly(counters: &Counters) -> Passed<'_> {
        Passed { counters, reads: 0, relayed_bytes: 0 }
    }

    /// The kind of load when so much passes in each of some milliseconds.
    fn kind(packets: u64, bytes: u64, reads: u64, relayed_bytes: u64) -> Kind {
        let mut counters = no_counters();
        let mut now = Instant::now();
        let mut load = Load::new(now);
        let mut kind = Kind::Light;
        for round in 1..5 {
            now += Duration::from_millis(2);
            counters.packets_out += packets;
            counters.bytes_in += 2 * bytes;
            counters.packets_in += packets;
            let (reads, relayed_bytes) = (2 * round * reads, 2 * round * relayed_bytes);
            kind = load.kind(now, &Passed { counters: &counters, reads, relayed_bytes });
        }
        kind
    }

    #[test]
    fn many_packets_or_many_bytes_are_a_heavy_load() {
        assert_eq!(kind(0, 0, 0, 0), Kind::Light);
        assert_eq!(kind(90, 90_000, 90, 0), Kind::Light);
        assert_eq!(kind(110, 10_000, 0, 0), Kind::Heavy);
        assert_eq!(kind(10, 140_000, 10, 0), Kind::Heavy);
    }

    #[test]
    fn many_reads_are_a_flood() {
        assert_eq!(kind(110, 140_000, 90, 0), Kind::Heavy);
        assert_eq!(kind(110, 140_000, 110, 0), Kind::Flood);
    }

    #[test]
    fn what_takes_relays_is_told_apart() {
        assert_eq!(kind(110, 140_000, 110, 80_000), Kind::Relayed);
        assert_eq!(kind(110, 140_000, 110, 60_000), Kind::Flood);
        assert_eq!(kind(90, 90_000, 90, 90_000), Kind::Light);
    }

    #[test]
    fn it_is_over_when_nothing_passes() {
        let (now, mut counters) = (Instant::now(), no_counters());
        let mut load = Load::new(now);
        counters.bytes_out = 1 << 30;
        assert_eq!(load.kind(now + PERIOD, &directly(&counters)), Kind::Heavy);
        assert_eq!(load.kind(now + PERIOD * 3 / 2, &directly(&counters)), Kind::Heavy, "the period is not over");
        assert_eq!(load.kind(now + PERIOD * 2, &directly(&counters)), Kind::Light);
    }
}
