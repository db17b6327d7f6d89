//! A minute of a machine's traffic in short, as a recording of its interface shows it: connections that begin, carry much
//! and little, and end; names looked up; a file by QUIC; pings longer than the interface; a tunnel; a damaged packet.

use crate::clean::compare;
use crate::sender::Sender;
use crate::steps::{ACK, CWR, ECE, FIN, Ip, PSH, RST, SYN, Step, To, URG, What};

const NOT_ECT: u8 = 0;
const ECT: u8 = 2;
const CE: u8 = 3;
const EXPEDITED: u8 = 46 << 2;

fn step(flow: u8, class: u8, what: What) -> Step {
    let is_partial = matches!(what, What::Segment { .. } | What::Datagram { surplus: 0, .. });
    let ip = Ip { class, hops: 64, dont_fragment: true, extension: None };
    Step { flow, ip, what, is_partial, is_damaged: false, to: To::Receiver }
}

fn tcp(flow: u8, class: u8, flags: u8, length: u16, cut: Option<u16>) -> Step {
    step(flow, class, What::Segment { flags, length, cut, options: 3 })
}

fn udp(flow: u8, class: u8, length: u16, cut: Option<u16>) -> Step {
    step(flow, class, What::Datagram { length, cut, has_checksum: true, surplus: 0 })
}

/// A connection from its first packet to its last, of full super-packets with what ends each burst.
fn connection(flow: u8) -> Vec<Step> {
    let mut steps = vec![tcp(flow, NOT_ECT, SYN | ECE | CWR, 0, None), tcp(flow, NOT_ECT, ACK, 0, None)];
    for burst in 0..6u16 {
        let class = if burst == 3 { CE } else { ECT };
        let reduced = if burst == 4 { CWR } else { 0 };
        steps.push(tcp(flow, class, ACK | reduced, 45 * 1348, Some(1348)));
        steps.push(tcp(flow, class, ACK | PSH, 3 * 1348 + 517, Some(1348)));
        steps.push(step(flow, ECT, What::Acknowledgement));
    }
    steps.extend([tcp(flow, ECT, ACK | PSH | FIN, 1, None), tcp(flow, NOT_ECT, RST, 0, None)]);
    steps
}

/// Packets of a flow forwarded for somebody else, who has no offload: marked in the middle, a hop less, a gap.
fn forwarded(flow: u8) -> Vec<Step> {
    let segment = |class, hops| {
        let mut step = tcp(flow, class, ACK, 1348, None);
        (step.is_partial, step.ip.hops) = (false, hops);
        step
    };
    let mut steps: Vec<_> = (0..40).map(|number| segment(if number == 20 { CE } else { ECT }, 63)).collect();
    steps.push(segment(ECT, 62));
    steps.push(step(flow, ECT, What::Retransmission));
    steps.extend((0..10).map(|_| segment(ECT | EXPEDITED, 63)));
    steps.push(tcp(flow, ECT, ACK | URG | PSH, 1, None));
    steps
}

fn everything_else() -> Vec<Step> {
    let fragmented = |what| {
        let mut step = step(0, NOT_ECT, what);
        step.ip.dont_fragment = false;
        step
    };
    let mut router_alert = step(1, NOT_ECT, What::Echo { length: 24 });
    router_alert.ip.extension = Some(0);
    let mut damaged = udp(2, NOT_ECT, 99, None);
    (damaged.is_partial, damaged.is_damaged) = (false, true);
    vec![
        udp(0, NOT_ECT, 33, None),
        udp(1, ECT, 10 * 1200, Some(1200)),
        udp(1, ECT, 30 * 1200 + 77, Some(1200)),
        udp(3, EXPEDITED, 172, None),
        udp(3, EXPEDITED, 172, None),
        udp(3, EXPEDITED, 0, None),
        step(0, NOT_ECT, What::Datagram { length: 300, cut: None, has_checksum: false, surplus: 0 }),
        step(0, NOT_ECT, What::Echo { length: 56 }),
        step(1, NOT_ECT, What::Echo { length: 57 }),
        // `ping -s 4000`, fragmented by its own kernel, and one that is left to the tunnel.
        fragmented(What::Fragment { offset: 0, more: true, length: 1400 }),
        fragmented(What::Fragment { offset: 175, more: true, length: 1400 }),
        fragmented(What::Fragment { offset: 350, more: false, length: 1208 }),
        fragmented(What::Echo { length: 4000 }),
        step(0, NOT_ECT, What::Echo { length: 1473 }),
        step(1, NOT_ECT, What::Echo { length: 1400 }),
        router_alert,
        damaged,
        step(0, NOT_ECT, What::Unknown { protocol: 47, length: 1001 }),
        step(1, NOT_ECT, What::Unknown { protocol: 132, length: 64 }),
        Step { to: To::Nobody, ..udp(0, NOT_ECT, 10, None) },
        Step { to: To::FromForeign, ..udp(1, NOT_ECT, 10, None) },
    ]
}

/// One packet of each in turn, until all are through.
fn interleaved(mut flows: Vec<Vec<Step>>) -> Vec<Step> {
    let mut steps = Vec::new();
    flows.iter_mut().for_each(|flow| flow.reverse());
    while flows.iter().any(|flow| !flow.is_empty()) {
        steps.extend(flows.iter_mut().filter_map(Vec::pop));
    }
    steps
}

#[test]
fn a_machines_traffic_arrives_as_by_the_book() {
    let flows = vec![connection(0), connection(1), forwarded(2), forwarded(5), everything_else()];
    let mut sender = Sender::default();
    let packets: Vec<_> = interleaved(flows).iter().map(|step| sender.packet(step)).collect();
    for offload in [true, false] {
        for at_once in [1, 2, 7, 40] {
            assert_eq!(compare(&packets, offload, at_once), None, "offload {offload}, {at_once} at once");
        }
    }
}
