//! Datagrams on their way out, gathered into trains.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::session::SealKey;
use crate::train::{SealedTrain, Train};
use crate::{Ecn, Route};

/// Most trains that wait.
const MOST_TRAINS: usize = 1024;
/// Most trains whose room is kept.
const MOST_SPARE: usize = 64;
/// How far back a train for the same place is looked for.
const LOOK_BACK: usize = 8;

/// Trains in the order of their first datagrams.
#[derive(Default)]
pub(crate) struct Trains {
    ready: VecDeque<Train>,
    bytes: usize,
    spare: Vec<SealedTrain>,
}

impl Trains {
    /// Room for one more datagram, not cleared, to be sealed with `key`; `None` when too many wait.
    pub fn room(&mut self, to: Route, ecn: Ecn, length: usize, key: Option<&Arc<SealKey>>) -> Option<&mut [u8]> {
        let behind = self.ready.iter().rev().take(LOOK_BACK).position(|train| train.to() == to);
        let last = behind.map(|behind| self.ready.len() - 1 - behind);
        let index = match last.filter(|last| self.ready[*last].takes(ecn, length)) {
            Some(last) => last,
            None => self.start(to, ecn, length)?,
        };
        self.bytes += length;
        Some(self.ready[index].add(length, key))
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The oldest train.
    pub fn poll(&mut self) -> Option<Train> {
        let train = self.ready.pop_front()?;
        self.bytes -= train.length();
        Some(train)
    }

    /// Takes a train that was sent, for its room.
    pub fn give_back(&mut self, train: SealedTrain) {
        if self.spare.len() < MOST_SPARE {
            self.spare.push(train);
        }
    }

    fn start(&mut self, to: Route, ecn: Ecn, segment_size: usize) -> Option<usize> {
        if self.ready.len() >= MOST_TRAINS {
            return None;
        }
        self.ready.push_back(Train::new(to, ecn, segment_size, self.spare.pop()));
        Some(self.ready.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn address(port: u16) -> Route {
        SocketAddr::from(([127, 0, 0, 1], port)).into()
    }

    fn fill(trains: &mut Trains, to: u16, lengths: &[usize]) {
        for length in lengths {
            trains.room(address(to), Ecn::NotCapable, *length, None).unwrap().fill(*length as u8);
        }
    }

    fn drain(trains: &mut Trains) -> Vec<(u16, usize, usize)> {
        let mut drained = Vec::new();
        while let Some(train) = trains.poll() {
            let sealed = train.seal();
            let train = sealed.transmit();
            drained.push((train.to.address().unwrap().port(), train.segment_size, train.bytes.len()));
            trains.give_back(sealed);
        }
        drained
    }

    #[test]
    fn equal_datagrams_share_a_train_that_a_shorter_one_ends() {
        let mut trains = Trains::default();
        fill(&mut trains, 1, &[100, 100, 40, 100, 100, 120]);
        assert_eq!(drain(&mut trains), [(1, 100, 240), (1, 100, 200), (1, 120, 120)]);
    }

    #[test]
    fn addresses_have_trains_of_their_own() {
        let mut trains = Trains::default();
        fill(&mut trains, 1, &[100]);
        fill(&mut trains, 2, &[100]);
        fill(&mut trains, 1, &[100]);
        assert_eq!(drain(&mut trains), [(1, 100, 200), (2, 100, 100)]);
    }

    #[test]
    fn what_differs_in_ecn_is_apart_and_in_order() {
        let mut trains = Trains::default();
        for ecn in [Ecn::CapableZero, Ecn::CapableZero, Ecn::CongestionExperienced, Ecn::CapableZero] {
            trains.room(address(1), ecn, 100, None).unwrap();
        }
        let mut drained = Vec::new();
        while let Some(train) = trains.poll() {
            let sealed = train.seal();
            drained.push((sealed.transmit().ecn, sealed.transmit().bytes.len()));
        }
        assert_eq!(drained, [(Ecn::CapableZero, 200), (Ecn::CongestionExperienced, 100), (Ecn::CapableZero, 100)]);
    }

    #[test]
    fn trains_are_limited_in_datagrams_and_bytes() {
        let mut trains = Trains::default();
        fill(&mut trains, 1, &[50; 70]);
        assert_eq!(drain(&mut trains), [(1, 50, 3200), (1, 50, 300)]);
        fill(&mut trains, 1, &[1452; 48]);
        assert_eq!(drain(&mut trains), [(1, 1452, 65_340), (1, 1452, 4356)]);
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut trains = Trains::default();
        for port in 0..MOST_TRAINS as u16 {
            assert!(trains.room(address(port), Ecn::NotCapable, 10, None).is_some());
        }
        assert!(trains.room(address(9999), Ecn::NotCapable, 10, None).is_none());
    }
}
