//! The addresses of this machine's interfaces, as others may reach it.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;

/// Interfaces of our own networks are called so; their addresses are never offered as ways to this machine,
/// else a tunnel may come to run through itself.
pub const OVERLAY_PREFIX: &str = "vpn";

/// Lists the addresses of all interfaces that are up, but those of overlays and link-local ones.
pub fn addresses() -> io::Result<Vec<IpAddr>> {
    let list = InterfaceList::read()?;
    let reachable = list.iter().filter(|entry| is_up(entry) && !is_overlay_name(entry)).filter_map(address);
    Ok(worth_offering(reachable.filter(|address| !is_link_local(address)).collect()))
}

/// Leaves loopback out where there is another way: on another machine it leads to that machine's own daemon.
fn worth_offering(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    if addresses.iter().any(|address| !address.is_loopback()) {
        addresses.retain(|address| !address.is_loopback());
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Whether an address of this machine belongs to an overlay.
pub fn is_overlay(candidate: IpAddr) -> bool {
    let is_listed = |list: InterfaceList| {
        list.iter().filter(|entry| is_overlay_name(entry)).any(|entry| address(entry) == Some(candidate))
    };
    InterfaceList::read().is_ok_and(is_listed)
}

/// Whether a socket bound to `bound` is what answers at an address: others may name one that leads back here.
pub fn is_own(candidate: SocketAddr, bound: &[SocketAddr]) -> bool {
    let here = |socket: &SocketAddr| {
        socket.ip() == candidate.ip()
            || socket.ip().is_unspecified() && (candidate.ip().is_loopback() || is_local(candidate.ip()))
    };
    bound.iter().any(|socket| socket.port() == candidate.port() && here(socket))
}

fn is_local(candidate: IpAddr) -> bool {
    InterfaceList::read().is_ok_and(|list| list.iter().any(|entry| address(entry) == Some(candidate)))
}

/// Replaces an unspecified address by those of the interfaces of its family.
pub fn expand(bound: &[SocketAddr]) -> io::Result<Vec<SocketAddr>> {
    let interfaces = addresses()?;
    let mut expanded = Vec::new();
    for socket in bound {
        if socket.ip().is_unspecified() {
            let family = interfaces.iter().filter(|address| address.is_ipv4() == socket.is_ipv4());
            expanded.extend(family.map(|address| SocketAddr::new(*address, socket.port())));
        } else {
            expanded.push(*socket);
        }
    }
    Ok(expanded)
}

/// Whether a socket could not be bound because the machine has no IPv6.
pub(crate) fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

fn is_up(entry: &libc::ifaddrs) -> bool {
    entry.ifa_flags & libc::IFF_UP as u32 != 0
}

fn is_overlay_name(entry: &libc::ifaddrs) -> bool {
    // SAFETY: names in a list that is alive are NUL-terminated strings.
    let name = unsafe { CStr::from_ptr(entry.ifa_name) };
    name.to_bytes().starts_with(OVERLAY_PREFIX.as_bytes())
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn address(entry: &libc::ifaddrs) -> Option<IpAddr> {
    // SAFETY: addresses in a list that is alive are null or `sockaddr`s of the size that their family says.
    unsafe { entry.ifa_addr.as_ref().and_then(|address| read_address(address)) }
}

/// Reads the address of the two families that carry our packets.
///
/// # Safety
/// `address` points to a socket address as long as its family demands.
unsafe fn read_address(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: promised by the caller.
    unsafe {
        match i32::from((*address).sa_family) {
            libc::AF_INET => {
                let address = address.cast::<libc::sockaddr_in>().read_unaligned();
                Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let address = address.cast::<libc::sockaddr_in6>().read_unaligned();
                Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

/// The kernel's list, freed with this value.
struct InterfaceList(*mut libc::ifaddrs);

impl InterfaceList {
    fn read() -> io::Result<Self> {
        let mut first = ptr::null_mut();
        // SAFETY: the pointer is valid for writing.
        if unsafe { libc::getifaddrs(&raw mut first) } == 0 { Ok(Self(first)) } else { Err(io::Error::last_os_error()) }
    }

    fn iter(&self) -> impl Iterator<Item = &libc::ifaddrs> {
        // SAFETY: entries are valid, or null at the end, as long as the list lives.
        let first = unsafe { self.0.as_ref() };
        std::iter::successors(first, |entry| unsafe { entry.ifa_next.as_ref() })
    }
}

impl Drop for InterfaceList {
    fn drop(&mut self) {
        // SAFETY: the list came from `getifaddrs` and is freed once.
        unsafe { libc::freeifaddrs(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_stands_for_its_family() {
        let bound = ["0.0.0.0:7".parse().unwrap(), "192.0.2.1:8".parse().unwrap()];
        let expanded = expand(&bound).unwrap();
        assert!(expanded.iter().any(|address| address.port() == 7), "{expanded:?}");
        assert!(expanded.contains(&"192.0.2.1:8".parse().unwrap()), "{expanded:?}");
        assert!(expanded.iter().all(|address| address.is_ipv4() && !address.ip().is_unspecified()), "{expanded:?}");
    }

    #[test]
    fn loopback_is_offered_only_by_a_machine_that_has_nothing_else() {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        assert_eq!(worth_offering(parse(&["::1", "127.0.0.1"])), parse(&["127.0.0.1", "::1"]));
        assert_eq!(worth_offering(parse(&["127.0.0.1", "::1", "192.0.2.7"])), parse(&["192.0.2.7"]));
    }

    #[test]
    fn what_leads_back_to_this_machine_is_known_by_port_and_address() {
        let bound = ["0.0.0.0:7".parse().unwrap(), "192.0.2.1:8".parse().unwrap()];
        for (candidate, own) in [
            ("127.0.0.1:7", true),
            ("127.0.0.1:9", false),
            ("[::1]:7", true),
            ("192.0.2.1:8", true),
            ("192.0.2.1:7", false),
            ("127.0.0.1:8", false),
        ] {
            assert_eq!(is_own(candidate.parse().unwrap(), &bound), own, "{candidate}");
        }
    }
}
