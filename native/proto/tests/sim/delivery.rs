//! Packets reach whom they are for, once, and nobody else.

use std::time::Duration;

use golem_vpn_proto::{DropReason, Event};

use crate::packets::{udp, udp_payload};
use crate::traffic::{numbered, numbers, stream};
use crate::wire::Wire;
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

#[test]
fn everybody_reaches_everybody_in_every_network() {
    let networks: [(u8, &[usize]); 3] = [(1, &[0, 1, 2, 3, 4, 5]), (2, &[1, 3, 5]), (3, &[0, 5])];
    let mut world = World::new(6, 2);
    for (network, members) in networks {
        world.add_network(network, members);
    }
    let mut expected = vec![Vec::new(); 6];
    for (network, members) in networks {
        for from in members {
            for to in members.iter().filter(|to| *to != from) {
                let packet = numbered(network, *from, *to, network.into());
                world.send(*from, &packet);
                expected[*to].push(packet);
            }
        }
    }
    world.run(SECOND);
    for (host, mut expected) in world.hosts.iter_mut().zip(expected) {
        expected.sort();
        host.delivered.sort();
        assert_eq!(host.delivered, expected);
        assert_eq!(host.node.counters().total_drops(), 0);
    }
}

#[test]
fn a_bad_wire_loses_some_packets_and_repeats_none() {
    let mut world = World::new(2, 3);
    world.wire = Wire { jitter: Duration::from_millis(30), loss: 100, duplication: 100, ..Wire::clean() };
    world.add_network(1, &[0, 1]);
    for number in 0..3000 {
        world.send(0, &numbered(1, 0, 1, number));
        world.send(1, &numbered(1, 1, 0, number));
        world.run(Duration::from_millis(10));
    }
    world.run(SECOND);
    for (from, to) in [(0, 1), (1, 0)] {
        let mut received = numbers(&world, from, to);
        let count = received.len();
        received.sort_unstable();
        received.dedup();
        assert_eq!(received.len(), count, "no packet comes twice");
        assert!(count > 2600, "{count} of 3000 packets came");
        assert!(world.drops(to, DropReason::Replayed) > 100);
        assert_eq!(world.drops(to, DropReason::Forged), 0);
    }
}

#[test]
fn a_wire_that_loses_every_second_datagram_still_gets_a_session() {
    for seed in 0..20 {
        let mut world = World::new(2, seed);
        world.wire = Wire { loss: 500, ..Wire::clean() };
        world.add_network(1, &[0, 1]);
        stream(&mut world, 1, 0, 1, 0..200, Duration::from_millis(100));
        let received = numbers(&world, 0, 1).len();
        assert!(received > 60, "seed {seed}: {received} of 200 packets came");
    }
}

#[test]
fn a_wire_that_is_dead_gets_probes_but_no_storm() {
    let mut world = World::new(2, 4);
    world.wire = Wire { loss: 1000, ..Wire::clean() };
    world.add_network(1, &[0, 1]);
    stream(&mut world, 1, 0, 1, 0..600, Duration::from_millis(100));
    assert!(world.hosts[1].delivered.is_empty());
    let handshakes = world.hosts[0].events.iter().filter(|event| matches!(event, Event::Handshake { .. })).count();
    assert!((3..=10).contains(&handshakes), "{handshakes} handshakes in a minute");
    assert!(world.recorded.len() < 150, "{} datagrams in a minute", world.recorded.len());
    assert!(world.drops(0, DropReason::BacklogExpired) > 0);
}

#[test]
fn handshakes_that_fail_are_repeated_while_packets_wait() {
    let mut world = World::new(2, 5);
    world.control_up = false;
    world.add_network(1, &[0, 1]);
    stream(&mut world, 1, 0, 1, 0..50, Duration::from_millis(100));
    world.control_up = true;
    world.run(SECOND * 10);
    assert_eq!(numbers(&world, 0, 1), (0..50).collect::<Vec<_>>());
}

#[test]
fn handshakes_stop_when_nothing_waits_any_more() {
    let mut world = World::new(2, 6);
    world.control_up = false;
    world.add_network(1, &[0, 1]);
    world.send(0, &numbered(1, 0, 1, 0));
    world.run(SECOND * 30);
    assert_eq!(world.drops(0, DropReason::BacklogExpired), 1);
    let before = world.hosts[0].events.len();
    assert!(before > 2);
    world.run(SECOND * 300);
    assert_eq!(world.hosts[0].events.len(), before);
}

#[test]
fn an_idle_session_goes_away_and_the_next_packet_starts_another() {
    let mut world = World::new(2, 7);
    world.add_network(1, &[0, 1]);
    stream(&mut world, 1, 0, 1, 0..1, SECOND * 600);
    assert!(world.hosts.iter().all(|host| host.node.peers(world.now)[0].networks[0].session.is_none()));
    assert!(world.hosts.iter().all(|host| host.node.poll_timeout().is_none()));
    stream(&mut world, 1, 0, 1, 1..2, SECOND);
    assert_eq!(numbers(&world, 0, 1), [0, 1]);
}
