//! What is said between the engine's thread and everybody else.

use std::io;
use std::net::SocketAddr;

use golem_vpn_proto::{Carriage, DeviceConfig, DeviceError, DeviceId, Network, NetworkId, NodeId};
use tokio::sync::{mpsc, oneshot};

use super::Snapshot;
use crate::queue::QueueEnd;
use crate::tun::Tun;

/// Something for the engine to do. Those with a reply are made by the methods of [`Engine`](super::Engine).
#[derive(Debug)]
pub enum Command {
    SetNetwork(Network),
    RemoveNetwork(NetworkId),
    SetPeer {
        node: NodeId,
        addresses: Vec<SocketAddr>,
    },
    /// Says that the control connection with a peer carries datagrams, or no longer.
    SetCarriage {
        peer: NodeId,
        carriage: Option<Carriage>,
    },
    ForgetPeer(NodeId),
    ResetPeer(NodeId),
    /// Adds a TUN. What it takes is known from the TUN; the configuration's word on offloads is ignored.
    AddTun {
        id: DeviceId,
        tun: Tun,
        name: String,
        config: DeviceConfig,
        reply: oneshot::Sender<Result<(), AttachError>>,
    },
    /// Adds a queue of whole, ordinary packets.
    AddQueue {
        id: DeviceId,
        end: QueueEnd,
        name: String,
        config: DeviceConfig,
        reply: oneshot::Sender<Result<(), AttachError>>,
    },
    /// Replaces the configuration of a device.
    SetDevice {
        id: DeviceId,
        config: DeviceConfig,
        reply: oneshot::Sender<Result<(), AttachError>>,
    },
    RemoveDevice(DeviceId),
    /// A peer's handshake message, to be answered.
    Handshake {
        from: NodeId,
        message: Vec<u8>,
        binding: [u8; 32],
        reply: oneshot::Sender<Vec<u8>>,
    },
    /// A peer's reply to a handshake message of ours.
    HandshakeReply {
        from: NodeId,
        message: Vec<u8>,
        binding: [u8; 32],
    },
    /// A handshake message of ours could not be carried.
    HandshakeFailure {
        to: NodeId,
        id: u64,
    },
    Snapshot(oneshot::Sender<Snapshot>),
}

/// Something for the control plane to do, or to know.
#[derive(Debug)]
pub enum Event {
    /// What the rules have to say; a handshake among them has to be carried.
    Node(golem_vpn_proto::Event),
    /// A device is gone, because its interface was deleted or its user closed it.
    DeviceLost { device: DeviceId, cause: io::Error },
}

/// A datagram that a control connection carries: to this peer, or from it.
pub type Carried = (NodeId, Vec<u8>);

/// What comes out of the engine beside packets.
#[derive(Debug)]
pub struct Outputs {
    pub events: mpsc::Receiver<Event>,
    /// Datagrams for control connections. One that finds the channel full is dropped and counted.
    pub carried: mpsc::Receiver<Carried>,
}

/// Why a device can't be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    #[error(transparent)]
    Refused(#[from] DeviceError),
    #[error("there is no device {}", .0.0)]
    Unknown(DeviceId),
    #[error("the device can't be watched: {0}")]
    Unwatchable(#[from] io::Error),
}

/// The engine's thread has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the data plane has stopped")]
pub struct EngineStopped;
