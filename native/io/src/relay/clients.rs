//! The relays that this node's packets may take: its own, always connected, and those of peers that share none of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use golem_vpn_proto::NodeId;
use iroh::{EndpointId, SecretKey};
use tokio::runtime::Handle;

use super::RelayAddress;
use super::client::Client;

/// Relays of peers that this node is connected to at once.
const FOREIGN: usize = 16;
/// How many relays of one peer are tried.
const PER_PEER: usize = 2;
/// A relay that no peer needs any more is kept for so long.
const LINGER: Duration = Duration::from_secs(60);
/// Relays ever named while the process runs; an index is never given to another one.
const INDICES: usize = 4096;

/// Stands for a relay while the process runs.
pub type RelayIndex = u16;

/// Datagrams of `segment_size` bytes each, one after the other; the last may be shorter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Train {
    pub segment_size: usize,
    pub bytes: Vec<u8>,
}

/// Who takes what comes through relays, and is told how they are. Must not wait.
pub trait RelayUser: Send + Sync + 'static {
    fn train(&self, relay: RelayIndex, from: NodeId, train: Train);
    /// A relay is connected, or its round-trip time has changed much.
    fn connected(&self, relay: RelayIndex, address: &RelayAddress, round_trip: Duration);
    fn lost(&self, relay: RelayIndex, address: &RelayAddress);
    /// Whether a connected relay takes more; it does at first.
    fn ready(&self, relay: RelayIndex, is_ready: bool);
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayState {
    Connecting,
    Connected { round_trip: Duration },
    Failed { cause: String },
}

/// What the clients dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelayDrops {
    /// From a key of no known peer.
    pub unknown_sender: u64,
    /// To a peer whose key is not known.
    pub unknown_receiver: u64,
    /// To a relay that is not connected.
    pub unconnected: u64,
    /// To a relay that takes no more at the moment.
    pub overfull: u64,
}

/// The clients of all relays; disconnects from all when dropped.
pub struct RelayClients {
    inner: Arc<Inner>,
}

struct Inner {
    context: Arc<Context>,
    table: Mutex<Table>,
    runtime: Handle,
}

/// What the clients of all relays share.
pub(super) struct Context {
    pub(super) key: SecretKey,
    pub(super) user: Arc<dyn RelayUser>,
    pub(super) drops: Drops,
    keys: RwLock<Keys>,
}

#[derive(Default)]
pub(super) struct Drops {
    unknown_sender: AtomicU64,
    unknown_receiver: AtomicU64,
    pub(super) unconnected: AtomicU64,
    pub(super) overfull: AtomicU64,
}

/// The peers by the keys that they have at relays, and the other way round.
#[derive(Default)]
struct Keys {
    nodes: HashMap<EndpointId, NodeId>,
    keys: HashMap<NodeId, EndpointId>,
}

#[derive(Default)]
struct Table {
    addresses: Vec<RelayAddress>,
    clients: BTreeMap<RelayIndex, Client>,
    own: BTreeSet<RelayIndex>,
    peers: HashMap<NodeId, Vec<RelayIndex>>,
    unneeded: BTreeMap<RelayIndex, Instant>,
    /// When the unneeded ones are looked at again.
    next_look: Option<Instant>,
}

impl RelayClients {
    /// Connects to nothing yet; `key` is what relays know this node by.
    pub fn new(key: SecretKey, user: Arc<dyn RelayUser>, runtime: Handle) -> Self {
        let context = Context { key, user, drops: Drops::default(), keys: RwLock::default() };
        Self { inner: Arc::new(Inner { context: Arc::new(context), table: Mutex::default(), runtime }) }
    }

    /// Replaces the relays that this node keeps connections to.
    pub fn set_relays(&self, relays: &[RelayAddress]) {
        let mut table = self.inner.table();
        table.own = relays.iter().filter_map(|relay| table.index(relay)).collect();
        self.inner.reconcile(&mut table);
    }

    /// Says by which key and at which relays a peer is found; gives the indices of those relays.
    pub fn set_peer(&self, node: NodeId, key: Option<EndpointId>, relays: &[RelayAddress]) -> Vec<RelayIndex> {
        self.inner.context.set_key(node, key);
        let mut table = self.inner.table();
        let relays: Vec<_> = relays.iter().filter_map(|relay| table.index(relay)).collect();
        table.peers.insert(node, relays.clone());
        self.inner.reconcile(&mut table);
        relays
    }

