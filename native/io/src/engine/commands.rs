//! Carrying out commands: each is a call of the rules, or adds and removes what the driver holds.

use std::time::Instant;

use golem_vpn_proto::{DeviceConfig, DeviceId};

use super::device::Device;
use super::driver::Driver;
use super::messages::{AttachError, Command};
use super::snapshot::Snapshot;
use crate::udp::Datagrams;

impl<S: Datagrams> Driver<S> {
    /// Carries out one command. Whoever no longer waits for a reply does without it.
    pub(super) fn carry_out(&mut self, now: Instant, command: Command) {
        let node = &mut self.node;
        match command {
            Command::SetNetwork(network) => node.set_network(now, network),
            Command::RemoveNetwork(id) => node.remove_network(id),
            Command::SetPeer { node: peer, candidates, relays } => node.set_peer(now, peer, candidates, relays),
            Command::SetRelay { relay, state } => node.set_relay(now, relay, state),
            Command::SetRelayReady { relay, ready } => node.set_relay_ready(now, relay, ready),
            Command::SetReflectors(reflectors) => node.set_reflectors(now, &reflectors),
            Command::AdmitReflection { index, key } => node.admit_reflection(index, key),
            Command::DismissReflection(index) => node.dismiss_reflection(index),
            Command::ForgetPeer(peer) => node.forget_peer(peer),
            Command::ResetPeer(peer) => node.reset_peer(now, peer),
            Command::AddTun { id, tun, name, config, reply } => {
                reply.send(self.add(id, Device::tun(name, tun), config)).ok();
            }
            Command::AddQueue { id, end, name, config, reply } => {
                end.announce_by(&self.bell);
                reply.send(self.add(id, Device::queue(name, end), config)).ok();
            }
            Command::SetDevice { id, config, reply } => {
                reply.send(self.change(id, config)).ok();
            }
            Command::RemoveDevice(id) => {
                self.remove(id);
            }
            Command::Handshake { from, message, binding, reply } => {
                reply.send(node.handle_handshake(now, from, &message, &binding)).ok();
            }
            Command::HandshakeReply { from, message, binding } => {
                node.handle_handshake_reply(now, from, &message, &binding);
            }
            Command::HandshakeFailure { to, id } => node.handle_handshake_failure(now, to, id),
            Command::Snapshot(reply) => {
                reply.send(self.snapshot(now)).ok();
            }
        }
    }

    fn add(&mut self, id: DeviceId, device: Device, config: DeviceConfig) -> Result<(), AttachError> {
        self.node.set_device(id, device.fit(config))?;
        if let Err(error) = self.watch(id, &device) {
            self.remove(id);
            return Err(error.into());
        }
        self.insert(id, device);
        Ok(())
    }

    fn change(&mut self, id: DeviceId, config: DeviceConfig) -> Result<(), AttachError> {
        let device = self.devices.get(&id).ok_or(AttachError::Unknown(id))?;
        Ok(self.node.set_device(id, device.fit(config))?)
    }

    fn snapshot(&self, now: Instant) -> Snapshot {
        let (reflected, nat) = self.node.reflected(now);
        Snapshot {
            local_address: self.socket.local_address(),
            ciphers: self.ciphers.clone(),
            counters: self.node.counters().clone(),
            socket: self.socket.status(),
            devices: self.devices.iter().map(|(id, device)| device.status(*id)).collect(),
            peers: self.node.peers(now),
            reflected,
            nat,
            trains_by_workers: self.crew.trains_by_workers(),
            dropped_events: self.dropped_events,
            dropped_relayed: self.relaying.dropped(),
        }
    }
}
