//! A small random generator whose whole future is its seed (SplitMix64).
//!
//! Tests print the seed and can be replayed with it, on any machine and with any version of any
//! crate: that is why it is ours.

/// Random numbers from a seed.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator for a seed and a text about the occasion: an occasion always gets the same
    /// random values, in any order of occasions.
    pub fn of(seed: u64, occasion: &[&str]) -> Self {
        // FNV-1a, with a separator so that ("ab", "c") and ("a", "bc") differ.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for word in occasion {
            for byte in word.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        let mut rng = Self(seed ^ hash);
        rng.number();
        rng
    }

    /// The next number, any of the 64-bit ones.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u128::from(bound as u64);
        ((u128::from(self.number()) * bound) >> 64) as usize
    }

    /// Whether something of this probability (0.0 to 1.0) happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        ((self.number() >> 11) as f64) < probability * (1u64 << 53) as f64
    }

    /// One of the choices; `None` where there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_the_whole_future() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        assert!((0..100).all(|_| a.number() == b.number()));
        assert_ne!(Rng::new(7).number(), Rng::new(8).number());
        // The published first value for seed 0.
        assert_eq!(Rng::new(0).number(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn occasions_have_their_own_luck() {
        assert_eq!(Rng::of(1, &["PUT", "a"]).number(), Rng::of(1, &["PUT", "a"]).number());
        assert_ne!(Rng::of(1, &["PUT", "a"]).number(), Rng::of(1, &["PU", "Ta"]).number());
    }

    #[test]
    fn chances_are_as_promised() {
        let mut rng = Rng::new(3);
        let hits = (0..10_000).filter(|_| rng.chance(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!Rng::new(1).chance(0.0) && Rng::new(1).chance(1.0));
        assert!((0..1_000).all(|_| rng.below(3) < 3));
    }
}
