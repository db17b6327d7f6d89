//! The network of the payload: `lo`, and one TUN interface whose other end goes to the daemon.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::failure::{Doing, Failure, Part};
use super::messages::{Device, InterfaceAddress, Standing, Users};
use super::namespaces::PAYLOAD_ID;
use crate::tun;
use crate::tun::netlink::{Netlink, index_of};

pub const LOOPBACK_MTU: u16 = 65_535;
/// The highest of the groups that root inside is given.
const HIGHEST_GROUP: u32 = 65_535;
const SYSTEM_CONTROLS: &str = "/proc/sys/net";

/// The kernel's settings of the network, as they are seen before they are protected.
pub struct Controls(File);

impl Controls {
    pub fn open() -> Result<Self, Failure> {
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(SYSTEM_CONTROLS);
        opened.map(Self).doing(Part::Device, format!("open {SYSTEM_CONTROLS}"))
    }

    fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn write(&self, name: &str, value: &str) -> Result<(), Failure> {
        fs::write(self.path(name), value).doing(Part::Device, format!("write {value:?} to {SYSTEM_CONTROLS}/{name}"))
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.0.as_raw_fd()))
    }
}

/// Makes the interface, which does not carry anything yet. It lives as long as the descriptor.
///
/// The device node is opened here, in the new namespace, because the interface belongs to where that happened.
pub fn create(device: &Device) -> Result<OwnedFd, Failure> {
    let node = Path::new(OsStr::from_bytes(device.node.to_bytes()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(node)
        .doing(Part::Device, format!("open the TUN device {}", node.display()))?;
    tun::attach(file.as_fd(), &device.name).doing(Part::Device, format!("make the interface {}", device.name))?;
    Ok(file.into())
}

/// Brings up `lo` and, if there is one, the payload's interface.
pub fn configure(device: Option<&Device>, users: &Users, controls: &Controls) -> Result<(), Failure> {
    raise("lo", LOOPBACK_MTU)?;
    // What takes privileges on a host's network is nobody else's business in one of the payload's own.
    let groups = match users.standing {
        Standing::Guest => format!("{PAYLOAD_ID} {PAYLOAD_ID}"),
        Standing::Root => format!("0 {HIGHEST_GROUP}"),
        Standing::OnlyRoot => "0 0".to_owned(),
    };
    controls.write("ipv4/ping_group_range", &groups)?;
    controls.write("ipv4/ip_unprivileged_port_start", "0")?;
    device.map_or(Ok(()), |device| raise_with_addresses(device, controls))
}

/// Brings up an interface with its addresses.
pub fn raise_with_addresses(device: &Device, controls: &Controls) -> Result<(), Failure> {
    controls.write(&format!("ipv4/conf/{}/promote_secondaries", device.name), "1")?;
    switch_ipv6(&device.name, &device.addresses, controls)?;
    raise_by(Netlink::set_up_tun, &device.name, device.mtu)?;
    replace_addresses(&device.name, &[], &device.addresses, controls)
}

/// Changes the interface's addresses without touching those that stay.
pub fn replace_addresses(
    name: &str,
    old: &[InterfaceAddress],
    new: &[InterfaceAddress],
    controls: &Controls,
) -> Result<(), Failure> {
    let find = || io::Result::Ok((Netlink::open()?, index_of(name)?));
    let (mut netlink, index) = find().doing(Part::Device, format!("find {name}"))?;
    switch_ipv6(name, new, controls)?;
    for own in new.iter().filter(|own| !old.contains(own)) {
        netlink
            .add_address(index, own.address, own.prefix)
            .doing(Part::Device, format!("add {}/{} to {name}", own.address, own.prefix))?;
    }
    for own in old.iter().filter(|own| !new.contains(own)) {
        match netlink.remove_address(index, own.address, own.prefix) {
            // Went with IPv6 as a whole.
            Err(error) if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) => {}
            result => result.doing(Part::Device, format!("remove {}/{} from {name}", own.address, own.prefix))?,
        }
    }
    Ok(())
}

/// Lets the interface have only what the network gives it: no address that it makes up itself, no router that it
/// looks for, and no IPv6 at all where the network has none.
fn switch_ipv6(name: &str, addresses: &[InterfaceAddress], controls: &Controls) -> Result<(), Failure> {
    if !controls.exists("ipv6") {
        return Ok(());
    }
    let wanted = addresses.iter().any(|own| own.address.is_ipv6());
    controls.write(&format!("ipv6/conf/{name}/addr_gen_mode"), "1")?;
    controls.write(&format!("ipv6/conf/{name}/accept_ra"), "0")?;
    controls.write(&format!("ipv6/conf/{name}/disable_ipv6"), if wanted { "0" } else { "1" })
}

pub fn raise(name: &str, mtu: u16) -> Result<(), Failure> {
    raise_by(Netlink::set_up, name, mtu)
}

fn raise_by(
    set_up: impl FnOnce(&mut Netlink, u32, u16) -> io::Result<()>,
    name: &str,
    mtu: u16,
) -> Result<(), Failure> {
    let raise = || set_up(&mut Netlink::open()?, index_of(name)?, mtu);
    raise().doing(Part::Device, format!("bring up {name} with MTU {mtu}"))
}
