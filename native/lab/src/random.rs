//! Chance that repeats itself: the same seed gives the same losses.

/// A generator of 64-bit numbers: xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators").
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Zero is the one state that the generator never leaves.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).max(1))
    }

    /// Tells whether something of this probability happens now.
    pub fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.fraction() < probability
    }

    /// Gives a number from 0 to less than 1.
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_as_often_as_told() {
        let mut random = Random::new(7);
        for (probability, expected) in [(0.0, 0..=0), (0.03, 2_500..=3_500), (1.0, 100_000..=100_000)] {
            let count = (0..100_000).filter(|_| random.happens(probability)).count();
            assert!(expected.contains(&count), "{count} for {probability}");
        }
    }

    #[test]
    fn a_seed_repeats_and_zero_is_one_too() {
        let mut pairs = [0, 5].map(|seed| (Random::new(seed), Random::new(seed)));
        for (one, other) in &mut pairs {
            let first: Vec<f64> = (0..10).map(|_| one.fraction()).collect();
            assert!(first.iter().all(|&number| number == other.fraction() && (0.0..1.0).contains(&number)));
            assert!(first.windows(2).any(|two| two[0] != two[1]));
        }
    }
}
