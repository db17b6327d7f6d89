//! How sessions begin. The control connection carries the messages and has proved who sent them.

use std::time::Instant;

use super::Node;
use crate::link::Pending;
use crate::links::LinkId;
use crate::session::{Initiation, Keys, Refusal, Reply, Role, Secret, Session, Transcript, choose_cipher};
use crate::{Cipher, DropReason, Event, NodeId};

impl Node {
    /// Answers a handshake of `from`, with the keys or with the reason why not. `binding` is what both ends of the
    /// control connection export from it.
    pub fn handle_handshake(&mut self, now: Instant, from: NodeId, message: &[u8], binding: &[u8; 32]) -> Vec<u8> {
        match self.accept(now, from, message, binding) {
            Ok(reply) => reply,
            Err(refusal) => {
                match refusal {
                    Refusal::Simultaneous => {}
                    Refusal::Malformed => self.counters.count_drop(DropReason::MalformedHandshake),
                    _ => self.counters.count_drop(DropReason::RefusedHandshake),
                }
                Reply::refuse(message, refusal).encode()
            }
        }
    }

    /// Takes the peer's answer to a handshake of this node.
    pub fn handle_handshake_reply(&mut self, now: Instant, from: NodeId, message: &[u8], binding: &[u8; 32]) {
        if let Err(reason) = self.conclude(now, from, message, binding) {
            self.counters.count_drop(reason);
        }
    }

    /// Learns that the control connection could not carry a handshake; it is tried again while there is traffic.
    pub fn handle_handshake_failure(&mut self, now: Instant, to: NodeId, message_id: u64) {
        for id in self.links.of_peer(to) {
            let pending = self.links.get_mut(id).and_then(|link| link.pending.take_if(|own| own.id == message_id));
            if let Some(pending) = pending {
                self.fail(now, id, pending.index);
            }
        }
    }

    /// Asks for a session, unless that is under way or it is too early to ask again. Where the peer is need not be
    /// known: that a handshake could not be carried makes the control plane look for it.
    pub(super) fn seek_session(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(id) else { return };
        if link.needs_session(now) && link.may_initiate(now, &self.config) {
            self.initiate(now, id);
        }
        self.wake(now, id);
    }

    /// Gives up a handshake or its session.
    pub(super) fn fail(&mut self, now: Instant, id: LinkId, index: u32) {
        self.links.release([index]);
        if let Some(link) = self.links.get_mut(id) {
            link.schedule.failed(now, &self.config);
        }
        self.wake(now, id);
    }

    pub(super) fn initiate(&mut self, now: Instant, id: LinkId) {
        let index = self.links.reserve(id, &mut self.entropy);
        let secret = Secret::generate(&mut self.entropy);
        let Some(link) = self.links.get_mut(id) else { return };
        self.last_handshake += 1;
        let initiation = Initiation {
            id: self.last_handshake,
            network: link.network,
            index,
            public: secret.public(),
            ciphers: self.config.ciphers.clone(),
        };
        let message = initiation.encode();
        link.pending = Some(Pending { id: initiation.id, index, secret, message: message.clone(), since: now });
        self.events.push_back(Event::Handshake { peer: link.peer, id: initiation.id, message });
    }

    fn accept(&mut self, now: Instant, from: NodeId, message: &[u8], binding: &[u8; 32]) -> Result<Vec<u8>, Refusal> {
        let initiation = Initiation::decode(message)?;
        let network = initiation.network;
        if !self.switch.knows_network(network) {
            return Err(Refusal::UnknownNetwork);
        }
        if from == self.config.node || !self.switch.are_members(network, from) {
            return Err(Refusal::NotMember);
        }
        let cipher = choose_cipher(&self.config.ciphers, &initiation.ciphers).ok_or(Refusal::NoCommonCipher)?;
        let id = self.link(network, from);
        // When both ask at once, the smaller node id's question stands.
        if self.config.node < from && self.links.get_mut(id).is_some_and(|link| link.pending.is_some()) {
            return Err(Refusal::Simultaneous);
        }
        let secret = Secret::generate(&mut self.entropy);
        let index = self.links.reserve(id, &mut self.entropy);
        let reply = Reply::Accept { id: initiation.id, network, index, public: secret.public(), cipher }.encode();
        let (initiator, responder) = (from, self.config.node);
        let transcript = Transcript { network, initiator, responder, initiation: message, acceptance: &reply, cipher };
        let Some(keys) = secret.agree(initiation.public, binding, &transcript) else {
            self.links.release([index]);
            return Err(Refusal::WeakKey);
        };
        self.begin_as_responder(
            now,
            id,
            Session::new(Role::Responder, cipher, (index, initiation.index), keys, now, &self.config),
        );
        Ok(reply)
    }

