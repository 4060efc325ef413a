use std::cell::Cell;
use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use buttress_core::{Pressure, Ratio};

/// Measures how short memory and processor time are, from what Linux says in its files. Elsewhere there is nothing
/// to measure.
///
/// There is no task for it: now and then a call looks, which takes it some tens of microseconds.
#[derive(Debug)]
pub(crate) struct Measure {
    origin: Instant,
    /// When it is time for the next look, in nanoseconds.
    next: AtomicU64,
    /// How many bytes may be used, once that was looked up.
    available: OnceLock<Option<u64>>,
}

impl Measure {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            origin: now,
            next: AtomicU64::new(0),
            available: OnceLock::new(),
        }
    }

    /// What is measured now, if it is time and there is anything to measure.
    pub(crate) fn due(&self, now: Instant) -> Option<Pressure> {
        let at = nanos(now.saturating_duration_since(self.origin));
        let next = self.next.load(Ordering::Relaxed);
        if at < next {
            return None;
        }
        let after = at.saturating_add(nanos(INTERVAL));
        let is_ours = self
            .next
            .compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if !is_ours {
            return None;
        }
        let pressure = Pressure {
            memory: self.memory(),
            run_delay: run_delay(),
        };
        (pressure != Pressure::default()).then_some(pressure)
    }

    fn memory(&self) -> Option<Ratio> {
        let available = (*self.available.get_or_init(available))?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let used = kilobytes_after(&status, "VmRSS:")?;
        Ratio::new((used as f64 / available as f64).min(1.0)).ok()
    }
}

/// What the control group of the process may use, in version 2 or 1, or else all there is.
fn available() -> Option<u64> {
    let limit = |path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = limit("/sys/fs/cgroup/memory.max")
        .or_else(|| limit("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let whole = kilobytes_after(&info, "MemTotal:")?;
    // Without a limit, version 1 says a very large number.
    Some(group.map_or(whole, |limit| limit.min(whole)).max(1))
}

/// Reads `label    1234 kB`.
fn kilobytes_after(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let number = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    number.checked_mul(1_024)
}

/// How long this thread waited for a processor, whenever it was ready to run, on average since it last looked.
fn run_delay() -> Option<Duration> {
    thread_local! {
        /// How long it had waited, in nanoseconds, and how often it had run.
        static BEFORE: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
    }
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let now = waited_and_ran(&text)?;
    let before = BEFORE.replace(Some(now))?;
    let waited = now.0.checked_sub(before.0)?;
    let ran = now.1.checked_sub(before.1)?.max(1);
    Some(Duration::from_nanos(waited / ran))
}

/// Reads the second and third of the three numbers of a `schedstat` (Linux, `sched-stats.rst`).
fn waited_and_ran(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split_ascii_whitespace().skip(1);
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How often somebody looks.
const INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_they_are_written() {
        let status = "Name:\tx\nVmPeak:\t  100 kB\nVmRSS:\t    2048 kB\nRssAnon:\t 5 kB\n";
        assert_eq!(kilobytes_after(status, "VmRSS:"), Some(2_048 * 1_024));
        assert_eq!(waited_and_ran("123 456 7\n"), Some((456, 7)));
    }

    #[test]
    fn what_is_not_so_is_not_measured() {
        for text in [
            "",
            "VmRSS:",
            "VmRSS: kB",
            "VmRSS: -1 kB",
            "VmRSS: 12",
            "VmRSS: 99999999999999999999 kB",
        ] {
            assert_eq!(kilobytes_after(text, "VmRSS:"), None, "{text:?}");
        }
        for text in ["", "1", "1 2", "1 x 3", "1 -2 3"] {
            assert_eq!(waited_and_ran(text), None, "{text:?}");
        }
    }

    #[test]
    fn somebody_looks_once_in_a_while() {
        let now = crate::shedder::now();
        let measure = Measure::new(now);
        let looked = cfg!(target_os = "linux");
        assert_eq!(measure.due(now).is_some(), looked);
        assert_eq!(measure.due(now + INTERVAL / 2), None);
        assert_eq!(measure.due(now + INTERVAL).is_some(), looked);
    }
}
