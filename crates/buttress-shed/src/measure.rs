use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use buttress_core::{Pressure, Ratio};

/// Measures memory and processor pressure, from the files of Linux. On other systems nothing is measured.
///
/// There is no task for it: calls measure at intervals, which takes some tens of microseconds.
#[derive(Debug)]
pub(crate) struct Measure {
    origin: Instant,
    /// When the next measurement is due, in nanoseconds.
    next: AtomicU64,
    /// The memory limit in bytes, once it has been read.
    available: OnceLock<Option<u64>>,
    files: Files,
}

/// The paths of the files. Other paths are for tests.
#[derive(Debug)]
struct Files {
    status: PathBuf,
    schedstat: PathBuf,
    meminfo: PathBuf,
    /// The files of version 2 and version 1 of control groups.
    groups: [PathBuf; 2],
}

impl Files {
    fn under(root: &Path) -> Self {
        Self {
            status: root.join("proc/self/status"),
            schedstat: root.join("proc/thread-self/schedstat"),
            meminfo: root.join("proc/meminfo"),
            groups: [
                root.join("sys/fs/cgroup/memory.max"),
                root.join("sys/fs/cgroup/memory/memory.limit_in_bytes"),
            ],
        }
    }
}

impl Measure {
    pub(crate) fn new(now: Instant) -> Self {
        Self::of(Files::under(Path::new("/")), now)
    }

    fn of(files: Files, now: Instant) -> Self {
        Self {
            origin: now,
            next: AtomicU64::new(0),
            available: OnceLock::new(),
            files,
        }
    }

    /// Returns the current pressure, if a measurement is due and possible.
    pub(crate) fn due(&self, now: Instant) -> Option<Pressure> {
        let at = nanos(now.saturating_duration_since(self.origin));
        let next = self.next.load(Ordering::Relaxed);
        // At its first measurement a thread has nothing to compare with, so another thread measures.
        if at < next || self.is_first_look() {
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
            run_delay: self.run_delay(),
        };
        (pressure != Pressure::default()).then_some(pressure)
    }

    fn memory(&self) -> Option<Ratio> {
        let available = (*self.available.get_or_init(|| self.files.available()))?;
        let status = fs::read_to_string(&self.files.status).ok()?;
        let used = kilobytes_after(&status, "VmRSS:")?;
        Ratio::new((used as f64 / available as f64).min(1.0)).ok()
    }

    /// Whether this is the first time that this thread reads its waiting time.
    fn is_first_look(&self) -> bool {
        BEFORE.get().is_none() && {
            BEFORE.set(self.files.waited_and_ran());
            BEFORE.get().is_some()
        }
    }

    /// Returns how long this thread waited for a processor when it was ready to run, on average since its last
    /// measurement.
    fn run_delay(&self) -> Option<Duration> {
        let now = self.files.waited_and_ran()?;
        let before = BEFORE.replace(Some(now))?;
        let waited = now.0.checked_sub(before.0)?;
        let ran = now.1.checked_sub(before.1)?.max(1);
        Some(Duration::from_nanos(waited / ran))
    }
}

thread_local! {
    /// The thread's waiting time at its last measurement, in nanoseconds, and how often it had run.
    static BEFORE: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}

impl Files {
    fn waited_and_ran(&self) -> Option<(u64, u64)> {
        let text = fs::read_to_string(&self.schedstat).ok()?;
        waited_and_ran(&text)
    }

    /// Returns the memory limit of the control group, or else the memory of the machine.
    fn available(&self) -> Option<u64> {
        let limit = |path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        let group = self.groups.iter().find_map(limit);
        let info = fs::read_to_string(&self.meminfo).ok()?;
        let whole = kilobytes_after(&info, "MemTotal:")?;
        // Without a limit, version 1 has a very large number.
        Some(group.map_or(whole, |limit| limit.min(whole)).max(1))
    }
}

