//! The raw gate: each binary message of the websocket is an Ethernet frame, and the IP packets in them are those
//! between one address of this node and one of another member.
//!
//! There is no Ethernet behind it. Questions for neighbours are answered here, in the name of whatever address of the
//! network they ask for, and no packet passes that is not from the one address to the other.

mod assembly;
mod drops;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use golem_vpn_proto::packet::ethernet::MacAddress;
use tokio::sync::mpsc;

use super::{GateEnd, Limits};
use crate::stack::{Diversion, Pair};
use drops::{Drops, FrameDrop};
use sink::FrameSink;
use source::FrameSource;

/// Answers to questions for neighbours that may wait for the client.
const ANSWERS: usize = 16;

/// A way for frames into a network, until it is closed or dropped.
pub struct RawGate {
    diversion: Diversion,
    drops: Drops,
    /// Where the client's frames come from.
    client: Mutex<MacAddress>,
    is_pumped: AtomicBool,
}

impl RawGate {
    pub fn new(diversion: Diversion) -> Self {
        let client = Mutex::new(MacAddress::of(diversion.pair().local));
        Self { diversion, drops: Drops::default(), client, is_pumped: AtomicBool::new(false) }
    }

    /// Claims the gate for the one websocket that it can have; whether it was free.
    pub fn claim(&self) -> bool {
        !self.is_pumped.swap(true, Ordering::Relaxed)
    }

    /// Answers the client's upgrade with `response_head` and carries frames both ways until either end has ended.
    ///
    /// `already_read` is what came behind the head of the client's request. Must run in a tokio runtime.
    pub async fn pump(
        &self,
        socket: std::net::TcpStream,
        already_read: Vec<u8>,
        response_head: Vec<u8>,
        limits: Limits,
    ) -> GateEnd {
        let (answers, answered) = mpsc::channel(ANSWERS);
        let payload = (FrameSink::new(self, answers), FrameSource::new(self, answered));
        super::run(socket, already_read, response_head, payload, limits).await
    }

    /// Ends the gate: its addresses are free for another.
    pub fn close(&self) {
        self.diversion.close();
    }

    /// How many frames and packets were dropped, by reason.
    pub fn drops(&self) -> Vec<(&'static str, u64)> {
        let count = |reason| (reason, self.drops.of(reason));
        let with_overflow = |(reason, count): (FrameDrop, u64)| match reason {
            FrameDrop::SlowClient => (reason.name(), count + self.diversion.overflowed()),
            _ => (reason.name(), count),
        };
        FrameDrop::ALL.into_iter().map(count).map(with_overflow).collect()
    }

    fn pair(&self) -> Pair {
        self.diversion.pair()
    }

    /// Notes where the client's frames come from, so that frames to it go there.
    fn set_client(&self, mac: MacAddress) {
        if mac.is_unicast() {
            *self.client.lock().unwrap_or_else(PoisonError::into_inner) = mac;
        }
    }

    fn client(&self) -> MacAddress {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
