//! What can go wrong with a control connection, and whose fault it is.

use std::fmt;

use super::wire::MESSAGE_LIMIT;

/// The endpoint could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for control connections at {}: {cause}", place(.address))]
pub struct BindError {
    /// `None` where it is reached through relays alone.
    pub(super) address: Option<std::net::SocketAddr>,
    pub(super) cause: String,
}

/// A request was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No connection to the peer could be made, so it got nothing.
    #[error("the peer cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke; whether the peer got the request is not known.
    #[error("the connection to the peer broke: {0}")]
    Interrupted(String),
    /// The peer is connected, or may be, but has not answered in time.
    #[error("the peer has not answered in time")]
    TimedOut,
    /// The peer's endpoint turned the request down.
    #[error("the peer refused the request: {0}")]
    Refused(Refusal),
    /// The peer does not follow the protocol.
    #[error("the peer's answer is malformed")]
    Malformed,
    /// The caller's message is too long.
    #[error("a control message has at most {MESSAGE_LIMIT} bytes, this one has {0}")]
    TooLong(usize),
    /// This endpoint was closed.
    #[error("the endpoint is closed")]
    Closed,
}

/// Why an endpoint turned a stream or a connection down; the number is the QUIC application error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Busy,
    Unauthorized,
    Malformed,
    TooLong,
    Unanswered,
    Closing,
    Idle,
    Other(u64),
}

impl Refusal {
    const NAMED: [(Self, u32); 7] = [
        (Self::Closing, 0),
        (Self::Busy, 1),
        (Self::Unauthorized, 2),
        (Self::Malformed, 3),
        (Self::TooLong, 4),
        (Self::Unanswered, 5),
        (Self::Idle, 6),
    ];

    pub(super) fn code(self) -> iroh::endpoint::VarInt {
        let known = Self::NAMED.iter().find(|(refusal, _)| *refusal == self);
        iroh::endpoint::VarInt::from_u32(known.map_or(u32::MAX, |(_, code)| *code))
    }

    pub(super) fn from_code(code: iroh::endpoint::VarInt) -> Self {
        let code = code.into_inner();
        let known = Self::NAMED.iter().find(|(_, known)| u64::from(*known) == code);
        known.map_or(Self::Other(code), |(refusal, _)| *refusal)
    }
}

fn place(address: &Option<std::net::SocketAddr>) -> String {
    address.map_or_else(|| "relays".to_owned(), |address| address.to_string())
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => formatter.write_str("it is busy"),
            Self::Unauthorized => formatter.write_str("it does not know this node"),
            Self::Malformed => formatter.write_str("it cannot read it"),
            Self::TooLong => formatter.write_str("it is too long"),
            Self::Unanswered => formatter.write_str("it gave no answer"),
            Self::Closing => formatter.write_str("it is shutting down"),
            Self::Idle => formatter.write_str("the connection was not used"),
            Self::Other(code) => write!(formatter, "code {code}"),
        }
    }
}
