//! A TUN device: whole IP packets of the kernel's, super-packets of up to 64 KiB where it has the offloads.

mod create;
mod ioctl;
pub(crate) mod netlink;
#[cfg(test)]
mod tests;

pub use create::{Interface, create};
pub(crate) use ioctl::attach;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use golem_vpn_proto::{Offload, VIRTIO_HEADER_LENGTH};

use crate::features::Features;

/// What the kernel leaves to the device and takes from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TunOffloads {
    /// Packets carry a virtio header; without one there are no offloads at all.
    pub header: bool,
    /// Checksums may be partial.
    pub checksum: bool,
    /// TCP super-packets of both families.
    pub tcp: bool,
    /// UDP super-packets of both families (Linux 6.2 and later).
    pub udp: bool,
}

/// An open TUN device.
#[derive(Debug)]
pub struct Tun {
    descriptor: OwnedFd,
    name: String,
    offloads: TunOffloads,
}

impl Tun {
    /// Takes over a TUN that somebody made, perhaps in another network namespace, and turns on all offloads it has
    /// that the features allow.
    ///
    /// # Errors
    /// `InvalidInput` when the descriptor is no TUN or carries packet information; else what the system says.
    pub fn from_fd(descriptor: OwnedFd, features: Features) -> io::Result<Self> {
        let interface = ioctl::interface(descriptor.as_fd())?;
        if !interface.is_plain_tun() {
            let cause = "the descriptor is not a TUN without packet information (IFF_TUN and IFF_NO_PI)";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, cause));
        }
        set_nonblocking(descriptor.as_fd())?;
        let offloads = if interface.has_header() {
            turn_on_offloads(descriptor.as_fd(), features)?
        } else {
            TunOffloads::default()
        };
        Ok(Self { descriptor, name: interface.name(), offloads })
    }

    /// The interface's name in its network namespace, as it was when the device was taken over.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn offloads(&self) -> TunOffloads {
        self.offloads
    }

    /// Reads one packet or super-packet into `buffer`, which has to hold [`READ_LENGTH`](golem_vpn_proto::READ_LENGTH) bytes.
    ///
    /// # Errors
    /// `WouldBlock` when there is none; `InvalidData` for a header that was not asked for;
    /// else the device is gone (for instance `EBADFD` when its interface was deleted).
    pub fn read<'a>(&self, buffer: &'a mut [u8]) -> io::Result<(Offload, &'a [u8])> {
        let mut header = [0; VIRTIO_HEADER_LENGTH];
        let part = |bytes: &mut [u8]| libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let parts = [part(&mut header), part(buffer)];
        let used = if self.offloads.header { &parts[..] } else { &parts[1..] };
        // SAFETY: the parts describe `header` and `buffer`, both alive during the call.
        let length = unsafe { libc::readv(self.descriptor.as_raw_fd(), used.as_ptr(), used.len() as libc::c_int) };
        let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
        if !self.offloads.header {
            return Ok((Offload::default(), &buffer[..length]));
        }
        let malformed = || io::Error::from(io::ErrorKind::InvalidData);
        let length = length.checked_sub(VIRTIO_HEADER_LENGTH).ok_or_else(malformed)?;
        Ok((Offload::decode(&header).ok_or_else(malformed)?, &buffer[..length]))
    }

    /// Writes one packet or super-packet.
    ///
    /// # Errors
    /// What the system says, for instance `EIO` while the interface is down, `EBADFD` when it was deleted.
    pub fn write(&self, offload: &Offload, packet: &[u8]) -> io::Result<()> {
        let header = offload.encode();
        let part = |bytes: &[u8]| libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let parts = [part(&header), part(packet)];
        let used = if self.offloads.header { &parts[..] } else { &parts[1..] };
        // SAFETY: the parts point to `header` and `packet`, which the kernel only reads.
        let written = unsafe { libc::writev(self.descriptor.as_raw_fd(), used.as_ptr(), used.len() as libc::c_int) };
        if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Turns on as many offloads as the kernel has and the features allow: all, then without UDP, then checksums alone, then
/// none.
fn turn_on_offloads(tun: BorrowedFd<'_>, features: Features) -> io::Result<TunOffloads> {
    ioctl::set_header_length(tun, VIRTIO_HEADER_LENGTH)?;
    let wishes = [(true, true, true), (true, true, false), (true, false, false)];
    let is_allowed = |wish: &(bool, bool, bool)| features.tun_offload && (features.tun_udp_offload || !wish.2);
    for (checksum, tcp, udp) in wishes.into_iter().filter(is_allowed) {
        let offloads = TunOffloads { header: true, checksum, tcp, udp };
        if ioctl::set_offloads(tun, offloads).is_ok() {
            return Ok(offloads);
        }
    }
    let none = TunOffloads { header: true, ..TunOffloads::default() };
    ioctl::set_offloads(tun, none)?;
    Ok(none)
}

/// Has the system say that something would wait, instead of waiting.
pub(crate) fn set_nonblocking(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: these commands of fcntl take and return plain integers.
    let result = unsafe {
        let flags = libc::fcntl(descriptor.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(descriptor.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
