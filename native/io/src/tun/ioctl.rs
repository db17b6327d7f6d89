//! The ioctls of TUN devices. `TUNSETIFF` has to come before the others.

use std::ffi::CStr;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::TunOffloads;

/// What the kernel says about the interface of a TUN descriptor.
pub(super) struct Attached(libc::ifreq);

impl Attached {
    /// Whether packets come as they are: no Ethernet frames, no packet information in front.
    pub(super) fn is_plain_tun(&self) -> bool {
        self.flags() & (libc::IFF_TUN | libc::IFF_NO_PI) == libc::IFF_TUN | libc::IFF_NO_PI
    }

    /// Whether a virtio header is in front of each packet.
    pub(super) fn has_header(&self) -> bool {
        self.flags() & libc::IFF_VNET_HDR != 0
    }

    pub(super) fn name(&self) -> String {
        let bytes = self.0.ifr_name.map(|character| character as u8);
        CStr::from_bytes_until_nul(&bytes).unwrap_or_default().to_string_lossy().into_owned()
    }

    fn flags(&self) -> libc::c_int {
        // SAFETY: the kernel has filled in the flags, and every bit pattern is valid.
        libc::c_int::from(unsafe { self.0.ifr_ifru.ifru_flags })
    }
}

/// Asks which interface the descriptor belongs to.
pub(super) fn interface(tun: BorrowedFd<'_>) -> io::Result<Attached> {
    // SAFETY: all-zero bytes are a valid value of this C struct.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    // SAFETY: TUNGETIFF writes an ifreq, which is what the pointer refers to.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNGETIFF as _, &raw mut request) })?;
    Ok(Attached(request))
}

/// Makes an interface with virtio headers, called `name`.
pub(crate) fn attach(tun: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid value of this C struct.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    let room_before_nul = request.ifr_name.len() - 1;
    if name.is_empty() || name.len() > room_before_nul || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        let cause = format!("an interface's name has 1 to {room_before_nul} visible ASCII characters, not {name:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, cause));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes an ifreq, which is what the pointer refers to.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })
}

pub(super) fn set_header_length(tun: BorrowedFd<'_>, length: usize) -> io::Result<()> {
    let length = length as libc::c_int;
    // SAFETY: TUNSETVNETHDRSZ reads an int, which is what the pointer refers to.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETVNETHDRSZ as _, &raw const length) })
}

pub(super) fn set_offloads(tun: BorrowedFd<'_>, offloads: TunOffloads) -> io::Result<()> {
    let tcp = libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;
    let udp = libc::TUN_F_USO4 | libc::TUN_F_USO6;
    let wanted = [(offloads.checksum, libc::TUN_F_CSUM), (offloads.tcp, tcp), (offloads.udp, udp)];
    let flags = wanted.into_iter().filter(|(on, _)| *on).fold(0, |flags, (_, flag)| flags | flag);
    // SAFETY: TUNSETOFFLOAD takes its flags by value.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETOFFLOAD as _, libc::c_ulong::from(flags)) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
