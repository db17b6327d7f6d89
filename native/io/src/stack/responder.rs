//! Answers packets that belong to no connection: echo requests, and segments that deserve a reset.

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::HardwareAddress;

use super::wire::{Outbox, Wire};

pub(super) struct Responder {
    interface: Interface,
    no_sockets: SocketSet<'static>,
    mtu: u16,
}

impl Responder {
    pub fn new(mtu: u16) -> Self {
        Self { interface: interface(0, mtu), no_sockets: SocketSet::new(Vec::new()), mtu }
    }

    /// Answers a packet to an address of the stack.
    pub fn answer(&mut self, now: Instant, packet: Vec<u8>, outbox: &mut Outbox) {
        let mut wire = Wire { mtu: self.mtu, received: Some(packet), outbox };
        self.interface.poll_ingress_single(now, &mut wire, &mut self.no_sockets);
    }
}

/// Makes an interface that leaves it to its user which addresses it has.
pub(super) fn interface(random_seed: u64, mtu: u16) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = random_seed;
    let mut wire = Wire { mtu, received: None, outbox: &mut Outbox::default() };
    let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
    interface.set_any_ip(true);
    interface
}
