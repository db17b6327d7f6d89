//! Socket addresses in the kernel's form.

use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// An address in the kernel's form, IPv4 or IPv6.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) union RawAddress {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl RawAddress {
    pub(crate) const CAPACITY: libc::socklen_t = size_of::<Self>() as libc::socklen_t;

    pub(crate) fn empty() -> Self {
        // SAFETY: all-zero bytes are a valid value of either C struct (family 0 = unspecified).
        unsafe { mem::zeroed() }
    }

    /// The kernel's form of `address`, and its length. For an IPv6 socket IPv4 addresses are mapped (RFC 4291, 2.5.5.2).
    pub(crate) fn new(address: SocketAddr, ipv6_socket: bool) -> (Self, libc::socklen_t) {
        match address {
            SocketAddr::V4(address) if ipv6_socket => {
                Self::from_v6(SocketAddrV6::new(address.ip().to_ipv6_mapped(), address.port(), 0, 0))
            }
            SocketAddr::V4(address) => Self::from_v4(address),
            SocketAddr::V6(address) => Self::from_v6(address),
        }
    }

    /// Reads what the kernel wrote; `None` when it is neither IPv4 nor IPv6. Mapped IPv4 addresses are unmapped.
    pub(crate) fn read(&self) -> Option<SocketAddr> {
        // SAFETY: both C structs begin with the family, and every bit pattern is a valid integer.
        let family = unsafe { self.v4.sin_family };
        match libc::c_int::from(family) {
            libc::AF_INET => {
                // SAFETY: the family says that it is an IPv4 address; its fields are integers.
                let raw = unsafe { self.v4 };
                let ip = Ipv4Addr::from_bits(u32::from_be(raw.sin_addr.s_addr));
                Some(SocketAddrV4::new(ip, u16::from_be(raw.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: the family says that it is an IPv6 address; its fields are integers.
                let raw = unsafe { self.v6 };
                let (ip, port) = (Ipv6Addr::from(raw.sin6_addr.s6_addr), u16::from_be(raw.sin6_port));
                Some(match ip.to_ipv4_mapped() {
                    Some(ip) => SocketAddrV4::new(ip, port).into(),
                    None => SocketAddrV6::new(ip, port, 0, raw.sin6_scope_id).into(),
                })
            }
            _ => None,
        }
    }

    fn from_v4(address: SocketAddrV4) -> (Self, libc::socklen_t) {
        let v4 = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: address.port().to_be(),
            sin_addr: libc::in_addr { s_addr: address.ip().to_bits().to_be() },
            sin_zero: [0; 8],
        };
        (Self { v4 }, size_of::<libc::sockaddr_in>() as libc::socklen_t)
    }

    fn from_v6(address: SocketAddrV6) -> (Self, libc::socklen_t) {
        let v6 = libc::sockaddr_in6 {
            sin6_family: libc::AF_INET6 as libc::sa_family_t,
            sin6_port: address.port().to_be(),
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
            sin6_scope_id: address.scope_id(),
        };
        (Self { v6 }, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(address: &str, ipv6_socket: bool) -> Option<SocketAddr> {
        RawAddress::new(address.parse().unwrap(), ipv6_socket).0.read()
    }

    #[test]
    fn addresses_read_back() {
        for address in ["192.0.2.1:7466", "[2001:db8::1]:7466", "[fe80::1%3]:1"] {
            assert_eq!(read_back(address, false), address.parse().ok());
            assert_eq!(read_back(address, true), address.parse().ok());
        }
        assert_eq!(RawAddress::empty().read(), None);
    }
}
