//! What was sent, to be crossed out as it arrives: each byte once at most, and only as it was sent.

use std::collections::{BTreeMap, HashMap};

use golem_vpn_proto::Offload;

use crate::arrivals::{comparable, describe};
use crate::book::checksums::is_right;
use crate::book::headers::{Headers, TCP, number, read, transport_length};
use crate::book::ordinary_packets;

const CONGESTION: u8 = 3;

/// A packet that was sent, and which bytes of its payload have arrived.
struct Sent {
    packet: Vec<u8>,
    payload: usize,
    arrived: Vec<bool>,
}

#[derive(Default)]
pub struct Ledger {
    /// Data of TCP flows, by its first sequence number: it may be cut anywhere.
    streams: HashMap<Vec<u8>, BTreeMap<u32, Sent>>,
    /// Packets that may be fragmented, by identification.
    fragmentable: HashMap<usize, Sent>,
    /// Packets that arrive whole, without marks: what each was sent with, and whether it has arrived.
    whole: HashMap<Vec<u8>, (u8, bool)>,
    pub arrivals: usize,
}

impl Sent {
    fn new(packet: &[u8], payload: usize) -> Self {
        Self { packet: packet.to_vec(), payload, arrived: vec![false; packet.len() - payload] }
    }

    /// Crosses out a part of the payload.
    fn take(&mut self, at: usize, part: &[u8]) -> Result<(), &'static str> {
        let range = self.payload + at..self.payload + at + part.len();
        if self.packet.get(range) != Some(part) {
            return Err("its bytes are not those that were sent");
        }
        let arrived = &mut self.arrived[at..at + part.len()];
        if arrived.contains(&true) {
            return Err("it arrived before");
        }
        arrived.fill(true);
        Ok(())
    }
}

impl Ledger {
    /// Notes what a device handed over.
    pub fn note(&mut self, offload: &Offload, packet: &[u8]) {
        let headers = read(packet);
        if headers.protocol == TCP {
            let sequence = sequence(packet, &headers);
            let sent = Sent::new(packet, headers.transport + transport_length(packet, &headers));
            self.streams.entry(stream(packet, &headers)).or_default().insert(sequence, sent);
            return;
        }
        for packet in ordinary_packets(offload, packet) {
            if !headers.dont_fragment {
                self.fragmentable.insert(number(&packet, 4), Sent::new(&packet, 20));
            }
            self.whole.insert(unmarked(&packet), (mark(&packet), false));
        }
    }

    /// Crosses out a packet that arrived.
    pub fn take(&mut self, packet: &[u8]) -> Result<(), String> {
        self.arrivals += 1;
        let headers = read(packet);
        let outcome = if !is_right(packet) {
            Err("its checksums are wrong")
        } else if headers.is_fragment {
            self.take_fragment(packet)
        } else if headers.protocol == TCP {
            self.take_segment(packet, &headers)
        } else {
            self.take_whole(packet, &headers)
        };
        outcome.map_err(|what| format!("{what}:\n{}", describe(packet)))
    }

    fn take_fragment(&mut self, packet: &[u8]) -> Result<(), &'static str> {
        let sent = self.fragmentable.get_mut(&number(packet, 4)).ok_or("it is a part of nothing that was sent")?;
        sent.take((number(packet, 6) & 0x1fff) * 8, &packet[20..])
    }

    fn take_segment(&mut self, packet: &[u8], headers: &Headers) -> Result<(), &'static str> {
        let payload = headers.transport + transport_length(packet, headers);
        let sequence = sequence(packet, headers);
        let stream = self.streams.get_mut(&stream(packet, headers)).ok_or("it is of a flow that never was")?;
        let (first, sent) = stream.range_mut(..=sequence).next_back().ok_or("it is before the beginning")?;
        let (now, before) = (&packet[headers.transport..payload], &sent.packet[headers.transport..sent.payload]);
        // All but the sequence number, what flags change in segments, and the checksum.
        if now[8..13] != before[8..13] || now[14..16] != before[14..16] || now[18..] != before[18..] {
            return Err("its header is not the one that was sent");
        }
        if !is_possible(mark(&sent.packet), mark(packet)) {
            return Err("it has another mark of congestion");
        }
        sent.take((sequence - first) as usize, &packet[payload..])
    }

    fn take_whole(&mut self, packet: &[u8], headers: &Headers) -> Result<(), &'static str> {
        let (sent_with, arrived) = self.whole.get_mut(&unmarked(packet)).ok_or("it was never sent")?;
        if !is_possible(*sent_with, mark(packet)) {
            return Err("it has another mark of congestion");
        }
        if std::mem::replace(arrived, true) {
            return Err("it arrived before");
        }
        match self.fragmentable.get_mut(&number(packet, 4)).filter(|_| !headers.dont_fragment) {
            Some(sent) => sent.take(0, &packet[20..]),
            None => Ok(()),
        }
    }
}

/// The bits of congestion.
fn mark(packet: &[u8]) -> u8 {
    (if packet[0] >> 4 == 4 { packet[1] } else { packet[1] >> 4 }) & CONGESTION
}

/// Whether a packet may arrive with a mark: its own, or that of congestion where its sender understands it.
fn is_possible(sent: u8, arrived: u8) -> bool {
    arrived == sent || (sent != 0 && arrived == CONGESTION)
}

fn sequence(packet: &[u8], headers: &Headers) -> u32 {
    u32::from_be_bytes(packet[headers.transport + 4..headers.transport + 8].try_into().unwrap())
}

fn stream(packet: &[u8], headers: &Headers) -> Vec<u8> {
    let Headers { source, destination, transport, .. } = headers;
    let hops = packet[if source.is_ipv4() { 8 } else { 7 }];
    format!("{source} {destination} {:?} {hops}", &packet[*transport..transport + 4]).into_bytes()
}

/// Without what may change on the way: the mark of congestion.
fn unmarked(packet: &[u8]) -> Vec<u8> {
    let mut packet = comparable(packet);
    if packet[0] >> 4 == 4 {
        packet[1] |= CONGESTION;
        packet[10..12].fill(0);
    } else {
        packet[1] |= CONGESTION << 4;
    }
    packet
}
