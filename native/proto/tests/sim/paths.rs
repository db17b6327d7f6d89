//! Every pair of sites gets the path that physics allows, and says why it is no better.

use std::time::Duration;

use golem_vpn_proto::{Outcome, Reason, RelayId};

use crate::internet::{configured, internet, missing, path, talk, words};
use crate::site::Kind;
use crate::site::Kind::{Blocked, Firewall, Home, Symmetric};
use crate::traffic::stream;
use crate::world::interface;

const SECOND: Duration = Duration::from_secs(1);

/// Why a pair is relayed, as the first of the two sees it; `None` where it gets through.
fn expected(own: Kind, peer: Kind) -> Option<Reason> {
    match (own, peer) {
        (Blocked, _) => Some(Reason::Blocked),
        (_, Blocked) => Some(Reason::BlockedAtPeer),
        (Symmetric, Symmetric) => Some(Reason::BothSymmetric),
        (Symmetric, Home | Firewall) => Some(Reason::Symmetric),
        (Home | Firewall, Symmetric) => Some(Reason::SymmetricAtPeer),
        _ => None,
    }
}

#[test]
fn every_pair_of_sites_gets_the_best_path_and_no_packet_is_lost() {
    for (row, one) in Kind::ALL.into_iter().enumerate() {
        for (column, other) in Kind::ALL.into_iter().enumerate() {
            let mut world = internet([one, other], 1, (row * 10 + column) as u64);
            talk(&mut world, 0..250);
            world.run(SECOND);
            for (host, (own, peer)) in [(one, other), (other, one)].into_iter().enumerate() {
                let reason = expected(own, peer).map(Reason::words);
                let kind = if reason.is_some() { "relayed" } else { "direct" };
                assert_eq!(words(&path(&world, host)), (kind, reason), "from {own:?} to {peer:?}");
                assert_eq!(missing(&world, host, 250), 0, "from {peer:?} to {own:?}");
            }
        }
    }
}

#[test]
fn without_a_relay_direct_paths_come_about_all_the_same() {
    for one in Kind::ALL {
        for other in Kind::ALL {
            let mut world = internet([one, other], 0, 7);
            talk(&mut world, 0..100);
            world.run(SECOND);
            let can = expected(one, other).is_none();
            let (kind, reason) = words(&path(&world, 0));
            assert_eq!(kind, if can { "direct" } else { "none" }, "from {one:?} to {other:?}: {reason:?}");
            assert!(can == (missing(&world, 1, 100) == 0));
            assert!(can || reason == Some(Reason::NothingAnswers.words()));
        }
    }
}

#[test]
fn packets_flow_at_once_and_are_direct_soon() {
    let mut world = internet([Home, Home], 1, 1);
    assert_eq!(words(&path(&world, 0)).0, "relayed");
    stream(&mut world, 1, 0, 1, 0..1, Duration::from_millis(60));
    assert_eq!(missing(&world, 1, 1), 0, "through the relay");
    world.run(Duration::from_millis(200));
    assert_eq!(words(&path(&world, 0)), ("direct", None));
    let rtt = path(&world, 0).rtt.unwrap();
    assert_eq!(rtt, Duration::from_millis(10));
}

#[test]
fn policy_keeps_packets_on_the_relay_at_both_ends() {
    let mut world = configured([Kind::Open, Kind::Open], 1, 2, |config| {
        config.relayed_only = config.node.0[0] == 1;
    });
    talk(&mut world, 0..100);
    world.run(SECOND);
    assert_eq!(words(&path(&world, 0)), ("relayed", Some(Reason::RelayedOnly.words())));
    assert_eq!(words(&path(&world, 1)), ("relayed", Some(Reason::RelayedOnlyAtPeer.words())));
    let reflectors = [world.hosts[2].address.into(), world.hosts[3].address.into()];
    let direct = world.recorded.iter().filter(|(host, to, _)| *host == 0 && to.relay().is_none());
    assert!(direct.into_iter().all(|(_, to, _)| reflectors.contains(to)));
}

#[test]
fn who_shares_no_version_of_ip_is_told_so_whatever_its_nat_does() {
    let mut world = internet([Symmetric, Kind::Open], 1, 6);
    let (now, peer) = (world.now, world.hosts[1].id);
    let six = interface("[2001:db8::2]:7000".parse().unwrap());
    world.hosts[0].node.set_peer(now, peer, vec![six], vec![RelayId(0)]);
    talk(&mut world, 0..250);
    assert_eq!(words(&path(&world, 0)), ("relayed", Some(Reason::NoCommonVersion.words())));
}

#[test]
fn candidates_tell_what_came_of_them() {
    let mut world = internet([Home, Kind::Open], 1, 3);
    talk(&mut world, 0..200);
    let peers = world.hosts[1].node.peers(world.now);
    let candidates = &peers.iter().find(|peer| peer.node == world.hosts[0].id).unwrap().candidates;
    let outcome = |address: &str| {
        candidates.iter().find(|candidate| candidate.address == address.parse().unwrap()).map(|it| it.outcome)
    };
    assert_eq!(outcome("10.0.0.1:7000"), Some(Outcome::Failed));
    assert_eq!(outcome("198.51.100.1:40000"), Some(Outcome::Proven));
}

#[test]
fn a_relayed_pair_tries_again_with_growing_pauses() {
    let mut world = internet([Symmetric, Home], 1, 4);
    talk(&mut world, 0..50);
    let before = path(&world, 0).next_try.unwrap();
    assert!(before > world.now && before <= world.now + SECOND * 2);
    talk(&mut world, 50..4000);
    assert!(path(&world, 0).next_try.unwrap() > world.now);
    let probes = world.recorded.iter().filter(|(host, to, _)| *host == 0 && to.relay().is_none()).count();
    assert!(probes < 100, "{probes} direct datagrams in 80 seconds");
}

#[test]
fn an_idle_pair_falls_silent() {
    let mut world = internet([Home, Home], 1, 5);
    talk(&mut world, 0..50);
    world.run(SECOND * 400);
    let before = world.recorded.len();
    world.run(SECOND * 14);
    assert_eq!(world.recorded.iter().skip(before).filter(|(_, to, _)| to.relay().is_some()).count(), 0);
    assert!(world.recorded.len() - before <= 8, "only the reflectors are asked, and answer");
    talk(&mut world, 50..100);
    world.run(SECOND);
    assert_eq!((missing(&world, 0, 100), missing(&world, 1, 100)), (0, 0));
    assert_eq!(words(&path(&world, 0)), ("direct", None));
}
