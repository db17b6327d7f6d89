//! Probes that are to be sent, and probes that wait for their answers.

use std::collections::VecDeque;
use std::time::Instant;

use super::loss::Count;
use crate::Route;

/// Most probes that wait for being sent, or for an answer; the oldest give way.
const MOST: usize = 128;

/// A probe to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub id: u64,
    pub route: Route,
    /// Bytes in place of the inner packet.
    pub length: u16,
}

#[derive(Default)]
pub(super) struct Probes {
    last_id: u64,
    orders: VecDeque<Order>,
    outstanding: VecDeque<Outstanding>,
}

pub(super) struct Outstanding {
    pub order: Order,
    pub sent_at: Instant,
    /// The session it went out in, and the packets sent there before it.
    pub session: u32,
    pub sent: u64,
}

impl Probes {
    pub fn order(&mut self, route: Route, length: u16) {
        if self.orders.len() == MOST {
            self.orders.pop_front();
        }
        self.last_id += 1;
        self.orders.push_back(Order { id: self.last_id, route, length });
    }

    pub fn next_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    pub fn sent(&mut self, now: Instant, order: Order, session: u32, sent: u64) {
        if self.outstanding.len() == MOST {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back(Outstanding { order, sent_at: now, session, sent });
    }

    /// The probe that an answer belongs to; there is one answer for each.
    pub fn take(&mut self, id: u64) -> Option<Outstanding> {
        let index = self.outstanding.iter().position(|outstanding| outstanding.order.id == id)?;
        self.outstanding.remove(index)
    }

    pub fn forget_orders(&mut self) {
        self.orders.clear();
    }
}

impl Outstanding {
    /// What the answer tells of the packets sent before the probe.
    pub fn count(&self, received: u64) -> Count {
        Count { session: self.session, sent: self.sent, received }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> Route {
        Route::Direct("192.0.2.1:7".parse().unwrap())
    }

    #[test]
    fn each_probe_has_one_answer() {
        let (now, mut probes) = (Instant::now(), Probes::default());
        probes.order(route(), 48);
        let order = probes.next_order().unwrap();
        probes.sent(now, order, 5, 10);
        assert_eq!(probes.take(order.id).map(|probe| probe.count(9).received), Some(9));
        assert!(probes.take(order.id).is_none());
    }

    #[test]
    fn both_queues_are_bounded() {
        let (now, mut probes) = (Instant::now(), Probes::default());
        (0..2 * MOST).for_each(|_| probes.order(route(), 48));
        let mut ids = Vec::new();
        while let Some(order) = probes.next_order() {
            ids.push(order.id);
        }
        assert_eq!((ids.len(), ids[0]), (MOST, MOST as u64 + 1));
        (0..2 * MOST as u64).for_each(|id| probes.sent(now, Order { id, route: route(), length: 48 }, 1, 0));
        assert!(probes.take(0).is_none() && probes.take(MOST as u64).is_some());
    }
}
