//! A wire that does harm: it loses, doubles and delays datagrams, so that they come in another order, and swallows those
//! that are longer than its MTU. What comes out side by side is a train again, as a kernel with receive offload makes it.

use std::collections::VecDeque;

use golem_vpn_proto::Transmit;

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
    /// Longest outer packet.
    pub mtu: usize,
}

pub const FINE: Weather = Weather { loss: 0, duplication: 0, lateness: 0, mtu: 1500 };

/// One direction.
#[derive(Default)]
pub struct Wire {
    /// Datagrams with the rounds that each is late.
    under_way: VecDeque<(u64, Vec<u8>)>,
}

impl Wire {
    pub fn put(&mut self, weather: Weather, random: &mut Random, train: &Transmit<'_>) {
        let mut happens = |of_thousand: u64| random.below(1000) < of_thousand;
        for datagram in train.bytes.chunks(train.segment_size) {
            let copies = 1 + u8::from(happens(weather.duplication));
            for _ in 0..copies {
                if datagram.len() + UDP_AND_IPV4 > weather.mtu || happens(weather.loss) {
                    continue;
                }
                let rounds = if happens(weather.lateness) { 1 + u64::from(happens(500)) * LATEST } else { 0 };
                self.under_way.push_back((rounds, datagram.to_vec()));
            }
        }
    }

    /// What comes out in this round, as trains: the size of each one's datagrams, and their bytes.
    pub fn round(&mut self) -> Vec<(usize, Vec<u8>)> {
        let mut trains: Vec<(usize, usize, Vec<u8>)> = Vec::new();
        for (rounds, datagram) in std::mem::take(&mut self.under_way) {
            if let Some(rounds) = rounds.checked_sub(1) {
                self.under_way.push_back((rounds, datagram));
                continue;
            }
            let joins = |train: &&mut (usize, usize, Vec<u8>)| {
                train.0 >= datagram.len() && train.2.len().is_multiple_of(train.0) && train.1 < LONGEST_TRAIN
            };
            match trains.last_mut().filter(joins) {
                Some((_, count, bytes)) => {
                    *count += 1;
                    bytes.extend(datagram);
                }
                None => trains.push((datagram.len(), 1, datagram)),
            }
        }
        trains.into_iter().map(|(size, _, bytes)| (size, bytes)).collect()
    }
}
