//! The few requests of rtnetlink (RFC 3549) that set up an interface, each answered by the kernel.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::fd::{FromRawFd, OwnedFd};

use golem_vpn_proto::wire::OVERHEAD;

use crate::udp::LONGEST_TRAIN;

const HEADER_LENGTH: usize = 16;
const ALIGNMENT: usize = 4;
/// Packets and super-packets that wait to be read: as many as of network cards, twice as many as of a TUN by default.
const QUEUE_LENGTH: u32 = 1000;
/// Of the usual TCP packet: IPv4, TCP, and its timestamps.
const TCP_HEADERS: u16 = 52;
/// What the kernel keeps free for headers when it says how much data goes into a super-packet (`MAX_TCP_HEADER`), and a
/// bit more, which is less than another segment.
const SPARED_BY_KERNEL: u32 = 512;

/// A connection to the kernel for the network namespace in which it was opened.
pub(crate) struct Netlink {
    socket: File,
}

/// The number of the interface called `name`, in the network namespace of the calling thread.
pub(crate) fn index_of(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    // SAFETY: the pointer is to a string that ends with a zero byte.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

impl Netlink {
    pub(crate) fn open() -> io::Result<Self> {
        // SAFETY: socket takes no pointers, and the result is checked before it is owned.
        let descriptor =
            unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else owns it.
        Ok(Self { socket: File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }) })
    }

    /// Sets the interface's MTU and switches it on.
    pub(crate) fn set_up(&mut self, index: u32, mtu: u16) -> io::Result<()> {
        let up = (libc::IFF_UP as u32).to_ne_bytes();
        let mut body = vec![libc::AF_UNSPEC as u8, 0, 0, 0];
        body.extend(index.to_ne_bytes());
        body.extend(up); // the flags
        body.extend(up); // which of them to change
        push_attribute(&mut body, libc::IFLA_MTU, &u32::from(mtu).to_ne_bytes());
        self.request(libc::RTM_NEWLINK, 0, &body)
    }

    /// Does the same with a TUN, and fits its queue to what is made of its packets; where the kernel does not let it, it
    /// is slower, no more.
    pub(crate) fn set_up_tun(&mut self, index: u32, mtu: u16) -> io::Result<()> {
        self.set_up(index, mtu)?;
        if let Err(error) = self.fit_queue(index, mtu) {
            tracing::debug!(%error, index, "the queue of a TUN is as the kernel made it");
        }
        Ok(())
    }

    /// Asks for super-packets that fill one train each, as a rest would cost a train of its own, and for room for those
    /// that come while their reader waits for a processor.
    fn fit_queue(&mut self, index: u32, mtu: u16) -> io::Result<()> {
        let mut body = vec![libc::AF_UNSPEC as u8, 0, 0, 0];
        body.extend(index.to_ne_bytes());
        body.extend([0; 8]); // no flags
        push_attribute(&mut body, libc::IFLA_GSO_MAX_SIZE, &longest_superpacket(mtu).to_ne_bytes());
        push_attribute(&mut body, libc::IFLA_TXQLEN, &QUEUE_LENGTH.to_ne_bytes());
        self.request(libc::RTM_NEWLINK, 0, &body)
    }

    /// Gives the interface an address.
    pub(crate) fn add_address(&mut self, index: u32, address: IpAddr, prefix_length: u8) -> io::Result<()> {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        self.request(libc::RTM_NEWADDR, flags, &own_address(index, address, prefix_length))
    }

    /// Takes an address away from the interface.
    pub(crate) fn remove_address(&mut self, index: u32, address: IpAddr, prefix_length: u8) -> io::Result<()> {
        self.request(libc::RTM_DELADDR, 0, &own_address(index, address, prefix_length))
    }

    fn request(&mut self, kind: u16, flags: libc::c_int, body: &[u8]) -> io::Result<()> {
        let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK | flags) as u16;
        let mut message = ((HEADER_LENGTH + body.len()) as u32).to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend([0; 8]); // sequence and port: one request at a time needs neither
        message.extend(body);
        self.socket.write_all(&message)?;
        let mut answer = [0; 1024];
        let length = self.socket.read(&mut answer)?;
        verdict(&answer[..length])
    }
}

/// The longest super-packet of TCP whose segments, each in its datagram, go into one train.
fn longest_superpacket(mtu: u16) -> u32 {
    let packets = (LONGEST_TRAIN / (usize::from(mtu) + OVERHEAD)).max(1) as u32;
    packets * u32::from(mtu.saturating_sub(TCP_HEADERS)) + SPARED_BY_KERNEL
}

fn own_address(index: u32, address: IpAddr, prefix_length: u8) -> Vec<u8> {
    let (family, octets) = match address {
        IpAddr::V4(address) => (libc::AF_INET, address.octets().to_vec()),
        IpAddr::V6(address) => (libc::AF_INET6, address.octets().to_vec()),
    };
    // The network's owner gives out addresses, so nobody has to be asked whether one is taken (RFC 4862, section 5.4).
    let mut body = vec![family as u8, prefix_length, libc::IFA_F_NODAD as u8, libc::RT_SCOPE_UNIVERSE];
    body.extend(index.to_ne_bytes());
    push_attribute(&mut body, libc::IFA_LOCAL, &octets);
    push_attribute(&mut body, libc::IFA_ADDRESS, &octets);
    body
}

fn push_attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = ALIGNMENT + value.len();
    body.extend((length as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
}

/// Reads the kernel's answer: an error number after the header, 0 for success.
fn verdict(answer: &[u8]) -> io::Result<()> {
    let code = answer.get(HEADER_LENGTH..).and_then(<[u8]>::first_chunk).map(|bytes| i32::from_ne_bytes(*bytes));
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segments_of_a_superpacket_go_into_one_train() {
        for mtu in 600..=9000 {
            // What the kernel keeps free depends on how it was built.
            for spared in [128, 320, 448] {
                let data = longest_superpacket(mtu) - 1 - spared;
                let packets = data as usize / usize::from(mtu - TCP_HEADERS);
                let train = packets * (usize::from(mtu) + OVERHEAD);
                assert!(train <= LONGEST_TRAIN, "MTU {mtu}: {packets} packets");
                assert!(train + usize::from(mtu) + OVERHEAD > LONGEST_TRAIN, "MTU {mtu}: one more would do");
            }
        }
    }
}
