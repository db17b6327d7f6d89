//! Paths die, move and come back; packets go on within a second.

use std::net::SocketAddr;
use std::time::Duration;

use golem_vpn_proto::{Event, Reason, Route};

use crate::internet::{connect, echo, internet, introduce, missing, path, talk, words};
use crate::site::Kind::{Home, Open};
use crate::traffic::{numbered, numbers, stream};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);
/// Packets of `talk` in 700 ms: what an outage may cost at most.
const OUTAGE: usize = 35;

fn direct(relays: u16, seed: u64) -> World {
    let mut world = internet([Home, Home], relays, seed);
    talk(&mut world, 0..100);
    assert_eq!(words(&path(&world, 0)), ("direct", None));
    assert_eq!((missing(&world, 0, 100), missing(&world, 1, 100)), (0, 0));
    world
}

#[test]
fn a_dead_path_gives_way_to_the_relay_and_comes_back() {
    for seed in 0..10 {
        let mut world = direct(1, seed);
        world.wire.loss = 1000;
        talk(&mut world, 100..300);
        world.run(SECOND);
        for host in [0, 1] {
            let lost = missing(&world, host, 300);
            assert!(lost <= OUTAGE, "seed {seed}: {lost} packets to {host} were lost");
            assert_eq!(words(&path(&world, host)), ("relayed", Some(Reason::FellSilent.words())));
        }
        let lost = [missing(&world, 0, 300), missing(&world, 1, 300)];
        world.wire.loss = 0;
        talk(&mut world, 300..2300);
        world.run(SECOND);
        assert_eq!(words(&path(&world, 0)), ("direct", None));
        assert_eq!([missing(&world, 0, 2300), missing(&world, 1, 2300)], lost, "nothing is lost on the way back");
    }
}

#[test]
fn a_nat_that_forgets_costs_less_than_a_second() {
    let mut world = direct(1, 2);
    world.hosts[0].site.rebind();
    talk(&mut world, 100..400);
    for host in [0, 1] {
        let lost = missing(&world, host, 400);
        assert!(lost <= OUTAGE, "{lost} packets to {host} were lost");
    }
    introduce(&mut world, 0, 1);
    talk(&mut world, 400..500);
    world.run(SECOND);
    assert_eq!(words(&path(&world, 0)), ("direct", None));
    assert_eq!(words(&path(&world, 1)), ("direct", None));
}

#[test]
fn a_nat_that_forgets_at_any_moment_costs_no_more_if_the_peer_only_answers() {
    // Probes go each three seconds; one that came last takes away the peer's reason to doubt the path.
    for beats in 300..600 {
        let mut world = internet([Home, Home], 1, 3);
        echo(&mut world, 0..beats);
        world.hosts[0].site.rebind();
        let outage = echo(&mut world, beats..beats + 150);
        assert!(outage <= Duration::from_millis(720), "{outage:?} without an answer after {beats} beats");
    }
}

#[test]
fn a_node_whose_path_died_asks_at_once_where_it_is_seen_now() {
    let mut world = direct(0, 1);
    world.hosts[0].events.clear();
    world.hosts[0].site.rebind();
    talk(&mut world, 100..140);
    let address = world.hosts[0].node.reflected(world.now).0[0];
    assert!(world.hosts[0].events.contains(&Event::Reflected(vec![address])));
    introduce(&mut world, 0, 0);
    talk(&mut world, 140..400);
    world.run(SECOND);
    assert_eq!(path(&world, 1).route, Some(Route::Direct(address)));
    assert!(missing(&world, 0, 400) <= 50 && missing(&world, 1, 400) <= 50);
}

#[test]
fn a_host_that_moves_is_followed() {
    let mut world = internet([Open, Open], 0, 3);
    talk(&mut world, 0..100);
    let elsewhere = SocketAddr::from(([172, 16, 0, 9], 9000));
    world.hosts[0].address = elsewhere;
    talk(&mut world, 100..400);
    world.run(SECOND);
    assert_eq!(path(&world, 1).route, Some(Route::Direct(elsewhere)));
    assert!(missing(&world, 1, 400) == 0, "what the host sends arrives from anywhere");
    let lost = missing(&world, 0, 400);
    assert!(lost <= OUTAGE, "{lost} packets were lost");
}

#[test]
fn a_host_that_moves_and_is_told_of_in_silence_is_found() {
    let mut world = internet([Open, Open], 1, 4);
    talk(&mut world, 0..100);
    world.hosts[0].address = SocketAddr::from(([172, 16, 0, 9], 9000));
    introduce(&mut world, 0, 1);
    stream(&mut world, 1, 1, 0, 100..200, Duration::from_millis(20));
    world.run(SECOND);
    assert!(missing(&world, 0, 200) <= OUTAGE);
    assert_eq!(words(&path(&world, 1)), ("direct", None));
}

