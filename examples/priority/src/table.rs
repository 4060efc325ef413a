//! The figures, a line for every other second.

use crate::ledger::{Entry, Ledger};
use crate::load::{Class, SECONDS};

pub(crate) fn print(naive: &Ledger, ours: &Ledger) {
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
    for (name, ledger) in [("naive", naive), ("buttress", ours)] {
        println!(
            "{name:<8} beside the batch {:>6.2} % of the users' calls were served, and {:>5.2} % of the batch's",
            100.0 * ledger.served(Class::Users),
            100.0 * ledger.served(Class::Batch)
        );
    }
}

/// How many of those that were offered were served.
fn share(entry: &Entry) -> String {
    if entry.offered == 0 {
        return "–".into();
    }
    format!(
        "{:.1} %",
        100.0 * f64::from(entry.served) / f64::from(entry.offered)
    )
}
