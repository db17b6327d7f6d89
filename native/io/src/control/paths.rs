//! Keeping control connections out of our own tunnels.
//!
//! iroh offers every interface of the machine to its peers, a host TUN's included, and left alone it moves a
//! connection there within milliseconds. It would live only as long as the sessions that it is needed to renew.

use std::time::Duration;

use iroh::endpoint::transports::{FourTuple, PathSelection, PathSelectionContext, PathSelectionData, PathSelector};

use crate::interfaces;

/// Round-trip times nearer than this are the same, so that connections don't flap between paths.
const WORTH_MOVING: Duration = Duration::from_millis(5);

/// Picks the fastest path that isn't through an overlay; iroh closes the others.
#[derive(Debug)]
pub(super) struct OutsideOverlays;

impl PathSelector for OutsideOverlays {
    fn select(&self, context: &PathSelectionContext<'_>) -> PathSelection {
        let usable = || context.paths().filter(|path| !is_through_overlay(path.network_path()));
        let mut selection = PathSelection::none();
        let Some((fastest, best)) = usable().filter_map(timed).min_by_key(|(_, time)| *time) else { return selection };
        let current = usable().filter(|path| Some(path.network_path()) == context.current()).filter_map(timed);
        match current.map(|(_, time)| time).min() {
            Some(time) if time < best + WORTH_MOVING => {}
            _ => selection.set(&fastest),
        }
        selection
    }
}

fn timed(path: PathSelectionData<'_>) -> Option<(PathSelectionData<'_>, Duration)> {
    let time = path.stats()?.rtt;
    Some((path, time))
}

fn is_through_overlay(path: &FourTuple) -> bool {
    matches!(path, FourTuple::Ip { local: Some(local), .. } if interfaces::is_overlay(*local))
}
