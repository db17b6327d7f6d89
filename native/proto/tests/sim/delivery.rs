//! Packets reach whom they are for, and nobody else.

use std::time::Duration;

use crate::packets::{udp, udp_payload};
use crate::world::{World, address, address_v6};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_packet_starts_a_session_and_arrives() {
    let mut world = World::new(2, 1);
    world.add_network(1, &[0, 1]);
    world.send(0, &udp(address(1, 0), address(1, 1), (1, 2), b"hello"));
    world.run(SECOND);
    assert_eq!(world.hosts[1].delivered.len(), 1);
    assert_eq!(udp_payload(&world.hosts[1].delivered[0]), b"hello");
    world.send(1, &udp(address_v6(1, 1), address_v6(1, 0), (2, 1), b"hello to you"));
    world.run(SECOND);
    assert_eq!(udp_payload(&world.hosts[0].delivered[0]), b"hello to you");
}
