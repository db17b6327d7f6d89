//! The form of a message on a stream: length-prefixed, so that a stream cut short never looks complete.

use iroh::EndpointId;
use iroh::endpoint::{Connection, ReadError, ReadExactError, RecvStream, SendStream, WriteError};

use super::error::Refusal;

/// The most bytes of one request or reply.
pub const MESSAGE_LIMIT: usize = 1 << 20;

/// What a connection is for; each has a protocol of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// Streams with messages.
    Messages,
    /// Datagrams with packets.
    Packets,
}

impl Purpose {
    pub(super) const ALL: [Self; 2] = [Self::Messages, Self::Packets];

    /// Names the protocol together with the endpoint that is meant, so that any other one, dialled at a wrong address,
    /// can tell and stay silent: its answer would end the whole attempt.
    pub(super) fn alpn(self, endpoint: EndpointId) -> Vec<u8> {
        let [a, b, c, d, ..] = *endpoint.as_bytes();
        let protocol = match self {
            Self::Messages => "golem-vpn/1",
            Self::Packets => "golem-vpn-packets/1",
        };
        format!("{protocol}/{a:02x}{b:02x}{c:02x}{d:02x}").into_bytes()
    }
}

/// What a stream is for; its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message for Python.
    Application = 0,
    /// An offer of a session for packets.
    Handshake = 1,
    /// The sender lost its sessions with the receiver.
    Reset = 2,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Application, Self::Handshake, Self::Reset].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Why a stream did not carry its message.
#[derive(Debug)]
pub(super) enum StreamFailure {
    /// The connection is gone; another one may do better.
    Lost(String),
    /// The other end gave the stream up.
    Refused(Refusal),
    /// The other end does not follow the protocol.
    Malformed,
    /// The other end announced more than [`MESSAGE_LIMIT`].
    TooLong,
}

/// Asks one question over a new stream.
pub(super) async fn ask(connection: &Connection, kind: Kind, message: &[u8]) -> Result<Vec<u8>, StreamFailure> {
    let (mut send, mut receive) = connection.open_bi().await.map_err(lost)?;
    let head = [&[kind as u8][..], &length_prefix(message)].concat();
    write(&mut send, &head, message).await?;
    let length = read_length(&mut receive).await?;
    read_bytes(&mut receive, length).await
}

pub(super) async fn write_reply(send: &mut SendStream, reply: &[u8]) -> Result<(), StreamFailure> {
    write(send, &length_prefix(reply), reply).await
}

/// Reads the kind and the length of a request, before any memory is spent on its bytes.
pub(super) async fn read_request_head(receive: &mut RecvStream) -> Result<(Kind, usize), StreamFailure> {
    let mut kind = [0];
    receive.read_exact(&mut kind).await?;
    let kind = Kind::from_byte(kind[0]).ok_or(StreamFailure::Malformed)?;
    Ok((kind, read_length(receive).await?))
}

/// Reads the announced bytes, and makes sure that none follow.
pub(super) async fn read_bytes(receive: &mut RecvStream, length: usize) -> Result<Vec<u8>, StreamFailure> {
    let mut bytes = vec![0; length];
    receive.read_exact(&mut bytes).await?;
    match receive.read(&mut [0]).await.map_err(StreamFailure::from)? {
        None => Ok(bytes),
        Some(_) => Err(StreamFailure::Malformed),
    }
}

async fn write(send: &mut SendStream, head: &[u8], body: &[u8]) -> Result<(), StreamFailure> {
    send.write_all(head).await?;
    send.write_all(body).await?;
    // Fails only where the other end has stopped the stream, which the next read tells with its reason.
    let _ = send.finish();
    Ok(())
}

async fn read_length(receive: &mut RecvStream) -> Result<usize, StreamFailure> {
    let mut length = [0; 4];
    receive.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MESSAGE_LIMIT { Err(StreamFailure::TooLong) } else { Ok(length) }
}

fn length_prefix(message: &[u8]) -> [u8; 4] {
    (message.len() as u32).to_le_bytes()
}

fn lost(cause: impl std::fmt::Display) -> StreamFailure {
    StreamFailure::Lost(cause.to_string())
}

impl From<WriteError> for StreamFailure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Stopped(code) => Self::Refused(Refusal::from_code(code)),
            other => lost(other),
        }
    }
}

impl From<ReadError> for StreamFailure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Reset(code) => Self::Refused(Refusal::from_code(code)),
            other => lost(other),
        }
    }
}

impl From<ReadExactError> for StreamFailure {
    fn from(error: ReadExactError) -> Self {
        match error {
            ReadExactError::FinishedEarly(_) => Self::Malformed,
            ReadExactError::ReadError(error) => error.into(),
        }
    }
}
