//! Sockets on the loopback interface and, for what depends on an interface, in a network namespace.

use std::net::UdpSocket;
use std::time::Duration;

use super::socket::probe;
use super::*;
use crate::features::Features;
use crate::namespace::Namespace;
use crate::poll::{Interest, Poller};
use crate::tun::{self, Interface};

const SEGMENT: usize = 1452;

fn bound(address: &str) -> Socket {
    bound_without(address, &[])
}

fn bound_without(address: &str, names: &[&str]) -> Socket {
    Socket::bind(address.parse().unwrap(), Features::without(names).unwrap()).unwrap()
}

/// Receives until `count` datagrams are there; each is returned with its source.
fn received(socket: &mut Socket, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut poller = Poller::new().unwrap();
    poller.add(socket.as_fd(), 0, Interest::READ).unwrap();
    let mut datagrams = Vec::new();
    while datagrams.len() < count {
        assert_ne!(poller.wait(Some(Duration::from_secs(5))).unwrap().count(), 0, "datagrams are missing");
        socket.receive(|mut train| {
            let (from, segment_size) = (train.from, train.segment_size);
            datagrams.extend(train.bytes().chunks(segment_size).map(|datagram| (from, datagram.to_vec())));
        });
    }
    datagrams
}

fn train(datagrams: usize) -> Vec<u8> {
    (0..datagrams * SEGMENT - 100).map(|index| (index / SEGMENT) as u8).collect()
}

fn assert_train_arrives(sender: &mut Socket, receiver: &mut Socket, to: SocketAddr) {
    let train = train(40);
    assert_eq!(sender.send(to, Ecn::NotCapable, SEGMENT, &train), train.len());
    let datagrams = received(receiver, 40);
    for ((_, datagram), expected) in datagrams.iter().zip(train.chunks(SEGMENT)) {
        assert_eq!(datagram, expected);
    }
    assert!(datagrams.iter().all(|(from, _)| from.port() == sender.local_address().port()));
    assert_eq!(sender.status().counters.datagrams_sent, 40);
    assert_eq!(receiver.status().counters.datagrams_received, 40);
}

#[test]
fn a_train_arrives_in_one_call_each() {
    let (mut sender, mut receiver) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
    let to = receiver.local_address();
    assert_train_arrives(&mut sender, &mut receiver, to);
    if sender.status().segmentation && receiver.status().receive_offload {
        assert_eq!(sender.status().counters.send_calls, 1);
    }
}

#[test]
fn a_call_receives_only_so_many_bytes() {
    let (mut sender, mut receiver) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
    let (to, train) = (receiver.local_address(), train(40));
    // How long trains are is known after the first.
    sender.send(to, Ecn::NotCapable, SEGMENT, &train);
    received(&mut receiver, 40);
    for _ in 0..10 {
        assert_eq!(sender.send(to, Ecn::NotCapable, SEGMENT, &train), train.len());
    }
    if !sender.status().segmentation || !receiver.status().receive_offload {
        eprintln!("SKIPPED: datagrams go one by one here");
        return;
    }
    let mut calls = Vec::new();
    while calls.iter().sum::<usize>() < 10 {
        let mut trains = 0;
        let more = receiver.receive(|_| trains += 1);
        assert!(more || calls.iter().sum::<usize>() + trains == 10);
        calls.push(trains);
    }
    assert_eq!(calls, [2; 5]);
}

#[test]
fn a_train_arrives_without_segmentation() {
    let (mut sender, mut receiver) = (bound_without("127.0.0.1:0", &["udp-gso"]), bound("127.0.0.1:0"));
    let to = receiver.local_address();
    assert_train_arrives(&mut sender, &mut receiver, to);
    assert!(!sender.status().segmentation && sender.status().receive_offload == receiver.status().receive_offload);
}

#[test]
fn a_train_arrives_without_receive_offload() {
    let (mut sender, mut receiver) = (bound("127.0.0.1:0"), bound_without("127.0.0.1:0", &["udp-gro"]));
    let to = receiver.local_address();
    assert_train_arrives(&mut sender, &mut receiver, to);
    let SocketStatus { receive_offload, receive_batch, counters, .. } = receiver.status();
    assert!(!receive_offload && receive_batch);
    assert!((1..40).contains(&counters.receive_calls), "{} calls for 40 datagrams", counters.receive_calls);
}

#[test]
fn a_train_arrives_by_single_receives() {
    let without = ["udp-gro", "receive-batch"];
    let (mut sender, mut receiver) = (bound("127.0.0.1:0"), bound_without("127.0.0.1:0", &without));
    let to = receiver.local_address();
    assert_train_arrives(&mut sender, &mut receiver, to);
    assert_eq!((receiver.status().receive_batch, receiver.status().counters.receive_calls), (false, 40));
}

#[test]
fn an_unspecified_ipv6_socket_carries_both_families() {
    let mut receiver = bound("[::]:0");
    let port = receiver.local_address().port();
    for host in ["127.0.0.1", "::1"] {
        let mut sender = bound(&SocketAddr::new(host.parse().unwrap(), 0).to_string());
        let to = SocketAddr::new(host.parse().unwrap(), port);
        assert_eq!(sender.send(to, Ecn::NotCapable, 3, b"abc"), 3);
        assert_eq!(received(&mut receiver, 1), [(sender.local_address(), b"abc".to_vec())]);
        assert_eq!(receiver.send(sender.local_address(), Ecn::NotCapable, 4, b"back"), 4);
        assert_eq!(received(&mut sender, 1), [(to, b"back".to_vec())]);
    }
}

