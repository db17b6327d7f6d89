//! From the client into the network.

use golem_vpn_proto::packet::IpHeader;
use golem_vpn_proto::packet::ethernet::{Content, Frame, HEADER_LENGTH, MacAddress, Question};
use tokio::sync::mpsc;

use super::RawGate;
use super::assembly::{Assembling, Assembly};
use super::drops::FrameDrop;
use crate::gate::decoder::{Chunk, Decoder};
use crate::gate::inbound::Sink;
use crate::gate::shared::Shared;

pub(super) struct FrameSink<'a> {
    gate: &'a RawGate,
    assembly: Assembly,
    answers: mpsc::Sender<Vec<u8>>,
}

impl<'a> FrameSink<'a> {
    pub fn new(gate: &'a RawGate, answers: mpsc::Sender<Vec<u8>>) -> Self {
        Self { gate, assembly: Assembly::default(), answers }
    }

    /// Sends the packet of a frame, or answers its question; gives the length of what was sent.
    async fn handle(&self, frame: Vec<u8>) -> Result<usize, FrameDrop> {
        let Frame { source, content } = Frame::parse(&frame)?;
        match content {
            Content::Packet(ip) => self.send(source, ip, frame).await,
            Content::Question(question) => self.answer(source, question).map(|()| 0),
        }
    }

    async fn send(&self, mac: MacAddress, ip: IpHeader, mut frame: Vec<u8>) -> Result<usize, FrameDrop> {
        let pair = self.gate.pair();
        if ip.source != pair.local {
            return Err(FrameDrop::ForeignSource);
        }
        if ip.destination != pair.remote {
            return Err(FrameDrop::ForeignDestination);
        }
        self.gate.set_client(mac);
        frame.truncate(HEADER_LENGTH + ip.total_length);
        frame.drain(..HEADER_LENGTH);
        self.gate.diversion.send(frame).await.map(|()| ip.total_length).map_err(|_| FrameDrop::Ended)
    }

    /// Answers for every other address of the network: to its client, whoever has one is behind the gate.
    fn answer(&self, mac: MacAddress, question: Question) -> Result<(), FrameDrop> {
        if !self.gate.diversion.is_neighbour(question.target()) {
            return Err(FrameDrop::NoNeighbour);
        }
        self.gate.set_client(mac);
        let answer = question.answer(MacAddress::of(question.target()));
        self.answers.try_send(answer).map_err(|_| FrameDrop::SlowClient)
    }
}

impl Sink for FrameSink<'_> {
    async fn take(&mut self, decoder: &mut Decoder, bytes: &mut [u8], shared: &Shared) -> Chunk {
        let mut assembling = Assembling { assembly: &mut self.assembly, drops: &self.gate.drops };
        let mut chunk = decoder.decode(bytes, &mut assembling);
        if let Some(body) = chunk.ping.take() {
            shared.post_pong(body);
        }
        for frame in self.assembly.take() {
            match self.handle(frame).await {
                Ok(length) => shared.count_to_payload(length),
                Err(reason) => self.gate.drops.count(reason),
            }
        }
        chunk
    }

    async fn finish(&mut self) {
        self.gate.close();
    }
}
