//! The replay window against one that remembers everything.

use std::collections::HashSet;

use golem_vpn_proto::ReplayWindow;
use proptest::prelude::*;

#[derive(Default)]
struct Naive {
    received: HashSet<u64>,
    highest: Option<u64>,
}

impl Naive {
    fn receive(&mut self, counter: u64) -> bool {
        let too_old = self.highest.is_some_and(|highest| highest.saturating_sub(counter) >= ReplayWindow::SIZE);
        let fresh = !too_old && counter != u64::MAX && self.received.insert(counter);
        if fresh {
            self.highest = self.highest.max(Some(counter));
        }
        fresh
    }
}

/// Steps to and fro around a place that sometimes jumps far ahead.
fn counters() -> impl Strategy<Value = Vec<u64>> {
    let step = prop_oneof![
        8 => (-20i64..40).boxed(),
        2 => (-9000i64..9000).boxed(),
        1 => (0..1i64 << 40).boxed(),
    ];
    (prop_oneof![Just(0), any::<u64>()], proptest::collection::vec(step, 1..400)).prop_map(|(start, steps)| {
        let walk = steps.into_iter().scan(start, |at, step| {
            *at = at.saturating_add_signed(step);
            Some(*at)
        });
        walk.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_window_takes_what_the_naive_one_takes(counters in counters()) {
        let (mut window, mut naive) = (ReplayWindow::new(), Naive::default());
        for counter in counters {
            let fresh = window.is_fresh(counter);
            prop_assert_eq!(fresh, naive.receive(counter), "counter {}", counter);
            if fresh {
                window.mark(counter);
            }
        }
    }
}
