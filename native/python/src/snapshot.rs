//! The state of the data plane as a dictionary: counters in the words of metrics, the rest in those of the REST API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use golem_vpn_io::engine::{self, DeviceKind};
use golem_vpn_io::relay::{RelayAddress, RelayDrops, RelayState};
use golem_vpn_io::tun::TunOffloads;
use golem_vpn_proto::{CandidateStatus, DropReason, LinkStatus, Nat, PathStatus, PeerStatus, Reason, Route, Traffic};
use pyo3::prelude::*;

#[derive(IntoPyObject)]
pub struct Snapshot {
    counters: BTreeMap<&'static str, u64>,
    drops: BTreeMap<&'static str, u64>,
    peers: Vec<Peer>,
    relays: Vec<Relay>,
    nat: Surroundings,
    devices: Vec<Device>,
    offloads: BTreeMap<&'static str, bool>,
    cipher: &'static str,
}

#[derive(IntoPyObject)]
#[pyo3(rename_all = "camelCase")]
struct Peer {
    node_id: String,
    candidates: Vec<Address>,
    path: Path,
    /// Where its newest packet came from, in any network.
    address: Option<String>,
    packets_in: u64,
    bytes_in: u64,
    packets_out: u64,
    bytes_out: u64,
    /// Seconds since its newest packet.
    silent_for: Option<f64>,
    networks: Vec<Link>,
}

/// An address where a peer may be reached directly.
#[derive(IntoPyObject)]
struct Address {
    address: String,
    source: &'static str,
    /// "untried", "probing", "proven" or "failed".
    result: &'static str,
}

/// The way that packets to a peer take; what does not apply is `None`.
#[derive(IntoPyObject)]
#[pyo3(rename_all = "camelCase")]
struct Path {
    /// "direct", "relayed" or "none".
    kind: &'static str,
    address: Option<String>,
    relay: Option<String>,
    /// Seconds for which packets have taken it.
    since: Option<f64>,
    rtt_ms: Option<f64>,
    loss_percent: Option<f64>,
    /// Longest packet of a network that is known to pass.
    mtu: Option<u16>,
    reason: Option<&'static str>,
    /// Seconds until direct addresses are tried again.
    next_try: Option<f64>,
}

/// A relay in use.
#[derive(IntoPyObject)]
#[pyo3(rename_all = "camelCase")]
struct Relay {
    url: String,
    /// "connecting", "connected" or "failed".
    state: &'static str,
    rtt_ms: Option<f64>,
    /// Why there is no connection, in words.
    failure: Option<String>,
}

/// How others see this node.
#[derive(IntoPyObject)]
struct Surroundings {
    reflected: Vec<String>,
    /// Whether others see it at different ports; `None` where nobody can tell.
    symmetric: Option<bool>,
}

#[derive(IntoPyObject)]
#[pyo3(rename_all = "camelCase")]
struct Link {
    network_id: String,
    address: Option<String>,
    cipher: Option<&'static str>,
    /// Seconds since the start of the session.
    session_age: Option<f64>,
    packets_in: u64,
    bytes_in: u64,
    packets_out: u64,
    bytes_out: u64,
}

#[derive(IntoPyObject)]
#[pyo3(rename_all = "camelCase")]
struct Device {
    id: u32,
    name: String,
    kind: &'static str,
    offloads: BTreeMap<&'static str, bool>,
    packets_in: u64,
    bytes_in: u64,
    packets_out: u64,
    bytes_out: u64,
}

impl Snapshot {
    pub fn new(snapshot: engine::Snapshot, relays: Vec<(RelayAddress, RelayState)>, relay_drops: RelayDrops) -> Self {
        let now = Instant::now();
        Self {
            counters: counters(&snapshot),
            drops: drops(&snapshot, relay_drops),
            relays: relays.into_iter().map(Relay::from).collect(),
            offloads: offloads(&snapshot),
            cipher: snapshot.ciphers.first().map_or("", |cipher| cipher.name()),
            nat: Surroundings::new(&snapshot),
            peers: snapshot.peers.into_iter().map(|peer| Peer::new(peer, now)).collect(),
            devices: snapshot.devices.into_iter().map(Device::from).collect(),
        }
    }
}

impl Peer {
    fn new(peer: PeerStatus, now: Instant) -> Self {
        let sum = |count: fn(&Traffic) -> u64| peer.networks.iter().map(|link| count(&link.traffic)).sum();
        let newest = peer.networks.iter().max_by_key(|link| link.traffic.last_received);
        let heard = newest.and_then(|link| link.traffic.last_received);
        Self {
            node_id: peer.node.to_string(),
            path: Path::new(&peer.path, now),
            candidates: peer.candidates.iter().map(Address::from).collect(),
            address: newest.and_then(|link| link.address).map(|address| address.to_string()),
            packets_in: sum(|traffic| traffic.packets_in),
            bytes_in: sum(|traffic| traffic.bytes_in),
            packets_out: sum(|traffic| traffic.packets_out),
            bytes_out: sum(|traffic| traffic.bytes_out),
            silent_for: heard.map(|then| now.saturating_duration_since(then).as_secs_f64()),
            networks: peer.networks.iter().map(|link| Link::new(link, now)).collect(),
        }
    }
}

impl From<&CandidateStatus> for Address {
    fn from(candidate: &CandidateStatus) -> Self {
        let CandidateStatus { address, source, outcome, .. } = candidate;
        Self { address: address.to_string(), source: source.name(), result: outcome.name() }
    }
}

