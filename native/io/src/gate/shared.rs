//! What the two directions of a gate know of each other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

/// What the client's direction wants to be sent to the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A Close frame, the last of the websocket.
    Close(Vec<u8>),
    Pong(Vec<u8>),
}

/// Wishes one way, progress the other; of each kind of wish only the newest counts, so it can't grow.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pong: Mutex<Option<Vec<u8>>>,
    close: Mutex<Option<Vec<u8>>>,
    posted: Notify,
    deaf: AtomicBool,
    /// When the client last began to read again.
    roused: Mutex<Option<Instant>>,
    to_payload: AtomicU64,
    to_client: AtomicU64,
}

impl Shared {
    pub fn post_pong(&self, body: Vec<u8>) {
        *self.pong.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        self.posted.notify_one();
    }

    pub fn post_close(&self, body: Vec<u8>) {
        *self.close.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        self.posted.notify_one();
    }

    /// Waits for the next wish.
    pub async fn wish(&self) -> Wish {
        loop {
            if let Some(body) = self.close.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Wish::Close(body);
            }
            if let Some(body) = self.pong.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Wish::Pong(body);
            }
            self.posted.notified().await;
        }
    }

    /// Tells whether the client is at present not reached by pings: it does not read, or no more are sent.
    pub fn set_deaf(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::Relaxed);
    }

    pub fn is_deaf(&self) -> bool {
        self.deaf.load(Ordering::Relaxed)
    }

    /// Notes that a client that did not read for a while does so again: the pings it missed are only now on their way.
    pub fn rouse(&self) {
        *self.roused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the client began to read again less than `time` ago.
    pub fn was_roused_within(&self, time: Duration) -> bool {
        self.roused.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|then| then.elapsed() < time)
    }

    pub fn count_to_payload(&self, bytes: usize) {
        self.to_payload.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn count_to_client(&self, bytes: usize) {
        self.to_client.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn to_payload(&self) -> u64 {
        self.to_payload.load(Ordering::Relaxed)
    }

    pub fn to_client(&self) -> u64 {
        self.to_client.load(Ordering::Relaxed)
    }
}
