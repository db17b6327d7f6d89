//! A wire that does harm: it loses, doubles and delays datagrams, so that they come in another order, tells some of
//! congestion, and swallows those that are longer than its MTU. What comes out side by side is a train again, as a kernel with receive offload makes it.

use std::collections::VecDeque;

use golem_vpn_proto::{Ecn, Transmit};

use crate::random::Random;

const UDP_AND_IPV4: usize = 28;
const LONGEST_TRAIN: usize = 64;
const LATEST: u64 = 20;

/// What a wire does, each to so many of a thousand datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub loss: u64,
    pub duplication: u64,
    pub lateness: u64,
    /// Told of congestion, or lost where they do not understand that.
    pub marking: u64,
    /// Longest outer packet.
    pub mtu: usize,
}

pub const FINE: Weather = Weather { loss: 0, duplication: 0, lateness: 0, marking: 0, mtu: 1500 };

/// One direction.
#[derive(Default)]
pub struct Wire {
    under_way: VecDeque<Datagram>,
}

struct Datagram {
    /// Rounds that it is late.
    late: u64,
    ecn: Ecn,
    bytes: Vec<u8>,
}

/// Datagrams of one size that come out side by side.
pub struct Train {
    pub ecn: Ecn,
    pub size: usize,
    pub bytes: Vec<u8>,
}

impl Wire {
    pub fn put(&mut self, weather: Weather, random: &mut Random, train: &Transmit<'_>) {
        let mut happens = |of_thousand: u64| random.below(1000) < of_thousand;
        for datagram in train.bytes.chunks(train.segment_size) {
            let copies = 1 + u8::from(happens(weather.duplication));
            for _ in 0..copies {
                let is_marked = happens(weather.marking);
                let is_refused = is_marked && train.ecn == Ecn::NotCapable;
                if datagram.len() + UDP_AND_IPV4 > weather.mtu || is_refused || happens(weather.loss) {
                    continue;
                }
                let late = if happens(weather.lateness) { 1 + u64::from(happens(500)) * LATEST } else { 0 };
                let ecn = if is_marked { Ecn::CongestionExperienced } else { train.ecn };
                self.under_way.push_back(Datagram { late, ecn, bytes: datagram.to_vec() });
            }
        }
    }

    /// What comes out in this round.
    pub fn round(&mut self) -> Vec<Train> {
        let mut trains: Vec<Train> = Vec::new();
        for Datagram { late, ecn, bytes } in std::mem::take(&mut self.under_way) {
            if let Some(late) = late.checked_sub(1) {
                self.under_way.push_back(Datagram { late, ecn, bytes });
                continue;
            }
            match trains.last_mut().filter(|train| train.takes(ecn, bytes.len())) {
                Some(train) => train.bytes.extend(bytes),
                None => trains.push(Train { ecn, size: bytes.len(), bytes }),
            }
        }
        trains
    }
}

impl Train {
    /// Whether another datagram joins: a shorter one is the last.
    fn takes(&self, ecn: Ecn, length: usize) -> bool {
        let is_open = self.bytes.len().is_multiple_of(self.size) && self.bytes.len() / self.size < LONGEST_TRAIN;
        is_open && self.ecn == ecn && length <= self.size
    }
}
