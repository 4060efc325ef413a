//! Which of the waiting calls is admitted next, where the limit is shared by criticality.

use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use buttress_core::Criticality::{self, Critical, High, Low, Medium};
use buttress_core::Ratio;
use buttress_core::queue::Order;
use buttress_core::shares::SharesConfig;
use buttress_core::shed::{Admission, Call, Permit, Shed, ShedConfig};

const LIMIT: u32 = 10;

fn shed() -> Shed {
    let shares = SharesConfig::default()
        .share(Critical, Ratio::percent(10))
        .share(High, Ratio::percent(40))
        .share(Medium, Ratio::percent(20))
        .share(Low, Ratio::percent(10));
    let config = ShedConfig::default()
        .limit(LIMIT)
        .order(Order::Fifo)
        .max_wait(None)
        .margin(Duration::ZERO)
        .shares(shares);
    Shed::new(config, 7, Instant::now()).expect("valid")
}

fn ask(shed: &Shed, criticality: Criticality, now: Instant) -> Admission {
    let call = Call {
        criticality,
        ..Call::default()
    };
    shed.admit(call, || 0, || now)
}

fn begin(shed: &Shed, criticality: Criticality, now: Instant) -> Permit {
    match ask(shed, criticality, now) {
        Admission::Admitted { permit, .. } => permit,
        other => panic!("there is a free slot, but {other:?}"),
    }
}

#[test]
fn a_slot_goes_to_classes_below_their_shares_and_then_by_criticality() {
    // The calls in flight apart from the call that ends, and the waiters, from `Low` to `Critical`.
    for (in_flight, waiting, next) in [
        ([9, 0, 0, 0], [0, 0, 0, 0], None),
        // All slots are lent to the class that needs them.
        ([9, 0, 0, 0], [1, 0, 0, 0], Some(Low)),
        ([0, 0, 9, 0], [0, 0, 1, 0], Some(High)),
        // Of the classes below their shares, the most critical goes first.
        ([9, 0, 0, 0], [1, 1, 1, 1], Some(Critical)),
        ([8, 0, 0, 1], [1, 1, 1, 0], Some(High)),
        // A class below its share goes before a more critical one that has its share.
        ([0, 0, 9, 0], [1, 0, 1, 0], Some(Low)),
        ([0, 1, 8, 0], [0, 1, 1, 0], Some(Medium)),
        ([1, 2, 0, 6], [1, 1, 1, 1], Some(High)),
        // If all classes have their shares, criticality alone decides.
        ([1, 2, 4, 2], [1, 1, 1, 1], Some(Critical)),
        ([1, 3, 4, 1], [1, 1, 1, 0], Some(High)),
    ] {
        let (shed, now) = (shed(), Instant::now());
        let ends = begin(&shed, Low, now);
        let mut permits = Vec::new();
        for (criticality, count) in Criticality::ALL.into_iter().zip(in_flight) {
            permits.extend((0..count).map(|_| begin(&shed, criticality, now)));
        }
        let mut places = Vec::new();
        for (criticality, count) in Criticality::ALL.into_iter().zip(waiting) {
            for _ in 0..count {
                match ask(&shed, criticality, now) {
                    Admission::Waiting(waiter) => places.push((criticality, waiter)),
                    other => panic!("there is no free slot, but {other:?}"),
                }
            }
        }
        shed.release(ends, || now);
        let mut admitted = Vec::new();
        for (criticality, waiter) in places {
            match shed.poll(&waiter, Waker::noop(), || 0, || now) {
                Poll::Ready(Ok(permit)) => {
                    admitted.push(criticality);
                    permits.push(permit);
                }
                Poll::Ready(Err(refusal)) => panic!("{refusal:?}"),
                Poll::Pending => shed.leave(waiter, || now),
            }
        }
        assert_eq!(admitted, Vec::from_iter(next), "{in_flight:?} {waiting:?}");
        for permit in permits {
            shed.release(permit, || now);
        }
    }
}
