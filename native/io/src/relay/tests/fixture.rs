//! A relay, nodes that use it, and what they hear.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use golem_vpn_proto::NodeId;
use iroh::SecretKey;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::relay::{
    Admitted, Pem, Relay, RelayAddress, RelayClients, RelayIndex, RelayState, RelayUser, Train, make_certificate,
};

pub(super) const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    Train(RelayIndex, NodeId, Train),
    Connected(RelayIndex),
    Lost(RelayIndex),
    Ready(RelayIndex, bool),
}

struct Ear(UnboundedSender<Heard>);

impl RelayUser for Ear {
    fn train(&self, relay: RelayIndex, from: NodeId, train: Train) {
        let _ = self.0.send(Heard::Train(relay, from, train));
    }

    fn connected(&self, relay: RelayIndex, _: &RelayAddress, _: Duration) {
        let _ = self.0.send(Heard::Connected(relay));
    }

    fn lost(&self, relay: RelayIndex, _: &RelayAddress) {
        let _ = self.0.send(Heard::Lost(relay));
    }

    fn ready(&self, relay: RelayIndex, is_ready: bool) {
        let _ = self.0.send(Heard::Ready(relay, is_ready));
    }
}

/// A node with its packet clients.
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) key: SecretKey,
    pub(super) clients: RelayClients,
    heard: UnboundedReceiver<Heard>,
}

impl Node {
    pub(super) fn new(seed: u8) -> Self {
        let (sender, heard) = unbounded_channel();
        let key = SecretKey::from_bytes(&[seed; 32]);
        let clients = RelayClients::new(key.clone(), Arc::new(Ear(sender)), tokio::runtime::Handle::current());
        Self { id: NodeId([seed; 20]), key, clients, heard }
    }

    pub(super) fn meet(&self, peer: &Self, relays: &[RelayAddress]) -> Vec<RelayIndex> {
        self.clients.set_peer(peer.id, Some(peer.key.public()), relays)
    }

    /// Waits for something; what else is heard before is left out.
    pub(super) async fn hears<T>(&mut self, pick: impl Fn(Heard) -> Option<T>) -> T {
        let heard = async {
            loop {
                let heard = self.heard.recv().await.expect("the clients are there");
                if let Some(picked) = pick(heard) {
                    return picked;
                }
            }
        };
        timeout(PATIENCE, heard).await.expect("heard in time")
    }

    pub(super) async fn is_connected(&mut self) -> RelayIndex {
        self.hears(|heard| if let Heard::Connected(relay) = heard { Some(relay) } else { None }).await
    }

    pub(super) async fn is_disconnected(&mut self) -> RelayIndex {
        self.hears(|heard| if let Heard::Lost(relay) = heard { Some(relay) } else { None }).await
    }

    pub(super) async fn train(&mut self) -> (RelayIndex, NodeId, Train) {
        let pick = |heard| if let Heard::Train(relay, from, train) = heard { Some((relay, from, train)) } else { None };
        self.hears(pick).await
    }

    /// Waits until the only relay has failed; gives the cause.
    pub(super) async fn failure(&self) -> String {
        let failed = async {
            loop {
                if let [(_, RelayState::Failed { cause })] = &self.clients.states()[..] {
                    return cause.clone();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, failed).await.expect("it fails in time")
    }
}

pub(super) fn certificate() -> Pem {
    make_certificate(vec!["127.0.0.1".to_owned()]).expect("names of the machine")
}

pub(super) async fn relay(listen: &str, bytes_per_second: Option<u32>) -> Relay {
    let limit = bytes_per_second.and_then(NonZeroU32::new);
    Relay::start(listen.parse().expect("an address"), &certificate(), limit).await.expect("the relay starts")
}

pub(super) fn address(relay: &Relay) -> RelayAddress {
    format!("https://{}#sha256={}", relay.address(), relay.pin()).parse().expect("an address of a relay")
}

pub(super) fn admit(relay: &Relay, nodes: &[&Node]) {
    let keys: HashSet<_> = nodes.iter().map(|node| node.key.public()).collect();
    relay.set_admitted(Admitted { keys, ..Admitted::default() });
}

pub(super) fn train(segment_size: usize, length: usize) -> Train {
    Train { segment_size, bytes: (0..length).map(|place| place as u8).collect() }
}
