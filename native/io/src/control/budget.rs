//! How much memory the messages of others may hold at once, waiting or in work.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is counted in these, so that a flood of tiny messages is bounded as well.
const UNIT: usize = 64 << 10;
const UNITS_FOR_MEMBERS: usize = 1024;
const UNITS_FOR_STRANGERS: usize = 128;

/// Two budgets, so that strangers, who cost nothing to invent, can't starve known peers.
pub(super) struct Budget {
    members: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            members: Arc::new(Semaphore::new(UNITS_FOR_MEMBERS)),
            strangers: Arc::new(Semaphore::new(UNITS_FOR_STRANGERS)),
        }
    }

    /// Reserves memory for a message until the permit is dropped; nothing when the budget is spent.
    pub(super) fn reserve(&self, authorized: bool, length: usize) -> Option<OwnedSemaphorePermit> {
        let budget = if authorized { &self.members } else { &self.strangers };
        let units = length.div_ceil(UNIT).max(1) as u32;
        budget.clone().try_acquire_many_owned(units).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_leave_room_for_members() {
        let budget = Budget::new();
        let held: Vec<_> = std::iter::from_fn(|| budget.reserve(false, 1)).collect();
        assert_eq!(held.len(), UNITS_FOR_STRANGERS);
        assert!(budget.reserve(true, 1 << 20).is_some());
        drop(held);
        assert!(budget.reserve(false, 1 << 20).is_some());
    }
}
