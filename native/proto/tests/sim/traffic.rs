//! Numbered packets, so that a test can say which arrived.

use std::time::Duration;

use crate::packets::{udp, udp_payload};
use crate::world::{World, address};

/// A packet from one host to another that carries a number.
pub fn numbered(network: u8, from: usize, to: usize, number: u32) -> Vec<u8> {
    udp(address(network, from), address(network, to), (from as u16, to as u16), &number.to_be_bytes())
}

/// Sends packets `numbers` from one host to another, one each `pause`.
pub fn stream(world: &mut World, network: u8, from: usize, to: usize, numbers: std::ops::Range<u32>, pause: Duration) {
    for number in numbers {
        world.send(from, &numbered(network, from, to, number));
        world.run(pause);
    }
}

/// The numbers a host got from another, in the order they came.
pub fn numbers(world: &World, from: usize, at: usize) -> Vec<u32> {
    let of_sender = |packet: &&Vec<u8>| u16::from_be_bytes([packet[20], packet[21]]) == from as u16;
    let number = |packet: &Vec<u8>| u32::from_be_bytes(udp_payload(packet).try_into().expect("four bytes"));
    world.hosts[at].delivered.iter().filter(of_sender).map(number).collect()
}
