//! This node asks reflectors at what address they see its data socket, and concludes what NAT lies between.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::wire::{Head, Key, Kind, LENGTH, ReflectionKey};
use crate::{DropReason, Nat};

/// Requests are repeated after these pauses until there is an answer, then and after an answer in long ones.
const QUICK: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(300),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];
const EVERY: Duration = Duration::from_secs(15);
/// Least time between an answer and the next request.
const AGAIN: Duration = Duration::from_secs(1);
/// An answer counts for so long.
const VALID_FOR: Duration = Duration::from_secs(50);
const MOST_REFLECTORS: usize = 8;

/// Who tells this node where it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReflectorAddress {
    pub address: SocketAddr,
    /// The name that the reflector has given this node.
    pub index: u32,
    pub key: ReflectionKey,
}

/// A request to be sent.
pub(crate) struct Request {
    pub to: SocketAddr,
    pub datagram: [u8; LENGTH],
}

#[derive(Default)]
pub(crate) struct Reflections {
    reflectors: Vec<Asked>,
    /// Never starts again, so that no nonce is used twice.
    last_counter: u64,
    /// Whether a peer sees the address that a reflector sees, or another port of it.
    peer: Option<Seen<bool>>,
}

struct Asked {
    reflector: ReflectorAddress,
    key: Key,
    next: Instant,
    unanswered: usize,
    first_counter: u64,
    seen: Option<Seen<SocketAddr>>,
}

#[derive(Clone, Copy)]
struct Seen<T> {
    what: T,
    at: Instant,
}

impl Reflections {
    /// Replaces the reflectors; new ones are asked at once.
    pub fn set(&mut self, now: Instant, reflectors: &[ReflectorAddress]) {
        let mut before = std::mem::take(&mut self.reflectors);
        for reflector in reflectors.iter().take(MOST_REFLECTORS) {
            let known = before.iter().position(|asked| asked.reflector == *reflector);
            self.reflectors.push(match known {
                Some(index) => before.swap_remove(index),
                None => Asked::new(*reflector, now, self.last_counter),
            });
        }
    }

