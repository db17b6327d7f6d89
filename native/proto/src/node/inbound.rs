//! From a peer to a device.

use std::time::Instant;

use super::Node;
use super::paths::Arrival;
use crate::links::LinkId;
use crate::packet::{IpHeader, PROTOCOL_TCP, begins_connection, carry_congestion, clamp_segment_size};
use crate::paths::Frame;
use crate::session::Seal;
use crate::wire::Header;
use crate::{Cipher, DeviceId, DropReason, Ecn, Event, NetworkId, Opened, Opening, Route};

/// What a datagram means beyond its packet.
struct Consequences {
    arrival: Arrival,
    network: NetworkId,
    cipher: Cipher,
    /// Whether it is the first that proves that the peer has the session.
    confirms: bool,
    is_elsewhere: bool,
    rekey: bool,
}

impl Node {
    /// Takes one datagram, or a train of datagrams of `segment_size` bytes of which the last may be shorter.
    /// They are opened in place. `ecn` is what their headers say of congestion.
    pub fn handle_datagram(&mut self, now: Instant, from: Route, ecn: Ecn, segment_size: usize, bytes: &mut [u8]) {
        for datagram in bytes.chunks_mut(segment_size.max(1)) {
            if let Err(reason) = self.receive(now, from, ecn, datagram, Seal::Whole) {
                self.counters.count_drop(reason);
            }
        }
    }

    /// What it takes to open a train on another thread, as far as sessions are known.
    pub fn opening(&self, segment_size: usize, bytes: &[u8]) -> Opening {
        let mut opening = Opening::default();
        for header in bytes.chunks(segment_size.max(1)).filter_map(Header::parse) {
            opening
                .add(header.receiver, |index| self.links.get(self.links.find_index(index)?)?.open_key(index).cloned());
        }
        opening
    }

    /// Takes a train that was opened on another thread, as [`Self::handle_datagram`] does.
    pub fn handle_opened(
        &mut self,
        now: Instant,
        from: Route,
        ecn: Ecn,
        segment_size: usize,
        bytes: &mut [u8],
        opened: &Opened,
    ) {
        for (number, datagram) in bytes.chunks_mut(segment_size.max(1)).enumerate() {
            if let Err(reason) = self.receive(now, from, ecn, datagram, opened.seal(number)) {
                self.counters.count_drop(reason);
            }
        }
    }

    fn receive(
        &mut self,
        now: Instant,
        from: Route,
        ecn: Ecn,
        datagram: &mut [u8],
        seal: Seal<'_>,
    ) -> Result<(), DropReason> {
        let Some(header) = Header::parse(datagram) else { return self.reflect(now, from, datagram) };
        let Some(id) = self.links.find_index(header.receiver) else {
            return Err(self.unknown_session(now, from));
        };
        let link = self.links.get_mut(id).ok_or(DropReason::UnknownSession)?;
        let received = link.receive(now, from, &header, datagram, seal)?;
        let is_frame = Frame::is_frame(received.inner);
        link.traffic.last_received = Some(now);
        let (session, packets) = (received.session, received.packets);
        let consequences = Consequences {
            arrival: Arrival { link: id, peer: link.peer, from, session, packets },
            network: link.network,
            cipher: received.cipher,
            confirms: received.confirms,
            is_elsewhere: received.is_elsewhere,
            rekey: !is_frame && link.is_rekey_due(now),
        };
        self.links.release(received.retired);
        let outcome = if is_frame {
            self.handle_frame(now, &consequences.arrival, received.inner)
        } else {
            self.deliver(&consequences, ecn, received.inner)
        };
        self.follow_up(now, &consequences);
        outcome
    }

    fn deliver(&mut self, from: &Consequences, ecn: Ecn, packet: &mut [u8]) -> Result<(), DropReason> {
        let ip = IpHeader::parse(packet)?;
        let id = self.route_in(from, &ip)?;
        let device = self.switch.device(id).ok_or(DropReason::NoDevice)?;
        if ip.total_length > usize::from(device.mtu) {
            return Err(DropReason::PacketTooBig);
        }
        if begins_connection(&ip, packet) {
            self.clamp(from.arrival.link, &ip, packet);
        }
        if !carry_congestion(ecn, packet) {
            return Err(DropReason::CongestionMet);
        }
        let device = self.switch.device(id).ok_or(DropReason::NoDevice)?;
        self.deliveries.add(id, device, &ip, packet)?;
        let bytes = ip.total_length as u64;
        if let Some(link) = self.links.get_mut(from.arrival.link) {
            link.traffic.packets_in += 1;
            link.traffic.bytes_in += bytes;
        }
        self.counters.packets_in += 1;
        self.counters.connectionless_in += u64::from(ip.protocol != PROTOCOL_TCP);
        self.counters.bytes_in += bytes;
        Ok(())
    }

    fn route_in(&mut self, from: &Consequences, ip: &IpHeader) -> Result<DeviceId, DropReason> {
        let Arrival { link, peer, .. } = from.arrival;
        if let Some(device) = self.routes_in.get(link, ip.source, ip.destination) {
            return Ok(device);
        }
        let device = self.switch.incoming(from.network, peer, ip)?;
        self.routes_in.remember(link, ip.source, ip.destination, device);
        Ok(device)
    }

    /// Lowers what a TCP connection of a peer agrees on to what the way back carries.
    fn clamp(&self, id: LinkId, ip: &IpHeader, packet: &mut [u8]) {
        let longest = self.config.mtu;
        let limit = self.links.get(id).map_or(longest, |link| link.way.lasting_limit(longest));
        if limit < longest {
            clamp_segment_size(ip, packet, limit);
        }
    }

    /// Does what the first datagram of a session, one from elsewhere and an old session call for.
    fn follow_up(&mut self, now: Instant, received: &Consequences) {
        let Arrival { link, peer, from, .. } = received.arrival;
        if received.is_elsewhere {
            self.heard_elsewhere(now, peer, link, from);
        }
        if received.confirms {
            let Consequences { network, cipher, .. } = *received;
            self.notify(Event::SessionStarted { network, peer, cipher });
            if let Some(link) = self.links.get_mut(link) {
                link.schedule.session_confirmed();
            }
            self.session_began(now, peer, link);
            self.flush(now, link);
            self.wake(now, link);
        }
        if received.rekey {
            self.seek_session(now, link);
        }
    }

    fn unknown_session(&mut self, now: Instant, from: Route) -> DropReason {
        if self.unknown_sessions.allows(now, from) {
            self.notify(Event::UnknownSession { from });
        }
        DropReason::UnknownSession
    }
}