    fn begin_as_responder(&mut self, now: Instant, id: LinkId, session: Session) {
        let Some(link) = self.links.get_mut(id) else { return };
        let yielded = link.pending.take().map(|pending| pending.index);
        let retired = link.install_next(session);
        if link.session(now).is_none() {
            // The initiator speaks first, but where a firewall is in its way this node has to speak as well.
            link.schedule.session_began(now);
        }
        self.links.release(yielded.into_iter().chain(retired));
        self.wake(now, id);
    }

    fn conclude(&mut self, now: Instant, from: NodeId, message: &[u8], binding: &[u8; 32]) -> Result<(), DropReason> {
        let reply = Reply::decode(message).ok_or(DropReason::MalformedHandshake)?;
        let (Reply::Accept { id: asked, network, .. } | Reply::Refuse { id: asked, network, .. }) = reply;
        let id = self.links.find(network, from).ok_or(DropReason::UnexpectedHandshakeReply)?;
        let pending = self.links.get_mut(id).and_then(|link| link.pending.take_if(|own| own.id == asked));
        match (reply, pending) {
            (Reply::Accept { index, public, cipher, .. }, Some(pending)) => {
                let (initiator, responder) = (self.config.node, from);
                let initiation = pending.message.as_slice();
                let transcript = Transcript { network, initiator, responder, initiation, acceptance: message, cipher };
                let keys = pending.secret.agree(public, binding, &transcript);
                self.begin_as_initiator(now, id, (pending.index, index), cipher, keys)
            }
            (Reply::Refuse { reason: Refusal::Simultaneous, .. }, pending) => {
                self.yield_to_peer(now, id, pending);
                Ok(())
            }
            (Reply::Refuse { reason, .. }, Some(pending)) => {
                self.fail(now, id, pending.index);
                self.notify(Event::HandshakeRefused { network, peer: from, reason });
                Ok(())
            }
            (_, None) => Err(DropReason::UnexpectedHandshakeReply),
        }
    }

    /// Leaves it to the peer's own handshake, which is on its way or was answered before this one's refusal came.
    fn yield_to_peer(&mut self, now: Instant, id: LinkId, pending: Option<Pending>) {
        let Some(pending) = pending else { return };
        self.links.release([pending.index]);
        if let Some(link) = self.links.get_mut(id) {
            link.schedule.yielded(now, &self.config);
        }
        self.wake(now, id);
    }

    fn begin_as_initiator(
        &mut self,
        now: Instant,
        id: LinkId,
        indices: (u32, u32),
        cipher: Cipher,
        keys: Option<Keys>,
    ) -> Result<(), DropReason> {
        let Some(keys) = keys.filter(|_| self.config.ciphers.contains(&cipher)) else {
            self.fail(now, id, indices.0);
            return Err(DropReason::MalformedHandshake);
        };
        let session = Session::new(Role::Initiator, cipher, indices, keys, now, &self.config);
        if let Some(link) = self.links.get_mut(id) {
            let retired = link.install(session);
            link.schedule.session_began(now);
            self.links.release(retired);
        }
        self.announce(now, id);
        if let Some(peer) = self.links.get(id).map(|link| link.peer) {
            self.session_began(now, peer, id);
        }
        self.flush(now, id);
        self.wake(now, id);
        Ok(())
    }
}