    /// Asks soon, as this node may be seen elsewhere now.
    pub fn ask_again(&mut self, now: Instant) {
        for asked in
            self.reflectors.iter_mut().filter(|asked| asked.unanswered == 0 && now >= asked.next - EVERY + AGAIN)
        {
            asked.next = now;
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.reflectors.iter().map(|asked| asked.next).min()
    }

    /// Makes the requests that are due.
    pub fn due(&mut self, now: Instant) -> Vec<Request> {
        let last_counter = &mut self.last_counter;
        let due = self.reflectors.iter_mut().filter(|asked| now >= asked.next);
        due.map(|asked| {
            *last_counter += 1;
            asked.next = now + QUICK.get(asked.unanswered).copied().unwrap_or(EVERY);
            asked.unanswered += 1;
            let head = Head { kind: Kind::Request, index: asked.reflector.index, counter: *last_counter };
            Request { to: asked.reflector.address, datagram: head.seal(&asked.key, None) }
        })
        .collect()
    }

    /// Takes an answer; whether an address is news.
    pub fn answered(
        &mut self,
        now: Instant,
        from: SocketAddr,
        head: Head,
        datagram: &mut [u8],
    ) -> Result<bool, DropReason> {
        let last_counter = self.last_counter;
        let asked = self.reflectors.iter_mut();
        let asked = asked.filter(|asked| asked.reflector.address == from && asked.reflector.index == head.index);
        let asked = asked.last().ok_or(DropReason::UnknownReflection)?;
        if head.counter <= asked.first_counter || head.counter > last_counter {
            return Err(DropReason::Replayed);
        }
        let address =
            head.open(&asked.key, datagram).ok_or(DropReason::Forged)?.ok_or(DropReason::MalformedDatagram)?;
        asked.first_counter = head.counter;
        asked.unanswered = 0;
        asked.next = now + EVERY;
        let before = asked.seen.replace(Seen { what: address, at: now });
        Ok(before.is_none_or(|before| before.what != address))
    }

    /// A peer that answered a probe says where it saw this node; another IP address is that of another way.
    pub fn seen_by_peer(&mut self, now: Instant, address: SocketAddr) {
        let same_ip = |seen: &&Seen<SocketAddr>| seen.what.ip() == address.ip();
        let Some(seen) = self.valid(now).find(same_ip) else { return };
        self.peer = Some(Seen { what: seen.what == address, at: now });
    }

    /// Where this node's data socket was seen, newest first.
    pub fn addresses(&self, now: Instant) -> Vec<SocketAddr> {
        let mut seen: Vec<_> = self.valid(now).collect();
        seen.sort_by_key(|seen| std::cmp::Reverse(seen.at));
        let mut addresses = Vec::new();
        for seen in seen {
            if !addresses.contains(&seen.what) {
                addresses.push(seen.what);
            }
        }
        addresses
    }

    /// What lies between this node and others.
    pub fn nat(&self, now: Instant) -> Nat {
        let seen: Vec<_> = self.valid(now).map(|seen| seen.what).collect();
        let pairs =
            || seen.iter().enumerate().flat_map(|(index, one)| seen[..index].iter().map(move |other| (one, other)));
        let peer = self.peer.filter(|peer| now < peer.at + VALID_FOR).map(|peer| peer.what);
        // Reflectors that are reached another way see another IP address, which says nothing of a NAT.
        if pairs().any(|(one, other)| one.ip() == other.ip() && one.port() != other.port()) {
            Nat::Symmetric
        } else if pairs().any(|(one, other)| one == other) {
            Nat::Independent
        } else {
            match peer {
                _ if seen.is_empty() && self.is_unheard() => Nat::Blocked,
                Some(true) if !seen.is_empty() => Nat::Independent,
                Some(false) if !seen.is_empty() => Nat::Symmetric,
                _ => Nat::Unknown,
            }
        }
    }

    fn valid(&self, now: Instant) -> impl Iterator<Item = &Seen<SocketAddr>> {
        self.reflectors.iter().filter_map(|asked| asked.seen.as_ref()).filter(move |seen| now < seen.at + VALID_FOR)
    }

    /// Whether every reflector was asked in vain often enough.
    fn is_unheard(&self) -> bool {
        !self.reflectors.is_empty() && self.reflectors.iter().all(|asked| asked.unanswered >= QUICK.len())
    }
}

impl Asked {
    fn new(reflector: ReflectorAddress, now: Instant, first_counter: u64) -> Self {
        let key = Key::new(&reflector.key);
        Self { reflector, key, next: now, unanswered: 0, first_counter, seen: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reflection::Reflector;

    const SECOND: Duration = Duration::from_secs(1);

    fn reflector(number: u8) -> ReflectorAddress {
        let address = SocketAddr::from(([192, 0, 2, number], 7000));
        ReflectorAddress { address, index: u32::from(number), key: ReflectionKey([number; 32]) }
    }

    fn own(port: u16) -> SocketAddr {
        SocketAddr::from(([198, 51, 100, 1], port))
    }

    /// Lets the reflectors answer what is due, each seeing the port that `port` says.
    fn exchange(reflections: &mut Reflections, now: Instant, port: impl Fn(SocketAddr) -> u16) -> Vec<bool> {
        let mut news = Vec::new();
        for Request { to, mut datagram } in reflections.due(now) {
            let number = reflections.reflectors.iter().find(|asked| asked.reflector.address == to).unwrap();
            let mut server = Reflector::default();
            server.admit(number.reflector.index, number.reflector.key);
            let head = Head::parse(&datagram).unwrap();
            let mut answer = server.answer(now, own(port(to)), head, &mut datagram).unwrap();
            let head = Head::parse(&answer).unwrap();
            news.push(reflections.answered(now, to, head, &mut answer).unwrap());
        }
        news
    }

    #[test]
    fn reflectors_that_agree_show_a_friendly_nat_and_others_a_symmetric_one() {
        let now = Instant::now();
        for (differ, nat) in [(0, Nat::Independent), (1, Nat::Symmetric)] {
            let mut reflections = Reflections::default();
            reflections.set(now, &[reflector(1), reflector(2)]);
            let port = |to: SocketAddr| 1000 + differ * u16::from(to == reflector(2).address);
            assert_eq!(exchange(&mut reflections, now, port), [true, true]);
            assert_eq!(reflections.nat(now), nat);
            assert_eq!(reflections.addresses(now).len(), 1 + usize::from(differ));
            assert_eq!(reflections.deadline(), Some(now + EVERY));
            assert_eq!(reflections.nat(now + VALID_FOR), Nat::Unknown, "old answers say nothing");
        }
    }

    #[test]
    fn one_reflector_and_a_peer_tell_as_much_as_two_reflectors() {
        let now = Instant::now();
        let mut reflections = Reflections::default();
        reflections.set(now, &[reflector(1)]);
        exchange(&mut reflections, now, |_| 1000);
        assert_eq!(reflections.nat(now), Nat::Unknown);
        reflections.seen_by_peer(now, "10.0.0.1:7".parse().unwrap());
        assert_eq!(reflections.nat(now), Nat::Unknown);
        reflections.seen_by_peer(now, own(1000));
        assert_eq!(reflections.nat(now), Nat::Independent);
        reflections.seen_by_peer(now, own(1001));
        assert_eq!(reflections.nat(now), Nat::Symmetric);
    }

    #[test]
    fn silence_is_asked_at_quickly_and_then_means_that_udp_is_blocked() {
        let (start, mut reflections) = (Instant::now(), Reflections::default());
        assert_eq!(reflections.nat(start), Nat::Unknown);
        reflections.set(start, &[reflector(1)]);
        let mut times = Vec::new();
        for _ in 0..8 {
            let at = reflections.deadline().unwrap();
            assert_eq!(reflections.due(at).len(), 1);
            times.push((at - start).as_millis());
        }
        assert_eq!(times, [0, 200, 500, 1000, 2000, 4000, 19_000, 34_000]);
        assert_eq!(reflections.nat(start + 34 * SECOND), Nat::Blocked);
    }

    #[test]
    fn asking_again_is_possible_but_not_all_the_time() {
        let (now, mut reflections) = (Instant::now(), Reflections::default());
        reflections.set(now, &[reflector(1)]);
        exchange(&mut reflections, now, |_| 1000);
        reflections.ask_again(now + AGAIN / 2);
        assert_eq!(reflections.deadline(), Some(now + EVERY));
        reflections.ask_again(now + AGAIN);
        assert_eq!(exchange(&mut reflections, now + AGAIN, |_| 1001), [true]);
    }

    #[test]
    fn only_answers_to_own_requests_count_and_once() {
        let (now, mut reflections) = (Instant::now(), Reflections::default());
        reflections.set(now, &[reflector(1)]);
        exchange(&mut reflections, now, |_| 1000);
        let answer = |index: u8, counter| {
            let head = Head { kind: Kind::Answer, index: u32::from(index), counter };
            (head, head.seal(&Key::new(&ReflectionKey([1; 32])), Some(own(6))))
        };
        for (number, counter, from, reason) in [
            (1, 1, 1, DropReason::Replayed),
            (1, 9, 1, DropReason::Replayed),
            (2, 1, 1, DropReason::UnknownReflection),
            (1, 1, 2, DropReason::UnknownReflection),
        ] {
            let (head, mut datagram) = answer(number, counter);
            assert_eq!(reflections.answered(now, reflector(from).address, head, &mut datagram), Err(reason));
        }
        assert_eq!(reflections.addresses(now), [own(1000)]);
    }

    #[test]
    fn what_stays_is_not_asked_again_and_counters_go_on() {
        let (now, mut reflections) = (Instant::now(), Reflections::default());
        reflections.set(now, &[reflector(1)]);
        exchange(&mut reflections, now, |_| 1000);
        reflections.set(now, &[reflector(1), reflector(2)]);
        assert_eq!(exchange(&mut reflections, now, |_| 1000), [true]);
        reflections.set(now, &[]);
        reflections.set(now, &[reflector(1)]);
        let [request] = &reflections.due(now)[..] else { panic!("the reflector is asked again") };
        assert_eq!(Head::parse(&request.datagram).unwrap().counter, 3);
    }
}
