//! Packets that go through relays: between the engine and the clients of relays.

use std::sync::Arc;
use std::time::Duration;

use golem_vpn_proto::{NodeId, RelayId, RelayState};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::control::{Endpoint, EndpointId};
use crate::engine::{Command, Engine, RelayedTrain};
use crate::relay::{self, RelayAddress, RelayClients, RelayDrops, RelayIndex, RelayUser, Train};

/// The longest datagram that is worth a place in a message; a device makes shorter ones.
const MTU: u16 = 16 << 10;

/// The clients of relays, fed by the engine until dropped.
pub(super) struct Relaying {
    clients: Arc<RelayClients>,
    feeding: AbortHandle,
}

impl Relaying {
    pub(super) fn start(
        engine: Engine,
        endpoint: Arc<Endpoint>,
        relayed: mpsc::Receiver<RelayedTrain>,
        runtime: &Handle,
    ) -> Self {
        let key = endpoint.packet_key().clone();
        let clients = RelayClients::new(key, Arc::new(User { engine, endpoint }), runtime.clone());
        let clients = Arc::new(clients);
        let feeding = runtime.spawn(feed(clients.clone(), relayed)).abort_handle();
        Self { clients, feeding }
    }

    pub(super) fn set_relays(&self, relays: &[RelayAddress]) {
        self.clients.set_relays(relays);
    }

    /// Gives the numbers by which the rules know a peer's relays.
    pub(super) fn set_peer(
        &self,
        node: NodeId,
        packet_key: Option<EndpointId>,
        relays: &[RelayAddress],
    ) -> Vec<RelayId> {
        self.clients.set_peer(node, packet_key, relays).into_iter().map(RelayId).collect()
    }

    pub(super) fn forget_peer(&self, node: NodeId) {
        self.clients.forget_peer(node);
    }

    pub(super) fn status(&self) -> (Vec<(RelayAddress, relay::RelayState)>, RelayDrops) {
        (self.clients.states(), self.clients.drops())
    }
}

impl Drop for Relaying {
    fn drop(&mut self) {
        self.feeding.abort();
    }
}

async fn feed(clients: Arc<RelayClients>, mut relayed: mpsc::Receiver<RelayedTrain>) {
    while let Some(RelayedTrain { relay, peer, segment_size, bytes }) = relayed.recv().await {
        clients.send(relay.0, peer, Train { segment_size, bytes });
    }
}

struct User {
    engine: Engine,
    endpoint: Arc<Endpoint>,
}

impl User {
    fn tell_engine(&self, command: Command) {
        if self.engine.apply(command).is_err() {
            tracing::debug!("the engine has stopped");
        }
    }
}

impl RelayUser for User {
    fn train(&self, relay: RelayIndex, from: NodeId, train: Train) {
        self.engine.relay_in(RelayId(relay), from, train.segment_size, train.bytes);
    }

    fn connected(&self, relay: RelayIndex, address: &RelayAddress, round_trip: Duration) {
        self.endpoint.report_relay(address, true);
        let state = RelayState { name: address.to_string(), rtt: round_trip, mtu: MTU };
        self.tell_engine(Command::SetRelay { relay: RelayId(relay), state: Some(state) });
    }

    fn lost(&self, relay: RelayIndex, address: &RelayAddress) {
        self.endpoint.report_relay(address, false);
        self.tell_engine(Command::SetRelay { relay: RelayId(relay), state: None });
    }

    fn ready(&self, relay: RelayIndex, is_ready: bool) {
        self.tell_engine(Command::SetRelayReady { relay: RelayId(relay), ready: is_ready });
    }
}
