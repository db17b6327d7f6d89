//! A UDP socket with all the offloads that the kernel has.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use super::address::RawAddress;
use super::receive::Receiver;
use super::send::Sender;
use super::{Datagrams, SocketCounters, SocketStatus, options};

/// A bound socket. Bound to an IPv6 address that is unspecified, it carries IPv4 too.
pub(crate) struct Socket {
    socket: UdpSocket,
    local_address: SocketAddr,
    sender: Sender,
    receiver: Receiver,
    status: SocketStatus,
}

impl Socket {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = open(address)?;
        let descriptor = socket.as_fd();
        options::forbid_fragments(descriptor, address.is_ipv6())?;
        let (send_buffer, receive_buffer) = options::enlarge_buffers(descriptor)?;
        let segmentation = can_segment(descriptor);
        let receive_offload = options::set(descriptor, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok();
        let counters = SocketCounters::default();
        let status = SocketStatus { segmentation, receive_offload, send_buffer, receive_buffer, counters };
        let local_address = socket.local_addr()?;
        let sender = Sender::new(address.is_ipv6());
        Ok(Self { socket, local_address, sender, receiver: Receiver::new(), status })
    }
}

impl Datagrams for Socket {
    fn send(&mut self, to: SocketAddr, segment_size: usize, bytes: &[u8]) -> usize {
        self.sender.send(self.socket.as_fd(), &mut self.status, to, segment_size, bytes)
    }

    fn receive(&mut self, take: impl FnMut(SocketAddr, usize, &mut [u8])) -> bool {
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
    Socket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).map(|socket| socket.status)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::poll::{Interest, Poller};

    const SEGMENT: usize = 1452;

    fn bound(address: &str) -> Socket {
        Socket::bind(address.parse().unwrap()).unwrap()
    }

    /// Receives until `count` datagrams are there; each is returned with its source.
    fn received(socket: &mut Socket, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut poller = Poller::new().unwrap();
        poller.add(socket.as_fd(), 0, Interest::READ).unwrap();
        let mut datagrams = Vec::new();
        while datagrams.len() < count {
            assert_ne!(poller.wait(Some(Duration::from_secs(5))).unwrap().count(), 0, "datagrams are missing");
            socket.receive(|from, segment_size, train| {
                datagrams.extend(train.chunks(segment_size).map(|datagram| (from, datagram.to_vec())));
            });
        }
        datagrams
    }

    fn train(datagrams: usize) -> Vec<u8> {
        (0..datagrams * SEGMENT - 100).map(|index| (index / SEGMENT) as u8).collect()
    }

    fn assert_train_arrives(sender: &mut Socket, receiver: &mut Socket, to: SocketAddr) {
        let train = train(40);
        assert_eq!(sender.send(to, SEGMENT, &train), train.len());
        let datagrams = received(receiver, 40);
        for ((_, datagram), expected) in datagrams.iter().zip(train.chunks(SEGMENT)) {
            assert_eq!(datagram, expected);
        }
        assert!(datagrams.iter().all(|(from, _)| from.port() == sender.local_address().port()));
        assert_eq!(sender.status().counters.datagrams_sent, 40);
        assert_eq!(receiver.status().counters.datagrams_received, 40);
    }

    #[test]
    fn a_train_arrives_in_one_call_each() {
        let (mut sender, mut receiver) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
        let to = receiver.local_address();
        assert_train_arrives(&mut sender, &mut receiver, to);
        if sender.status().segmentation && receiver.status().receive_offload {
            assert_eq!(sender.status().counters.send_calls, 1);
        }
    }

    #[test]
    fn a_train_arrives_without_segmentation() {
        let (mut sender, mut receiver) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
        sender.status.segmentation = false;
        let to = receiver.local_address();
        assert_train_arrives(&mut sender, &mut receiver, to);
    }

    #[test]
    fn an_unspecified_ipv6_socket_carries_both_families() {
        let mut receiver = bound("[::]:0");
        let port = receiver.local_address().port();
        for host in ["127.0.0.1", "::1"] {
            let mut sender = bound(&SocketAddr::new(host.parse().unwrap(), 0).to_string());
            let to = SocketAddr::new(host.parse().unwrap(), port);
            assert_eq!(sender.send(to, 3, b"abc"), 3);
            assert_eq!(received(&mut receiver, 1), [(sender.local_address(), b"abc".to_vec())]);
            assert_eq!(receiver.send(sender.local_address(), 4, b"back"), 4);
            assert_eq!(received(&mut sender, 1), [(to, b"back".to_vec())]);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_counted() {
        let mut socket = bound("127.0.0.1:0");
        assert_eq!(socket.send("[::1]:9".parse().unwrap(), 2, b"abcd"), 4);
        assert_eq!(socket.status().counters.dropped_unreachable, 2);
        assert_eq!(socket.send("192.0.2.1:9".parse().unwrap(), 2, b"abcd"), 4);
        let counters = socket.status().counters;
        assert_eq!(counters.dropped_unreachable + counters.dropped_send_failed, 4);
        assert_eq!(counters.datagrams_sent, 0);
    }

    #[test]
    fn a_refusing_receiver_does_not_stop_the_socket() {
        let (mut sender, mut receiver) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
        let nobody = bound("127.0.0.1:0").local_address();
        for _ in 0..3 {
            assert_eq!(sender.send(nobody, 3, b"abc"), 3);
            sender.receive(|_, _, _| panic!("nobody sent anything"));
        }
        assert_eq!(sender.send(receiver.local_address(), 3, b"abc"), 3);
        assert_eq!(received(&mut receiver, 1).len(), 1);
    }

    #[test]
    fn empty_datagrams_are_counted() {
        let mut receiver = bound("127.0.0.1:0");
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"", receiver.local_address()).unwrap();
        sender.send_to(b"abc", receiver.local_address()).unwrap();
        assert_eq!(received(&mut receiver, 1).len(), 1);
        assert_eq!(receiver.status().counters.dropped_empty, 1);
    }

    #[test]
    fn buffers_are_as_big_as_allowed() {
        let status = probe().unwrap();
        assert!(status.send_buffer >= 100_000 && status.receive_buffer >= 100_000, "{status:?}");
    }
}
