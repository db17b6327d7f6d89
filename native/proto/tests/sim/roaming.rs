//! Where a peer is, is learned from what it proves to have sent.

use std::net::SocketAddr;
use std::time::Duration;

use crate::traffic::{numbers, stream};
use crate::world::{World, interface};

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(20);

fn elsewhere() -> SocketAddr {
    SocketAddr::from(([172, 16, 0, 9], 9000))
}

fn connected() -> World {
    let mut world = World::new(2, 1);
    world.add_network(1, &[0, 1]);
    stream(&mut world, 1, 0, 1, 0..1, SECOND);
    stream(&mut world, 1, 1, 0, 0..1, SECOND);
    world.hosts.iter_mut().for_each(|host| host.delivered.clear());
    world
}

#[test]
fn a_peer_that_moves_and_speaks_is_answered_where_it_is() {
    let mut world = connected();
    world.hosts[0].address = elsewhere();
    stream(&mut world, 1, 0, 1, 0..1, SOON);
    stream(&mut world, 1, 1, 0, 0..10, SOON);
    world.run(SECOND);
    assert_eq!(numbers(&world, 0, 1), [0]);
    assert_eq!(numbers(&world, 1, 0), (0..10).collect::<Vec<_>>());
    assert_eq!(world.hosts[1].node.peers(world.now)[0].networks[0].address, Some(elsewhere()));
}

#[test]
fn a_peer_that_moves_in_silence_is_found_at_its_new_address() {
    let mut world = connected();
    world.hosts[0].address = elsewhere();
    let (now, moved) = (world.now, world.hosts[0].id);
    world.hosts[1].node.set_peer(
        now,
        moved,
        vec![interface(SocketAddr::from(([10, 0, 0, 1], 7000))), interface(elsewhere())],
        Vec::new(),
    );
    stream(&mut world, 1, 1, 0, 0..1000, SOON);
    world.run(SECOND);
    let received = numbers(&world, 1, 0);
    assert_eq!(received.last(), Some(&999));
    assert!(received.len() > 600, "{} of 1000 packets came", received.len());
}

#[test]
fn an_address_that_leads_nowhere_costs_no_packet() {
    let mut world = World::new(2, 2);
    world.add_network(1, &[0, 1]);
    let (now, peer, address) = (world.now, world.hosts[1].id, world.hosts[1].address);
    world.hosts[0].node.set_peer(
        now,
        peer,
        vec![interface(elsewhere()), interface(address), interface(elsewhere())],
        Vec::new(),
    );
    stream(&mut world, 1, 0, 1, 0..100, SOON);
    world.run(SECOND);
    assert_eq!(numbers(&world, 0, 1), (0..100).collect::<Vec<_>>());
}

#[test]
fn an_old_datagram_from_elsewhere_does_not_move_the_peer() {
    let mut world = connected();
    let target = world.hosts[1].address;
    // Datagrams held back on the way arrive after newer ones, from another address.
    world.hosts[1].address = SocketAddr::from(([10, 0, 0, 99], 7000));
    stream(&mut world, 1, 0, 1, 0..3, SOON);
    world.hosts[1].address = target;
    let held: Vec<_> = world.recorded.iter().rev().take(3).map(|(_, _, bytes)| bytes.clone()).collect();
    stream(&mut world, 1, 0, 1, 3..6, SOON);
    for bytes in held {
        world.inject(1, elsewhere(), bytes);
    }
    let mut received = numbers(&world, 0, 1);
    received.sort_unstable();
    assert_eq!(received, (0..6).collect::<Vec<_>>());
    assert_eq!(world.hosts[1].node.peers(world.now)[0].networks[0].address, Some(world.hosts[0].address));
}
