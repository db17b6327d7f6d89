//! Packets that go past the stack, beside those that do not.

use super::strangers::{alone, expect_pong, next, packet, ping, segment};
use super::*;
use smoltcp::wire::{IpProtocol, TcpControl};

fn pair(local: &str, remote: &str) -> Pair {
    Pair { local: ip(local), remote: ip(remote) }
}

async fn received(diversion: &Diversion) -> Result<Vec<u8>, DiversionEnd> {
    timeout(PATIENCE, diversion.receive()).await.unwrap()
}

#[tokio::test]
async fn packets_of_the_pair_are_diverted_and_others_are_not() {
    let (stack, mut end) = alone();
    let diversion = stack.divert(pair("10.0.0.1", "10.0.0.2")).unwrap();
    let udp = packet(ip("10.0.0.2"), ip("10.0.0.1"), IpProtocol::Udp, &[1; 20]);
    let mut fragment = udp.clone();
    fragment[6] = 0x20;
    let reset = segment(443, TcpControl::Psh, 1, 2, 100);
    for diverted in [ping(ip("10.0.0.1"), ip("10.0.0.2")), udp, fragment, reset] {
        assert!(end.send(diverted.clone()));
        assert_eq!(received(&diversion).await, Ok(diverted));
    }
    for other in ["10.0.0.3", "10.0.0.4"] {
        assert!(end.send(ping(ip("10.0.0.1"), ip(other))));
        assert_eq!(Heading::of(&next(&mut end).await).unwrap().destination, ip(other));
    }
    drop(diversion);
    expect_pong(&mut end).await;
}

#[tokio::test]
async fn the_connections_of_the_stack_are_not_starved() {
    let stack = stack(vec![(7, 2, Service::Echo)], Faults::default());
    let before = connect(&stack, "10.0.0.2:7").await.unwrap();
    let diversion = stack.divert(pair("10.0.0.1", "10.0.0.2")).unwrap();
    let after = connect(&stack, "10.0.0.2:7").await.unwrap();
    echo(before, &pattern(300_000)).await;
    echo(after, &pattern(300_000)).await;
    let request = ping(ip("10.0.0.2"), ip("10.0.0.1"));
    assert_eq!(diversion.send(request.clone()).await, Ok(()));
    let answer = received(&diversion).await.unwrap();
    assert_eq!(Heading::of(&answer).unwrap().source, ip("10.0.0.2"));
    assert!(answer.ends_with(b"hello"));
}

#[tokio::test]
async fn only_the_newest_diversion_of_a_pair_is_one() {
    let (stack, mut end) = alone();
    let first = stack.divert(pair("10.0.0.1", "10.0.0.2")).unwrap();
    let second = stack.divert(pair("10.0.0.1", "10.0.0.2")).unwrap();
    assert_eq!(received(&first).await, Err(DiversionEnd::Replaced));
    assert_eq!(first.send(vec![1]).await, Err(DiversionEnd::Replaced));
    drop(first);
    let request = ping(ip("10.0.0.1"), ip("10.0.0.2"));
    assert!(end.send(request.clone()));
    assert_eq!(received(&second).await, Ok(request));
    second.close();
    assert_eq!(received(&second).await, Err(DiversionEnd::Closed));
    expect_pong(&mut end).await;
}

#[tokio::test]
async fn a_diversion_ends_with_its_address_and_with_the_stack() {
    let (stack, _end) = alone();
    assert_eq!(stack.divert(pair("10.0.0.7", "10.0.0.2")).err(), Some(ConnectError::NoRoute));
    let four = stack.divert(pair("10.0.0.1", "10.0.0.2")).unwrap();
    let six = stack.divert(pair("fd00::1", "fd00::2")).unwrap();
    stack.set_addresses(vec![(ip("fd00::1"), 64)]);
    assert_eq!(received(&four).await, Err(DiversionEnd::Gone));
    assert!(six.is_neighbour(ip("fd00::77")) && !six.is_neighbour(ip("fd00::1")) && !six.is_neighbour(ip("fd01::1")));
    drop(stack);
    assert_eq!(received(&six).await, Err(DiversionEnd::Gone));
}

#[tokio::test]
async fn a_user_that_does_not_take_packets_loses_the_newest() {
    let (stack, mut end) = alone();
    let diversion = stack.divert(pair("10.0.0.1", "10.0.0.2")).unwrap();
    let numbered = |number: u16| packet(ip("10.0.0.2"), ip("10.0.0.1"), IpProtocol::Udp, &number.to_be_bytes());
    for number in 0..300 {
        assert!(end.send(numbered(number)));
    }
    // Its answer tells that the stack has seen all packets before it.
    assert!(end.send(ping(ip("10.0.0.1"), ip("10.0.0.3"))));
    next(&mut end).await;
    assert_eq!(diversion.overflowed(), 300 - 256);
    for number in 0..256 {
        assert_eq!(diversion.try_receive(), Some(numbered(number)));
    }
    assert_eq!(diversion.try_receive(), None);
}

#[tokio::test]
async fn a_full_queue_holds_the_sender_back() {
    let (stack, mut end) = alone();
    let diversion = stack.divert(pair("10.0.0.1", "10.0.0.2")).unwrap();
    let send = async {
        for _ in 0..3000 {
            diversion.send(vec![1; 100]).await.unwrap();
        }
    };
    let take = async {
        for _ in 0..3000 {
            assert_eq!(next(&mut end).await, [1; 100]);
        }
    };
    tokio::join!(send, take);
}