/// Reads `label    1234 kB`.
fn kilobytes_after(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let number = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    number.checked_mul(1_024)
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

/// The interval between two measurements.
const INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_parsed() {
        let status = "Name:\tx\nVmPeak:\t  100 kB\nVmRSS:\t    2048 kB\nRssAnon:\t 5 kB\n";
        assert_eq!(kilobytes_after(status, "VmRSS:"), Some(2_048 * 1_024));
        assert_eq!(waited_and_ran("123 456 7\n"), Some((456, 7)));
    }

    #[test]
    fn malformed_files_are_not_measured() {
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

    /// The files of a machine with a gigabyte of memory.
    struct Machine(PathBuf);

    impl Machine {
        fn new(name: &str) -> Self {
            let machine = Self(std::env::temp_dir().join(format!("{name}-{}", std::process::id())));
            machine.write("proc/meminfo", "MemTotal:  1048576 kB\nMemFree: 1 kB\n");
            machine.uses(512);
            machine.waited("0 0 0");
            machine
        }

        fn write(&self, file: &str, text: &str) {
            let file = self.0.join(file);
            let folder = file.parent().expect("the file is in a folder");
            fs::create_dir_all(folder).expect("a temporary folder");
            fs::write(file, text).expect("a temporary file");
        }

        fn uses(&self, megabytes: u64) {
            let text = format!("Name:\tx\nVmRSS:\t {} kB\n", megabytes * 1_024);
            self.write("proc/self/status", &text);
        }

        fn waited(&self, schedstat: &str) {
            self.write("proc/thread-self/schedstat", schedstat);
        }

        fn measure(&self) -> Measure {
            Measure::of(Files::under(&self.0), buttress_shell::now())
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn memory_is_a_fraction_of_the_groups_limit() {
        let machine = Machine::new("buttress-memory");
        let used = |measure: &Measure| measure.memory().map(Ratio::get);
        assert_eq!(used(&machine.measure()), Some(0.5));

        // Version 1 has a very large number if there is no limit.
        let old = "sys/fs/cgroup/memory/memory.limit_in_bytes";
        machine.write(old, "9223372036854771712\n");
        assert_eq!(used(&machine.measure()), Some(0.5));
        machine.write(old, "805306368\n");
        machine.uses(384);
        assert_eq!(used(&machine.measure()), Some(0.5));

        // Version 2 takes precedence, and has a word if there is no limit.
        let new = "sys/fs/cgroup/memory.max";
        machine.write(new, "max\n");
        assert_eq!(used(&machine.measure()), Some(0.5));
        machine.write(new, "402653184\n");
        let measure = machine.measure();
        assert_eq!(used(&measure), Some(1.0));
        machine.uses(96);
        assert_eq!(used(&measure), Some(0.25));
        machine.uses(4_000);
        assert_eq!(used(&measure), Some(1.0));
    }

    #[test]
    fn the_delay_is_the_mean_of_the_waits_since_the_last_look() {
        on_a_new_thread(the_delay_is_a_mean);
    }

    fn the_delay_is_a_mean() {
        let machine = Machine::new("buttress-delay");
        let measure = machine.measure();
        let delay = |text| {
            machine.waited(text);
            measure.run_delay()
        };
        // A thread must measure once before it can compare.
        machine.waited("5 1000000 10");
        assert!(measure.is_first_look() && !measure.is_first_look());
        let millis = Duration::from_millis;
        assert_eq!(delay("9 21000000 20"), Some(millis(2)));
        assert_eq!(delay("9 21000000 20"), Some(Duration::ZERO));
        assert_eq!(delay("9 51000000 21"), Some(millis(30)));
        // It is another thread's, or there is nothing to read.
        assert_eq!(delay("9 0 0"), None);
        assert_eq!(delay("nonsense"), None);
    }

    #[test]
    fn without_the_files_nothing_is_measured() {
        let nowhere = Files::under(Path::new("/nowhere"));
        let now = buttress_shell::now();
        assert_eq!(Measure::of(nowhere, now).due(now), None);
    }

    #[test]
    fn a_measurement_is_due_once_per_interval() {
        let now = buttress_shell::now();
        let measure = Measure::new(now);
        let looked = cfg!(target_os = "linux");
        on_a_new_thread(|| {
            // It has nothing to compare with yet, and does not use up an interval.
            assert_eq!(measure.due(now), None);
            assert_eq!(measure.due(now).is_some(), looked);
            assert_eq!(measure.due(now + INTERVAL / 2), None);
            let after = measure.due(now + INTERVAL);
            let delay = after.and_then(|pressure| pressure.run_delay);
            assert_eq!((after.is_some(), delay.is_some()), (looked, looked));
        });
    }

    fn on_a_new_thread(test: impl FnOnce() + Send) {
        std::thread::scope(|scope| scope.spawn(test).join().expect("it holds"));
    }
}
