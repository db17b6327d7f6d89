//! Makes of steps the packets that a kernel would hand over for them.

use std::net::IpAddr;

use golem_vpn_proto::{Offload, OffloadKind, PartialChecksum};

use crate::book::checksums::{place, write_ip, write_partial, write_transport};
use crate::book::headers::{ICMP, ICMP_V6, TCP, UDP, put, read, transport_length};
use crate::book::ordinary_packets;
use crate::random::Random;
use crate::steps::{ACK, CWR, Ip, Step, To, What};

const NOTHING: u8 = 1;
const HOP_BY_HOP: u8 = 0;
const DESTINATION_OPTIONS: u8 = 60;
const ROUTER_ALERT: [u8; 6] = [5, 2, 0, 0, 1, 0];
const FRAGMENT: u8 = 44;

/// The payloads behind one device.
#[derive(Default)]
pub struct Sender {
    sequences: [u32; 8],
    acknowledgements: u32,
    packets: u16,
    /// What the next IPv4 packet is called.
    identification: u16,
}

pub fn address(host: u8, is_v4: bool) -> IpAddr {
    match is_v4 {
        true => IpAddr::from([192, 168, 0, host]),
        false => IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(host)]),
    }
}

impl Sender {
    /// The packet of a step, and what is left to do with it.
    pub fn packet(&mut self, step: &Step) -> (Offload, Vec<u8>) {
        self.packets = self.packets.wrapping_add(1);
        let (protocol, transport) = self.transport(step);
        let mut packet = self.around(step, protocol, &transport);
        let headers = read(&packet);
        let mut offload = Offload::default();
        let has_checksum = !headers.is_fragment
            && place(headers.protocol).is_some()
            && !matches!(step.what, What::Datagram { has_checksum: false, .. });
        if let Some((kind, size)) = super_packet(step) {
            offload.kind = kind;
            offload.segment_size = size;
            offload.header_length = (headers.transport + transport_length(&packet, &headers)) as u16;
            offload.ecn = headers.protocol == TCP && packet[headers.transport + 13] & CWR != 0;
        }
        // What a kernel leaves to a device.
        let may_be_partial = matches!(step.what, What::Segment { .. } | What::Datagram { surplus: 0, .. });
        if has_checksum && may_be_partial && (step.is_partial || offload.kind != OffloadKind::None) {
            write_partial(&mut packet);
            let offset = place(headers.protocol).unwrap() as u16;
            offload.checksum = Some(PartialChecksum { start: headers.transport as u16, offset });
        } else if has_checksum {
            write_transport(&mut packet);
        }
        let count = ordinary_packets(&offload, &packet).len() as u16;
        self.identification = self.identification.wrapping_add(count);
        if step.is_damaged && offload == Offload::default() && packet.len() > headers.transport {
            *packet.last_mut().unwrap() ^= 0x11;
        }
        (offload, packet)
    }

    fn transport(&mut self, step: &Step) -> (u8, Vec<u8>) {
        let is_v4 = step.flow.is_multiple_of(2);
        match step.what {
            What::Segment { flags, length, options, .. } => {
                let sequence = self.sequences[usize::from(step.flow)];
                let after = sequence.wrapping_add(u32::from(length));
                self.sequences[usize::from(step.flow)] = after;
                (TCP, self.tcp(step.flow, sequence, flags, options, length))
            }
            What::Retransmission => {
                let sequence = self.sequences[usize::from(step.flow)].wrapping_sub(1000);
                (TCP, self.tcp(step.flow, sequence, ACK, 3, 1000))
            }
            What::Acknowledgement => {
                self.acknowledgements += 1;
                let sequence = self.sequences[usize::from(step.flow)];
                (TCP, self.tcp(step.flow, sequence, ACK, 3, 0))
            }
            What::Datagram { length, surplus, .. } => {
                let mut datagram = [ports(step.flow), [0; 4]].concat();
                put(&mut datagram, 4, 8 + usize::from(length));
                datagram.extend(self.content(usize::from(length) + usize::from(surplus)));
                (UDP, datagram)
            }
            What::Fragment { length, .. } => (UDP, self.content(length.into())),
            What::Echo { length } => {
                let (protocol, kind) = if is_v4 { (ICMP, 8) } else { (ICMP_V6, 128) };
                let mut message = vec![kind, 0, 0, 0, 0, 7, 0, 1];
                message.extend(self.content(length.into()));
                (protocol, message)
            }
            What::Unknown { protocol, length } => (protocol, self.content(length.into())),
        }
    }

