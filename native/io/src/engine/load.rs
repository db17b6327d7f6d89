//! How much passes through the engine just now.

use std::time::{Duration, Instant};

use golem_vpn_proto::Counters;

/// How long is looked at.
const PERIOD: Duration = Duration::from_millis(1);
/// What is a heavy load, in packets and bytes of a second: well above what questions and answers amount to that wait for
/// each other.
const HEAVY_PACKETS: f64 = 1e5;
const HEAVY_BYTES: f64 = 1.28e8;
/// Who paces datagrams by their answers gets one for this many at least.
const UNANSWERED: u64 = 50;

/// What is done best depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or questions and answers.
    Light,
    /// The same as a heavy load, but most of it through relays: there other threads of this process carry as much.
    Relayed,
    /// Streams, or whatever else is answered.
    Heavy,
    /// Mostly datagrams that nobody answers, so that nobody sends fewer when they are too many.
    Flood,
}

/// What has passed so far, both ways.
pub(super) struct Passed<'a> {
    pub(super) counters: &'a Counters,
    pub(super) relayed_bytes: u64,
}

/// Some of that, as it was at one time.
#[derive(Clone, Copy, Default)]
struct Totals {
    packets: u64,
    bytes: u64,
    connectionless_in: u64,
    connectionless_out: u64,
    relayed_bytes: u64,
}

pub(super) struct Load {
    since: Instant,
    totals: Totals,
    kind: Kind,
}

impl Load {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, totals: Totals::default(), kind: Kind::Light }
    }

    /// Takes note of what has passed; what kind of a load that is.
    pub(super) fn kind(&mut self, now: Instant, passed: &Passed<'_>) -> Kind {
        let past = now.saturating_duration_since(self.since);
        if past >= PERIOD {
            let totals = Totals::of(passed);
            let kind = totals.since(&self.totals).kind(past.as_secs_f64());
            *self = Self { since: now, totals, kind };
        }
        self.kind
    }
}

impl Totals {
    fn of(&Passed { counters, relayed_bytes }: &Passed<'_>) -> Self {
        Self {
            packets: counters.packets_in + counters.packets_out,
            bytes: counters.bytes_in + counters.bytes_out,
            connectionless_in: counters.connectionless_in,
            connectionless_out: counters.connectionless_out,
            relayed_bytes,
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            packets: self.packets - before.packets,
            bytes: self.bytes - before.bytes,
            connectionless_in: self.connectionless_in - before.connectionless_in,
            connectionless_out: self.connectionless_out - before.connectionless_out,
            relayed_bytes: self.relayed_bytes - before.relayed_bytes,
        }
    }

    /// What it is to have passed so much within some seconds.
    fn kind(&self, seconds: f64) -> Kind {
        let is_heavy = self.packets as f64 >= HEAVY_PACKETS * seconds || self.bytes as f64 >= HEAVY_BYTES * seconds;
        if !is_heavy {
            Kind::Light
        } else if self.relayed_bytes > self.bytes / 2 {
            Kind::Relayed
        } else if self.is_flood() {
            Kind::Flood
        } else {
            Kind::Heavy
        }
    }

    fn is_flood(&self) -> bool {
        let fewer = self.connectionless_in.min(self.connectionless_out);
        let more = self.connectionless_in.max(self.connectionless_out);
        more > self.packets / 2 && more > UNANSWERED * fewer
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
        Passed { counters, relayed_bytes: 0 }
    }

    /// What passes in a millisecond.
    #[derive(Default)]
    struct Pace {
        packets: u64,
        bytes: u64,
        datagrams_out: u64,
        datagrams_in: u64,
        relayed_bytes: u64,
    }

    /// The kind of load when so much passes in each of some milliseconds.
    fn kind(pace: &Pace) -> Kind {
        let mut counters = no_counters();
        let mut now = Instant::now();
        let mut load = Load::new(now);
        let mut kind = Kind::Light;
        for round in 1..5 {
            now += 2 * PERIOD;
            counters.packets_out += 2 * pace.packets + 2 * pace.datagrams_out;
            counters.packets_in += 2 * pace.datagrams_in;
            counters.bytes_in += 2 * pace.bytes;
            counters.connectionless_out += 2 * pace.datagrams_out;
            counters.connectionless_in += 2 * pace.datagrams_in;
            kind = load.kind(now, &Passed { counters: &counters, relayed_bytes: 2 * round * pace.relayed_bytes });
        }
        kind
    }

    #[test]
    fn many_packets_or_many_bytes_are_a_heavy_load() {
        assert_eq!(kind(&Pace::default()), Kind::Light);
        assert_eq!(kind(&Pace { packets: 90, bytes: 90_000, ..Pace::default() }), Kind::Light);
        assert_eq!(kind(&Pace { packets: 110, bytes: 10_000, ..Pace::default() }), Kind::Heavy);
        assert_eq!(kind(&Pace { packets: 10, bytes: 140_000, ..Pace::default() }), Kind::Heavy);
    }

    #[test]
    fn datagrams_that_nobody_answers_are_a_flood_whichever_way_they_go() {
        assert_eq!(kind(&Pace { datagrams_out: 110, ..Pace::default() }), Kind::Flood);
        assert_eq!(kind(&Pace { datagrams_in: 110, ..Pace::default() }), Kind::Flood);
        assert_eq!(kind(&Pace { datagrams_in: 110, datagrams_out: 2, ..Pace::default() }), Kind::Flood);
        assert_eq!(kind(&Pace { datagrams_in: 90, bytes: 140_000, ..Pace::default() }), Kind::Flood);
        assert_eq!(kind(&Pace { datagrams_in: 90, ..Pace::default() }), Kind::Light);
    }

    #[test]
    fn datagrams_with_answers_or_beside_streams_are_none() {
        assert_eq!(kind(&Pace { datagrams_out: 110, datagrams_in: 3, ..Pace::default() }), Kind::Heavy);
        assert_eq!(kind(&Pace { datagrams_out: 3, datagrams_in: 110, ..Pace::default() }), Kind::Heavy);
        assert_eq!(kind(&Pace { datagrams_out: 110, packets: 120, ..Pace::default() }), Kind::Heavy);
    }

    #[test]
    fn what_takes_relays_is_told_apart() {
        let flood = Pace { datagrams_out: 110, bytes: 140_000, ..Pace::default() };
        assert_eq!(kind(&Pace { relayed_bytes: 80_000, ..flood }), Kind::Relayed);
        assert_eq!(kind(&Pace { relayed_bytes: 60_000, ..flood }), Kind::Flood);
        assert_eq!(kind(&Pace { packets: 90, bytes: 90_000, relayed_bytes: 90_000, ..Pace::default() }), Kind::Light);
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
