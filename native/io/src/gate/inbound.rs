//! From the client to the payload.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::Limits;
use super::buffer::ElasticBuffer;
use super::decoder::{Chunk, Decoder, Ending};
use super::frame::Violation;
use super::shared::Shared;

/// How the client's direction ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ClientEnd {
    /// By a Close frame with this body.
    Closed(Vec<u8>),
    Violated(Violation),
    /// By the end of its TCP connection.
    Ended,
    /// By an error of its TCP connection.
    Lost,
    Silent,
}

/// Where the messages of a client go.
pub(super) trait Sink {
    /// Takes a chunk of the client's bytes apart, and the messages in it on; counts the bytes that were taken.
    async fn take(&mut self, decoder: &mut Decoder, bytes: &mut [u8], shared: &Shared) -> Chunk;
    /// Hears that no more comes.
    async fn finish(&mut self);
}

pub(super) struct Inbound<'a, Client, Payload> {
    client: Client,
    payload: Payload,
    decoder: Decoder,
    shared: &'a Shared,
    limits: &'a Limits,
}

impl<'a, Client: AsyncRead + Unpin, Payload: Sink> Inbound<'a, Client, Payload> {
    pub fn new(client: Client, payload: Payload, shared: &'a Shared, limits: &'a Limits) -> Self {
        let decoder = Decoder::new(limits.longest_message);
        Self { client, payload, decoder, shared, limits }
    }

    /// Carries the client's messages until its end, and then ends the way to the payload behind them.
    /// Returns also what may still be read of the client.
    pub async fn run(mut self, already_read: Vec<u8>) -> (ClientEnd, Client) {
        let end = self.carry(already_read).await;
        self.payload.finish().await;
        (end, self.client)
    }

    async fn carry(&mut self, mut already_read: Vec<u8>) -> ClientEnd {
        if let Some(end) = self.deliver(&mut already_read).await {
            return end;
        }
        drop(already_read);
        let mut buffer = ElasticBuffer::new(0);
        loop {
            let length = match self.receive(buffer.space()).await {
                Ok(length) => length,
                Err(end) => return end,
            };
            if let Some(end) = self.deliver(buffer.filled(length)).await {
                return end;
            }
            buffer.adapt(length);
        }
    }

    /// Waits for bytes of the client. The time that the payload needed before does not count as the client's silence.
    async fn receive(&mut self, space: &mut [u8]) -> Result<usize, ClientEnd> {
        let mut waited = Duration::ZERO;
        loop {
            match timeout(self.limits.silence, self.client.read(space)).await {
                Ok(Ok(0)) => return Err(ClientEnd::Ended),
                Ok(Ok(length)) => return Ok(length),
                Ok(Err(_)) => return Err(ClientEnd::Lost),
                Err(_) => waited += self.limits.silence,
            }
            let reachable = !self.shared.is_deaf() && !self.shared.was_roused_within(self.limits.silence);
            if reachable || waited >= self.limits.stall {
                return Err(ClientEnd::Silent);
            }
        }
    }

    async fn deliver(&mut self, bytes: &mut [u8]) -> Option<ClientEnd> {
        let chunk = self.payload.take(&mut self.decoder, bytes, self.shared).await;
        chunk.ending.map(|ending| match ending {
            Ending::Close(body) => ClientEnd::Closed(body),
            Ending::Violation(violation) => ClientEnd::Violated(violation),
        })
    }
}
