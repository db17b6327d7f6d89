//! Remembers where packets between two addresses went, so that the next packet need not be looked up again.

use std::net::IpAddr;

use crate::index_hash::MIX;

const SLOTS: usize = 256;

/// Answers by way in and addresses. A slot holds one answer; another with the same slot replaces it.
///
/// Whatever the answers depend on has to [`clear`](Self::clear) it when it changes.
pub(crate) struct Routes<From, To> {
    slots: Box<[Option<Route<From, To>>; SLOTS]>,
}

#[derive(Clone, Copy)]
struct Route<From, To> {
    from: From,
    source: IpAddr,
    destination: IpAddr,
    to: To,
}

impl<From: Copy + Eq, To: Copy> Routes<From, To> {
    pub fn new() -> Self {
        Self { slots: Box::new([None; SLOTS]) }
    }

    pub fn get(&self, from: From, source: IpAddr, destination: IpAddr) -> Option<To> {
        let route = self.slots[slot(source, destination)].as_ref()?;
        (route.from == from && route.source == source && route.destination == destination).then_some(route.to)
    }

    pub fn remember(&mut self, from: From, source: IpAddr, destination: IpAddr, to: To) {
        self.slots[slot(source, destination)] = Some(Route { from, source, destination, to });
    }

    pub fn clear(&mut self) {
        self.slots.fill(None);
    }
}

fn slot(source: IpAddr, destination: IpAddr) -> usize {
    let mixed = fold(source).wrapping_mul(MIX).rotate_left(32) ^ fold(destination);
    (mixed.wrapping_mul(MIX) >> (u64::BITS - SLOTS.ilog2())) as usize
}

fn fold(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64 ^ address.to_bits() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: u16) -> IpAddr {
        IpAddr::from([10, 0, (host >> 8) as u8, host as u8])
    }

    #[test]
    fn an_answer_is_for_its_own_question_only() {
        let mut routes = Routes::new();
        routes.remember(1, address(1), address(2), 'a');
        assert_eq!(routes.get(1, address(1), address(2)), Some('a'));
        assert_eq!(routes.get(2, address(1), address(2)), None);
        assert_eq!(routes.get(1, address(2), address(1)), None);
        routes.clear();
        assert_eq!(routes.get(1, address(1), address(2)), None);
    }

    #[test]
    fn many_questions_never_get_the_answer_of_another() {
        let mut routes = Routes::new();
        for host in 0..1000 {
            routes.remember(1, address(0), address(host), host);
        }
        let known: Vec<_> =
            (0..1000).filter_map(|host| Some((host, routes.get(1, address(0), address(host))?))).collect();
        assert!(known.len() > SLOTS / 2);
        assert!(known.iter().all(|(host, answer)| host == answer));
    }
}
