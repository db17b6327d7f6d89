//! What this machine takes off the data plane's hands, found out by trying. `golem-vpn doctor` tells it.

use std::io;
use std::os::fd::OwnedFd;

use golem_vpn_proto::Cipher;

use crate::features::Features;
use crate::scheduling;
use crate::tun::{Tun, TunOffloads};
use crate::udp::{self, SocketStatus};

/// What needs no privilege to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offloads {
    /// Whether the processor has instructions for AES-GCM, which is several times as fast then as any other cipher.
    pub aes_instructions: bool,
    /// Whether the packet thread may run before other programs.
    pub real_time: bool,
    /// Segmentation, receive offload and the sizes of buffers that a socket gets here.
    pub socket: SocketStatus,
}

/// Tries everything that needs no privilege.
///
/// # Errors
/// When there can be no UDP socket at all.
pub fn probe() -> io::Result<Offloads> {
    let aes_instructions = Cipher::by_preference().first() == Some(&Cipher::Aes256Gcm);
    Ok(Offloads { aes_instructions, real_time: scheduling::permits_real_time(), socket: udp::probe()? })
}

/// Turns on what the kernel does for a TUN that nobody reads yet, and tells it.
///
/// # Errors
/// `InvalidInput` when the descriptor is no TUN; else what the system says.
pub fn probe_tun(device: OwnedFd) -> io::Result<TunOffloads> {
    Ok(Tun::from_fd(device, Features::default())?.offloads())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;
    use crate::tun;

    #[test]
    fn a_socket_is_probed() {
        let offloads = probe().unwrap();
        assert!(offloads.socket.send_buffer > 0 && offloads.socket.receive_buffer > 0, "{offloads:?}");
    }

    #[test]
    fn a_tun_is_probed() {
        let opened = File::options().read(true).write(true).open("/dev/net/tun");
        let made = opened.and_then(|device| tun::attach(device.as_fd(), "vpn-probe%d").map(|()| device));
        match made.and_then(|device| probe_tun(device.into())) {
            Ok(offloads) => assert!(offloads.header),
            Err(error) => {
                // SAFETY: it takes nothing, and cannot fail.
                assert_ne!(unsafe { libc::geteuid() }, 0, "root can make no TUN here: {error}");
                eprintln!("SKIPPED: no TUN can be made here: {error}");
            }
        }
    }
}
