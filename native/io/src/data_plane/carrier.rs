//! What the rules ask of the control connections: handshakes to peers and their replies, and word to a peer that
//! uses sessions which this node has lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use golem_vpn_proto::{self as proto, NodeId, Route};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

use super::reflected::Reflected;
use super::resets::Resets;
use crate::control::{Endpoint, Sessions};
use crate::engine::{Command, Engine, Event};

const CARRY_TIME: Duration = Duration::from_secs(5);
/// Handshakes on their way at once; more fail at once and are tried again.
const MAXIMUM_CARRIED: usize = 512;
/// Nodes that Python has yet to look for; more are named again with their next handshake.
const WANTED_BACKLOG: usize = 256;

#[derive(Clone)]
pub(super) struct Carrier {
    engine: Engine,
    endpoint: Arc<Endpoint>,
    resets: Arc<Resets>,
    reflected: Arc<Reflected>,
    places: Arc<Semaphore>,
    wanted: mpsc::Sender<NodeId>,
}

/// Nodes that packets wait for and that no handshake could be brought to.
#[derive(Clone)]
pub struct Wanted {
    nodes: Arc<Mutex<mpsc::Receiver<NodeId>>>,
}

impl Wanted {
    /// Waits for the next one; none comes when the data plane has stopped.
    pub async fn next(&self) -> Option<NodeId> {
        self.nodes.lock().await.recv().await
    }
}

/// Answers what comes from peers.
pub(super) struct Answers {
    engine: Engine,
}

impl Carrier {
    pub(super) fn new(
        engine: Engine,
        endpoint: Arc<Endpoint>,
        resets: Arc<Resets>,
        reflected: Arc<Reflected>,
    ) -> (Self, Wanted) {
        let (wanted, nodes) = mpsc::channel(WANTED_BACKLOG);
        let places = Arc::new(Semaphore::new(MAXIMUM_CARRIED));
        (Self { engine, endpoint, resets, reflected, places, wanted }, Wanted { nodes: Arc::new(Mutex::new(nodes)) })
    }

    pub(super) fn answers(&self) -> Answers {
        Answers { engine: self.engine.clone() }
    }

    /// Serves the engine's events until it stops.
    pub(super) async fn run(self, mut events: mpsc::Receiver<Event>) {
        while let Some(event) = events.recv().await {
            match event {
                Event::Node(proto::Event::Handshake { peer, id, message }) => self.start_handshake(peer, id, message),
                Event::Node(proto::Event::UnknownSession { from }) => self.start_reset(from),
                Event::Node(proto::Event::Reflected(addresses)) => {
                    tracing::debug!(?addresses, "seen at other addresses");
                    self.reflected.set(addresses);
                }
                Event::Node(proto::Event::SessionStarted { network, peer, cipher }) => {
                    tracing::debug!(%network, %peer, cipher = cipher.name(), "session started");
                }
                Event::Node(proto::Event::HandshakeRefused { network, peer, reason }) => {
                    tracing::debug!(%network, %peer, ?reason, "handshake refused");
                }
                Event::DeviceLost { device, cause } => {
                    tracing::info!(device = device.0, %cause, "device lost");
                }
            }
        }
    }

    fn start_handshake(&self, peer: NodeId, id: u64, message: Vec<u8>) {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return self.tell_engine(Command::HandshakeFailure { to: peer, id });
        };
        let carrier = self.clone();
        tokio::spawn(async move {
            let answered = carrier.endpoint.offer_session(peer, &message, CARRY_TIME).await;
            carrier.tell_engine(match answered {
                Ok((message, binding)) => Command::HandshakeReply { from: peer, message, binding },
                Err(error) => {
                    tracing::debug!(%peer, %error, "handshake not carried");
                    // With a full backlog it is named again when the handshake is repeated.
                    let _ = carrier.wanted.try_send(peer);
                    Command::HandshakeFailure { to: peer, id }
                }
            });
            drop(place);
        });
    }

    /// Tells whoever is there that its sessions are lost, unless this node has some: then the datagram is old
    /// or forged, and a forger must not be able to end good sessions.
    fn start_reset(&self, from: Route) {
        for peer in self.resets.due(Instant::now(), from) {
            let Ok(place) = self.places.clone().try_acquire_owned() else { return };
            let carrier = self.clone();
            tokio::spawn(async move {
                if carrier.has_no_session(peer).await {
                    let told = carrier.endpoint.announce_reset(peer, CARRY_TIME).await;
                    tracing::debug!(%peer, ?told, "told a peer that its sessions are lost");
                }
                drop(place);
            });
        }
    }

    async fn has_no_session(&self, peer: NodeId) -> bool {
        let Ok(snapshot) = self.engine.snapshot().await else { return false };
        let links = snapshot.peers.iter().filter(|status| status.node == peer).flat_map(|status| &status.networks);
        links.into_iter().all(|link| link.session.is_none())
    }

    fn tell_engine(&self, command: Command) {
        if self.engine.apply(command).is_err() {
            tracing::debug!("the engine has stopped");
        }
    }
}

impl Sessions for Answers {
    fn handshake(&self, from: NodeId, message: Vec<u8>, binding: [u8; 32]) -> oneshot::Receiver<Vec<u8>> {
        self.engine.handshake(from, message, binding)
    }

    fn reset(&self, from: NodeId) {
        // A stopped engine has no sessions left to drop.
        let _ = self.engine.apply(Command::ResetPeer(from));
    }
}
