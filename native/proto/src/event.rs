//! What a node hands out: datagrams to send, packets to deliver, and events for the control plane.

use std::net::SocketAddr;
use std::time::Instant;

use crate::session::Refusal;
use crate::{CandidateStatus, Cipher, DeviceId, Ecn, NetworkId, NodeId, Offload, PathStatus, Route};

/// A train of datagrams for one place: each of `segment_size` bytes, the last may be shorter.
#[derive(Debug)]
pub struct Transmit<'a> {
    pub to: Route,
    /// What their headers say of congestion.
    pub ecn: Ecn,
    pub segment_size: usize,
    pub bytes: &'a [u8],
}

/// A packet, or where the device takes it a super-packet, for a device.
#[derive(Debug)]
pub struct Delivery<'a> {
    pub device: DeviceId,
    pub offload: Offload,
    pub packet: &'a [u8],
}

/// Something the control plane has to do, or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Carry this message to the peer over the control connection and bring back its reply, or the failure.
    Handshake { peer: NodeId, id: u64, message: Vec<u8> },
    /// Packets can be sent to the peer and come from it.
    SessionStarted { network: NetworkId, peer: NodeId, cipher: Cipher },
    /// The peer refused a handshake of this node; it is repeated with back-off while there is traffic.
    HandshakeRefused { network: NetworkId, peer: NodeId, reason: Refusal },
    /// Someone uses a session that this node does not know, as after a restart; told at a limited rate.
    UnknownSession { from: Route },
    /// Reflectors see this node's data socket at these addresses now, newest first.
    Reflected(Vec<SocketAddr>),
}

/// A peer, as it stands now.
#[derive(Clone, Debug)]
pub struct PeerStatus {
    pub node: NodeId,
    /// Addresses where it may be reached directly.
    pub candidates: Vec<CandidateStatus>,
    /// The way that packets take.
    pub path: PathStatus,
    pub networks: Vec<LinkStatus>,
}

/// What this node and a peer share in one network.
#[derive(Clone, Debug)]
pub struct LinkStatus {
    pub network: NetworkId,
    /// Where the newest packet of the peer came from, unless it was relayed.
    pub address: Option<SocketAddr>,
    /// The cipher and the start of the session that packets are sent with.
    pub session: Option<(Cipher, Instant)>,
    pub traffic: Traffic,
}

/// Inner packets exchanged with a peer in one network, over all sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub packets_out: u64,
    pub bytes_out: u64,
    pub packets_in: u64,
    pub bytes_in: u64,
    pub last_received: Option<Instant>,
}
