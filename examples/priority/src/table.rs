//! Prints the figures, a line for every other second.

use crate::Runs;
use crate::ledger::Entry;
use crate::load::{Class, SECONDS};

pub(crate) fn print(runs: &Runs) {
    let Runs {
        naive,
        ours,
        defaults,
        alone,
    } = runs;
    println!("                       naive                          buttress");
    println!("  s  users   batch     users  p99 ms   batch    users  p99 ms   batch");
    for second in (1..SECONDS).step_by(2) {
        let offered = |class| naive.entry(class, second).offered;
        print!(
            "{second:>3} {:>6} {:>7}  ",
            offered(Class::Users),
            offered(Class::Batch)
        );
        for ledger in [naive, ours] {
            let (users, batch) = (
                ledger.entry(Class::Users, second),
                ledger.entry(Class::Batch, second),
            );
            let p99 = users
                .p99()
                .map_or_else(|| "–".into(), |ms| format!("{ms:.0}"));
            print!("{:>8} {p99:>6} {:>8}", share(users), share(batch));
        }
        println!();
    }
    println!("\nserved while the batch runs     users    batch");
    for (name, ledger) in [
        ("naive", naive),
        ("buttress", ours),
        ("buttress, nothing set", defaults),
        ("buttress, without the batch", alone),
    ] {
        let share = |class| match ledger.served(class) {
            share if share.is_nan() => "–".into(),
            share => format!("{:.2} %", 100.0 * share),
        };
        println!(
            "{name:<28}{:>9}{:>9}",
            share(Class::Users),
            share(Class::Batch)
        );
    }
}

/// Formats the ratio of served to offered calls.
fn share(entry: &Entry) -> String {
    if entry.offered == 0 {
        return "–".into();
    }
    format!(
        "{:.1} %",
        100.0 * f64::from(entry.served) / f64::from(entry.offered)
    )
}
