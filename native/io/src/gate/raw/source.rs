//! From the network to the client.

use golem_vpn_proto::packet::ethernet::{self, HEADER_LENGTH, MacAddress};
use tokio::sync::mpsc;

use super::RawGate;
use crate::gate::frame::{HEADER_SPACE, write_binary_header};
use crate::gate::outbound::{PayloadEnd, Source};
use crate::stack::DiversionEnd;

/// Frames are sent together up to this many bytes.
const BATCH: usize = 32 << 10;
/// What the buffer of an idle gate may hold.
const SMALL: usize = 4 << 10;

pub(super) struct FrameSource<'a> {
    gate: &'a RawGate,
    answers: mpsc::Receiver<Vec<u8>>,
    buffer: Vec<u8>,
    /// What the frames come from.
    mac: MacAddress,
}

impl<'a> FrameSource<'a> {
    pub fn new(gate: &'a RawGate, answers: mpsc::Receiver<Vec<u8>>) -> Self {
        Self { gate, answers, buffer: Vec::new(), mac: MacAddress::of(gate.pair().remote) }
    }

    /// Puts a message behind those in the buffer; gives its length.
    fn put(&mut self, header: &[u8], body: &[u8]) -> usize {
        let length = header.len() + body.len();
        let mut websocket_header = [0; HEADER_SPACE];
        let start = write_binary_header(&mut websocket_header, length);
        for part in [&websocket_header[start..], header, body] {
            self.buffer.extend_from_slice(part);
        }
        length
    }

    fn put_packet(&mut self, packet: &[u8]) -> usize {
        let header: [u8; HEADER_LENGTH] = ethernet::header(self.gate.client(), self.mac, packet);
        self.put(&header, packet)
    }
}

impl Source for FrameSource<'_> {
    async fn next(&mut self) -> Result<usize, PayloadEnd> {
        self.buffer.clear();
        let mut length = tokio::select! {
            biased;
            Some(answer) = self.answers.recv() => self.put(&answer, &[]),
            received = self.gate.diversion.receive() => self.put_packet(&received?),
        };
        while self.buffer.len() < BATCH
            && let Some(packet) = self.gate.diversion.try_receive()
        {
            length += self.put_packet(&packet);
        }
        Ok(length)
    }

    fn frames(&mut self) -> &[u8] {
        &self.buffer
    }

    fn rest(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(SMALL);
    }

    async fn discard(self) {}
}

impl From<DiversionEnd> for PayloadEnd {
    fn from(end: DiversionEnd) -> Self {
        match end {
            DiversionEnd::Closed => PayloadEnd::Closed,
            DiversionEnd::Replaced => PayloadEnd::Replaced,
            DiversionEnd::Gone => PayloadEnd::Gone,
        }
    }
}
