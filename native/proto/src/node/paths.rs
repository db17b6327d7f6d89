//! The ways to peers: what changes them, and what they ask for.

use std::net::SocketAddr;
use std::time::Instant;

use super::Node;
use crate::link::Way;
use crate::links::LinkId;
use crate::paths::{Count, FRAME_LENGTH, Frame, silence_limit};
use crate::session::Session;
use crate::trains::Trains;
use crate::wire::{HEADER_LENGTH, OVERHEAD, TAG_LENGTH};
use crate::{Candidate, DropReason, Ecn, Nat, NetworkId, NodeId, RelayId, RelayState, Route};

/// A control frame as it came.
pub(super) struct Arrival {
    pub link: LinkId,
    pub peer: NodeId,
    pub from: Route,
    /// The session it came in, and the packets received there before it.
    pub session: u32,
    pub packets: u64,
}

impl Node {
    /// Sets where a peer's data socket may be reached, and the relays that it is connected to. Sessions that exist try
    /// new addresses at once, and handshakes that failed before the peer was there are tried again.
    pub fn set_peer(&mut self, now: Instant, node: NodeId, candidates: Vec<Candidate>, relays: Vec<RelayId>) {
        let peer = self.peers.find_or_add(node, &self.config);
        let is_elsewhere = peer.paths.set_candidates(now, &candidates) | (peer.relays != relays);
        peer.relays = relays;
        let routes = self.relays.routes(node, &peer.relays);
        peer.paths.set_relays(now, &routes);
        self.settle(now, node, None);
        for id in self.links.of_peer(node) {
            if is_elsewhere {
                self.links.get_mut(id).into_iter().for_each(|link| link.schedule.forget_failures());
            }
            self.seek_session(now, id);
        }
    }

    /// Says that this node is connected to a relay, or no longer.
    pub fn set_relay(&mut self, now: Instant, relay: RelayId, state: Option<RelayState>) {
        if !self.relays.set(relay, state) {
            return;
        }
        let uses =
            |peer: &crate::peers::Peer| peer.relays.contains(&relay) || peer.paths.relays().any(|id| id == relay);
        let users: Vec<_> = self.peers.iter().filter(|(_, peer)| uses(peer)).map(|(node, _)| node).collect();
        for node in users {
            let Some(peer) = self.peers.get_mut(node) else { continue };
            // The peer may have come through a relay that its record does not name.
            let heard: Vec<_> = peer.paths.relays().filter(|id| !peer.relays.contains(id)).collect();
            let routes = self.relays.routes(node, &[peer.relays.clone(), heard].concat());
            peer.paths.set_relays(now, &routes);
            self.settle(now, node, None);
            for link in self.links.of_peer(node) {
                self.seek_session(now, link);
            }
        }
    }

    /// Says whether a relay takes more; while it does not, packets for it wait.
    pub fn set_relay_ready(&mut self, now: Instant, relay: RelayId, ready: bool) {
        self.relays.set_ready(now, relay, ready);
    }

    /// The system knows no way to an address: what goes there takes another way at once.
    pub fn handle_unreachable(&mut self, now: Instant, address: SocketAddr) {
        let route = Route::Direct(address);
        let users = self.peers.iter().filter(|(_, peer)| peer.paths.route() == Some(route)).map(|(node, _)| node);
        for node in users.collect::<Vec<_>>() {
            self.peers.get_mut(node).into_iter().for_each(|peer| peer.paths.refused(now, route));
            self.settle(now, node, None);
        }
    }

    /// The link to a peer in a network, which takes the way that the peer's other links take.
    pub(super) fn link(&mut self, network: NetworkId, peer: NodeId) -> LinkId {
        let id = self.links.find_or_add(network, peer, self.config.mtu);
        let way = self.peers.find_or_add(peer, &self.config).way;
        self.links.get_mut(id).into_iter().for_each(|link| link.way = way);
        id
    }

    /// A session began in which nothing was said yet, or not heard.
    pub(super) fn announce(&mut self, now: Instant, id: LinkId) {
        let Some(node) = self.links.get(id).map(|link| link.peer) else { return };
        self.peers.find_or_add(node, &self.config).paths.probe_all(now);
        self.settle(now, node, Some(id));
    }

    pub(super) fn session_began(&mut self, now: Instant, node: NodeId, id: LinkId) {
        self.peers.find_or_add(node, &self.config).paths.session_began(now);
        self.settle(now, node, Some(id));
    }

    /// An authentic datagram came from elsewhere than the one before.
    pub(super) fn heard_elsewhere(&mut self, now: Instant, node: NodeId, id: LinkId, from: Route) {
        let state = from.relay().and_then(|relay| self.relays.state(relay)).cloned();
        self.peers.find_or_add(node, &self.config).paths.heard(now, from, state.as_ref());
        self.settle(now, node, Some(id));
    }

    /// Nothing came back for too long over the way that packets take.
    pub(super) fn doubt(&mut self, now: Instant, id: LinkId) {
        let Some(node) = self.links.get(id).map(|link| link.peer) else { return };
        self.note_links(node);
        self.peers.get_mut(node).into_iter().for_each(|peer| peer.paths.doubt(now));
        self.settle(now, node, Some(id));
    }

