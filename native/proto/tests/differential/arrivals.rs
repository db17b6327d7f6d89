//! What arrived, made comparable: super-packets cut by the book, and packets sorted by flow, in which alone order counts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use golem_vpn_proto::Node;

use crate::book::checksums::{is_right, write_ip};
use crate::book::headers::{Headers, TCP, UDP, is_v4, put, read};
use crate::book::ordinary_packets;

/// What the packets have in common whose order counts. Without ports, all of a protocol between two addresses are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    source: IpAddr,
    destination: IpAddr,
    /// What follows the IP header.
    protocol: u8,
    ports: Option<[u8; 4]>,
    is_fragmented: bool,
}

/// What a node's devices get, as ordinary packets.
pub fn deliveries(node: &mut Node) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let Some(delivery) = node.poll_delivery() {
        packets.extend(ordinary_packets(&delivery.offload, delivery.packet));
    }
    packets
}

/// Says in words where the arrivals differ from what should arrive. Damaged packets may be missing.
pub fn difference(expected: &[Vec<u8>], arrived: &[Vec<u8>]) -> Option<String> {
    let (damaged, whole): (Vec<_>, Vec<_>) = arrived.iter().partition(|packet| !is_right(packet));
    if let Some(forged) = damaged.iter().find(|packet| !expected.contains(packet)) {
        return Some(format!("damaged on the way:\n{}", describe(forged)));
    }
    let expected = by_flow(expected.iter().filter(|packet| is_right(packet)));
    let arrived = by_flow(whole.into_iter());
    if let Some((flow, packets)) = arrived.iter().find(|(flow, _)| !expected.contains_key(*flow)) {
        return Some(format!("nobody sent anything in {flow:?}:\n{}", describe(&packets[0])));
    }
    expected.iter().find_map(|(flow, expected)| {
        let arrived = arrived.get(flow).map_or(&[][..], |packets| packets);
        let at = expected.iter().zip(arrived).take_while(|(one, other)| one == other).count();
        let show = |packet: Option<&Vec<u8>>| packet.map_or("nothing".to_owned(), |packet| describe(packet));
        (expected != arrived).then(|| {
            format!(
                "packet {at} of {flow:?}\nby the book ({} packets): {}\narrived ({}): {}",
                expected.len(),
                show(expected.get(at)),
                arrived.len(),
                show(arrived.get(at))
            )
        })
    })
}

/// Packets by flow, each flow in its order; fragments have none.
fn by_flow<'a>(packets: impl Iterator<Item = &'a Vec<u8>>) -> BTreeMap<Flow, Vec<Vec<u8>>> {
    let mut sorted: BTreeMap<Flow, Vec<Vec<u8>>> = BTreeMap::new();
    for packet in packets {
        sorted.entry(flow(packet)).or_default().push(comparable(packet));
    }
    for (flow, packets) in &mut sorted {
        if flow.is_fragmented {
            packets.sort();
        }
    }
    sorted
}

fn flow(packet: &[u8]) -> Flow {
    let headers = read(packet);
    let protocol = packet[if is_v4(packet) { 9 } else { 6 }];
    let has_ports = matches!(protocol, TCP | UDP) && !headers.is_fragment;
    let ports = has_ports.then(|| packet[headers.transport..headers.transport + 4].try_into().unwrap());
    let Headers { source, destination, is_fragment, .. } = headers;
    Flow { source, destination, protocol, ports, is_fragmented: is_fragment }
}

/// Without the identification where it means nothing (RFC 6864, section 4.1).
pub fn comparable(packet: &[u8]) -> Vec<u8> {
    let (mut packet, headers) = (packet.to_vec(), read(packet));
    if is_v4(&packet) && headers.dont_fragment && !headers.is_fragment {
        put(&mut packet, 4, 0);
        write_ip(&mut packet);
    }
    packet
}

/// The headers in hexadecimal, and the length.
pub fn describe(packet: &[u8]) -> String {
    let headers = read(packet);
    let mut text = format!("{} bytes, protocol {}, ", packet.len(), headers.protocol);
    let (ip, rest) = packet.split_at(headers.transport.min(packet.len()));
    for part in [ip, &rest[..rest.len().min(32)]] {
        part.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
        text.push(' ');
    }
    text
}
