//! Which peers to tell that their sessions are lost here, and how often.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use golem_vpn_proto::{NodeId, Route};

const PAUSE: Duration = Duration::from_secs(1);

/// The peers by the addresses that the control plane knows of them.
#[derive(Default)]
pub(super) struct Resets {
    peers: Mutex<HashMap<NodeId, Peer>>,
}

struct Peer {
    addresses: Vec<SocketAddr>,
    told: Option<Instant>,
}

impl Resets {
    pub(super) fn set_addresses(&self, node: NodeId, addresses: Vec<SocketAddr>) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.entry(node).or_insert(Peer { addresses: Vec::new(), told: None }).addresses = addresses;
    }

    pub(super) fn forget(&self, node: NodeId) {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).remove(&node);
    }

    /// Lists the peers to tell now because of a datagram that came from there. Several may have one address (behind a NAT).
    pub(super) fn due(&self, now: Instant, from: Route) -> Vec<NodeId> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |peer: &Peer| peer.told.is_none_or(|told| now.saturating_duration_since(told) >= PAUSE);
        let is_source = |node: &NodeId, peer: &Peer| match from {
            Route::Direct(address) => peer.addresses.contains(&address),
            Route::Relayed { peer, .. } => peer == *node,
        };
        let due = peers.iter_mut().filter(|(node, peer)| is_source(node, peer) && is_due(peer));
        due.map(|(node, peer)| {
            peer.told = Some(now);
            *node
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_told_once_in_a_while() {
        let (node, address) = (NodeId([1; 20]), "192.0.2.1:7".parse().unwrap());
        let from = Route::Direct(address);
        let resets = Resets::default();
        let start = Instant::now();
        assert!(resets.due(start, from).is_empty());
        resets.set_addresses(node, vec![address]);
        assert_eq!(resets.due(start, from), [node]);
        assert!(resets.due(start + PAUSE / 2, from).is_empty());
        assert_eq!(resets.due(start + PAUSE, from), [node]);
        resets.forget(node);
        assert!(resets.due(start + 2 * PAUSE, from).is_empty());
    }
}
