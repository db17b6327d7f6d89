//! The two ways to a peer: from socket to socket, or over the control connection.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::NodeId;

/// Where a datagram goes, and where one came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// The data socket at this address.
    Direct(SocketAddr),
    /// The control connection with this node, which carries datagrams directly or through a relay.
    Carried(NodeId),
}

/// What a control connection offers to datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carriage {
    /// Longest datagram that it carries.
    pub mtu: u16,
    /// The relay it goes through; `None` when it is direct.
    pub relay: Option<String>,
    pub rtt: Duration,
}

impl Route {
    /// The address of the data socket, if it is one.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Direct(address) => Some(*address),
            Self::Carried(_) => None,
        }
    }

    pub(crate) fn is_carried(&self) -> bool {
        matches!(self, Self::Carried(_))
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
            Self::Carried(_) => formatter.write_str("the control connection"),
        }
    }
}
