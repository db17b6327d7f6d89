//! A UDP socket with all the offloads that the kernel has.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use golem_vpn_proto::Ecn;

use super::address::RawAddress;
use super::receive::Receiver;
use super::send::Sender;
use super::{Datagrams, Received, SocketCounters, SocketStatus, options};
use crate::features::Features;

/// A bound socket. Bound to an IPv6 address that is unspecified, it carries IPv4 too.
pub(crate) struct Socket {
    socket: UdpSocket,
    local_address: SocketAddr,
    sender: Sender,
    receiver: Receiver,
    status: SocketStatus,
}

impl Socket {
    pub(crate) fn bind(address: SocketAddr, features: Features) -> io::Result<Self> {
        let socket = open(address)?;
        let descriptor = socket.as_fd();
        options::forbid_fragments(descriptor, address.is_ipv6())?;
        options::tell_more(descriptor, address.is_ipv6())?;
        let (send_buffer, receive_buffer) = options::set_buffers(descriptor)?;
        let segmentation = features.udp_segmentation && can_segment(descriptor);
        let receive_offload =
            features.udp_receive_offload && options::set(descriptor, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok();
        let receive_batch = features.receive_batch;
        let counters = SocketCounters::default();
        let status =
            SocketStatus { segmentation, receive_offload, receive_batch, send_buffer, receive_buffer, counters };
        let local_address = socket.local_addr()?;
        let sender = Sender::new(address.is_ipv6());
        Ok(Self { socket, local_address, sender, receiver: Receiver::new(receive_batch), status })
    }
}

impl Datagrams for Socket {
    fn send(&mut self, to: SocketAddr, ecn: Ecn, segment_size: usize, bytes: &[u8]) -> usize {
        self.sender.send(self.socket.as_fd(), &mut self.status, to, ecn, segment_size, bytes)
    }

    fn receive(&mut self, take: impl FnMut(Received<'_>)) -> bool {
        self.receiver.receive(self.socket.as_fd(), &mut self.status.counters, take)
    }

    fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    fn status(&self) -> SocketStatus {
        self.status
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Tells what a socket of this machine can do, by opening one on the loopback interface.
pub(crate) fn probe() -> io::Result<SocketStatus> {
    Socket::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Features::default()).map(|socket| socket.status)
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let family = if address.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: socket takes no pointers, and the result is checked before it is owned.
    let descriptor = unsafe { libc::socket(family, kind, 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nobody else owns it.
    let socket = UdpSocket::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
    if address.is_ipv6() {
        // Said out loud because the system's default can be changed (net.ipv6.bindv6only).
        options::set(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 0)?;
    }
    let (raw, length) = RawAddress::new(address, false);
    // SAFETY: the pointer and the length describe `raw`, which the kernel only reads.
    let result = unsafe { libc::bind(descriptor, (&raw const raw).cast(), length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(socket) }
}

/// Whether the kernel knows segmentation; whether an interface can do it shows only when sending.
fn can_segment(socket: BorrowedFd<'_>) -> bool {
    let some_size = 1200;
    options::set(socket, libc::SOL_UDP, libc::UDP_SEGMENT, some_size).is_ok()
        && options::set(socket, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok()
}
