//! The two ways to a peer: from socket to socket, or through a relay.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::NodeId;

/// A relay, numbered by whoever connects to it; the number stays while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayId(pub u16);

/// Where a datagram goes, and where one came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// The data socket at this address.
    Direct(SocketAddr),
    /// Through a relay, to this node or from it.
    Relayed { relay: RelayId, peer: NodeId },
}

/// What a connected relay offers to datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayState {
    /// How people know it.
    pub name: String,
    /// The way to the relay and back.
    pub rtt: Duration,
    /// Longest datagram that it carries.
    pub mtu: u16,
}

impl Route {
    /// The address of the data socket, if it is one.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Direct(address) => Some(*address),
            Self::Relayed { .. } => None,
        }
    }

    /// Bytes of the headers around a datagram: IP and UDP, or for a relay about as much of TLS and of its protocol.
    pub(crate) fn header_length(&self) -> usize {
        match self {
            Self::Direct(SocketAddr::V4(_)) => 28,
            Self::Direct(SocketAddr::V6(_)) | Self::Relayed { .. } => 48,
        }
    }

    /// The relay that it goes through, if it does.
    pub fn relay(&self) -> Option<RelayId> {
        match self {
            Self::Direct(_) => None,
            Self::Relayed { relay, .. } => Some(*relay),
        }
    }
}

impl From<SocketAddr> for Route {
    fn from(address: SocketAddr) -> Self {
        Self::Direct(address)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(address) => address.fmt(formatter),
            Self::Relayed { relay, .. } => write!(formatter, "relay {}", relay.0),
        }
    }
}
