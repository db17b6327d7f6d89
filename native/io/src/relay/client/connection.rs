//! One connection to a relay, from the handshake to its end.

use std::num::NonZeroU16;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use iroh::EndpointId;
use iroh_relay::client::{ClientSink, ClientStream, RecvError, SendError};
use iroh_relay::protos::relay::{ClientToRelayMsg, Datagrams, RelayToClientMsg, Status};
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout_at};

use super::outbox::Outbox;
use super::window::Window;
use crate::relay::Train;

/// What one message holds at most: the protocol's 64 KiB without its head.
const LONGEST_MESSAGE: usize = (64 << 10) - 64;
/// What is written before it is flushed.
const BATCH: usize = 64 << 10;

/// What comes of a connection.
pub(super) trait Receiver {
    fn train(&self, from: EndpointId, train: Train);
    /// The relay has answered; `time` is the smoothed round-trip time.
    fn round_trip(&self, time: Duration, now: Instant);
}

pub(super) struct Connection {
    state: Mutex<State>,
    /// Something for the writer beside what is in the outbox.
    changed: Notify,
    /// Something for the watch.
    marked: Notify,
}

struct State {
    window: Window,
    /// The relay's own ping, to be answered.
    reply: Option<[u8; 8]>,
}

impl Connection {
    pub(super) fn new(now: Instant) -> Self {
        let state = State { window: Window::new(now), reply: None };
        Self { state: state.into(), changed: Notify::new(), marked: Notify::new() }
    }

    /// Carries trains both ways until the connection ends; says why it did.
    pub(super) async fn carry(
        &self,
        (stream, sink): (ClientStream, ClientSink),
        outbox: &Outbox,
        receiver: &impl Receiver,
    ) -> String {
        tokio::select! {
            end = self.read(stream, receiver) => end,
            end = self.write(sink, outbox) => end.to_string(),
            () = self.watch() => "it has fallen silent".to_owned(),
        }
    }

    async fn read(
        &self,
        mut stream: impl Stream<Item = Result<RelayToClientMsg, RecvError>> + Unpin,
        receiver: &impl Receiver,
    ) -> String {
        while let Some(message) = stream.next().await {
            let now = Instant::now();
            self.state().window.heard(now);
            match message {
                Ok(RelayToClientMsg::Datagrams { remote_endpoint_id, datagrams }) => {
                    receiver.train(remote_endpoint_id, train(datagrams));
                }
                Ok(RelayToClientMsg::Pong(id)) => {
                    if let Some(time) = self.answer(u64::from_be_bytes(id), now) {
                        receiver.round_trip(time, now);
                    }
                    self.changed.notify_one();
                }
                Ok(RelayToClientMsg::Ping(data)) => {
                    self.state().reply = Some(data);
                    self.changed.notify_one();
                }
                Ok(RelayToClientMsg::Status(Status::SameEndpointIdConnected)) => {
                    return "another process is connected to it as this node".to_owned();
                }
                Ok(other) => tracing::debug!(%other, "word from a relay"),
                Err(error) => return format!("{error:#}"),
            }
        }
        "it closed the connection".to_owned()
    }

    async fn write(
        &self,
        mut sink: impl Sink<ClientToRelayMsg, Error = SendError> + Unpin,
        outbox: &Outbox,
    ) -> SendError {
        loop {
            match self.write_batch(&mut sink, outbox).await {
                Ok(true) => {}
                Ok(false) => self.wait(outbox).await,
                Err(error) => return error,
            }
        }
    }

    /// Writes what may be written; `false` when that is nothing.
    async fn write_batch(
        &self,
        sink: &mut (impl Sink<ClientToRelayMsg, Error = SendError> + Unpin),
        outbox: &Outbox,
    ) -> Result<bool, SendError> {
        let mut written = 0;
        let reply = self.state().reply.take();
        let mut has_fed = reply.is_some();
        if let Some(data) = reply {
            sink.feed(ClientToRelayMsg::Pong(data)).await?;
        }
        while written < BATCH && self.state().window.is_open() {
            let Some((to, train)) = outbox.take() else { break };
            let length = train.bytes.len();
            for datagrams in messages(train) {
                sink.feed(ClientToRelayMsg::Datagrams { dst_endpoint_id: to, datagrams }).await?;
            }
            written += length;
            self.state().window.sent(length);
        }
        let mark = self.state().window.mark(Instant::now());
        if let Some(id) = mark {
            sink.feed(ClientToRelayMsg::Ping(id.to_be_bytes())).await?;
            self.marked.notify_one();
        }
        has_fed |= written > 0 || mark.is_some();
        if has_fed {
            sink.flush().await?;
        }
        Ok(has_fed)
    }

    async fn wait(&self, outbox: &Outbox) {
        let (is_open, next_mark) = {
            let state = self.state();
            (state.window.is_open(), state.window.next_mark(Instant::now()))
        };
        let work = async {
            tokio::select! {
                () = outbox.filled(), if is_open => {}
                () = self.changed.notified() => {}
            }
        };
        match next_mark {
            Some(at) => _ = timeout_at(at.into(), work).await,
            None => work.await,
        }
    }

    fn answer(&self, id: u64, now: Instant) -> Option<Duration> {
        let window = &mut self.state().window;
        window.answer(id, now);
        window.round_trip()
    }

    /// Ends when the relay owes an answer for too long.
    async fn watch(&self) {
        loop {
            let deadline = self.state().window.deadline();
            match deadline {
                None => self.marked.notified().await,
                Some(at) if at <= Instant::now() => return,
                Some(at) => sleep_until(at.into()).await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cuts a train into messages of the protocol, between datagrams.
fn messages(train: Train) -> impl Iterator<Item = Datagrams> {
    let is_single = train.bytes.len() <= train.segment_size;
    let segment_size = u16::try_from(train.segment_size).ok().and_then(NonZeroU16::new).filter(|_| !is_single);
    let per_message = segment_size.map_or(1, |size| LONGEST_MESSAGE / usize::from(size.get()));
    let mut rest = Datagrams { ecn: None, segment_size, contents: train.bytes.into() };
    std::iter::from_fn(move || (!rest.contents.is_empty()).then(|| rest.take_segments(per_message)))
}

fn train(datagrams: Datagrams) -> Train {
    let bytes: Vec<u8> = datagrams.contents.into();
    let segment_size = datagrams.segment_size.map_or(bytes.len(), |size| usize::from(size.get()));
    Train { segment_size, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_train_is_cut_between_datagrams_only() {
        for (segment_size, length) in [(1452, 65_507), (1452, 1452), (1452, 100), (60_000, 65_507), (9, 65_507)] {
            let bytes: Vec<u8> = (0..length).map(|place| place as u8).collect();
            let cut: Vec<_> = messages(Train { segment_size, bytes: bytes.clone() }).map(train).collect();
            assert!(cut.iter().all(|train| train.bytes.len() <= LONGEST_MESSAGE));
            let datagrams = cut.iter().flat_map(|train| train.bytes.chunks(train.segment_size));
            let datagrams: Vec<&[u8]> = datagrams.collect();
            assert_eq!(datagrams, bytes.chunks(segment_size).collect::<Vec<_>>(), "{segment_size}, {length}");
        }
    }

    #[test]
    fn an_empty_train_is_no_message() {
        assert_eq!(messages(Train { segment_size: 9, bytes: Vec::new() }).count(), 0);
    }
}
