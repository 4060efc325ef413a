use std::cell::Cell;

/// Why a call, or a value that belongs to it, is dropped before the call has ended.
///
/// A drop has no reason. A layer that ends a call on purpose sets the reason for the duration of the drop, and the
/// inner guards and bodies that are dropped with the call read it with [`current`](Self::current):
///
/// ```
/// use buttress_core::Ending;
///
/// struct Guard;
/// impl Drop for Guard {
///     fn drop(&mut self) {
///         assert_eq!(Ending::current(), Ending::Expired);
///     }
/// }
///
/// let call = Guard;
/// Ending::Expired.during(|| drop(call));
/// assert_eq!(Ending::current(), Ending::Abandoned);
/// ```
///
/// It cannot be forged by an error, and it is lost where a drop happens elsewhere (in a spawned task): then the call
/// counts as cancelled, and no rule counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ending {
    /// The caller cancelled the call. No rule counts it.
    #[default]
    Abandoned,
    /// The call's deadline, or the timeout of an attempt, ended it.
    Expired,
    /// A layer responded without calling the service.
    Refused,
}

thread_local! {
    static CURRENT: Cell<Ending> = const { Cell::new(Ending::Abandoned) };
}

impl Ending {
    /// The reason of the current drop.
    #[must_use]
    pub fn current() -> Self {
        // There is none while thread-local variables are dropped.
        CURRENT.try_with(Cell::get).unwrap_or_default()
    }

    /// Runs a function, usually a drop, with this reason. The previous reason is restored afterwards, also after a
    /// panic.
    pub fn during<R>(self, run: impl FnOnce() -> R) -> R {
        let before = CURRENT.try_with(|current| current.replace(self));
        let _back = Back(before.unwrap_or_default());
        run()
    }
}

/// Restores the previous reason.
struct Back(Ending);

impl Drop for Back {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn endings_nest_and_come_back() {
        Ending::Expired.during(|| {
            Ending::Refused.during(|| assert_eq!(Ending::current(), Ending::Refused));
            assert_eq!(Ending::current(), Ending::Expired);
        });
        assert_eq!(Ending::current(), Ending::Abandoned);
    }

    #[test]
    fn a_panic_leaves_no_ending_behind() {
        let run = || Ending::Refused.during(|| panic!("a drop"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(Ending::current(), Ending::Abandoned);
    }
}
