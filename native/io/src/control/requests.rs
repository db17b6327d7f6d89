//! Asking a peer, over the connection that is there or a new one.

use std::sync::Arc;
use std::time::Duration;

use iroh::EndpointId;
use iroh::endpoint::Connection;

use super::address::PeerAddress;
use super::endpoint::Shared;
use super::error::{ControlError, Refusal};
use super::wire::{self, Kind, MESSAGE_LIMIT, Purpose, StreamFailure};

/// Keep-alives flow every second in both directions, so a peer not heard for this long is gone. QUIC's own idle
/// timer is slower, and a peer that restarted can't tell us that it forgot the connection.
const SILENCE: Duration = Duration::from_secs(2);

/// A reply, with the very connection that carried it.
pub(super) struct Answer {
    pub(super) reply: Vec<u8>,
    pub(super) connection: Connection,
}

impl Shared {
    pub(super) async fn ask(
        self: &Arc<Self>,
        peer: EndpointId,
        addresses: &[PeerAddress],
        kind: Kind,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Answer, ControlError> {
        if message.len() > MESSAGE_LIMIT {
            return Err(ControlError::TooLong(message.len()));
        }
        let attempts = self.ask_twice(peer, addresses, kind, message);
        tokio::select! {
            // In this order, because what fails on a closed endpoint fails for that reason.
            biased;
            () = self.iroh.closed() => Err(ControlError::Closed),
            answer = tokio::time::timeout(timeout, attempts) => answer.unwrap_or(Err(ControlError::TimedOut)),
        }
    }

    /// Asks once, and once more if the connection was an old one that turned out to be dead.
    async fn ask_twice(
        self: &Arc<Self>,
        peer: EndpointId,
        addresses: &[PeerAddress],
        kind: Kind,
        message: &[u8],
    ) -> Result<Answer, ControlError> {
        let Some(connection) = self.connections.newest(peer) else {
            let connection = self.dial(peer, Purpose::Messages, addresses).await?;
            return finish(self.ask_over(&connection, kind, message).await, connection);
        };
        match self.ask_over(&connection, kind, message).await {
            Err(StreamFailure::Lost(_)) => self.connections.remove(&connection),
            other => return finish(other, connection),
        }
        let connection = match self.connections.newest(peer) {
            Some(connection) => connection,
            None => self.dial(peer, Purpose::Messages, addresses).await.map_err(interrupted)?,
        };
        finish(self.ask_over(&connection, kind, message).await, connection)
    }

    /// Asks over this connection, and ends it if it falls silent.
    async fn ask_over(&self, connection: &Connection, kind: Kind, message: &[u8]) -> Result<Vec<u8>, StreamFailure> {
        let _use = self.connections.begin_use(connection);
        tokio::select! {
            reply = wire::ask(connection, kind, message) => reply,
            () = silence(connection) => {
                connection.close(Refusal::Unanswered.code(), b"silent");
                Err(StreamFailure::Lost("it fell silent".to_owned()))
            }
        }
    }
}

/// Ends when nothing at all has arrived for a while.
async fn silence(connection: &Connection) {
    let mut heard = connection.stats().udp_rx.datagrams;
    loop {
        tokio::time::sleep(SILENCE).await;
        let before = std::mem::replace(&mut heard, connection.stats().udp_rx.datagrams);
        if heard == before {
            return;
        }
    }
}

/// A dial that failed after an attempt over an older connection leaves open whether that one got through.
fn interrupted(error: ControlError) -> ControlError {
    match error {
        ControlError::Unreachable(cause) => ControlError::Interrupted(cause),
        other => other,
    }
}

fn finish(reply: Result<Vec<u8>, StreamFailure>, connection: Connection) -> Result<Answer, ControlError> {
    match reply {
        Ok(reply) => Ok(Answer { reply, connection }),
        Err(StreamFailure::Lost(cause)) => Err(ControlError::Interrupted(cause)),
        Err(StreamFailure::Refused(refusal)) => Err(ControlError::Refused(refusal)),
        Err(StreamFailure::Malformed | StreamFailure::TooLong) => Err(ControlError::Malformed),
    }
}
