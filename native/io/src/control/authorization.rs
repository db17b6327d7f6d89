//! Which endpoint speaks for which node, as Python has verified.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use golem_vpn_proto::NodeId;
use iroh::EndpointId;

use super::address::PeerAddress;

/// The endpoint that a node was last seen with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contact {
    pub(super) endpoint: EndpointId,
    pub(super) addresses: Vec<PeerAddress>,
}

#[derive(Default)]
pub(super) struct Authorization {
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    nodes: HashMap<EndpointId, NodeId>,
    contacts: HashMap<NodeId, Contact>,
}

impl Authorization {
    /// Ties an endpoint to a node. A node speaks through one endpoint: an earlier one loses its right.
    pub(super) fn authorize(&self, endpoint: EndpointId, node: NodeId, addresses: Vec<PeerAddress>) {
        let mut tables = self.tables();
        if let Some(earlier) = tables.contacts.insert(node, Contact { endpoint, addresses })
            && earlier.endpoint != endpoint
        {
            tables.nodes.remove(&earlier.endpoint);
        }
        if let Some(earlier) = tables.nodes.insert(endpoint, node)
            && earlier != node
        {
            tables.contacts.remove(&earlier);
        }
    }

    pub(super) fn revoke(&self, endpoint: EndpointId) {
        let mut tables = self.tables();
        if let Some(node) = tables.nodes.remove(&endpoint) {
            tables.contacts.remove(&node);
        }
    }

    pub(super) fn node(&self, endpoint: EndpointId) -> Option<NodeId> {
        self.tables().nodes.get(&endpoint).copied()
    }

    pub(super) fn contact(&self, node: NodeId) -> Option<Contact> {
        self.tables().contacts.get(&node).cloned()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId([7; 20]);

    fn endpoint(seed: u8) -> EndpointId {
        iroh::SecretKey::from_bytes(&[seed; 32]).public()
    }

    #[test]
    fn a_node_speaks_through_its_newest_endpoint_only() {
        let authorization = Authorization::default();
        authorization.authorize(endpoint(1), NODE, vec![]);
        authorization.authorize(endpoint(2), NODE, vec![]);
        assert_eq!(authorization.node(endpoint(1)), None);
        assert_eq!(authorization.node(endpoint(2)), Some(NODE));
        assert_eq!(authorization.contact(NODE).map(|contact| contact.endpoint), Some(endpoint(2)));
    }

    #[test]
    fn a_revoked_endpoint_is_a_stranger_again() {
        let authorization = Authorization::default();
        authorization.authorize(endpoint(1), NODE, vec![]);
        authorization.revoke(endpoint(1));
        assert_eq!(authorization.node(endpoint(1)), None);
        assert_eq!(authorization.contact(NODE), None);
    }
}
