//! The rules of the data plane, without I/O: what is read from a device or a socket goes in, with the time;
//! what has to be sent, delivered or told comes out. No socket, clock, thread or random source lives here.
//!
//! The way of a packet out is `switch` (whose address is it?, remembered in `routes`) → `link` (which session, which
//! way?) → `packet::split` → `session` (seal) → `trains`; and in, `links` (whose session?) → `session` (open, replay
//! window) → `switch` (is the source the peer's own?) → `deliveries`, where `packet::merge` makes super-packets. Which
//! way packets to a peer take is decided in `paths` and remembered on its links; packets for a relay that is slower than
//! they come wait in a `fair_queue`. `reflection` finds out where this node is seen by others.
//!
//! [`Node`] strings them together behind six verbs: [`Node::handle_packet`],
//! [`Node::handle_datagram`], [`Node::handle_timeout`], [`Node::poll_transmit`], [`Node::poll_event`],
//! [`Node::poll_timeout`] (and [`Node::poll_delivery`] for what goes to a device).
#![forbid(unsafe_code)]

mod buffers;
mod config;
mod counters;
mod deliveries;
mod event;
mod fair_queue;
mod ids;
mod index_hash;
mod limits;
mod link;
mod links;
mod network;
mod node;
mod offload;
mod opening;
mod pace;
pub mod packet;
mod paths;
mod peers;
mod reflection;
mod relays;
mod route;
mod routes;
mod session;
mod switch;
mod train;
mod trains;
pub mod wire;

pub use buffers::READ_LENGTH;
pub use config::{Cipher, Config, Entropy};
pub use counters::{Counters, DropReason};
pub use event::{Delivery, Event, LinkStatus, PeerStatus, Traffic, Transmit};
pub use ids::{DeviceId, NetworkId, NodeId, ParseIdError};
pub use network::{Attachment, DeviceConfig, IpPrefix, Member, Network};
pub use node::Node;
pub use offload::{Offload, OffloadKind, PartialChecksum, VIRTIO_HEADER_LENGTH};
pub use opening::{Opened, Opening};
pub use packet::Ecn;
pub use paths::{Candidate, CandidateStatus, Nat, Outcome, PathStatus, Reason, Source};
pub use reflection::{ReflectionKey, ReflectorAddress};
pub use route::{RelayId, RelayState, Route};
pub use session::{Refusal, ReplayWindow};
pub use switch::DeviceError;
pub use train::{SealedTrain, Train};
