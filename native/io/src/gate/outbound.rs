//! From the payload to the client; the only writer to the client's socket.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::buffer::ElasticBuffer;
use super::frame::{HEADER_SPACE, PING_FRAME, close_frame, pong_frame, write_binary_header};
use super::shared::{Shared, Wish};
use super::{Limits, discard};

/// How the payload's direction ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PayloadEnd {
    Closed,
    Reset,
    /// The client can't be written to.
    ClientLost,
}

pub(super) struct Outbound<'a, Payload, Client> {
    payload: Payload,
    client: Client,
    shared: &'a Shared,
    pings: Interval,
}

impl<'a, Payload: AsyncRead + Unpin, Client: AsyncWrite + Unpin> Outbound<'a, Payload, Client> {
    pub fn new(payload: Payload, client: Client, shared: &'a Shared, limits: &Limits) -> Self {
        let mut pings = interval_at(Instant::now() + limits.ping, limits.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { payload, client, shared, pings }
    }

    /// Carries the payload's bytes until its end or a Close frame, and then ends the TCP connection behind them.
    pub async fn run(mut self, response_head: Vec<u8>) -> PayloadEnd {
        let end = match self.carry(response_head).await {
            Ok(end) => end,
            Err(_) => return PayloadEnd::ClientLost,
        };
        self.shared.set_deaf(true);
        let _client_may_be_gone = self.client.shutdown().await;
        if end.is_none() {
            discard(self.payload).await;
        }
        end.unwrap_or(PayloadEnd::Closed)
    }

    /// Returns how the payload ended, or nothing when the client closed the websocket.
    async fn carry(&mut self, response_head: Vec<u8>) -> io::Result<Option<PayloadEnd>> {
        self.send(&response_head).await?;
        let mut buffer = ElasticBuffer::new(HEADER_SPACE);
        loop {
            tokio::select! {
                biased;
                wish = self.shared.wish() => match wish {
                    Wish::Pong(body) => self.send(&pong_frame(&body)).await?,
                    Wish::Close(body) => {
                        self.send(&close_frame(&body)).await?;
                        return Ok(None);
                    }
                },
                _ = self.pings.tick() => {
                    buffer.shrink();
                    self.send(&PING_FRAME).await?;
                }
                read = self.payload.read(buffer.space()) => match read {
                    Ok(0) => return Ok(Some(PayloadEnd::Closed)),
                    Ok(length) => {
                        self.send_binary(buffer.filled(length)).await?;
                        buffer.adapt(length);
                    }
                    Err(_) => return Ok(Some(PayloadEnd::Reset)),
                },
            }
        }
    }

    async fn send_binary(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let length = buffer.len() - HEADER_SPACE;
        let start = write_binary_header(buffer, length);
        self.send(&buffer[start..]).await?;
        self.shared.count_to_client(length);
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let start = Instant::now();
        self.shared.set_deaf(true);
        let sent = self.client.write_all(bytes).await;
        self.shared.set_deaf(false);
        if start.elapsed() >= self.pings.period() {
            self.shared.rouse();
        }
        sent
    }
}
