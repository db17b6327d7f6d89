//! The slow path: what becomes of what a device hands over, one packet at a time.

pub mod checksums;
mod complaints;
mod cutting;
pub mod headers;

use std::net::IpAddr;

use golem_vpn_proto::{Offload, OffloadKind};

use complaints::{Complaint, complain};
pub use cutting::segments;
use headers::{Headers, TCP, is_v4, read};

const SYN_RST_AND_URG: u8 = 0x26;

/// A sender and a receiver, and between them a way for packets of up to `mtu` bytes.
pub struct Book {
    pub sender: Vec<IpAddr>,
    pub receiver: Vec<IpAddr>,
    pub mtu: usize,
}

/// What becomes of one packet or super-packet.
#[derive(Default)]
pub struct Outcome {
    /// What arrives, in order.
    pub delivered: Vec<Vec<u8>>,
    /// What the sender hears.
    pub answers: Vec<Vec<u8>>,
}

impl Book {
    pub fn forward(&self, offload: &Offload, packet: &[u8]) -> Outcome {
        let headers = read(packet);
        let mut outcome = Outcome::default();
        if !self.sender.contains(&headers.source) {
            return outcome;
        }
        if !self.receiver.contains(&headers.destination) {
            let is_inside = match headers.destination {
                IpAddr::V4(address) => address.octets()[..3] == [192, 168, 0],
                IpAddr::V6(address) => address.segments()[..4] == [0xfd00, 0, 0, 0],
            };
            let answer = complain(Complaint::Unreachable, packet, &headers).filter(|_| is_inside);
            outcome.answers.extend(answer);
            return outcome;
        }
        let ordinary = ordinary_packets(offload, packet);
        if ordinary.iter().all(|ordinary| ordinary.len() <= self.mtu) {
            outcome.delivered = ordinary;
            return outcome;
        }
        self.forward_long(packet, &headers, &ordinary)
    }

    /// TCP is cut, and its sender told; other packets are fragmented where that is allowed, or their sender told.
    fn forward_long(&self, packet: &[u8], headers: &Headers, ordinary: &[Vec<u8>]) -> Outcome {
        let mut outcome = Outcome::default();
        let is_cut = may_be_cut(headers, packet) && ordinary.iter().all(|ordinary| checksums::is_right(ordinary));
        let may_be_fragmented = is_v4(packet) && !headers.dont_fragment && headers.transport == 20;
        if headers.dont_fragment {
            outcome.answers.extend(complain(Complaint::TooBig(self.mtu), packet, headers));
        }
        if is_cut {
            let size = self.mtu - headers.transport - headers::transport_length(packet, headers);
            outcome.delivered = segments(packet, size);
        } else if may_be_fragmented {
            let fragments = ordinary.iter().flat_map(|ordinary| cutting::fragments(ordinary, self.mtu));
            outcome.delivered = fragments.collect();
        }
        outcome
    }
}

/// The ordinary packets that were handed over, with full checksums.
pub fn ordinary_packets(offload: &Offload, packet: &[u8]) -> Vec<Vec<u8>> {
    if offload.kind != OffloadKind::None {
        return segments(packet, offload.segment_size.into());
    }
    let mut packet = packet.to_vec();
    if offload.checksum.is_some() {
        checksums::write_transport(&mut packet);
    }
    vec![packet]
}

/// Whether a packet is one of TCP that several shorter ones can stand for.
fn may_be_cut(headers: &Headers, packet: &[u8]) -> bool {
    headers.protocol == TCP && !headers.is_fragment && {
        let has_data = packet.len() > headers.transport + headers::transport_length(packet, headers);
        has_data && packet[headers.transport + 13] & SYN_RST_AND_URG == 0
    }
}
