//! What lies between a host and the open internet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// A kind of site, by what its NAT or firewall does with UDP (RFC 4787).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Open,
    /// No NAT, but only whom the host has sent to may answer.
    Firewall,
    /// One outside port for all destinations, and the firewall's filter.
    Home,
    /// Another outside port for each destination, and the firewall's filter.
    Symmetric,
    /// No UDP at all.
    Blocked,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Open, Self::Firewall, Self::Home, Self::Symmetric, Self::Blocked];
}

/// The state of a site's NAT.
pub struct Site {
    pub kind: Kind,
    outside: IpAddr,
    next_port: u16,
    /// The outside port for all destinations.
    port: u16,
    ports: BTreeMap<SocketAddr, u16>,
    allowed: BTreeSet<SocketAddr>,
}

impl Site {
    pub fn new(kind: Kind, number: u8) -> Self {
        let outside = IpAddr::from([198, 51, 100, number]);
        Self { kind, outside, next_port: 40_001, port: 40_000, ports: BTreeMap::new(), allowed: BTreeSet::new() }
    }

    /// The NAT forgets everything, and maps to other ports from now on.
    pub fn rebind(&mut self) {
        self.port = self.take_port();
        self.ports.clear();
        self.allowed.clear();
    }

    /// Where a datagram of the host at `inside` comes from as others see it; `None` when it is swallowed.
    pub fn send(&mut self, inside: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        self.allowed.insert(to);
        match self.kind {
            Kind::Blocked => None,
            Kind::Open | Kind::Firewall => Some(inside),
            Kind::Home => Some(SocketAddr::new(self.outside, self.port)),
            Kind::Symmetric => {
                let port = match self.ports.get(&to) {
                    Some(port) => *port,
                    None => self.take_port(),
                };
                self.ports.insert(to, port);
                Some(SocketAddr::new(self.outside, port))
            }
        }
    }

    /// Whether a datagram from there to there is for the host at `inside`.
    pub fn takes(&self, inside: SocketAddr, from: SocketAddr, to: SocketAddr) -> bool {
        let is_allowed = self.allowed.contains(&from);
        match self.kind {
            Kind::Blocked => false,
            Kind::Open => to == inside,
            Kind::Firewall => to == inside && is_allowed,
            Kind::Home => to == SocketAddr::new(self.outside, self.port) && is_allowed,
            Kind::Symmetric => to.ip() == self.outside && self.ports.get(&from) == Some(&to.port()),
        }
    }

    fn take_port(&mut self) -> u16 {
        self.next_port += 7;
        self.next_port
    }
}
