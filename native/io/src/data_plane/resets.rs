//! Which peers to tell that their sessions are lost here, and how often.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use golem_vpn_proto::NodeId;

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

    /// Lists the peers to tell now because of a datagram from this address. Several may have one address (behind a NAT).
    pub(super) fn due(&self, now: Instant, from: SocketAddr) -> Vec<NodeId> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |peer: &Peer| peer.told.is_none_or(|told| now.saturating_duration_since(told) >= PAUSE);
        let due = peers.iter_mut().filter(|(_, peer)| peer.addresses.contains(&from) && is_due(peer));
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
        let resets = Resets::default();
        let start = Instant::now();
        assert!(resets.due(start, address).is_empty());
        resets.set_addresses(node, vec![address]);
        assert_eq!(resets.due(start, address), [node]);
        assert!(resets.due(start + PAUSE / 2, address).is_empty());
        assert_eq!(resets.due(start + PAUSE, address), [node]);
        resets.forget(node);
        assert!(resets.due(start + 2 * PAUSE, address).is_empty());
    }
}
