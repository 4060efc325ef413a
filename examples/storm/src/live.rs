use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::figures::answer_times;
use crate::ledger::{Entry, Ledger};
use crate::load::PATIENCE;
use crate::schedule::Schedule;
use crate::watch::{Crowd, Watch};

/// Prints a line per second until the storm is over: what was offered, and what each gateway did with it.
///
/// A second's goodput is what was answered in it; p99 is of those answers. How full it was is the mean over it.
pub(crate) async fn narrate(
    naive: Arc<Ledger>,
    buttress: Arc<Ledger>,
    watch: Watch,
    schedule: Schedule,
    epoch: Instant,
) {
    println!(
        "{:>4}  {:<9} {:>8}   {:>15}   {:>15}",
        "", "", "", "naive", "buttress"
    );
    println!(
        "{:>4}  {:<9} {:>8}   {:>7}{:>8}   {:>7}{:>8}{:>7}{:>8}{:>7}   circuit",
        "s", "phase", "offered", "good", "p99 ms", "good", "p99 ms", "limit", "inside", "queue"
    );
    for second in 1..=schedule.total().as_secs() {
        let until = Duration::from_secs(second);
        sleep_until(epoch + until).await;
        let phase = schedule.phase_at(until.saturating_sub(SECOND)).title();
        let state = watch.state().unwrap_or("–");
        let Crowd {
            limit,
            in_flight,
            queued,
            ..
        } = watch
            .crowd_since(until.saturating_sub(SECOND))
            .unwrap_or_default();
        let (left, right) = (Look::at(&naive, until), Look::at(&buttress, until));
        let offered = left.offered;
        println!(
            "{second:>4}  {phase:<9} {offered:>8}   {left}   {right}{limit:>7.0}{in_flight:>8.0}{queued:>7.0}   {state}"
        );
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// One gateway's last second.
#[derive(Debug)]
struct Look {
    offered: usize,
    good: usize,
    p99_ms: Option<f64>,
}

impl Look {
    fn at(ledger: &Ledger, until: Duration) -> Self {
        let second = until.saturating_sub(SECOND)..until;
        ledger.read(|entries| {
            // What ended in this second was due at most a caller's patience before it.
            let oldest = second.start.saturating_sub(2 * PATIENCE);
            let recent = || entries.iter().rev().take_while(|entry| entry.due >= oldest);
            let ended = |entry: &Entry| {
                entry
                    .ended
                    .as_ref()
                    .is_some_and(|(at, _)| second.contains(at))
            };
            let good: Vec<_> = recent()
                .filter(|entry| entry.is_good() && ended(entry))
                .collect();
            Self {
                offered: recent().filter(|entry| second.contains(&entry.due)).count(),
                good: good.len(),
                p99_ms: answer_times(good).ms(0.99),
            }
        })
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p99 = self
            .p99_ms
            .map_or_else(|| "–".to_owned(), |p99| format!("{p99:.0}"));
        write!(f, "{:>7}{p99:>8}", self.good)
    }
}
