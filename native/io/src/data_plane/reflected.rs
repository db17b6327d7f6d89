//! Where others see this node's data socket, for whoever asks.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

#[derive(Default)]
pub(super) struct Reflected(Mutex<Vec<SocketAddr>>);

impl Reflected {
    pub(super) fn set(&self, addresses: Vec<SocketAddr>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
