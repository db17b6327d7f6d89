//! A TCP or UDP packet, read so far as merging needs it.

use std::net::IpAddr;

use super::{
    IPV4_HEADER_LENGTH, IpHeader, PROTOCOL_TCP, PROTOCOL_UDP, TCP_FLAGS, TCP_HEADER_LENGTH, UDP_CHECKSUM,
    UDP_HEADER_LENGTH, checksum, read_u16,
};
use crate::DropReason;

/// What all packets of a flow have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub ports: [u8; 4],
}

/// A whole TCP or UDP packet of a flow, with a right checksum.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    pub flow: Flow,
    pub(super) packet: &'a [u8],
    pub(super) ip_header_length: usize,
    /// Bytes of the IP and the transport header.
    pub(super) headers_length: usize,
}

impl<'a> Segment<'a> {
    /// Reads a packet: `None` when it is no packet that could be merged at all.
    pub fn parse(ip: &IpHeader, packet: &'a [u8]) -> Result<Option<Self>, DropReason> {
        let packet = &packet[..ip.total_length];
        let transport = &packet[ip.header_length..];
        if ip.fragment {
            return Ok(None);
        }
        let transport_length = match ip.protocol {
            PROTOCOL_TCP => tcp_header_length(transport).ok_or(DropReason::MalformedPacket)?,
            PROTOCOL_UDP => udp_header_length(transport).ok_or(DropReason::MalformedPacket)?,
            _ => return Ok(None),
        };
        if ip.protocol == PROTOCOL_UDP && read_u16(transport, UDP_CHECKSUM) == 0 {
            return Ok(None);
        }
        let sum = checksum::pseudo_header(ip.source, ip.destination, ip.protocol, transport.len());
        if sum.with(transport).checksum() != 0 {
            return Err(DropReason::BadChecksum);
        }
        let plain = ip.source.is_ipv6() || ip.header_length == IPV4_HEADER_LENGTH;
        let ports = [transport[0], transport[1], transport[2], transport[3]];
        let flow = Flow { source: ip.source, destination: ip.destination, protocol: ip.protocol, ports };
        let headers_length = ip.header_length + transport_length;
        Ok(plain.then_some(Self { flow, packet, ip_header_length: ip.header_length, headers_length }))
    }

    pub(super) fn payload(&self) -> &'a [u8] {
        &self.packet[self.headers_length..]
    }

    pub(super) fn transport_header(&self) -> &'a [u8] {
        &self.packet[self.ip_header_length..self.headers_length]
    }

    pub(super) fn is_tcp(&self) -> bool {
        self.flow.protocol == PROTOCOL_TCP
    }

    pub(super) fn tcp_flags(&self) -> u8 {
        if self.is_tcp() { self.transport_header()[TCP_FLAGS] } else { 0 }
    }
}

/// Bytes of a TCP header with its options, if it is whole.
pub(super) fn tcp_header_length(transport: &[u8]) -> Option<usize> {
    let length = usize::from(*transport.get(12)? >> 4) * 4;
    (length >= TCP_HEADER_LENGTH && transport.len() >= length).then_some(length)
}

fn udp_header_length(transport: &[u8]) -> Option<usize> {
    let length = transport.get(4..6).map(|length| usize::from(read_u16(length, 0)))?;
    (transport.len() >= UDP_HEADER_LENGTH && length == transport.len()).then_some(UDP_HEADER_LENGTH)
}