#[test]
fn a_refused_path_is_left_at_once() {
    let mut world = direct(1, 5);
    let Some(Route::Direct(address)) = path(&world, 0).route else { panic!("the path is direct") };
    let now = world.now;
    world.hosts[0].node.handle_unreachable(now, address);
    assert_eq!(words(&path(&world, 0)), ("relayed", Some(Reason::FellSilent.words())));
}

#[test]
fn a_lost_relay_gives_way_to_the_next_at_once() {
    let mut world = internet([Home, Home], 2, 6);
    world.wire.loss = 1000;
    talk(&mut world, 0..100);
    assert_eq!(path(&world, 0).relay.as_deref(), Some("relay 0"));
    world.relays_up[0] = false;
    let now = world.now;
    for host in [0, 1] {
        world.hosts[host].node.set_relay(now, golem_vpn_proto::RelayId(0), None);
        world.fetch(host);
    }
    talk(&mut world, 100..200);
    world.run(SECOND);
    assert_eq!(path(&world, 0).relay.as_deref(), Some("relay 1"));
    // Two were on their way through the relay.
    assert!(missing(&world, 0, 200) <= 2 && missing(&world, 1, 200) <= 2);
}

#[test]
fn a_relay_that_only_swallows_is_given_up_too() {
    let mut world = internet([Home, Home], 2, 7);
    world.wire.loss = 1000;
    talk(&mut world, 0..100);
    world.relays_up[0] = false;
    talk(&mut world, 100..200);
    world.run(SECOND);
    assert_eq!(path(&world, 0).relay.as_deref(), Some("relay 1"));
    assert!(missing(&world, 0, 200) <= OUTAGE + 5, "{} packets were lost", missing(&world, 0, 200));
}

#[test]
fn one_direction_and_some_loss_raise_no_alarm() {
    for seed in 0..5 {
        let mut world = direct(1, seed);
        world.wire.loss = 30;
        let since = path(&world, 0).since;
        stream(&mut world, 1, 0, 1, 100..6100, Duration::from_millis(10));
        assert_eq!(path(&world, 0).since, since, "seed {seed}: the path has changed");
        let loss = path(&world, 0).loss_percent.unwrap();
        assert!((1.5..5.0).contains(&loss), "seed {seed}: {loss} percent of 3 were noticed");
    }
}

#[test]
fn lost_packets_of_a_slow_beat_raise_no_alarm_on_either_side() {
    for seed in 0..5 {
        let mut world = direct(1, seed);
        world.wire.loss = 30;
        let since = [path(&world, 0).since, path(&world, 1).since];
        for number in 100..2100 {
            world.send(0, &numbered(1, 0, 1, number));
            world.run(Duration::from_millis(100));
            world.send(1, &numbered(1, 1, 0, number));
            world.run(Duration::from_millis(200));
        }
        assert_eq!([path(&world, 0).since, path(&world, 1).since], since, "seed {seed}: the path has changed");
    }
}

#[test]
fn a_restarted_peer_says_so_through_a_relay_too() {
    let mut world = direct(1, 8);
    world.wire.loss = 1000;
    talk(&mut world, 100..200);
    world.hosts[1].delivered.clear();
    let network = world.network(1, &[0, 1]);
    world.restart(1, &[network]);
    connect(&mut world, 1, 0);
    introduce(&mut world, 0, 1);
    stream(&mut world, 1, 0, 1, 200..203, Duration::from_millis(50));
    let relayed = |event: &Event| matches!(event, Event::UnknownSession { from } if from.relay().is_some());
    assert!(world.hosts[1].events.iter().any(relayed));
    let (now, restarted) = (world.now, world.hosts[1].id);
    world.hosts[0].node.reset_peer(now, restarted);
    stream(&mut world, 1, 0, 1, 203..210, Duration::from_millis(50));
    world.run(SECOND);
    assert_eq!(numbers(&world, 0, 1), (203..210).collect::<Vec<_>>());
}

#[test]
fn a_network_that_the_peer_has_lost_does_not_harm_the_others() {
    let mut world = direct(0, 9);
    world.add_network(2, &[0, 1]);
    world.send(0, &numbered(2, 0, 1, 0));
    world.run(SECOND);
    world.hosts[1].node.remove_network(crate::world::network_id(2));
    let since = path(&world, 0).since;
    for number in 100..300 {
        world.send(0, &numbered(1, 0, 1, number));
        world.send(0, &numbered(2, 0, 1, number));
        world.run(Duration::from_millis(10));
    }
    assert_eq!(path(&world, 0).since, since);
}
