//! What waits to be sent to a relay.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use iroh::EndpointId;
use tokio::sync::Notify;

use crate::relay::Train;

/// Filled so far it asks for no more, and so far emptied it asks again: two long trains fill it, and when one of them is
/// gone there is room. Between full and empty it would get its next train only at the next turn.
const FULL: usize = 120 << 10;
const EMPTIED: usize = 64 << 10;
/// What may come before the word that it is full has got around: on a busy machine all that waits to be put in here, since
/// this is put in at once when its task gets a processor. A train that finds no room costs TCP dozens of segments.
const CAPACITY: usize = 8 << 20;

/// Why a train was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Untaken {
    /// The relay is not connected.
    Closed,
    Overfull,
}

pub(super) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    /// Told when the outbox asks for more, and when it asks for no more; in that order, so under the lock.
    on_ready: Box<dyn Fn(bool) + Send + Sync>,
}

#[derive(Default)]
struct State {
    trains: VecDeque<(EndpointId, Train)>,
    bytes: usize,
    is_open: bool,
    is_full: bool,
}

impl Outbox {
    pub(super) fn new(on_ready: impl Fn(bool) + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), filled: Notify::new(), on_ready: Box::new(on_ready) }
    }

    /// Takes trains from now on; there is room for some.
    pub(super) fn open(&self) {
        *self.state() = State { is_open: true, ..State::default() };
    }

    /// Throws away what waits; gives how many trains that was.
    pub(super) fn close(&self) -> usize {
        std::mem::take(&mut *self.state()).trains.len()
    }

    pub(super) fn put(&self, to: EndpointId, train: Train) -> Result<(), Untaken> {
        let mut state = self.state();
        if !state.is_open {
            return Err(Untaken::Closed);
        }
        if state.bytes + train.bytes.len() > CAPACITY {
            return Err(Untaken::Overfull);
        }
        state.bytes += train.bytes.len();
        state.trains.push_back((to, train));
        if state.bytes >= FULL && !state.is_full {
            state.is_full = true;
            (self.on_ready)(false);
        }
        self.filled.notify_one();
        Ok(())
    }

    pub(super) fn take(&self) -> Option<(EndpointId, Train)> {
        let mut state = self.state();
        let (to, train) = state.trains.pop_front()?;
        state.bytes -= train.bytes.len();
        if state.bytes <= EMPTIED && state.is_full {
            state.is_full = false;
            (self.on_ready)(true);
        }
        Some((to, train))
    }

    /// Waits until something was put in since the last wait.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const TRAIN: usize = 45 * 1452;

    fn train() -> Train {
        Train { segment_size: TRAIN, bytes: vec![0; TRAIN] }
    }

    #[test]
    fn it_says_when_it_is_full_and_when_there_is_room_again() {
        let words = Arc::new(Mutex::new(Vec::new()));
        let heard = words.clone();
        let outbox = Outbox::new(move |is_ready| heard.lock().unwrap().push(is_ready));
        let to = iroh::SecretKey::from_bytes(&[1; 32]).public();
        assert_eq!(outbox.put(to, train()), Err(Untaken::Closed));
        outbox.open();
        (0..2).for_each(|_| outbox.put(to, train()).unwrap());
        assert_eq!(*words.lock().unwrap(), [false], "two long trains fill it");
        assert!(outbox.take().is_some());
        assert_eq!(*words.lock().unwrap(), [false, true], "one of them is gone");
        let put = std::iter::from_fn(|| outbox.put(to, train()).ok()).count();
        assert_eq!(put, CAPACITY / TRAIN - 1);
        assert_eq!(outbox.put(to, train()), Err(Untaken::Overfull));
        while outbox.take().is_some() {}
        assert_eq!(*words.lock().unwrap(), [false, true, false, true]);
        outbox.put(to, train()).unwrap();
        assert_eq!(outbox.close(), 1);
        assert_eq!(outbox.put(to, train()), Err(Untaken::Closed));
    }
}
