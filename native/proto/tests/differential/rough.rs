//! Over a wire that does all kinds of harm, while sessions and the path's MTU change: whatever arrives was sent, arrives
//! as it was sent, and arrives once. When the wire is fine again everything arrives.

use std::time::{Duration, Instant};

use golem_vpn_proto::{Config, Event, Node, NodeId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::arrivals::deliveries;
use crate::ledger::Ledger;
use crate::pair::{ALICE, BOB, DEVICE, device, interface, network, socket};
use crate::random::Random;
use crate::sender::{Sender, address};
use crate::steps::{ACK, Ip, PSH, Step, To, What};
use crate::wire::{FINE, Weather, Wire};

const ROUND: Duration = Duration::from_millis(1);
const BINDING: [u8; 32] = [5; 32];
/// Rounds after which a path has found out what it carries.
const ROUNDS_TO_RECOVER: usize = 40_000;

/// Two nodes, two directions of a wire, and what is on its way.
struct Journey {
    now: Instant,
    alice: Node,
    bob: Node,
    wires: [Wire; 2],
    random: Random,
    sender: Sender,
    ledger: Ledger,
    sessions: usize,
}

impl Journey {
    fn new(seed: u64) -> Self {
        let (now, addresses) = (Instant::now(), |host| [address(host, true), address(host, false)]);
        let network = network(&addresses(1), &addresses(2));
        let node = |id: NodeId, own: u8| {
            let (rekey_after, reject_after) = (Duration::from_millis(300), Duration::from_millis(900));
            let mut random = Random::new(seed << 8 | u64::from(own));
            let config = Config { rekey_after, reject_after, ..Config::new(id) };
            let mut node = Node::new(config, Box::new(move |bytes| random.fill(bytes)));
            node.set_network(now, network.clone());
            node.set_device(DEVICE, device(true, &addresses(own))).unwrap();
            node.set_peer(now, if own == 1 { BOB } else { ALICE }, vec![interface(3 - own)], Vec::new());
            node
        };
        Self {
            now,
            alice: node(ALICE, 1),
            bob: node(BOB, 2),
            wires: Default::default(),
            random: Random::new(seed),
            sender: Sender::default(),
            ledger: Ledger::default(),
            sessions: 0,
        }
    }

    /// Lets Alice send what steps say, and a millisecond pass.
    fn round(&mut self, weather: Weather, steps: &[Step]) -> Result<(), String> {
        self.now += ROUND;
        for step in steps {
            let (offload, packet) = self.sender.packet(step);
            self.ledger.note(&offload, &packet);
            self.alice.handle_packet(self.now, DEVICE, offload, &packet);
        }
        for node in [&mut self.alice, &mut self.bob] {
            if node.poll_timeout().is_some_and(|due| due <= self.now) {
                node.handle_timeout(self.now);
            }
        }
        self.carry(weather);
        deliveries(&mut self.alice);
        deliveries(&mut self.bob).iter().try_for_each(|packet| self.ledger.take(packet))
    }

    fn carry(&mut self, weather: Weather) {
        let Self { now, alice, bob, wires: [out, back], random, sessions, .. } = self;
        let ends = [(&mut *alice, out), (&mut *bob, back)];
        for (node, wire) in ends {
            while let Some(train) = node.poll_transmit(*now) {
                wire.put(weather, random, &train);
            }
        }
        let [out, back] = &mut self.wires;
        for (node, wire, from) in [(&mut *bob, out, 1), (&mut *alice, back, 2)] {
            for mut train in wire.round() {
                node.handle_datagram(*now, socket(from).into(), train.ecn, train.size, &mut train.bytes);
            }
        }
        shake_hands(*now, (alice, ALICE), (bob, BOB), sessions);
        shake_hands(*now, (bob, BOB), (alice, ALICE), sessions);
    }
}

/// Carries the messages of sessions, which take another way than packets.
fn shake_hands(now: Instant, (from, own): (&mut Node, NodeId), (to, other): (&mut Node, NodeId), sessions: &mut usize) {
    while let Some(event) = from.poll_event() {
        match event {
            Event::Handshake { message, .. } => {
                let reply = to.handle_handshake(now, own, &message, &BINDING);
                from.handle_handshake_reply(now, other, &reply, &BINDING);
            }
            Event::SessionStarted { .. } => *sessions += 1,
            _ => {}
        }
    }
}

fn weather() -> impl Strategy<Value = Weather> {
    let rare = || prop_oneof![1 => Just(0u64), 2 => 0..300u64];
    let mtu = select(vec![1500usize, 1500, 1420, 1400, 1300, 1280, 1000, 700]);
    (rare(), rare(), rare(), rare(), mtu).prop_map(|(loss, duplication, lateness, marking, mtu)| Weather {
        loss,
        duplication,
        lateness,
        marking,
        mtu,
    })
}

/// Data that can arrive in one way only: nothing is sent twice.
fn step() -> impl Strategy<Value = Step> {
    let cut = || prop_oneof![2 => Just(1000u16), 1 => 100..1380u16];
    let what = prop_oneof![
        3 => (select(vec![ACK, ACK | PSH]), cut(), 1..30_000u16)
            .prop_map(|(flags, size, length)| What::Segment { flags, length, cut: Some(size), options: 3 }),
        1 => (50..1380u16).prop_map(|length| What::Segment { flags: ACK, length, cut: None, options: 3 }),
        2 => (50..1390u16)
            .prop_map(|length| What::Datagram { length, cut: None, has_checksum: true, surplus: 0 }),
        1 => (100..1390u16, 1..20u16).prop_map(|(size, count)| {
            What::Datagram { length: size * count, cut: Some(size), has_checksum: true, surplus: 0 }
        }),
    ];
    (0..4u8, 0..4u8, any::<bool>(), what).prop_map(|(flow, class, dont_fragment, what)| {
        let ip = Ip { class, hops: 64, dont_fragment, extension: None };
        Step { flow, ip, what, is_partial: true, is_damaged: false, to: To::Receiver }
    })
}

/// How long a weather lasts, and what is sent again and again meanwhile.
type Phase = (Weather, usize, Vec<Step>);

fn phases() -> impl Strategy<Value = Vec<Phase>> {
    vec((weather(), 1..200usize, vec(step(), 1..5)), 1..5)
}

/// Whether what is sent in the end arrives, all of it, before long.
fn recovers(journey: &mut Journey) -> Result<bool, String> {
    let datagram = What::Datagram { length: 1390, cut: None, has_checksum: true, surplus: 0 };
    let ip = Ip { class: 0, hops: 64, dont_fragment: true, extension: None };
    let step = Step { flow: 0, ip, what: datagram, is_partial: false, is_damaged: false, to: To::Receiver };
    let mut in_a_row = 0;
    for _ in 0..ROUNDS_TO_RECOVER {
        let before = journey.ledger.arrivals;
        journey.round(FINE, std::slice::from_ref(&step))?;
        in_a_row = if journey.ledger.arrivals > before { in_a_row + 1 } else { 0 };
        if in_a_row == 50 {
            return Ok(true);
        }
    }
    Ok(false)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn whatever_arrives_was_sent_and_arrives_once(phases in phases(), seed in any::<u32>()) {
        let mut journey = Journey::new(seed.into());
        for (weather, rounds, steps) in &phases {
            for _ in 0..*rounds {
                let outcome = journey.round(*weather, steps);
                prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
            }
        }
        prop_assert_eq!(recovers(&mut journey), Ok(true));
    }
}

#[test]
fn the_harm_is_done_while_packets_pass_and_sessions_change() {
    let mut journey = Journey::new(1);
    let ip = Ip { class: 2, hops: 64, dont_fragment: true, extension: None };
    let what = What::Segment { flags: ACK, length: 20_000, cut: Some(1300), options: 3 };
    let step = Step { flow: 0, ip, what, is_partial: true, is_damaged: false, to: To::Receiver };
    let weather = Weather { loss: 50, duplication: 50, lateness: 50, marking: 50, mtu: 1500 };
    for _ in 0..2000 {
        journey.round(weather, std::slice::from_ref(&step)).unwrap();
    }
    let sent = 2000 * 20_000_usize.div_ceil(1300);
    assert!((sent * 9 / 10..sent).contains(&journey.ledger.arrivals), "{} of {sent}", journey.ledger.arrivals);
    assert!(journey.sessions >= 8, "{} sessions in two seconds", journey.sessions);
}
