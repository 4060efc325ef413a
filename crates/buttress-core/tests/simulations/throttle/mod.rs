//! A client's throttle with a simulated dependency, compared with those of Google's SRE book, Envoy and Finagle.

mod client;
pub(crate) mod fleet;

use self::client::{Client, Free, Lots, Nacks, RateTarget, run};

/// The calls per second that the dependency accepts when healthy.
const CAPACITY: f64 = 100.0;

pub(crate) fn at_ten_times_the_capacity_twice_of_it_is_sent() {
    println!("10 × offered             sent / capacity  answered / capacity");
    for mut client in clients() {
        run(&mut *client, 60.0, 10.0 * CAPACITY, CAPACITY, 0.0);
        let tally = run(&mut *client, 300.0, 10.0 * CAPACITY, CAPACITY, 0.0);
        let (sent, answered) = (
            tally.sent / 300.0 / CAPACITY,
            tally.answered / 300.0 / CAPACITY,
        );
        println!("{:<24} {sent:>15.2} {answered:>20.2}", client.name());
        if client.name() == RateTarget::NAME {
            assert!(sent <= 2.0, "{sent}");
            assert!(answered >= 0.99, "{answered}");
        }
    }
}

pub(crate) fn after_an_outage_it_is_soon_back() {
    println!("outage of 1000 s         sent in it  recovered after");
    for mut client in clients() {
        let offered = 10.0 * CAPACITY;
        run(&mut *client, 100.0, offered, offered, 0.0);
        let outage = run(&mut *client, 1_000.0, offered, 0.0, 0.0);
        let mut seconds = 0.0;
        while seconds < 2_000.0 {
            seconds += 1.0;
            if run(&mut *client, 1.0, offered, offered, 0.0).answered >= 0.95 * offered {
                break;
            }
        }
        let sent = outage.sent / (1_000.0 * offered) * 100.0;
        println!("{:<24} {sent:>9.1}% {seconds:>14.0} s", client.name());
        if client.name() == RateTarget::NAME {
            assert!(seconds <= 45.0, "{seconds}");
            assert!(sent <= 1.5, "{sent}");
        }
    }
}

pub(crate) fn what_fails_now_and_then_is_never_held_back() {
    println!("failing                  held back");
    for share in [0.1, 0.2, 0.3] {
        for mut client in clients() {
            // A steady load, and bursts with pauses between them.
            let mut held_back = 0.0;
            for load in [0.8, 0.0, 0.8, 0.1, 0.8] {
                let tally = run(&mut *client, 60.0, load * CAPACITY, CAPACITY, share);
                held_back += tally.offered - tally.sent;
            }
            println!(
                "{:>4.0} % {:<24} {held_back:>3.0}",
                share * 100.0,
                client.name()
            );
            if client.name() == RateTarget::NAME {
                assert_eq!(held_back, 0.0, "at a failure rate of {share}");
            }
        }
    }
}

fn clients() -> [Box<dyn Client>; 5] {
    [
        Box::new(Free::default()),
        Box::new(Lots::sre()),
        Box::new(Lots::envoy()),
        Box::new(Nacks::default()),
        Box::new(RateTarget::default()),
    ]
}