    fn tcp(&self, flow: u8, sequence: u32, flags: u8, options: u8, length: u16) -> Vec<u8> {
        let mut segment = ports(flow).to_vec();
        segment.extend(sequence.to_be_bytes());
        segment.extend(self.acknowledgements.to_be_bytes());
        segment.extend([(5 + options) << 4, flags, 0x10, 0, 0, 0, 0, 9]);
        segment.extend(vec![NOTHING; usize::from(options) * 4]);
        segment.extend(self.content(length.into()));
        segment
    }

    /// Bytes that no other packet has, not even in part.
    fn content(&self, length: usize) -> Vec<u8> {
        let mut random = Random::new(u64::from(self.packets) << 32);
        let mut content = vec![0; length.next_multiple_of(8)];
        content.chunks_mut(8).for_each(|word| word.copy_from_slice(&random.next().to_be_bytes()));
        content.truncate(length);
        content
    }

    fn around(&self, step: &Step, protocol: u8, transport: &[u8]) -> Vec<u8> {
        let is_v4 = step.flow.is_multiple_of(2);
        let source = address(if step.to == To::FromForeign { 3 } else { 1 }, is_v4);
        let destination = match step.to {
            To::Receiver | To::FromForeign => address(2, is_v4),
            To::Nobody => address(9, is_v4),
            To::Outside if is_v4 => IpAddr::from([10, 1, 1, 1]),
            To::Outside => IpAddr::from([0xfd99, 0, 0, 0, 0, 0, 0, 1]),
        };
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let addresses = [source.octets(), destination.octets()].concat();
                self.around_v4(step, protocol, &addresses, transport)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let addresses = [source.octets(), destination.octets()].concat();
                around_v6(step, protocol, &addresses, transport)
            }
            _ => panic!("{source} and {destination} are of different families"),
        }
    }

    fn around_v4(&self, step: &Step, protocol: u8, addresses: &[u8], transport: &[u8]) -> Vec<u8> {
        let Ip { class, hops, dont_fragment, extension } = step.ip;
        let options = vec![NOTHING; usize::from(extension.map_or(0, |words| words + 1)) * 4];
        let (offset, more) = match step.what {
            What::Fragment { offset, more, .. } => (usize::from(offset), usize::from(more)),
            _ => (0, 0),
        };
        let mut packet = vec![0x45 + (options.len() / 4) as u8, class, 0, 0, 0, 0, 0, 0, hops, protocol, 0, 0];
        put(&mut packet, 2, 20 + options.len() + transport.len());
        put(&mut packet, 4, usize::from(self.identification));
        put(&mut packet, 6, usize::from(dont_fragment) << 14 | more << 13 | offset);
        packet.extend([addresses, &options, transport].concat());
        write_ip(&mut packet);
        packet
    }
}

fn around_v6(step: &Step, protocol: u8, addresses: &[u8], transport: &[u8]) -> Vec<u8> {
    let (extension, next) = match (&step.what, step.ip.extension) {
        (What::Fragment { offset, more, .. }, _) => {
            let mut header = vec![protocol, 0, 0, 0, 0, 0, 0, 7];
            put(&mut header, 2, usize::from(*offset) << 3 | usize::from(*more));
            (header, FRAGMENT)
        }
        (_, Some(0)) => ([&[protocol, 0], &ROUTER_ALERT[..]].concat(), HOP_BY_HOP),
        // Options of kind 1 are padding.
        (_, Some(_)) => (vec![protocol, 0, 1, 4, 0, 0, 0, 0], DESTINATION_OPTIONS),
        (_, None) => (Vec::new(), protocol),
    };
    let mut packet = vec![0x60 | step.ip.class >> 4, step.ip.class << 4, 0, step.flow, 0, 0, next, step.ip.hops];
    put(&mut packet, 4, extension.len() + transport.len());
    packet.extend([addresses, &extension, transport].concat());
    packet
}

/// How a super-packet is to be cut, if the step makes one.
fn super_packet(step: &Step) -> Option<(OffloadKind, u16)> {
    match step.what {
        What::Segment { cut: Some(size), .. } if step.flow.is_multiple_of(2) => Some((OffloadKind::TcpV4, size)),
        What::Segment { cut: Some(size), .. } => Some((OffloadKind::TcpV6, size)),
        What::Datagram { cut: Some(size), .. } => Some((OffloadKind::Udp, size)),
        _ => None,
    }
}

fn ports(flow: u8) -> [u8; 4] {
    [0x10, flow, 0, 80]
}
