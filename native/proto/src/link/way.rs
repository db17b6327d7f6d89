//! How packets to a peer go, as its paths have decided: kept on each link, so that a packet need not ask.

use std::time::Duration;

use crate::Route;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub route: Option<Route>,
    /// Longest inner packet that surely passes.
    pub limit: u16,
    /// Whether the limit is known; else longer packets may pass as well.
    pub is_settled: bool,
    /// How long the way may be silent while packets go there.
    pub patience: Duration,
}

impl Way {
    /// There is no way yet. `longest` is the longest inner packet.
    pub fn nowhere(longest: u16) -> Self {
        Self { route: None, limit: longest, is_settled: false, patience: crate::paths::silence_limit(None) }
    }

    /// Longest inner packet that is worth agreeing on, when `longest` is the longest at all.
    pub fn lasting_limit(&self, longest: u16) -> u16 {
        if self.is_settled { self.limit } else { longest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_only_assumed_is_not_agreed_on() {
        let assumed = Way { limit: 1220, ..Way::nowhere(1420) };
        assert_eq!(assumed.lasting_limit(1420), 1420);
        assert_eq!(Way { is_settled: true, ..assumed }.lasting_limit(1420), 1220);
    }
}
