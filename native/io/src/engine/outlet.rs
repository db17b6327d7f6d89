//! Handing out what the rules have produced: packets to devices, datagrams to the socket and to relays, and events.

use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use golem_vpn_proto::{DeviceId, Node, Route};

use super::device::Device;
use super::driver::Driver;
use super::messages::Event;
use crate::udp::Datagrams;

/// Bytes sent before devices are looked at again: what a packet of another flow has to wait for.
const BYTES_PER_ROUND: usize = 64 << 10;

/// Writes packets to their devices; those that are gone are added to `lost`.
pub(super) fn deliver(
    node: &mut Node,
    devices: &mut BTreeMap<DeviceId, Device>,
    lost: &mut Vec<(DeviceId, io::Error)>,
) {
    while let Some(delivery) = node.poll_delivery() {
        let Some(device) = devices.get_mut(&delivery.device) else { continue };
        if let Err(cause) = device.write(&delivery.offload, delivery.packet) {
            lost.push((delivery.device, cause));
        }
    }
}

impl<S: Datagrams> Driver<S> {
    /// Hands out all packets and events, and datagrams within their share of the round.
    pub(super) fn flush(&mut self, now: Instant) {
        deliver(&mut self.node, &mut self.devices, &mut self.lost);
        for (id, cause) in std::mem::take(&mut self.lost) {
            self.lose(id, cause);
        }
        self.transmit(now);
        while let Some(event) = self.node.poll_event() {
            self.tell(Event::Node(event));
        }
    }

    fn transmit(&mut self, now: Instant) {
        self.unsent.send(&mut self.socket);
        let mut bytes = 0;
        while self.unsent.is_empty() && bytes < BYTES_PER_ROUND {
            let Some(sealed) = self.crew.next_train(now, &mut self.node) else { break };
            let train = sealed.transmit();
            bytes += train.bytes.len();
            match train.to {
                Route::Relayed { relay, peer } => self.relaying.send(relay, peer, train.segment_size, train.bytes),
                Route::Direct(to) => {
                    let unreachable = self.socket.status().counters.dropped_unreachable;
                    let done = self.socket.send(to, train.ecn, train.segment_size, train.bytes);
                    if done < train.bytes.len() {
                        self.unsent.keep(to, train.ecn, train.segment_size, &train.bytes[done..]);
                    }
                    if self.socket.status().counters.dropped_unreachable > unreachable {
                        self.node.handle_unreachable(now, to);
                    }
                }
            }
            self.node.give_back(sealed);
        }
        self.watch_for_work();
    }

    pub(super) fn tell(&mut self, event: Event) {
        let Err(refused) = self.events.try_send(event) else { return };
        self.dropped_events += 1;
        if let Event::Node(golem_vpn_proto::Event::Handshake { peer, id, .. }) = refused.into_inner() {
            self.node.handle_handshake_failure(Instant::now(), peer, id);
        }
    }
}
