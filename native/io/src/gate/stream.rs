//! A payload's stream as both ends of a gate: the borders of messages have no meaning.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::buffer::ElasticBuffer;
use super::decoder::{Chunk, Decoder};
use super::discard;
use super::frame::{HEADER_SPACE, write_binary_header};
use super::inbound::Sink;
use super::messages::Joined;
use super::outbound::{PayloadEnd, Source};
use super::shared::Shared;

/// The way into a stream.
pub(super) struct StreamSink<Writer> {
    writer: Writer,
    takes: bool,
}

/// The way out of a stream.
pub(super) struct StreamSource<Reader> {
    reader: Reader,
    buffer: ElasticBuffer,
    /// Where in the buffer the last frame begins, and the length of its body.
    last: Option<(usize, usize)>,
}

impl<Writer> StreamSink<Writer> {
    pub fn new(writer: Writer) -> Self {
        Self { writer, takes: true }
    }
}

impl<Writer: AsyncWrite + Unpin> Sink for StreamSink<Writer> {
    async fn take(&mut self, decoder: &mut Decoder, bytes: &mut [u8], shared: &Shared) -> Chunk {
        let mut joined = Joined::default();
        let mut chunk = decoder.decode(bytes, &mut joined);
        if let Some(body) = chunk.ping.take() {
            shared.post_pong(body);
        }
        if self.takes && !joined.data.is_empty() {
            let length = joined.data.len();
            // A payload that takes no more does not end the websocket: the other direction finds out why.
            self.takes = self.writer.write_all(&bytes[joined.data]).await.is_ok();
            shared.count_to_payload(if self.takes { length } else { 0 });
        }
        chunk
    }

    async fn finish(&mut self) {
        let _payload_may_be_gone = self.writer.shutdown().await;
    }
}

impl<Reader> StreamSource<Reader> {
    pub fn new(reader: Reader) -> Self {
        Self { reader, buffer: ElasticBuffer::new(HEADER_SPACE), last: None }
    }
}

impl<Reader: AsyncRead + Unpin> Source for StreamSource<Reader> {
    async fn next(&mut self) -> Result<usize, PayloadEnd> {
        if let Some((_, length)) = self.last.take() {
            self.buffer.adapt(length);
        }
        match self.reader.read(self.buffer.space()).await {
            Ok(0) => Err(PayloadEnd::Closed),
            Ok(length) => {
                let start = write_binary_header(self.buffer.filled(length), length);
                self.last = Some((start, length));
                Ok(length)
            }
            Err(_) => Err(PayloadEnd::Reset),
        }
    }

    fn frames(&mut self) -> &[u8] {
        let Some((start, length)) = self.last else { return &[] };
        &self.buffer.filled(length)[start..]
    }

    fn rest(&mut self) {
        self.last = None;
        self.buffer.shrink();
    }

    async fn discard(self) {
        discard(self.reader).await;
    }
}
