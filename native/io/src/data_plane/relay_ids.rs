//! The numbers of relays, by which the rules know them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use golem_vpn_proto::RelayId;

/// A relay has one number while the process runs, whether it is connected or not.
#[derive(Default)]
pub(super) struct RelayIds(Mutex<HashMap<String, RelayId>>);

impl RelayIds {
    /// The numbers of relays by their URLs. Once there are too many relays, further ones have none.
    pub(super) fn of(&self, urls: &[String]) -> Vec<RelayId> {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut id = |url: &String| {
            if let Some(known) = ids.get(url) {
                return Some(*known);
            }
            let new = RelayId(u16::try_from(ids.len()).ok()?);
            ids.insert(url.clone(), new);
            Some(new)
        };
        urls.iter().filter_map(&mut id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_keeps_its_number() {
        let ids = RelayIds::default();
        let [one, other] = ["https://a:1", "https://b:1"].map(str::to_owned);
        assert_eq!(ids.of(&[one.clone(), other.clone()]), [RelayId(0), RelayId(1)]);
        assert_eq!(ids.of(&[other, one]), [RelayId(1), RelayId(0)]);
    }
}
