//! Finding out where others see this node, and telling others where it sees them.

use std::net::SocketAddr;
use std::time::Instant;

use super::Node;
use crate::reflection::{Head, Kind, Request};
use crate::{DropReason, Ecn, Event, Nat, ReflectionKey, ReflectorAddress, Route};

impl Node {
    /// Replaces the reflectors that this node asks.
    pub fn set_reflectors(&mut self, now: Instant, reflectors: &[ReflectorAddress]) {
        self.reflections.set(now, reflectors);
        self.step_reflections(now);
    }

    /// Tells a node from now on where its requests come from.
    pub fn admit_reflection(&mut self, index: u32, key: ReflectionKey) {
        self.reflector.admit(index, key);
    }

    /// Answers a node no more.
    pub fn dismiss_reflection(&mut self, index: u32) {
        self.reflector.dismiss(index);
    }

    /// Where others see this node's data socket, newest first, and what they conclude.
    pub fn reflected(&self, now: Instant) -> (Vec<SocketAddr>, Nat) {
        (self.reflections.addresses(now), self.own_nat(now))
    }

    pub(super) fn step_reflections(&mut self, now: Instant) {
        for Request { to, datagram } in self.reflections.due(now) {
            self.send_reflection(to, &datagram);
        }
    }

    /// Takes a datagram that belongs to no session.
    pub(super) fn reflect(&mut self, now: Instant, from: Route, datagram: &mut [u8]) -> Result<(), DropReason> {
        let head = Head::parse(datagram).ok_or(DropReason::MalformedDatagram)?;
        let from = from.address().ok_or(DropReason::MalformedDatagram)?;
        match head.kind {
            Kind::Request => {
                let answer = self.reflector.answer(now, from, head, datagram)?;
                self.send_reflection(from, &answer);
            }
            Kind::Answer => {
                if self.reflections.answered(now, from, head, datagram)? {
                    self.notify(Event::Reflected(self.reflections.addresses(now)));
                }
            }
        }
        Ok(())
    }

    /// One that finds no room is not missed: requests are repeated.
    fn send_reflection(&mut self, to: SocketAddr, datagram: &[u8]) {
        if let Some(room) = self.trains.room(Route::Direct(to), Ecn::NotCapable, datagram.len(), None) {
            room.copy_from_slice(datagram);
        }
    }
}
