//! The socket that carries sealed packets: many datagrams per system call where the kernel can
//! (`UDP_SEGMENT`, `UDP_GRO`), one by one where it can't, and a twin in memory for tests.

pub(crate) mod address;
#[cfg(test)]
pub(crate) mod channel;
mod control;
pub(crate) mod options;
mod receive;
mod send;
mod socket;
#[cfg(test)]
mod tests;

pub(crate) use socket::{Socket, probe};

use std::net::SocketAddr;
use std::os::fd::AsFd;

use golem_vpn_proto::Ecn;

/// Longest train of datagrams that one system call carries, in bytes and in datagrams.
pub(crate) const LONGEST_TRAIN: usize = 65_507;
pub(crate) const DATAGRAMS_PER_TRAIN: usize = 64;
/// Room for whatever one message brings.
pub(crate) const LONGEST_DATAGRAM: usize = 1 << 16;

/// A socket as the driver sees it. Its descriptor tells when it can be read or written again.
pub(crate) trait Datagrams: AsFd {
    /// Sends a train of datagrams of `segment_size` bytes each (the last may be shorter), marked with `ecn`. Returns how many bytes are
    /// done with, sent or dropped and counted; fewer than given means that the socket is full.
    fn send(&mut self, to: SocketAddr, ecn: Ecn, segment_size: usize, bytes: &[u8]) -> usize;

    /// Hands a batch of received trains to `take`; `true` when more may be waiting.
    fn receive(&mut self, take: impl FnMut(Received<'_>)) -> bool;

    fn local_address(&self) -> SocketAddr;

    fn status(&self) -> SocketStatus;
}

/// A train that was received, in a buffer of [`LONGEST_DATAGRAM`] bytes.
pub(crate) struct Received<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) ecn: Ecn,
    pub(crate) segment_size: usize,
    pub(crate) length: usize,
    buffer: &'a mut Box<[u8]>,
}

impl Received<'_> {
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.length]
    }

    /// Takes the buffer away and leaves another.
    pub(crate) fn take(self, other: Box<[u8]>) -> Box<[u8]> {
        std::mem::replace(self.buffer, other)
    }
}

/// What a socket can do and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketStatus {
    /// Whether one system call sends a whole train (`UDP_SEGMENT`).
    pub segmentation: bool,
    /// Whether the kernel hands over received datagrams as trains (`UDP_GRO`).
    pub receive_offload: bool,
    /// Whether one system call receives several trains (`recvmmsg`).
    pub receive_batch: bool,
    pub send_buffer: usize,
    pub receive_buffer: usize,
    pub counters: SocketCounters,
}

/// What a socket has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounters {
    pub datagrams_sent: u64,
    pub send_calls: u64,
    pub datagrams_received: u64,
    pub receive_calls: u64,
    /// Datagrams dropped because the interface's MTU is too small for them.
    pub dropped_too_big: u64,
    /// Datagrams dropped because the kernel knows no way to their destination.
    pub dropped_unreachable: u64,
    /// Datagrams dropped for any other reason of the kernel's.
    pub dropped_send_failed: u64,
    /// Times the socket was full, so that devices had to wait.
    pub send_waits: u64,
    /// Trains dropped because they came faster than they were received.
    pub dropped_receive_full: u64,
    /// Datagrams received without any content.
    pub dropped_empty: u64,
    /// Errors that reading brought up; each belongs to a datagram sent earlier or to none.
    pub receive_errors: u64,
}
