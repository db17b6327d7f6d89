//! What the control plane tells the data plane: networks, their members, and the devices of this node.

use std::net::IpAddr;

use crate::{NetworkId, NodeId};

/// A range of addresses, for instance `192.168.0.0/24`. Host bits of `address` are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpPrefix {
    pub address: IpAddr,
    pub length: u8,
}

/// A node in a network, with the addresses that are its own there.
///
/// A node with several members in one network (several activities) is listed once per member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub node: NodeId,
    pub addresses: Vec<IpAddr>,
}

/// A virtual network as its owner signed it; whoever calls has checked the signature and the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub id: NetworkId,
    pub prefixes: Vec<IpPrefix>,
    pub members: Vec<Member>,
}

/// A device's place in one network: the addresses it may use there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub network: NetworkId,
    pub addresses: Vec<IpAddr>,
}

/// A device of this node. One device may be attached to several networks whose addresses differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceConfig {
    pub attachments: Vec<Attachment>,
    /// Longest inner packet, in bytes, that the device takes unless it takes super-packets.
    pub mtu: u16,
    /// Whether the device takes TCP super-packets and packets with partial checksums.
    pub offload: bool,
    /// Whether the device takes UDP super-packets too (Linux 6.2 and later).
    pub udp_offload: bool,
    /// UDP ports of the node's own sockets, where those may send into this device: the host's own interface. What they
    /// send there is dropped, since a tunnel must not run through itself.
    pub own_ports: Vec<u16>,
}

impl IpPrefix {
    /// Whether `address` is in the range; never for an address of the other family.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same_prefix(own.to_bits().into(), other.to_bits().into(), 32, self.length)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same_prefix(own.to_bits(), other.to_bits(), 128, self.length),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Whether `address` is the one that reaches every host of an IPv4 range (RFC 919; RFC 3021 for short ranges).
    pub fn is_broadcast(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(other)) => {
                let hosts = u32::MAX.checked_shr(self.length.into()).unwrap_or(0);
                self.length < 31 && self.contains(address) && other.to_bits() & hosts == hosts
            }
            _ => false,
        }
    }
}

fn same_prefix(own: u128, other: u128, width: u8, length: u8) -> bool {
    let ignored = u32::from(width - length.min(width));
    (own ^ other).checked_shr(ignored).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(address: &str, length: u8, other: &str) -> bool {
        IpPrefix { address: address.parse().unwrap(), length }.contains(other.parse().unwrap())
    }

    #[test]
    fn prefixes_contain_their_addresses() {
        assert!(contains("192.168.0.5", 24, "192.168.0.255"));
        assert!(!contains("192.168.0.5", 24, "192.168.1.0"));
        assert!(contains("0.0.0.0", 0, "8.8.8.8"));
        assert!(contains("fd00::", 64, "fd00::1"));
        assert!(!contains("fd00::", 64, "fd00:0:0:1::1"));
        assert!(contains("::", 0, "ffff::"));
        assert!(!contains("0.0.0.0", 0, "::1"));
    }

    #[test]
    fn the_last_address_of_a_range_reaches_all() {
        let is_broadcast = |length, other: &str| {
            IpPrefix { address: "192.168.0.0".parse().unwrap(), length }.is_broadcast(other.parse().unwrap())
        };
        assert!(is_broadcast(24, "192.168.0.255"));
        assert!(!is_broadcast(16, "192.168.0.255"));
        assert!(!is_broadcast(24, "192.168.1.255"));
        assert!(!is_broadcast(31, "192.168.0.1"));
        assert!(!is_broadcast(24, "fd00::ffff"));
    }
}