#[test]
fn congestion_marks_travel_with_each_datagram_of_both_families() {
    let marks = [Ecn::NotCapable, Ecn::CapableZero, Ecn::CongestionExperienced, Ecn::CapableOne];
    let mut receiver = bound("[::]:0");
    let port = receiver.local_address().port();
    let all: &[&str] = &[];
    for (host, without) in [("127.0.0.1", all), ("127.0.0.1", &["udp-gso"]), ("::1", all), ("::1", &["udp-gso"])] {
        let mut sender = bound_without("[::]:0", without);
        for mark in marks {
            sender.send(SocketAddr::new(host.parse().unwrap(), port), mark, SEGMENT, &train(3));
        }
        let mut poller = Poller::new().unwrap();
        poller.add(receiver.as_fd(), 0, Interest::READ).unwrap();
        let mut seen = Vec::new();
        while seen.len() < 3 * marks.len() {
            assert_ne!(poller.wait(Some(Duration::from_secs(5))).unwrap().count(), 0, "datagrams are missing");
            receiver.receive(|train| seen.extend(vec![train.ecn; train.length.div_ceil(train.segment_size)]));
        }
        assert_eq!(seen, marks.map(|mark| [mark; 3]).concat(), "{host}, without {without:?}");
    }
}

#[test]
fn what_cannot_be_sent_is_counted() {
    let mut socket = bound("127.0.0.1:0");
    assert_eq!(socket.send("[::1]:9".parse().unwrap(), Ecn::NotCapable, 2, b"abcd"), 4);
    assert_eq!(socket.status().counters.dropped_unreachable, 2);
    assert_eq!(socket.send("192.0.2.1:9".parse().unwrap(), Ecn::NotCapable, 2, b"abcd"), 4);
    let counters = socket.status().counters;
    assert_eq!(counters.dropped_unreachable + counters.dropped_send_failed, 4);
    assert_eq!(counters.datagrams_sent, 0);
}

#[test]
fn a_refusing_receiver_does_not_stop_the_socket() {
    let (mut sender, mut receiver) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
    let nobody = bound("127.0.0.1:0").local_address();
    for _ in 0..3 {
        assert_eq!(sender.send(nobody, Ecn::NotCapable, 3, b"abc"), 3);
        sender.receive(|_| panic!("nobody sent anything"));
    }
    assert_eq!(sender.send(receiver.local_address(), Ecn::NotCapable, 3, b"abc"), 3);
    assert_eq!(received(&mut receiver, 1).len(), 1);
}

#[test]
fn what_the_socket_drops_for_want_of_room_is_counted() {
    let mut receiver = bound("127.0.0.1:0");
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let more_than_fit = 2 * receiver.status().receive_buffer / SEGMENT;
    for _ in 0..more_than_fit {
        sender.send_to(&[1; SEGMENT], receiver.local_address()).unwrap();
    }
    while receiver.receive(|_| {}) {}
    // The count comes with the next datagram.
    sender.send_to(b"abc", receiver.local_address()).unwrap();
    received(&mut receiver, 1);
    let counters = receiver.status().counters;
    assert!(counters.dropped_receive_full > 0);
    assert_eq!(counters.datagrams_received + counters.dropped_receive_full, more_than_fit as u64 + 1);
}

#[test]
fn empty_datagrams_are_counted() {
    let mut receiver = bound("127.0.0.1:0");
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"", receiver.local_address()).unwrap();
    sender.send_to(b"abc", receiver.local_address()).unwrap();
    assert_eq!(received(&mut receiver, 1).len(), 1);
    assert_eq!(receiver.status().counters.dropped_empty, 1);
}

#[test]
fn buffers_are_as_big_as_allowed() {
    let status = probe().unwrap();
    assert!(status.send_buffer >= 100_000 && status.receive_buffer >= 100_000, "{status:?}");
}

#[test]
fn datagrams_too_big_for_the_interface_are_counted_and_segmentation_stays() {
    let Some(namespace) = Namespace::new() else { return };
    namespace.run(|| {
        let addresses = vec![("10.77.0.1".parse().unwrap(), 24)];
        let _tun =
            tun::create(&Interface { name: "vpn7".to_owned(), addresses, mtu: 1280 }, Features::default()).unwrap();
        let mut socket = bound("10.77.0.1:0");
        let segmentation = socket.status().segmentation;
        let to = "10.77.0.2:9".parse().unwrap();
        assert_eq!(socket.send(to, Ecn::NotCapable, SEGMENT, &train(3)), train(3).len());
        assert_eq!(socket.send(to, Ecn::NotCapable, SEGMENT, &train(1)), train(1).len());
        assert_eq!(socket.status().counters.dropped_too_big, 4);
        assert_eq!(socket.send(to, Ecn::NotCapable, 1200, &train(3)), train(3).len());
        let status = socket.status();
        assert_eq!((status.segmentation, status.counters.datagrams_sent), (segmentation, 4));
    });
}
