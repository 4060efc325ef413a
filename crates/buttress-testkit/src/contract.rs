use std::time::Duration;

/// What a layer declares, and is tested for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contract {
    pub(crate) capacity: Option<usize>,
    pub(crate) readiness: Readiness,
    pub(crate) holds_body: bool,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) ends_within: Option<Duration>,
    pub(crate) ready_within: Option<Duration>,
    pub(crate) reader_idle: Option<Duration>,
    pub(crate) adapts: bool,
    pub(crate) attempts: Option<usize>,
    pub(crate) queue: Option<usize>,
    pub(crate) turns: Option<QueueOrder>,
    pub(crate) recovers_within: Option<Duration>,
    pub(crate) sharing: Option<Sharing>,
    pub(crate) needs_timer: bool,
    pub(crate) only: Option<Vec<&'static str>>,
    pub(crate) exceptions: Vec<(&'static str, String)>,
}

impl Contract {
    /// The longest time until a call has its response, if declared.
    pub(crate) fn longest_wait(&self) -> Option<Duration> {
        let both = self.max_wait.into_iter().chain(self.ends_within);
        both.min()
    }
}

/// What a clone reserves that was polled ready and not called yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readiness {
    /// Nothing: a call is admitted when it is made.
    #[default]
    AtCall,
    /// Its slot, until the clone is dropped or was idle for `idle_release`.
    Reserve {
        /// The idle time after which a clone releases its slot; `None` is never.
        idle_release: Option<Duration>,
    },
}

/// What the services of two `layer()` calls of one layer share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nothing: each has its own state.
    Separate,
    /// Their state, which is held by a handle.
    Shared,
}

/// Which waiter is admitted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueOrder {
    /// The newest.
    NewestFirst,
    /// The oldest.
    OldestFirst,
}
