//! Who is no member any more is cut at once, on every side.

use std::time::Duration;

use golem_vpn_proto::{DropReason, Event, Refusal};

use crate::traffic::{numbered, numbers, stream};
use crate::world::{World, network_id};

const SECOND: Duration = Duration::from_secs(1);

fn three() -> World {
    let mut world = World::new(3, 1);
    world.add_network(1, &[0, 1, 2]);
    for (from, to) in [(0, 1), (0, 2), (1, 2), (2, 1)] {
        stream(&mut world, 1, from, to, 0..1, SECOND);
    }
    world.hosts.iter_mut().for_each(|host| host.delivered.clear());
    world
}

#[test]
fn a_removed_member_is_heard_no_more() {
    let mut world = three();
    let without = world.network(1, &[0, 1]);
    world.publish(&without, &[0, 1]);
    for to in [0, 1] {
        stream(&mut world, 1, 2, to, 0..50, Duration::from_millis(10));
        assert!(world.hosts[to].delivered.is_empty());
        assert!(world.drops(to, DropReason::UnknownSession) >= 50);
    }
    world.run(SECOND * 20);
    let refused = |event: &Event| matches!(event, Event::HandshakeRefused { reason: Refusal::NotMember, .. });
    assert!(world.hosts[2].events.iter().any(refused));
    stream(&mut world, 1, 0, 1, 0..10, Duration::from_millis(10));
    world.run(SECOND);
    assert_eq!(numbers(&world, 0, 1).len(), 10);
}

#[test]
fn nothing_is_sent_to_a_removed_member() {
    let mut world = three();
    let without = world.network(1, &[0, 1]);
    world.publish(&without, &[0, 1]);
    let removed = world.hosts[2].address.into();
    let sent = |world: &World| world.recorded.iter().filter(|(_, to, _)| *to == removed).count();
    let before = sent(&world);
    stream(&mut world, 1, 0, 2, 0..10, Duration::from_millis(10));
    world.run(SECOND * 20);
    assert_eq!(sent(&world), before);
    assert_eq!(world.drops(0, DropReason::NoMember), 10);
}

#[test]
fn what_was_sent_before_the_removal_is_dropped_when_it_arrives_after() {
    let mut world = three();
    world.send(2, &numbered(1, 2, 1, 7));
    let without = world.network(1, &[0, 1]);
    world.publish(&without, &[1]);
    world.run(SECOND);
    assert!(world.hosts[1].delivered.is_empty());
}

#[test]
fn a_member_that_comes_back_is_heard_again() {
    let mut world = three();
    let (without, with) = (world.network(1, &[0, 1]), world.network(1, &[0, 1, 2]));
    world.publish(&without, &[0, 1, 2]);
    stream(&mut world, 1, 2, 0, 0..5, Duration::from_millis(10));
    assert_eq!(world.drops(2, DropReason::ForeignSource), 5);
    world.publish(&with, &[0, 1, 2]);
    stream(&mut world, 1, 2, 0, 5..10, Duration::from_millis(10));
    world.run(SECOND);
    assert_eq!(numbers(&world, 2, 0), (5..10).collect::<Vec<_>>());
}

#[test]
fn a_removed_network_is_silent_and_others_go_on() {
    let mut world = World::new(2, 2);
    world.add_network(1, &[0, 1]);
    world.add_network(2, &[0, 1]);
    stream(&mut world, 1, 0, 1, 0..1, SECOND);
    stream(&mut world, 2, 0, 1, 1..2, SECOND);
    world.hosts[1].node.remove_network(network_id(1));
    stream(&mut world, 1, 0, 1, 2..3, SECOND);
    stream(&mut world, 2, 0, 1, 3..4, SECOND);
    assert_eq!(numbers(&world, 0, 1), [0, 1, 3]);
}

#[test]
fn a_forgotten_peer_needs_a_new_handshake() {
    let mut world = three();
    let peer = world.hosts[0].id;
    world.hosts[1].node.forget_peer(peer);
    stream(&mut world, 1, 0, 1, 0..5, Duration::from_millis(10));
    assert!(world.drops(1, DropReason::UnknownSession) >= 5);
    let (now, forgetful) = (world.now, world.hosts[1].id);
    world.hosts[0].node.reset_peer(now, forgetful);
    stream(&mut world, 1, 0, 1, 5..10, Duration::from_millis(10));
    world.run(SECOND);
    assert_eq!(numbers(&world, 0, 1), (5..10).collect::<Vec<_>>());
}

#[test]
fn what_waits_for_a_removed_member_is_dropped() {
    let mut world = World::new(2, 3);
    world.control_up = false;
    world.add_network(1, &[0, 1]);
    stream(&mut world, 1, 0, 1, 0..7, Duration::from_millis(10));
    let alone = world.network(1, &[0]);
    world.publish(&alone, &[0]);
    assert_eq!(world.drops(0, DropReason::LinkRemoved), 7);
}