    pub fn forget_peer(&self, node: NodeId) {
        self.inner.context.set_key(node, None);
        let mut table = self.inner.table();
        table.peers.remove(&node);
        self.inner.reconcile(&mut table);
    }

    /// Sends a train; `false` when it was dropped and counted.
    pub fn send(&self, relay: RelayIndex, to: NodeId, train: Train) -> bool {
        let context = &self.inner.context;
        let Some(key) = context.key_of(to) else {
            context.drops.unknown_receiver.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        match self.inner.table().clients.get(&relay) {
            Some(client) => client.send(key, train),
            None => {
                context.drops.unconnected.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }

    /// Lists the relays in use, by address, own ones first.
    pub fn states(&self) -> Vec<(RelayAddress, RelayState)> {
        let table = self.inner.table();
        let mut clients: Vec<_> = table.clients.iter().collect();
        clients.sort_by_key(|(index, client)| (!table.own.contains(index), client.address().clone()));
        clients.into_iter().map(|(_, client)| (client.address().clone(), client.state())).collect()
    }

    pub fn drops(&self) -> RelayDrops {
        let drops = &self.inner.context.drops;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RelayDrops {
            unknown_sender: read(&drops.unknown_sender),
            unknown_receiver: read(&drops.unknown_receiver),
            unconnected: read(&drops.unconnected),
            overfull: read(&drops.overfull),
        }
    }
}

impl Context {
    pub(super) fn receive(&self, relay: RelayIndex, from: EndpointId, train: Train) {
        let node = self.keys.read().unwrap_or_else(PoisonError::into_inner).nodes.get(&from).copied();
        match node {
            Some(node) if !train.bytes.is_empty() => self.user.train(relay, node, train),
            _ => _ = self.drops.unknown_sender.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn set_key(&self, node: NodeId, key: Option<EndpointId>) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = keys.keys.remove(&node) {
            keys.nodes.remove(&earlier);
        }
        // A key speaks for one node: for the one that said so last.
        if let Some(key) = key {
            if let Some(other) = keys.nodes.insert(key, node) {
                keys.keys.remove(&other);
            }
            keys.keys.insert(node, key);
        }
    }

    fn key_of(&self, node: NodeId) -> Option<EndpointId> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).keys.get(&node).copied()
    }
}

impl Inner {
    /// Starts the clients that are needed and ends those that have not been for a while.
    fn reconcile(self: &Arc<Self>, table: &mut Table) {
        let now = Instant::now();
        let needed = table.needed();
        let Table { addresses, clients, unneeded, .. } = table;
        unneeded.retain(|index, _| !needed.contains(index));
        for index in &needed {
            let address = &addresses[usize::from(*index)];
            clients
                .entry(*index)
                .or_insert_with(|| Client::start(*index, address.clone(), self.context.clone(), &self.runtime));
        }
        let idle: Vec<_> = clients.keys().filter(|index| !needed.contains(index)).copied().collect();
        for index in idle {
            if now.saturating_duration_since(*unneeded.entry(index).or_insert(now)) >= LINGER {
                unneeded.remove(&index);
                clients.remove(&index);
            }
        }
        let next_look = unneeded.values().min().map(|since| *since + LINGER);
        if next_look.is_some() && table.next_look.is_none() {
            table.next_look = next_look;
            next_look.into_iter().for_each(|at| self.reconcile_at(at));
        }
    }

    fn reconcile_at(self: &Arc<Self>, at: Instant) {
        let inner: Weak<Self> = Arc::downgrade(self);
        self.runtime.spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            if let Some(inner) = inner.upgrade() {
                let mut table = inner.table();
                table.next_look = None;
                inner.reconcile(&mut table);
            }
        });
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn index(&mut self, relay: &RelayAddress) -> Option<RelayIndex> {
        let known = self.addresses.iter().position(|address| address == relay);
        let index = known.or_else(|| {
            (self.addresses.len() < INDICES).then(|| {
                self.addresses.push(relay.clone());
                self.addresses.len() - 1
            })
        });
        index.and_then(|index| index.try_into().ok())
    }

    /// The own relays, and some of each peer that is at none of them.
    fn needed(&self) -> BTreeSet<RelayIndex> {
        let strangers = self.peers.values().filter(|relays| relays.iter().all(|relay| !self.own.contains(relay)));
        let foreign: BTreeSet<_> = strangers.flat_map(|relays| relays.iter().take(PER_PEER)).copied().collect();
        self.own.iter().copied().chain(foreign.into_iter().take(FOREIGN)).collect()
    }
}
