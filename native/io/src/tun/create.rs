//! Making a TUN of the host's own, in the network namespace of the calling thread. Needs `CAP_NET_ADMIN`.

use std::fs::OpenOptions;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use super::netlink::{self, Netlink};
use super::{Tun, ioctl};
use crate::features::Features;

const DEVICE: &str = "/dev/net/tun";

/// How a new interface is to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub name: String,
    /// Addresses with the lengths of their prefixes, to which the kernel makes routes.
    pub addresses: Vec<(IpAddr, u8)>,
    pub mtu: u16,
}

/// Makes an interface, sets it up, and returns its TUN. The interface goes when the TUN is dropped.
///
/// # Errors
/// `PermissionDenied` without `CAP_NET_ADMIN`; `ResourceBusy` when the name is taken; else what the system says.
pub fn create(interface: &Interface, features: Features) -> io::Result<Tun> {
    let descriptor: OwnedFd =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_CLOEXEC).open(DEVICE)?.into();
    ioctl::attach(descriptor.as_fd(), &interface.name)?;
    let tun = Tun::from_fd(descriptor, features)?;
    let mut netlink = Netlink::open()?;
    let index = netlink::index_of(tun.name())?;
    netlink.set_up_tun(index, interface.mtu)?;
    for (address, prefix_length) in &interface.addresses {
        netlink.add_address(index, *address, *prefix_length)?;
    }
    Ok(tun)
}
