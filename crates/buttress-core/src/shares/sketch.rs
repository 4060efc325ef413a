/// How many calls each of any number of tenants has, in memory that does not grow: a count-min sketch (Cormode and
/// Muthukrishnan, *Journal of Algorithms* 55, 2005). Every call that is counted ends, so counts are taken back
/// exactly and nothing fades.
///
/// A tenant has one bucket in each row, and the lowest of them is an upper bound of its count. It is too high only if
/// others share all of its buckets: beside `n` tenants in `b` buckets a row, with a probability of about `(n / b)⁴`.
#[derive(Debug, Clone)]
pub(super) struct Sketch {
    buckets: u32,
    counts: Box<[u32]>,
    /// How many buckets of the first row are not 0.
    present: u64,
}

impl Sketch {
    /// All zero, with `buckets` a row, at most 65 536.
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

    /// How many tenants have any: fewer, where some share a bucket.
    pub(super) fn present(&self) -> u64 {
        self.present
    }

    /// At least the number of additions less removals.
    pub(super) fn at_most(&self, hash: u64) -> u32 {
        let counts = self.places(hash).map(|at| self.counts[at]);
        counts.into_iter().min().unwrap_or(0)
    }

    /// Each row goes by its own sixteen bits of the hash.
    fn places(&self, hash: u64) -> [usize; ROWS] {
        let buckets = u64::from(self.buckets);
        std::array::from_fn(|row| {
            let bits = (hash >> (16 * row)) & 0xFFFF;
            row * buckets as usize + ((bits * buckets) >> 16) as usize
        })
    }
}

const ROWS: usize = 4;
