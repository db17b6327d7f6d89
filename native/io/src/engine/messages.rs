//! What is said between the engine's thread and everybody else.

use std::io;

use golem_vpn_proto::{
    Candidate, DeviceConfig, DeviceError, DeviceId, Network, NetworkId, NodeId, ReflectionKey, ReflectorAddress,
    RelayId, RelayState,
};
use tokio::sync::{mpsc, oneshot};

use super::Snapshot;
use super::relaying::RelayedTrain;
use crate::queue::QueueEnd;
use crate::tun::Tun;

/// Something for the engine to do. Those with a reply are made by the methods of [`Engine`](super::Engine).
#[derive(Debug)]
pub enum Command {
    SetNetwork(Network),
    RemoveNetwork(NetworkId),
    SetPeer {
        node: NodeId,
        candidates: Vec<Candidate>,
        /// Relays that the peer is connected to.
        relays: Vec<RelayId>,
    },
    /// Says that this node is connected to a relay, or no longer.
    SetRelay {
        relay: RelayId,
        state: Option<RelayState>,
    },
    /// Says whether a relay takes more; while it does not, packets for it wait.
    SetRelayReady {
        relay: RelayId,
        ready: bool,
    },
    /// Replaces the reflectors that this node asks where it is seen.
    SetReflectors(Vec<ReflectorAddress>),
    /// Tells a node from now on where its requests come from.
    AdmitReflection {
        index: u32,
        key: ReflectionKey,
    },
    DismissReflection(u32),
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

/// What comes out of the engine beside packets.
#[derive(Debug)]
pub struct Outputs {
    pub events: mpsc::Receiver<Event>,
    /// Trains for relays. One that finds the channel full is dropped and counted.
    pub relayed: mpsc::Receiver<RelayedTrain>,
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
