//! What must be known of a received packet to find who it is for, and its TCP segment.

use std::net::{IpAddr, SocketAddr};

use smoltcp::wire::{IpAddress, IpProtocol, IpVersion, Ipv4Packet, Ipv6Packet, TcpPacket, TcpSeqNumber};

use super::connection::Connection;
use super::diversion::Pair;

/// The addresses of a packet, and the connection of a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heading {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub connection: Option<Connection>,
    pub is_reset: bool,
    /// Whether the stack has a use for such packets.
    pub is_useful: bool,
}

impl Heading {
    /// Reads the heading of a packet; nothing where it is malformed.
    pub fn of(packet: &[u8]) -> Option<Heading> {
        packet.first()?;
        match IpVersion::of_packet(packet).ok()? {
            IpVersion::Ipv4 => {
                let packet = Ipv4Packet::new_checked(packet).ok()?;
                let is_fragment = packet.more_frags() || packet.frag_offset() != 0;
                let heading = Self::without_payload(packet.src_addr().into(), packet.dst_addr().into());
                let whole = (!is_fragment).then(|| packet.payload());
                Some(heading.with_payload(packet.next_header(), whole))
            }
            IpVersion::Ipv6 => {
                let packet = Ipv6Packet::new_checked(packet).ok()?;
                let heading = Self::without_payload(packet.src_addr().into(), packet.dst_addr().into());
                Some(heading.with_payload(packet.next_header(), Some(packet.payload())))
            }
        }
    }

    /// The addresses as a diversion knows them.
    pub fn pair(&self) -> Pair {
        Pair { local: self.destination, remote: self.source }
    }

    fn without_payload(source: IpAddr, destination: IpAddr) -> Self {
        Self { source, destination, connection: None, is_reset: false, is_useful: false }
    }

    fn with_payload(self, protocol: IpProtocol, payload: Option<&[u8]>) -> Self {
        match (protocol, payload) {
            (IpProtocol::Tcp, Some(payload)) => TcpPacket::new_checked(payload).map_or(self, |segment| {
                let connection = Connection {
                    local: SocketAddr::new(self.destination, segment.dst_port()),
                    remote: SocketAddr::new(self.source, segment.src_port()),
                };
                Self { connection: Some(connection), is_reset: segment.rst(), is_useful: true, ..self }
            }),
            (IpProtocol::Icmp | IpProtocol::Icmpv6, Some(_)) => Self { is_useful: true, ..self },
            _ => self,
        }
    }
}

/// The TCP segment of a packet that has a heading with a connection.
pub(super) struct Segment<'a> {
    source: IpAddress,
    destination: IpAddress,
    segment: TcpPacket<&'a mut [u8]>,
}

impl<'a> Segment<'a> {
    pub fn of(packet: &'a mut [u8]) -> Self {
        let (source, destination, range) = match IpVersion::of_packet(packet) {
            Ok(IpVersion::Ipv4) => {
                let packet = Ipv4Packet::new_unchecked(&*packet);
                let range = usize::from(packet.header_len())..usize::from(packet.total_len());
                (packet.src_addr().into(), packet.dst_addr().into(), range)
            }
            _ => {
                let packet = Ipv6Packet::new_unchecked(&*packet);
                (packet.src_addr().into(), packet.dst_addr().into(), packet.header_len()..packet.total_len())
            }
        };
        Self { source, destination, segment: TcpPacket::new_unchecked(&mut packet[range]) }
    }

    pub fn sequence(&self) -> TcpSeqNumber {
        self.segment.seq_number()
    }

    pub fn is_syn(&self) -> bool {
        self.segment.syn()
    }

    /// The first byte that the remote end waits for.
    pub fn acknowledged(&self) -> TcpSeqNumber {
        self.segment.ack_number()
    }

    /// The ranges of bytes that the remote end has behind that one.
    pub fn selectively_acknowledged(&self) -> impl Iterator<Item = (TcpSeqNumber, TcpSeqNumber)> {
        let (ranges, hole) = (self.segment.selective_ack_ranges().unwrap_or_default(), self.acknowledged());
        let number = |number: u32| TcpSeqNumber(number as i32);
        let ranges = ranges.into_iter().flatten().map(move |(start, end)| (number(start), number(end)));
        ranges.filter(move |(start, end)| hole < *start && start < end)
    }

    /// Whether it does nothing but acknowledge.
    pub fn is_bare(&self) -> bool {
        self.segment.segment_len() == 0 && !self.segment.rst()
    }

    /// Gives it another sequence number, unless it was damaged on its way.
    pub fn set_sequence(&mut self, sequence: TcpSeqNumber) {
        if self.segment.verify_checksum(&self.source, &self.destination) {
            self.segment.set_seq_number(sequence);
            self.segment.fill_checksum(&self.source, &self.destination);
        }
    }
}
