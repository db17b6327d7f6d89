//! Names of relays, looked up by the system's name servers and nobody else's.
//!
//! The library asks public resolvers of others when the system's don't answer, which is left out here; and it can't dial
//! a relay at a bare IPv6 address, as it takes the brackets of the URL for a part of the name in the certificate. So
//! such an address is spelled as a name that only this resolver knows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use futures_util::future::BoxFuture;
use iroh::dns::{BoxIter, DnsError, DnsResolver, FallbackMode, Resolver, TxtRecordData};

const PATIENCE: Duration = Duration::from_secs(3);
/// Never exists in the public tree (RFC 6761, section 6.4).
const SUFFIX: &str = ".ipv6.invalid";

/// Spells an address as a name.
pub(super) fn spell(address: Ipv6Addr) -> String {
    let groups = address.segments().map(|group| format!("{group:04x}"));
    format!("{}{SUFFIX}", groups.join("-"))
}

/// Gives the address that a name spells.
pub(super) fn read(name: &str) -> Option<Ipv6Addr> {
    name.strip_suffix('.').unwrap_or(name).strip_suffix(SUFFIX)?.replace('-', ":").parse().ok()
}

/// Makes the resolver that all dialling of relays uses.
pub(crate) fn resolver() -> DnsResolver {
    DnsResolver::custom(Names(system()))
}

fn system() -> DnsResolver {
    DnsResolver::builder().with_system_defaults().with_fallback_mode(FallbackMode::Never).build()
}

#[derive(Debug)]
struct Names(DnsResolver);

impl Resolver for Names {
    fn lookup_ipv4(&self, host: String) -> BoxFuture<'static, Result<BoxIter<Ipv4Addr>, DnsError>> {
        let resolver = self.0.clone();
        Box::pin(async move {
            if read(&host).is_some() {
                return Ok(Box::new(std::iter::empty()) as BoxIter<Ipv4Addr>);
            }
            let found: Vec<IpAddr> = resolver.lookup_ipv4(host, PATIENCE).await?.collect();
            let addresses = found.into_iter().filter_map(|address| match address {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            });
            Ok(Box::new(addresses) as BoxIter<Ipv4Addr>)
        })
    }

    fn lookup_ipv6(&self, host: String) -> BoxFuture<'static, Result<BoxIter<Ipv6Addr>, DnsError>> {
        let resolver = self.0.clone();
        Box::pin(async move {
            if let Some(address) = read(&host) {
                return Ok(Box::new(std::iter::once(address)) as BoxIter<Ipv6Addr>);
            }
            let found: Vec<IpAddr> = resolver.lookup_ipv6(host, PATIENCE).await?.collect();
            let addresses = found.into_iter().filter_map(|address| match address {
                IpAddr::V4(_) => None,
                IpAddr::V6(address) => Some(address),
            });
            Ok(Box::new(addresses) as BoxIter<Ipv6Addr>)
        })
    }

    fn lookup_txt(&self, host: String) -> BoxFuture<'static, Result<BoxIter<TxtRecordData>, DnsError>> {
        let resolver = self.0.clone();
        Box::pin(async move {
            let records: Vec<TxtRecordData> = resolver.lookup_txt(host, PATIENCE).await?.collect();
            Ok(Box::new(records.into_iter()) as BoxIter<TxtRecordData>)
        })
    }

    fn clear_cache(&self) {
        self.0.clear_cache();
    }

    fn reset(&self) -> Box<dyn Resolver> {
        Box::new(Self(system()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_from_its_name() {
        for text in ["::1", "2001:db8::1", "fe80::ffff:1"] {
            let address: Ipv6Addr = text.parse().unwrap();
            assert_eq!(read(&spell(address)), Some(address));
            assert_eq!(read(&format!("{}.", spell(address))), Some(address));
        }
        for name in ["relay.example.org", ".ipv6.invalid", "a.ipv6.invalid"] {
            assert_eq!(read(name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn a_spelled_address_needs_no_name_server() {
        let address: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let found: Vec<_> = resolver().lookup_ipv6(spell(address), PATIENCE).await.unwrap().collect();
        assert_eq!(found, [IpAddr::from(address)]);
    }
}
