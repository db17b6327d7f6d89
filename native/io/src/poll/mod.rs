//! Waiting: an epoll set for the engine's thread, and the bell by which other threads wake it.

mod bell;
mod poller;

pub(crate) use bell::Bell;
pub(crate) use poller::{Interest, Poller, Readiness};
