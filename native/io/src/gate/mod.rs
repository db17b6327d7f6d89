//! The websocket gates: carry the bytes between a client's websocket and a payload's stream (`stream`), or Ethernet
//! frames between a websocket and a network (`raw`), once the upgrade is granted.
//!
//! The two directions run side by side in one task and wait for nothing but their own ends, so either may stall alone.
//! Only `outbound` writes to the client; what `inbound` has to say to the client (pongs, the echo of a Close frame) it
//! leaves in [`Shared`].
//!
//! A payload that ends its stream ends the websocket without a Close frame: the Golem SDKs take a bare end of the TCP
//! connection as the end of the stream, and some of them raise an error on a Close frame that they did not ask for.

mod buffer;
mod decoder;
mod frame;
mod inbound;
mod messages;
mod outbound;
mod raw;
mod shared;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub use frame::Violation;
pub use raw::RawGate;

use inbound::{ClientEnd, Inbound, Sink};
use outbound::{Outbound, PayloadEnd, Source};
use shared::Shared;
use stream::{StreamSink, StreamSource};

/// How long and how much a gate waits for its ends.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The time between two pings to the client.
    pub ping: Duration,
    /// A client of which nothing was heard for so long is dropped.
    pub silence: Duration,
    /// The same for a client that does not read: it can't answer pings that it has not reached.
    pub stall: Duration,
    /// How long a payload may go on sending after the client closed, before its stream is dropped.
    pub drain: Duration,
    /// The longest message of a client, in bytes.
    pub longest_message: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(5),
            silence: Duration::from_secs(10),
            stall: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            longest_message: 16 << 20,
        }
    }
}

/// How a gate ended and what it carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateEnd {
    pub reason: GateReason,
    /// Bytes of the client that were given to the payload.
    pub to_payload: u64,
    /// Bytes of the payload that were given to the client's socket.
    pub to_client: u64,
}

/// Which end of a gate ended it, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateReason {
    /// The client sent a Close frame.
    ClientClosed,
    /// The client ended its TCP connection.
    ClientEnded,
    /// The client's TCP connection broke.
    ClientLost,
    /// Nothing was heard of the client for too long.
    ClientSilent,
    /// The client sent what a client may not send.
    ClientViolated(Violation),
    /// The payload ended its stream.
    PayloadClosed,
    /// The payload's stream broke.
    PayloadReset,
    /// Another raw gate between the same addresses took the place of this one.
    Replaced,
    /// The network of a raw gate is gone, or its address in it.
    NetworkGone,
}

impl GateReason {
    /// Its name in logs and for Python.
    pub fn name(self) -> &'static str {
        match self {
            GateReason::ClientClosed => "client-closed",
            GateReason::ClientEnded => "client-ended",
            GateReason::ClientLost => "client-lost",
            GateReason::ClientSilent => "client-silent",
            GateReason::ClientViolated(Violation::Protocol) => "client-protocol-error",
            GateReason::ClientViolated(Violation::TooBig) => "client-message-too-big",
            GateReason::PayloadClosed => "payload-closed",
            GateReason::PayloadReset => "payload-reset",
            GateReason::Replaced => "replaced",
            GateReason::NetworkGone => "network-gone",
        }
    }
}

impl fmt::Display for GateReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Answers the client's upgrade with `response_head` and carries bytes both ways until both ends have ended.
///
/// `already_read` is what came behind the head of the client's request. Must run in a tokio runtime.
pub async fn pump(
    socket: std::net::TcpStream,
    already_read: Vec<u8>,
    response_head: Vec<u8>,
    stream: impl AsyncRead + AsyncWrite,
    limits: Limits,
) -> GateEnd {
    let (from_payload, to_payload) = tokio::io::split(stream);
    let payload = (StreamSink::new(to_payload), StreamSource::new(from_payload));
    run(socket, already_read, response_head, payload, limits).await
}

async fn run(
    socket: std::net::TcpStream,
    already_read: Vec<u8>,
    response_head: Vec<u8>,
    payload: (impl Sink, impl Source),
    limits: Limits,
) -> GateEnd {
    let shared = Shared::default();
    let reason = match adopt(socket) {
        Ok(socket) => carry(socket, already_read, response_head, payload, &shared, &limits).await,
        Err(_) => GateReason::ClientLost,
    };
    GateEnd { reason, to_payload: shared.to_payload(), to_client: shared.to_client() }
}

fn adopt(socket: std::net::TcpStream) -> io::Result<TcpStream> {
    socket.set_nonblocking(true)?;
    socket.set_nodelay(true)?;
    TcpStream::from_std(socket)
}

async fn carry(
    mut socket: TcpStream,
    already_read: Vec<u8>,
    response_head: Vec<u8>,
    (sink, source): (impl Sink, impl Source),
    shared: &Shared,
    limits: &Limits,
) -> GateReason {
    let (from_client, to_client) = socket.split();
    let mut inbound = pin!(Inbound::new(from_client, sink, shared, limits).run(already_read));
    let mut outbound = pin!(Outbound::new(source, to_client, shared, limits).run(response_head));
    tokio::select! {
        (end, from_client) = &mut inbound => {
            let reason = end.reason();
            after_client(end, from_client, outbound, shared, limits).await;
            reason
        }
        end = &mut outbound => {
            // To close a socket with bytes unread resets it, which could cost the client bytes still on their way.
            let _client_may_stay_too_long = timeout(limits.stall, inbound).await;
            end.reason()
        }
    }
}

/// Gives the payload's direction the time it deserves once the client's has ended.
async fn after_client(
    end: ClientEnd,
    from_client: impl AsyncRead + Unpin,
    mut outbound: Pin<&mut impl Future<Output = PayloadEnd>>,
    shared: &Shared,
    limits: &Limits,
) {
    match end {
        ClientEnd::Closed(body) => shared.post_close(body),
        ClientEnd::Violated(violation) => shared.post_close(violation.close_body()),
        ClientEnd::Ended => {
            let mut carried = shared.to_client();
            while timeout(limits.silence, outbound.as_mut()).await.is_err() && shared.to_client() > carried {
                carried = shared.to_client();
            }
            return;
        }
        ClientEnd::Lost | ClientEnd::Silent => return,
    }
    let both_ends = async { tokio::join!(outbound, discard(from_client)) };
    let _they_may_stay_too_long = timeout(limits.drain, both_ends).await;
}

/// Reads what nobody wants, because unread bytes would turn a close into a reset.
async fn discard(mut reader: impl AsyncRead + Unpin) {
    let _nobody_to_tell = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
}

impl ClientEnd {
    fn reason(&self) -> GateReason {
        match self {
            ClientEnd::Closed(_) => GateReason::ClientClosed,
            ClientEnd::Violated(violation) => GateReason::ClientViolated(*violation),
            ClientEnd::Ended => GateReason::ClientEnded,
            ClientEnd::Lost => GateReason::ClientLost,
            ClientEnd::Silent => GateReason::ClientSilent,
        }
    }
}

impl PayloadEnd {
    fn reason(&self) -> GateReason {
        match self {
            PayloadEnd::Closed => GateReason::PayloadClosed,
            PayloadEnd::Reset => GateReason::PayloadReset,
            PayloadEnd::ClientLost => GateReason::ClientLost,
            PayloadEnd::Replaced => GateReason::Replaced,
            PayloadEnd::Gone => GateReason::NetworkGone,
        }
    }
}
