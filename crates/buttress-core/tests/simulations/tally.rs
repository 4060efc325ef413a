use buttress_core::Criticality;

/// The results of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) seconds: f64,
    /// The number of calls that could have been answered.
    pub(crate) capacity: f64,
    pub(crate) offered: u64,
    pub(crate) refused: u64,
    /// The time from arrival to response, in seconds, of each call that got a response.
    pub(crate) latencies: Vec<f32>,
    /// The limit, multiplied by the seconds for which it applied.
    pub(crate) limit: f64,
    pub(crate) least: u64,
    pub(crate) most: u64,
    /// The results by [`Criticality::index`].
    pub(crate) classes: [Class; Criticality::COUNT],
    /// The workers in use, multiplied by the seconds for which they were.
    pub(crate) busy: f64,
}

/// The results of one criticality.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Class {
    pub(crate) offered: u64,
    /// The calls answered by their deadlines.
    pub(crate) in_time: u64,
}

impl Tally {
    pub(crate) fn saw_limit(&mut self, limit: u64, seconds: f64) {
        if self.most == 0 {
            self.least = limit;
        }
        self.limit += limit as f64 * seconds;
        self.least = self.least.min(limit);
        self.most = self.most.max(limit);
    }

    pub(crate) fn add(&mut self, other: Self) {
        if self.most == 0 {
            self.least = other.least;
        }
        self.seconds += other.seconds;
        self.capacity += other.capacity;
        self.offered += other.offered;
        self.refused += other.refused;
        self.latencies.extend(other.latencies);
        self.limit += other.limit;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.busy += other.busy;
        for (class, other) in self.classes.iter_mut().zip(other.classes) {
            class.offered += other.offered;
            class.in_time += other.in_time;
        }
    }

    /// The share of the calls of a criticality answered by their deadlines.
    pub(crate) fn served(&self, criticality: Criticality) -> f64 {
        let class = self.classes[criticality.index()];
        class.in_time as f64 / class.offered as f64
    }

    /// Responses within the objective, as a share of the capacity.
    pub(crate) fn goodput(&self, objective: f64) -> f64 {
        let in_time = |latency: &&f32| f64::from(**latency) <= objective;
        self.latencies.iter().filter(in_time).count() as f64 / self.capacity
    }

    /// Responses, in time or not, as a share of the capacity.
    pub(crate) fn throughput(&self) -> f64 {
        self.latencies.len() as f64 / self.capacity
    }

    /// The latency, in seconds, that this share of the responses does not exceed.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let mut latencies = self.latencies.clone();
        let rank = (latencies.len() as f64 * share) as usize;
        if rank >= latencies.len() {
            return f64::NAN;
        }
        let (_, latency, _) = latencies.select_nth_unstable_by(rank, f32::total_cmp);
        f64::from(*latency)
    }

    pub(crate) fn refused(&self) -> f64 {
        self.refused as f64 / self.offered as f64
    }

    pub(crate) fn mean_limit(&self) -> f64 {
        self.limit / self.seconds
    }

    pub(crate) fn limits(&self) -> (u64, u64) {
        (self.least, self.most)
    }
}

/// Adds up the results of all seeds, each run in its own thread.
pub(crate) fn over_seeds(
    seeds: std::ops::Range<u64>,
    simulate: impl Fn(u64) -> Tally + Sync,
) -> Tally {
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let seeds: Vec<_> = seeds
            .map(|seed| {
                scope.spawn({
                    let simulate = &simulate;
                    move || simulate(seed)
                })
            })
            .collect();
        for seed in seeds {
            all.add(seed.join().expect("a simulation does not panic"));
        }
    });
    all
}
