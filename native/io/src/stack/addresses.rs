//! The addresses of a stack.

use std::net::IpAddr;

use smoltcp::wire::IpCidr;

/// Addresses with the prefixes of their networks, in order of preference.
#[derive(Debug)]
pub(crate) struct Addresses(Vec<IpCidr>);

impl Addresses {
    pub fn new(addresses: Vec<(IpAddr, u8)>) -> Self {
        let cidr = |(address, prefix): (IpAddr, u8)| {
            IpCidr::new(address.into(), prefix.min(if address.is_ipv4() { 32 } else { 128 }))
        };
        Self(addresses.into_iter().map(cidr).collect())
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.find(address).is_some()
    }

    /// Finds an address with the prefix of its network.
    pub fn find(&self, address: IpAddr) -> Option<IpCidr> {
        self.0.iter().find(|own| IpAddr::from(own.address()) == address).copied()
    }

    /// The first address of the family of `destination`, if that can be reached: it is a host in the network of one of
    /// the addresses of that family.
    pub fn source_for(&self, destination: IpAddr) -> Option<IpAddr> {
        let reachable = self.0.iter().any(|own| own.contains_addr(&destination.into()))
            && !destination.is_unspecified()
            && !destination.is_multicast();
        let first =
            self.0.iter().map(|own| IpAddr::from(own.address())).find(|own| own.is_ipv4() == destination.is_ipv4());
        first.filter(|_| reachable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_source_is_the_first_address_of_the_family() {
        let addresses = Addresses::new(vec![(ip("10.1.0.5"), 24), (ip("fd00::5"), 64), (ip("10.2.0.5"), 24)]);
        assert_eq!(addresses.source_for(ip("10.1.0.9")), Some(ip("10.1.0.5")));
        assert_eq!(addresses.source_for(ip("10.2.0.9")), Some(ip("10.1.0.5")));
        assert_eq!(addresses.source_for(ip("fd00::9")), Some(ip("fd00::5")));
    }

    #[test]
    fn what_is_no_host_of_a_network_has_no_source() {
        let addresses = Addresses::new(vec![(ip("0.0.0.5"), 0)]);
        assert_eq!(addresses.source_for(ip("0.0.0.0")), None);
        assert_eq!(addresses.source_for(ip("224.0.0.1")), None);
        assert_eq!(addresses.source_for(ip("fd00::9")), None);
        assert_eq!(Addresses::new(vec![(ip("10.1.0.5"), 24)]).source_for(ip("8.8.8.8")), None);
    }

    #[test]
    fn prefixes_longer_than_an_address_mean_the_address() {
        let addresses = Addresses::new(vec![(ip("10.1.0.5"), 64)]);
        assert!(addresses.contains(ip("10.1.0.5")));
        assert_eq!(addresses.source_for(ip("10.1.0.6")), None);
    }
}
