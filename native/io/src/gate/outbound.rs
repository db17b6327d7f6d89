//! From the payload to the client; the only writer to the client's socket.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::Limits;
use super::frame::{PING_FRAME, close_frame, pong_frame};
use super::shared::{Shared, Wish};

/// The code of a Close frame by which an endpoint goes away.
const GOING_AWAY: u16 = 1001;

/// How the payload's direction ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PayloadEnd {
    Closed,
    Reset,
    /// The client can't be written to.
    ClientLost,
    /// Another gate has taken the place of this one.
    Replaced,
    /// The network is gone, or the address in it.
    Gone,
}

/// Where what goes to the client comes from.
pub(super) trait Source {
    /// Waits for bytes for the client, and says how many they are. May be asked again when it was not waited for.
    async fn next(&mut self) -> Result<usize, PayloadEnd>;
    /// The bytes last waited for, in frames of the websocket.
    fn frames(&mut self) -> &[u8];
    /// Gives back memory that an idle gate does not need.
    fn rest(&mut self);
    /// Waits for the end of a source whose bytes nobody wants any more.
    async fn discard(self);
}

pub(super) struct Outbound<'a, Payload, Client> {
    payload: Payload,
    client: Client,
    shared: &'a Shared,
    pings: Interval,
}

impl<'a, Payload: Source, Client: AsyncWrite + Unpin> Outbound<'a, Payload, Client> {
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
            self.payload.discard().await;
        }
        end.unwrap_or(PayloadEnd::Closed)
    }

    /// Returns how the payload ended, or nothing when the client closed the websocket.
    async fn carry(&mut self, response_head: Vec<u8>) -> io::Result<Option<PayloadEnd>> {
        self.send(&response_head).await?;
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
                    self.payload.rest();
                    self.send(&PING_FRAME).await?;
                }
                next = self.payload.next() => match next {
                    Ok(length) => {
                        send(&mut self.client, self.shared, &self.pings, self.payload.frames()).await?;
                        self.shared.count_to_client(length);
                    }
                    Err(end) => {
                        if let Some(body) = end.close_body() {
                            self.send(&close_frame(&body)).await?;
                        }
                        return Ok(Some(end));
                    }
                },
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        send(&mut self.client, self.shared, &self.pings, bytes).await
    }
}

async fn send(
    client: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
    pings: &Interval,
    bytes: &[u8],
) -> io::Result<()> {
    let start = Instant::now();
    shared.set_deaf(true);
    let sent = client.write_all(bytes).await;
    shared.set_deaf(false);
    if start.elapsed() >= pings.period() {
        shared.rouse();
    }
    sent
}

impl PayloadEnd {
    /// The body of the Close frame that tells it, where there is one.
    fn close_body(&self) -> Option<Vec<u8>> {
        let reason: &[u8] = match self {
            PayloadEnd::Replaced => b"another gate has the same addresses",
            PayloadEnd::Gone => b"the network or the address is gone",
            PayloadEnd::Closed | PayloadEnd::Reset | PayloadEnd::ClientLost => return None,
        };
        Some([&GOING_AWAY.to_be_bytes()[..], reason].concat())
    }
}