    pub(super) fn step_paths(&mut self, now: Instant) {
        while let Some(node) = self.peers.pop_due(now) {
            self.note_links(node);
            self.peers.get_mut(node).into_iter().for_each(|peer| peer.paths.handle_timeout(now));
            self.settle(now, node, None);
        }
    }

    pub(super) fn handle_frame(&mut self, now: Instant, arrival: &Arrival, frame: &[u8]) -> Result<(), DropReason> {
        let &Arrival { link, peer, from, session, packets: received } = arrival;
        let frame = Frame::decode(frame).ok_or(DropReason::MalformedFrame)?;
        let paths = &mut self.peers.find_or_add(peer, &self.config).paths;
        match frame {
            Frame::Probe { id, nat, sent } => {
                paths.probe_received(now, nat, Count { session, sent, received });
                self.answer_probe(now, link, from, id, received);
            }
            Frame::Answer { id, nat, received, seen } => {
                paths.answered(now, from, id, nat, received);
                seen.into_iter().for_each(|seen| self.reflections.seen_by_peer(now, seen));
                self.settle(now, peer, Some(link));
            }
        }
        Ok(())
    }

    /// What lies between this node and others, as it tells its peers.
    pub(super) fn own_nat(&self, now: Instant) -> Nat {
        if self.config.relayed_only { Nat::RelayedOnly } else { self.reflections.nat(now) }
    }

    /// Carries out what a peer's paths have decided.
    pub(super) fn settle(&mut self, now: Instant, node: NodeId, preferred: Option<LinkId>) {
        self.send_probes(now, node, preferred);
        self.take_way(now, node);
        if self.peers.get_mut(node).is_some_and(|peer| peer.paths.take_failure()) {
            self.reflections.ask_again(now);
        }
        self.peers.plan(node);
    }

    fn answer_probe(&mut self, now: Instant, link: LinkId, from: Route, id: u64, received: u64) {
        if self.config.relayed_only && from.relay().is_none() {
            return;
        }
        let nat = self.own_nat(now);
        let answer = Frame::Answer { id, nat, received, seen: from.address() };
        if let Some(session) = self.links.get_mut(link).and_then(|link| link.frame_session(now)) {
            seal_frame(session, &mut self.trains, from, FRAME_LENGTH, &answer);
        }
    }

    /// Sends the probes that are wanted, in the preferred link's session or by turns in those of all links, as the peer
    /// may have lost one of them. Those that find no session or no room are not missed: probes are repeated.
    fn send_probes(&mut self, now: Instant, node: NodeId, preferred: Option<LinkId>) {
        let nat = self.own_nat(now);
        let Some(peer) = self.peers.get_mut(node) else { return };
        let mut usable = Vec::new();
        while let Some(order) = peer.paths.next_order() {
            if usable.is_empty() {
                let can_send =
                    |id: &LinkId| self.links.get_mut(*id).is_some_and(|link| link.frame_session(now).is_some());
                usable = preferred.into_iter().filter(can_send).collect();
            }
            if usable.is_empty() {
                usable = self.links.of_peer(node);
                usable.retain(|id| self.links.get_mut(*id).is_some_and(|link| link.frame_session(now).is_some()));
            }
            let id = usable.get(order.id as usize % usable.len().max(1)).copied();
            let Some(link) = id.and_then(|id| self.links.get_mut(id)) else { continue };
            let Some(session) = link.frame_session(now) else { continue };
            let (index, sent) = (session.index, session.packets_sent);
            let probe = Frame::Probe { id: order.id, nat, sent };
            if seal_frame(session, &mut self.trains, order.route, order.length.into(), &probe) {
                peer.paths.sent(now, order, index, sent);
            }
        }
    }

    /// Lets the links take the way that the paths have chosen, if it is another.
    fn take_way(&mut self, now: Instant, node: NodeId) {
        let Some(peer) = self.peers.get_mut(node) else { return };
        let (limit, is_settled) = peer.paths.limit();
        let patience = silence_limit(peer.paths.round_trip());
        let way = Way { route: peer.paths.route(), limit, is_settled, patience };
        if std::mem::replace(&mut peer.way, way) == way {
            return;
        }
        for id in self.links.of_peer(node) {
            let Some(link) = self.links.get_mut(id) else { continue };
            let before = std::mem::replace(&mut link.way, way);
            if before.route != way.route {
                self.change_way(now, id);
            }
        }
    }

    /// Tells the paths what the links have seen.
    fn note_links(&mut self, node: NodeId) {
        let Some(peer) = self.peers.get_mut(node) else { return };
        let mut packets = 0;
        for link in self.links.of_peer(node).into_iter().filter_map(|id| self.links.get(id)) {
            packets += link.traffic.packets_in + link.traffic.packets_out;
            link.heard().into_iter().for_each(|(route, at)| peer.paths.note_heard(route, at));
        }
        peer.paths.note_traffic(packets);
    }
}

/// Seals a control frame of `length` bytes; `false` when there is no room for it.
fn seal_frame(session: &mut Session, trains: &mut Trains, to: Route, length: usize, frame: &Frame) -> bool {
    let Some(datagram) = trains.room(to, Ecn::NotCapable, length + OVERHEAD, Some(session.seal_key())) else {
        return false;
    };
    let end = datagram.len() - TAG_LENGTH;
    frame.encode(&mut datagram[HEADER_LENGTH..end]);
    session.begin(datagram);
    true
}
