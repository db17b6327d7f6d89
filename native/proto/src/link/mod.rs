//! A link: what this node and one other share in one network. Its sessions come and go; it knows which of them
//! to send with, which way, and when something has to be done.
//!
//! Around a rekey there are up to three sessions, so that no packet is lost. Who asked for the new session sends with
//! it at once, and still takes what the peer sends with the old one. Who was asked keeps the new one as `next` and
//! goes on sending with the old one until the first packet of the new one proves that the peer has it.

mod backlog;
mod schedule;
mod way;

use std::sync::Arc;
use std::time::Instant;

pub(crate) use backlog::{Backlog, Waiting};
pub(crate) use schedule::{ProbeStep, Schedule};
pub(crate) use way::Way;

use crate::fair_queue::FairQueue;
use crate::paths::Frame;
use crate::session::{OpenKey, Seal, Secret, Session};
use crate::wire::Header;
use crate::{Cipher, Config, DropReason, LinkStatus, NetworkId, NodeId, Route, Traffic};

/// A handshake this node has asked for.
pub(crate) struct Pending {
    pub id: u64,
    pub index: u32,
    pub secret: Secret,
    pub message: Vec<u8>,
    pub since: Instant,
}

pub(crate) struct Link {
    pub network: NetworkId,
    pub peer: NodeId,
    pub backlog: Backlog,
    pub schedule: Schedule,
    pub pending: Option<Pending>,
    pub traffic: Traffic,
    /// Packets that wait for a relay.
    pub queue: Option<Box<FairQueue>>,
    /// How packets to the peer go, as its paths have decided.
    pub way: Way,
    /// Where the newest authentic datagram came from, and when.
    heard: Option<(Route, Instant)>,
    previous: Option<Session>,
    current: Option<Session>,
    next: Option<Session>,
}

/// What was found in a datagram of the peer.
pub(crate) struct Received<'a> {
    /// A packet or a control frame.
    pub inner: &'a mut [u8],
    pub cipher: Cipher,
    /// Whether it is the first that proves that the peer has the session.
    pub confirms: bool,
    /// Whether the newest datagram before it came from elsewhere.
    pub is_elsewhere: bool,
    /// The index of the session, and how many packets it has received.
    pub session: u32,
    pub packets: u64,
    /// The index of a session that ends with this.
    pub retired: Option<u32>,
}

impl Link {
    /// `longest` is the longest inner packet.
    pub fn new(network: NetworkId, peer: NodeId, longest: u16) -> Self {
        Self {
            network,
            peer,
            backlog: Backlog::default(),
            schedule: Schedule::default(),
            pending: None,
            traffic: Traffic::default(),
            queue: None,
            way: Way::nowhere(longest),
            heard: None,
            previous: None,
            current: None,
            next: None,
        }
    }

    /// The session to send with, if there is one.
    pub fn session(&mut self, now: Instant) -> Option<&mut Session> {
        self.current.as_mut().filter(|session| session.is_usable(now))
    }

    /// The session to send control frames with: before the first session is in use it is the one that the peer asked for,
    /// so that both sides can punch NATs.
    pub fn frame_session(&mut self, now: Instant) -> Option<&mut Session> {
        let current = self.current.as_mut().filter(|session| session.is_usable(now));
        current.or_else(|| self.next.as_mut().filter(|session| session.is_usable(now)))
    }

    /// The session to send with and where to send to, if there are both.
    pub fn sender(&mut self, now: Instant) -> Option<(&mut Session, Route)> {
        let route = self.way.route?;
        Some((self.session(now)?, route))
    }

    /// Whether packets could go out now, or could if a relay took them.
    pub fn is_open(&mut self, now: Instant) -> bool {
        self.sender(now).is_some()
    }

    /// Where the newest authentic datagram came from, and when.
    pub fn heard(&self) -> Option<(Route, Instant)> {
        self.heard
    }

