/// Counts the calls of each tenant in constant memory: a count-min sketch (Cormode and Muthukrishnan, *Journal of
/// Algorithms* 55, 2005). Every counted call ends, so counts are decremented exactly, without decay.
///
/// A tenant has one bucket in each row, and the lowest of them is an upper bound of its count. The bound is too high
/// only if other tenants share all of its buckets: with `n` other tenants and `b` buckets in each row, the probability
/// is about `(n / b)⁴`.
#[derive(Debug, Clone)]
pub(super) struct Sketch {
    buckets: u32,
    counts: Box<[u32]>,
    /// The number of buckets of the first row that are not 0.
    present: u64,
}

impl Sketch {
    /// Creates an empty sketch with `buckets` in each row, at most 65 536.
    pub(super) fn new(buckets: u32) -> Self {
        Self {
            buckets,
            counts: vec![0; ROWS * buckets as usize].into(),
            present: 0,
        }
    }

    pub(super) fn add(&mut self, hash: u64) {
        let places = self.places(hash);
        self.present += u64::from(self.counts[places[0]] == 0);
        for at in places {
            self.counts[at] = self.counts[at].saturating_add(1);
        }
    }

    pub(super) fn take(&mut self, hash: u64) {
        let places = self.places(hash);
        self.present = self
            .present
            .saturating_sub(u64::from(self.counts[places[0]] == 1));
        for at in places {
            self.counts[at] = self.counts[at].saturating_sub(1);
        }
    }

    /// The number of tenants with calls. Too low if tenants share a bucket.
    pub(super) fn present(&self) -> u64 {
        self.present
    }

    /// An upper bound of the additions minus removals.
    pub(super) fn at_most(&self, hash: u64) -> u32 {
        let counts = self.places(hash).map(|at| self.counts[at]);
        counts.into_iter().min().unwrap_or(0)
    }

    /// The bucket of each row, from its own sixteen bits of the hash.
    fn places(&self, hash: u64) -> [usize; ROWS] {
        let buckets = u64::from(self.buckets);
        std::array::from_fn(|row| {
            let bits = (hash >> (16 * row)) & 0xFFFF;
            row * buckets as usize + ((bits * buckets) >> 16) as usize
        })
    }
}

const ROWS: usize = 4;
