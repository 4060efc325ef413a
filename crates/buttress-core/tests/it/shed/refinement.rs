//! A shedder with one limit and one queue does the same as a naive list, step by step.

use std::collections::VecDeque;
use std::task::{Poll, Waker};
use std::time::Instant;

use buttress_core::Reason;
use buttress_core::queue::Order;
use buttress_core::shed::{Admission, Call, Permit, Shed, ShedConfig, Waiter};
use proptest::prelude::*;

/// The numbers of the calls in flight and of the waiters, in order.
struct Naive {
    limit: usize,
    room: usize,
    inside: Vec<u32>,
    waiting: VecDeque<u32>,
}

impl Naive {
    fn call(&mut self, who: u32) -> &'static str {
        if self.inside.len() < self.limit && self.waiting.is_empty() {
            self.inside.push(who);
            "inside"
        } else if self.waiting.len() < self.room {
            self.waiting.push_back(who);
            "waits"
        } else {
            "rejected"
        }
    }

    fn fill(&mut self) {
        while self.inside.len() < self.limit {
            let Some(who) = self.waiting.pop_front() else {
                return;
            };
            self.inside.push(who);
        }
    }

    fn ends(&mut self, who: u32) {
        self.inside.retain(|&other| other != who);
        self.waiting.retain(|&other| other != who);
        self.fill();
    }

    fn resize(&mut self, limit: usize) {
        self.limit = limit;
        self.fill();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_list_of_numbers_does(
        limit in 1..5_usize,
        room in 0..5_usize,
        operations in prop::collection::vec((0..4_u8, any::<prop::sample::Index>(), 1..5_usize), 0..100),
    ) {
        let now = Instant::now();
        let config = |limit: usize| {
            let limit = u32::try_from(limit).expect("a few");
            ShedConfig::default()
                .limit(limit)
                .queue(room)
                .order(Order::Fifo)
                .max_wait(None)
        };
        let shed = Shed::new(config(limit), 7, now).expect("it can work");
        let mut naive = Naive { limit, room, inside: Vec::new(), waiting: VecDeque::new() };
        let mut inside: Vec<(u32, Permit)> = Vec::new();
        let mut waiting: Vec<(u32, Waiter)> = Vec::new();
        for (who, (operation, which, to)) in (0..).zip(operations) {
            match operation {
                0 | 1 => {
                    let expected = naive.call(who);
                    let told = match shed.admit(Call::default(), || 0, || now) {
                        Admission::Admitted { permit, would_reject: None } => {
                            inside.push((who, permit));
                            "inside"
                        }
                        Admission::Waiting(waiter) => {
                            waiting.push((who, waiter));
                            "waits"
                        }
                        Admission::Rejected(refusal) => {
                            prop_assert_eq!(refusal.reason, Reason::LimitReached);
                            "rejected"
                        }
                        other => return Err(TestCaseError::fail(format!("{other:?}"))),
                    };
                    prop_assert_eq!(told, expected);
                }
                2 if !(inside.is_empty() && waiting.is_empty()) => {
                    let which = which.index(inside.len() + waiting.len());
                    if which < inside.len() {
                        let (who, permit) = inside.remove(which);
                        shed.release(permit, || now);
                        naive.ends(who);
                    } else {
                        let (who, waiter) = waiting.remove(which - inside.len());
                        shed.leave(waiter, || now);
                        naive.ends(who);
                    }
                }
                2 => {}
                _ => {
                    shed.reconfigure(config(to), now).expect("it can work");
                    naive.resize(to);
                }
            }
            // Only waiters that were assigned a slot get a permit.
            let mut still = Vec::new();
            for (who, waiter) in waiting {
                match shed.poll(&waiter, Waker::noop(), || 0, || now) {
                    Poll::Ready(Ok(permit)) => inside.push((who, permit)),
                    Poll::Ready(Err(refusal)) => {
                        return Err(TestCaseError::fail(format!("{who}: {refusal:?}")));
                    }
                    Poll::Pending => still.push((who, waiter)),
                }
            }
            waiting = still;
            let snapshot = shed.snapshot(now);
            prop_assert_eq!(snapshot.in_flight as usize, naive.inside.len());
            prop_assert_eq!(snapshot.queued, naive.waiting.len());
            let waits = waiting.iter().map(|(who, _)| *who);
            prop_assert_eq!(waits.collect::<VecDeque<_>>(), naive.waiting.clone());
        }
    }
}