impl From<(RelayAddress, RelayState)> for Relay {
    fn from((address, state): (RelayAddress, RelayState)) -> Self {
        let (name, rtt_ms, failure) = match state {
            RelayState::Connecting => ("connecting", None, None),
            RelayState::Connected { round_trip } => ("connected", Some(milliseconds(round_trip)), None),
            RelayState::Failed { cause } => ("failed", None, Some(cause)),
        };
        Self { url: address.to_string(), state: name, rtt_ms, failure }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

impl Path {
    fn new(path: &PathStatus, now: Instant) -> Self {
        Self {
            kind: match path.route {
                None => "none",
                Some(Route::Direct(_)) => "direct",
                Some(Route::Relayed { .. }) => "relayed",
            },
            address: path.route.and_then(|route| route.address()).map(|address| address.to_string()),
            relay: path.relay.clone(),
            since: path.since.map(|since| now.saturating_duration_since(since).as_secs_f64()),
            rtt_ms: path.rtt.map(milliseconds),
            loss_percent: path.loss_percent,
            mtu: path.mtu,
            reason: path.reason.map(Reason::words),
            next_try: path.next_try.map(|at| at.saturating_duration_since(now).as_secs_f64()),
        }
    }
}

impl Surroundings {
    fn new(snapshot: &engine::Snapshot) -> Self {
        let symmetric = match snapshot.nat {
            Nat::Symmetric => Some(true),
            Nat::Independent => Some(false),
            Nat::Unknown | Nat::Blocked | Nat::RelayedOnly => None,
        };
        Self { reflected: snapshot.reflected.iter().map(SocketAddr::to_string).collect(), symmetric }
    }
}

impl Link {
    fn new(link: &LinkStatus, now: Instant) -> Self {
        Self {
            network_id: link.network.to_string(),
            address: link.address.map(|address| address.to_string()),
            cipher: link.session.map(|(cipher, _)| cipher.name()),
            session_age: link.session.map(|(_, start)| now.saturating_duration_since(start).as_secs_f64()),
            packets_in: link.traffic.packets_in,
            bytes_in: link.traffic.bytes_in,
            packets_out: link.traffic.packets_out,
            bytes_out: link.traffic.bytes_out,
        }
    }
}

impl From<engine::DeviceStatus> for Device {
    fn from(device: engine::DeviceStatus) -> Self {
        let kind = match device.kind {
            DeviceKind::Tun => "tun",
            DeviceKind::Queue => "stack",
        };
        let TunOffloads { checksum, tcp, udp, .. } = device.offloads;
        Self {
            id: device.id.0,
            name: device.name,
            kind,
            offloads: BTreeMap::from([("checksum", checksum), ("tcp", tcp), ("udp", udp)]),
            packets_in: device.counters.packets_in,
            bytes_in: device.counters.bytes_in,
            packets_out: device.counters.packets_out,
            bytes_out: device.counters.bytes_out,
        }
    }
}

fn counters(snapshot: &engine::Snapshot) -> BTreeMap<&'static str, u64> {
    let (rules, socket) = (&snapshot.counters, snapshot.socket.counters);
    BTreeMap::from([
        ("packets_out", rules.packets_out),
        ("bytes_out", rules.bytes_out),
        ("packets_in", rules.packets_in),
        ("bytes_in", rules.bytes_in),
        ("packets_local", rules.packets_local),
        ("bytes_local", rules.bytes_local),
        ("datagrams_sent", socket.datagrams_sent),
        ("send_calls", socket.send_calls),
        ("send_waits", socket.send_waits),
        ("datagrams_received", socket.datagrams_received),
        ("receive_calls", socket.receive_calls),
        ("receive_errors", socket.receive_errors),
        ("trains_by_workers", snapshot.trains_by_workers),
        ("events_lost", snapshot.dropped_events),
    ])
}

fn drops(snapshot: &engine::Snapshot, relays: RelayDrops) -> BTreeMap<&'static str, u64> {
    let socket = snapshot.socket.counters;
    let devices =
        |count: fn(&engine::DeviceCounters) -> u64| snapshot.devices.iter().map(|it| count(&it.counters)).sum();
    let mut drops: BTreeMap<_, _> =
        DropReason::ALL.iter().map(|reason| (reason.name(), snapshot.counters.drops(*reason))).collect();
    drops.extend([
        ("datagram_too_big", socket.dropped_too_big),
        ("datagram_unreachable", socket.dropped_unreachable),
        ("datagram_send_failed", socket.dropped_send_failed),
        ("datagram_receive_full", socket.dropped_receive_full),
        ("datagram_empty", socket.dropped_empty),
        ("relay_full", snapshot.dropped_relayed.outgoing),
        ("relay_full_in", snapshot.dropped_relayed.incoming),
        ("relay_unknown_sender", relays.unknown_sender),
        ("relay_unknown_receiver", relays.unknown_receiver),
        ("relay_unconnected", relays.unconnected),
        ("relay_overfull", relays.overfull),
        ("device_unreadable", devices(|counters| counters.dropped_in)),
        ("device_full", devices(|counters| counters.dropped_out)),
    ]);
    drops
}

/// Those of TUNs only where there are some, and then whether all have them.
fn offloads(snapshot: &engine::Snapshot) -> BTreeMap<&'static str, bool> {
    let mut offloads = BTreeMap::from([
        ("udp_segmentation", snapshot.socket.segmentation),
        ("udp_receive", snapshot.socket.receive_offload),
        ("udp_receive_batch", snapshot.socket.receive_batch),
    ]);
    let tuns: Vec<_> = snapshot.devices.iter().filter(|device| device.kind == DeviceKind::Tun).collect();
    if !tuns.is_empty() {
        offloads.extend([
            ("tun_checksum", tuns.iter().all(|tun| tun.offloads.checksum)),
            ("tun_tcp", tuns.iter().all(|tun| tun.offloads.tcp)),
            ("tun_udp", tuns.iter().all(|tun| tun.offloads.udp)),
        ]);
    }
    offloads
}
