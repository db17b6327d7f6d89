//! This node as a reflector: it tells those whom it was told of at what address it sees them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::wire::{Head, Key, Kind, LENGTH, ReflectionKey};
use crate::DropReason;
use crate::limits::TokenBucket;

/// Answers that one asker gets at once, and the pause to the next.
const BURST: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(crate) struct Reflector {
    askers: HashMap<u32, Asker>,
}

struct Asker {
    key: Key,
    bytes: ReflectionKey,
    /// Greater counters are fresh. What overtakes another on the way goes without an answer.
    last: Option<u64>,
    limit: TokenBucket,
}

impl Reflector {
    /// Answers this asker from now on. A known asker with the same key stays as it is.
    pub fn admit(&mut self, index: u32, key: ReflectionKey) {
        if self.askers.get(&index).is_none_or(|asker| asker.bytes != key) {
            let limit = TokenBucket::new(BURST, PAUSE);
            self.askers.insert(index, Asker { key: Key::new(&key), bytes: key, last: None, limit });
        }
    }

    pub fn dismiss(&mut self, index: u32) {
        self.askers.remove(&index);
    }

    /// Gives the answer to a request that came from there.
    pub fn answer(
        &mut self,
        now: Instant,
        from: SocketAddr,
        head: Head,
        datagram: &mut [u8],
    ) -> Result<[u8; LENGTH], DropReason> {
        let asker = self.askers.get_mut(&head.index).ok_or(DropReason::UnknownReflection)?;
        if asker.last.is_some_and(|last| head.counter <= last) {
            return Err(DropReason::Replayed);
        }
        head.open(&asker.key, datagram).ok_or(DropReason::Forged)?;
        asker.last = Some(head.counter);
        if !asker.limit.allows(now) {
            return Err(DropReason::ReflectionLimit);
        }
        Ok(Head { kind: Kind::Answer, ..head }.seal(&asker.key, Some(from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ReflectionKey = ReflectionKey([3; 32]);

    fn ask(
        reflector: &mut Reflector,
        now: Instant,
        index: u32,
        counter: u64,
    ) -> Result<Option<SocketAddr>, DropReason> {
        let head = Head { kind: Kind::Request, index, counter };
        let mut request = head.seal(&Key::new(&KEY), None);
        let from = SocketAddr::from(([192, 0, 2, 1], 7));
        let mut answer = reflector.answer(now, from, head, &mut request)?;
        Ok(Head::parse(&answer).unwrap().open(&Key::new(&KEY), &mut answer).unwrap())
    }

    #[test]
    fn who_was_admitted_is_told_its_address() {
        let (now, mut reflector) = (Instant::now(), Reflector::default());
        assert_eq!(ask(&mut reflector, now, 1, 5), Err(DropReason::UnknownReflection));
        reflector.admit(1, KEY);
        assert_eq!(ask(&mut reflector, now, 1, 5), Ok(Some("192.0.2.1:7".parse().unwrap())));
        reflector.dismiss(1);
        assert_eq!(ask(&mut reflector, now, 1, 6), Err(DropReason::UnknownReflection));
    }

    #[test]
    fn requests_are_answered_once_even_when_admitted_again() {
        let (now, mut reflector) = (Instant::now(), Reflector::default());
        reflector.admit(1, KEY);
        assert!(ask(&mut reflector, now, 1, 5).is_ok());
        reflector.admit(1, KEY);
        assert_eq!(ask(&mut reflector, now, 1, 5), Err(DropReason::Replayed));
        assert_eq!(ask(&mut reflector, now, 1, 4), Err(DropReason::Replayed));
        reflector.admit(2, ReflectionKey([4; 32]));
        assert_eq!(ask(&mut reflector, now, 2, 5), Err(DropReason::Forged));
    }

    #[test]
    fn each_asker_has_a_limit() {
        let (now, mut reflector) = (Instant::now(), Reflector::default());
        reflector.admit(1, KEY);
        let answered = (0..100).filter(|counter| ask(&mut reflector, now, 1, *counter).is_ok()).count();
        assert_eq!(answered, BURST as usize);
        assert_eq!(ask(&mut reflector, now, 1, 100), Err(DropReason::ReflectionLimit));
        assert!(ask(&mut reflector, now + PAUSE, 1, 101).is_ok());
    }
}
