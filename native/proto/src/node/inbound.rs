//! From a peer to a device.

use std::time::Instant;

use super::Node;
use crate::links::LinkId;
use crate::packet::IpHeader;
use crate::wire::{Header, OVERHEAD};
use crate::{Cipher, DeviceId, DropReason, Event, NetworkId, NodeId, Route};

/// What a datagram means beyond its packet.
struct Consequences {
    link: LinkId,
    network: NetworkId,
    peer: NodeId,
    cipher: Cipher,
    /// Whether it is the first that proves that the peer has the session.
    confirms: bool,
    /// Whether the peer asked for the session.
    by_peer: bool,
    is_empty: bool,
    rekey: bool,
}

impl Node {
    /// Takes one datagram, or a train of datagrams of `segment_size` bytes of which the last may be shorter.
    /// They are opened in place.
    pub fn handle_datagram(&mut self, now: Instant, from: Route, segment_size: usize, bytes: &mut [u8]) {
        for datagram in bytes.chunks_mut(segment_size.max(1)) {
            if let Err(reason) = self.receive(now, from, datagram) {
                self.counters.count_drop(reason);
            }
        }
    }

    fn receive(&mut self, now: Instant, from: Route, datagram: &mut [u8]) -> Result<(), DropReason> {
        let header = Header::parse(datagram).ok_or(DropReason::MalformedDatagram)?;
        let Some(id) = self.links.find_index(header.receiver) else {
            return Err(self.unknown_session(now, from));
        };
        let link = self.links.get_mut(id).ok_or(DropReason::UnknownSession)?;
        let received = link.receive(now, from, &header, datagram)?;
        let is_empty = received.packet.is_empty();
        let due = link.schedule.received(now, !is_empty, &self.config);
        link.traffic.last_received = Some(now);
        let consequences = Consequences {
            link: id,
            network: link.network,
            peer: link.peer,
            cipher: received.cipher,
            confirms: received.confirms,
            by_peer: received.by_peer,
            is_empty,
            rekey: !is_empty && link.is_rekey_due(now),
        };
        self.links.release(received.retired);
        if let Some(at) = due {
            self.links.wake(id, at);
        }
        let delivered = if is_empty { Ok(()) } else { self.deliver(&consequences, received.packet) };
        self.follow_up(now, from, &consequences);
        delivered
    }

    fn deliver(&mut self, from: &Consequences, packet: &[u8]) -> Result<(), DropReason> {
        let ip = IpHeader::parse(packet)?;
        let id = self.route_in(from, &ip)?;
        let device = self.switch.device(id).ok_or(DropReason::NoDevice)?;
        if ip.total_length > usize::from(device.mtu) {
            return Err(DropReason::PacketTooBig);
        }
        self.deliveries.add(id, device, &ip, packet)?;
        let bytes = ip.total_length as u64;
        if let Some(link) = self.links.get_mut(from.link) {
            link.traffic.packets_in += 1;
            link.traffic.bytes_in += bytes;
        }
        self.counters.packets_in += 1;
        self.counters.bytes_in += bytes;
        Ok(())
    }

    fn route_in(&mut self, from: &Consequences, ip: &IpHeader) -> Result<DeviceId, DropReason> {
        if let Some(device) = self.routes_in.get(from.link, ip.source, ip.destination) {
            return Ok(device);
        }
        let device = self.switch.incoming(from.network, from.peer, ip)?;
        self.routes_in.remember(from.link, ip.source, ip.destination, device);
        Ok(device)
    }

    /// Does what the first datagram of a session, a probe and an old session call for.
    fn follow_up(&mut self, now: Instant, from: Route, received: &Consequences) {
        let id = received.link;
        if received.confirms {
            let Consequences { network, peer, cipher, .. } = *received;
            self.notify(Event::SessionStarted { network, peer, cipher });
            if let Some(link) = self.links.get_mut(id) {
                link.schedule.session_confirmed();
            }
            if received.by_peer {
                self.probe(now, id);
            }
            self.flush(now, id);
            self.wake(now, id);
        } else if received.by_peer && received.is_empty {
            // Only who was asked for the session answers probes, so that two nodes never answer each other's answers.
            self.send_empty(now, id, &[from]);
        }
        if received.rekey {
            self.seek_session(now, id);
        }
    }

    fn unknown_session(&mut self, now: Instant, from: Route) -> DropReason {
        if self.unknown_sessions.allows(now, from) {
            self.notify(Event::UnknownSession { from });
        }
        DropReason::UnknownSession
    }

    /// Tries every address where the peer may be. The best comes last, as the newest datagram decides.
    pub(super) fn probe(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(id) else { return };
        let carried = self.carriages.contains_key(&link.peer).then_some(Route::Carried(link.peer));
        let candidates = self.candidates.get(&link.peer).into_iter().flatten().rev().copied();
        let routes = carried.into_iter().chain(candidates.map(Route::Direct));
        let mut targets: Vec<_> = routes.filter(|route| Some(*route) != link.path()).collect();
        targets.extend(link.path());
        self.send_empty(now, id, &targets);
    }

    /// Sends a datagram without a packet to each address. One that finds no room is not missed: probes are repeated.
    pub(super) fn send_empty(&mut self, now: Instant, id: LinkId, targets: &[Route]) {
        let session = self.links.get_mut(id).and_then(|link| link.session(now));
        let Some(session) = session else { return };
        for target in targets {
            if let Some(datagram) = self.trains.room(*target, OVERHEAD) {
                session.seal(datagram);
            }
        }
    }
}
