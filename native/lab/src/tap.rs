//! One end of the wire: a TAP interface in a named network namespace, which looks like an Ethernet card there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const DEVICE: &str = "/dev/net/tun";
const NAMESPACES: &str = "/var/run/netns";

pub struct Tap(File);

impl Tap {
    /// Makes the interface, which goes when this is dropped. Leaves the calling thread in that namespace.
    ///
    /// # Errors
    /// What the system says: there is no such namespace, the name is taken, no `CAP_NET_ADMIN`.
    pub fn open(namespace: &str, interface: &str) -> io::Result<Self> {
        enter(&Path::new(NAMESPACES).join(namespace))?;
        // A device belongs to the namespace in which it was opened.
        let device = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(DEVICE)?;
        attach(device.as_fd(), interface)?;
        Ok(Self(device))
    }

    /// Reads a frame and gives its length; `None` where there is none now.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0.read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if passing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a frame; it is lost where the interface takes none now.
    pub fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        match self.0.write(frame) {
            Err(error) if !passing(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Tells whether an error is one of the moment; `EIO` says that the interface is down.
fn passing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || matches!(error.raw_os_error(), Some(libc::EIO | libc::ENOBUFS))
}

fn enter(namespace: &Path) -> io::Result<()> {
    let namespace = File::open(namespace)?;
    // SAFETY: setns takes no pointers, and the descriptor is open for the duration of the call.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

fn attach(device: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid value of this C struct.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    if name.is_empty() || name.len() >= request.ifr_name.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an interface's name has 1 to 15 characters"));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes an ifreq, which is what the pointer refers to.
    check(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
