//! Where a peer may be reached: at a socket address, or through a relay.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use iroh::TransportAddr;

use crate::relay::RelayAddress;

/// One way to reach a peer, in text `IP:PORT` or `https://HOST:PORT#sha256=HEX`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerAddress {
    Direct(SocketAddr),
    Relay(RelayAddress),
}

/// A text that is no address of a peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected IP:PORT or https://HOST:PORT#sha256=HEX, got {0:?}")]
pub struct UnreadableAddress(String);

impl FromStr for PeerAddress {
    type Err = UnreadableAddress;

    fn from_str(text: &str) -> Result<Self, UnreadableAddress> {
        let unreadable = || UnreadableAddress(text.to_owned());
        if text.starts_with("https://") {
            text.parse().map(Self::Relay).map_err(|_| unreadable())
        } else {
            text.parse().map(Self::Direct).map_err(|_| unreadable())
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(address) => write!(formatter, "{address}"),
            Self::Relay(relay) => write!(formatter, "{relay}"),
        }
    }
}

impl From<PeerAddress> for TransportAddr {
    fn from(address: PeerAddress) -> Self {
        match address {
            PeerAddress::Direct(address) => Self::Ip(address),
            PeerAddress::Relay(relay) => Self::Relay(relay.url()),
        }
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Direct(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_socket_or_a_relay() {
        let direct: PeerAddress = "[2001:db8::1]:7".parse().unwrap();
        assert_eq!(direct, PeerAddress::Direct("[2001:db8::1]:7".parse().unwrap()));
        let relay: PeerAddress = "https://192.0.2.1:7464".parse().unwrap();
        assert_eq!(relay, PeerAddress::Relay("https://192.0.2.1:7464".parse().unwrap()));
        let pinned = format!("https://192.0.2.1:7464#sha256={}", "0f".repeat(32));
        assert_eq!(pinned.parse::<PeerAddress>().unwrap().to_string(), pinned);
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in ["", "192.0.2.1", "http://192.0.2.1:80", "https://", "relay:7"] {
            assert_eq!(text.parse::<PeerAddress>(), Err(UnreadableAddress(text.to_owned())), "{text}");
        }
    }
}
