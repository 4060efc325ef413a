/// A small seeded random number generator (SplitMix64). The same seed gives the same numbers on every platform.
///
/// ```
/// use buttress_testkit::Rng;
///
/// let (mut a, mut b) = (Rng::new(7), Rng::new(7));
/// assert!((0..100).all(|_| a.roll(6) == b.roll(6)));
/// assert!((0..100).all(|_| a.roll(6) < 6));
/// ```
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Creates a generator with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any 64-bit number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 to `sides - 1`; 0 if `sides` is 0.
    pub fn roll(&mut self, sides: usize) -> usize {
        // The bias of a remainder is too small for any test here to detect.
        (self.draw() % sides.max(1) as u64) as usize
    }
}
