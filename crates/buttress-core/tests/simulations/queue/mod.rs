//! The goodput of a service, for each order of its queue and each load.
//!
//! Ten workers that take 10 ms on average, exponentially distributed, and callers that arrive at random and need the
//! response within 200 ms. Callers do not leave when a response is late, since that would hide the cost of late
//! responses.

mod lines;
mod rfc_codel;
mod world;

use self::lines::{Line, controlled_delay, deadlines, plain};
use self::rfc_codel::RfcCodel;
use self::world::{Tally, simulate};

use buttress_core::queue::Order;

const LOADS: [f64; 4] = [0.9, 1.1, 1.5, 3.0];

pub(crate) fn goodput_stays_at_capacity_where_others_collapse() {
    let fifo = row("FIFO", &|| Box::new(plain()));
    let expired = row("FIFO, less the expired", &|| {
        Box::new(deadlines(Order::Fifo, false))
    });
    let rfc = row("FIFO, CoDel of RFC 8289", &|| Box::<RfcCodel>::default());
    let delay = row("FIFO, CoDel 5/100 ms", &|| Box::new(controlled_delay()));
    row("FIFO, with margin", &|| {
        Box::new(deadlines(Order::Fifo, true))
    });
    let lifo = row("LIFO, with margin", &|| {
        Box::new(deadlines(Order::Lifo, true))
    });
    let ours = row("adaptive, with margin", &|| {
        Box::new(deadlines(Order::ADAPTIVE, true))
    });

    // The orders to compare with.
    let [below, over @ ..] = &fifo;
    assert!(below.goodput() > 0.899 && over.iter().all(|tally| tally.goodput() < 0.02));
    let [_, over @ ..] = &expired;
    for (tally, published) in over.iter().zip([0.475, 0.169, 0.049]) {
        assert!((tally.goodput() - published).abs() < 0.05, "{tally:?}");
    }
    assert!(rfc[2].goodput() < 0.2 && rfc[3].goodput() < 0.05);
    // CoDel does not use deadlines: it reaches 0.99 at 1.5 times the capacity, but not at 1.1 times. LIFO loses
    // responses even below capacity.
    assert!(delay[1].goodput() < 0.99 && delay[2].goodput() >= 0.99);
    assert!(lifo[0].goodput() < 0.899);

    let [below, over @ ..] = &ours;
    assert!(below.goodput() >= 0.899, "{below:?}");
    for tally in over {
        assert!(tally.goodput() >= 0.99, "{tally:?}");
    }
    for tally in &ours {
        assert!(tally.percentile(0.5) <= 0.020, "{tally:?}");
    }
}

/// Prints and returns one order at all loads.
fn row(name: &str, line: &dyn Fn() -> Box<dyn Line>) -> [Tally; LOADS.len()] {
    let tallies = LOADS.map(|load| simulate(line(), load));
    print!("{name:<24}");
    for (load, tally) in LOADS.iter().zip(&tallies) {
        let goodput = tally.goodput();
        let [p50, p99] = [0.5, 0.99].map(|share| tally.percentile(share) * 1e3);
        print!(" | {load:.1} x: {goodput:.3}, p50 {p50:>5.1} ms, p99 {p99:>5.1} ms");
    }
    println!();
    tallies
}