    /// How many packets wait.
    pub fn waiting(&self) -> usize {
        self.backlog.len() + self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    /// Whether a new session is wanted: because the one in use is old, because the peer is silent, or because packets
    /// wait and no session is about to take them.
    pub fn needs_session(&self, now: Instant) -> bool {
        let usable = self.current.as_ref().is_some_and(|session| session.is_usable(now));
        self.is_rekey_due(now) || self.schedule.is_silent() || (!usable && !self.backlog.is_empty())
    }

    /// Whether the session in use is to get a successor.
    pub fn is_rekey_due(&self, now: Instant) -> bool {
        self.current.as_ref().is_some_and(|session| session.is_rekey_due(now))
    }

    /// Whether this node may ask for a session now.
    pub fn may_initiate(&self, now: Instant, config: &Config) -> bool {
        self.pending.is_none() && self.initiation_time(config).is_none_or(|at| now >= at)
    }

    /// Before which time this node leaves it to the peer, or to the last failure, to begin.
    pub fn initiation_time(&self, config: &Config) -> Option<Instant> {
        let asked_by_peer = self.next.as_ref().map(|next| next.started + config.handshake_timeout);
        asked_by_peer.max(self.schedule.retry_at())
    }

    /// Takes the session this node asked for; returns the index of one that ends with this.
    ///
    /// One that was never heard of is not worth keeping, but the one before it is what the peer may still use.
    pub fn install(&mut self, session: Session) -> Option<u32> {
        let replaced = self.current.replace(session);
        let retired = match replaced {
            Some(replaced) if replaced.confirmed => self.previous.replace(replaced),
            unheard => unheard,
        };
        retired.map(|session| session.index)
    }

    /// Takes the session the peer asked for; returns the index of one that ends with this.
    pub fn install_next(&mut self, session: Session) -> Option<u32> {
        self.next.replace(session).map(|session| session.index)
    }

    /// What datagrams of a session are opened with.
    pub fn open_key(&self, index: u32) -> Option<&Arc<OpenKey>> {
        let mut sessions = [&self.current, &self.next, &self.previous].into_iter().flatten();
        sessions.find(|session| session.index == index).map(Session::open_key)
    }

    /// Opens a datagram for one of the sessions, and learns from it where the peer is.
    pub fn receive<'a>(
        &mut self,
        now: Instant,
        from: Route,
        header: &Header,
        datagram: &'a mut [u8],
        seal: Seal<'_>,
    ) -> Result<Received<'a>, DropReason> {
        let is = |session: &Option<Session>| session.as_ref().is_some_and(|session| session.index == header.receiver);
        if matches!(from, Route::Relayed { peer, .. } if peer != self.peer) {
            return Err(DropReason::ForeignRelay);
        }
        let (is_next, is_current) = (is(&self.next), is(&self.current));
        let slots = [&mut self.current, &mut self.next, &mut self.previous];
        let session = slots.into_iter().flatten().find(|session| session.index == header.receiver);
        let session = session.filter(|session| now < session.ends_at);
        let is_early = self.pending.as_ref().is_some_and(|pending| pending.index == header.receiver);
        let unknown = if is_early { DropReason::EarlyDatagram } else { DropReason::UnknownSession };
        let session = session.ok_or(unknown)?;
        let opened = session.open(header, datagram, seal)?;
        let confirms = !std::mem::replace(&mut session.confirmed, true) && (is_next || is_current);
        session.packets_received += u64::from(!Frame::is_frame(opened.packet));
        let (index, packets, cipher) = (session.index, session.packets_received, session.cipher);
        let tells_place = opened.newest && (is_next || is_current);
        let is_elsewhere = tells_place && self.heard.is_none_or(|(route, _)| route != from);
        if tells_place {
            self.heard = Some((from, now));
        }
        self.schedule.received(self.way.route == Some(from));
        let retired = if is_next { self.promote_next() } else { None };
        Ok(Received { inner: opened.packet, cipher, confirms, is_elsewhere, session: index, packets, retired })
    }

    /// Ends all sessions, as the peer has lost them or must not use them any more; returns their indices.
    pub fn reset(&mut self) -> Vec<u32> {
        self.heard = None;
        self.schedule = Schedule::default();
        let pending = self.pending.take().map(|pending| pending.index);
        let sessions = [self.previous.take(), self.current.take(), self.next.take()];
        sessions.into_iter().flatten().map(|session| session.index).chain(pending).collect()
    }

    /// Ends the sessions that are too old; returns their indices.
    pub fn expire(&mut self, now: Instant) -> Vec<u32> {
        let slots = [&mut self.previous, &mut self.current, &mut self.next];
        let old = slots.into_iter().filter_map(|slot| slot.take_if(|session| now >= session.ends_at));
        old.map(|session| session.index).collect()
    }

    /// Gives up the session that the peer was never heard on; returns its index.
    pub fn give_up(&mut self) -> Option<u32> {
        self.current.take_if(|session| !session.confirmed).map(|session| session.index)
    }

    /// When the link has to act next, if nothing happens before.
    pub fn deadline(&self, now: Instant, config: &Config) -> Option<Instant> {
        let sessions = [&self.previous, &self.current, &self.next].into_iter().flatten();
        let expiry = sessions.map(|session| session.ends_at).min();
        let answer = self.pending.as_ref().map(|pending| pending.since + config.handshake_timeout);
        let patience = self.backlog.oldest().map(|oldest| oldest + config.wait_limit);
        let waits = self.pending.is_none() && (!self.backlog.is_empty() || self.schedule.is_silent());
        let initiation = self.initiation_time(config).filter(|at| waits && *at > now);
        [expiry, answer, patience, initiation, self.schedule.deadline()].into_iter().flatten().min()
    }

    pub fn status(&self) -> LinkStatus {
        let session = self.current.as_ref().map(|session| (session.cipher, session.started));
        LinkStatus {
            network: self.network,
            address: self.heard.and_then(|(route, _)| route.address()),
            session,
            traffic: self.traffic,
        }
    }

    /// What was in use is kept, heard of or not: when both asked at once, the peer may send with the other session.
    fn promote_next(&mut self) -> Option<u32> {
        let replaced = std::mem::replace(&mut self.current, self.next.take());
        replaced.and_then(|replaced| self.previous.replace(replaced)).map(|session| session.index)
    }
}
