//! Keeping control connections out of our own tunnels.
//!
//! iroh offers every interface of the machine to its peers, a host TUN's included, and left alone it moves a
//! connection there within milliseconds. It would live only as long as the sessions that it is needed to renew.

use std::time::Duration;

use iroh::endpoint::transports::{FourTuple, PathSelection, PathSelectionContext, PathSelectionData, PathSelector};

use crate::interfaces;

/// Round-trip times nearer than this are the same, so that connections don't flap between paths.
const WORTH_MOVING: Duration = Duration::from_millis(5);

/// Picks the fastest path that isn't through an overlay, a relayed one only where there is no other; iroh closes the
/// others.
#[derive(Debug)]
pub(super) struct OutsideOverlays;

impl PathSelector for OutsideOverlays {
    fn select(&self, context: &PathSelectionContext<'_>) -> PathSelection {
        let usable = || context.paths().filter(|path| !is_through_overlay(path.network_path()));
        let mut selection = PathSelection::none();
        let Some((best, standing)) = usable().filter_map(ranked).min_by_key(|(_, rank)| *rank) else {
            return selection;
        };
        let current = usable().filter(|path| Some(path.network_path()) == context.current()).filter_map(ranked);
        match current.map(|(_, rank)| rank).min() {
            Some(rank) if !standing.is_worth_moving_to(rank) => {}
            _ => selection.set(&best),
        }
        selection
    }
}

/// How good a path is, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_relayed: bool,
    time: Duration,
}

impl Rank {
    fn is_worth_moving_to(self, current: Self) -> bool {
        if self.is_relayed == current.is_relayed {
            current.time >= self.time + WORTH_MOVING
        } else {
            current.is_relayed
        }
    }
}

fn ranked(path: PathSelectionData<'_>) -> Option<(PathSelectionData<'_>, Rank)> {
    let is_relayed = matches!(path.network_path(), FourTuple::Relay { .. });
    let time = path.stats()?.rtt;
    Some((path, Rank { is_relayed, time }))
}

fn is_through_overlay(path: &FourTuple) -> bool {
    matches!(path, FourTuple::Ip { local: Some(local), .. } if interfaces::is_overlay(*local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direct_path_is_better_than_any_relay_and_a_little_faster_is_no_reason_to_move() {
        let rank = |is_relayed, time| Rank { is_relayed, time: Duration::from_millis(time) };
        assert!(rank(false, 90) < rank(true, 1));
        assert!(rank(false, 90).is_worth_moving_to(rank(true, 1)));
        assert!(!rank(true, 1).is_worth_moving_to(rank(false, 90)));
        assert!(!rank(false, 10).is_worth_moving_to(rank(false, 14)));
        assert!(rank(true, 10).is_worth_moving_to(rank(true, 15)));
    }
}
