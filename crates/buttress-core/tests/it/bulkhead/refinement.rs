use std::collections::VecDeque;

use buttress_core::bulkhead::{Permit, Verdict, Waiter};
use proptest::prelude::*;

use crate::bulkhead::{Answer, MS, Room, fifo, heard};

#[derive(Debug, Clone)]
enum Step {
    Ask,
    End(prop::sample::Index),
    Leave(prop::sample::Index),
    Resize(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Ask),
        4 => any::<prop::sample::Index>().prop_map(Step::End),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        1 => (1..6_u32).prop_map(Step::Resize),
    ];
    prop::collection::vec(step, 1..200)
}

/// A naive limit with a queue.
struct Model {
    limit: usize,
    inside: usize,
    line: VecDeque<u32>,
}

impl Model {
    /// Admits waiters to free slots.
    fn admit(&mut self) -> Vec<u32> {
        let room = self.limit.saturating_sub(self.inside).min(self.line.len());
        self.inside += room;
        self.line.drain(..room).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_bulkhead_does_what_the_model_does(
        limit in 1..6_u32,
        queue in 0..4_usize,
        steps in steps(),
    ) {
        let mut room = Room::new(fifo(limit, queue).max_wait(None));
        let mut model = Model { limit: limit as usize, inside: 0, line: VecDeque::new() };
        let mut permits: Vec<Permit> = Vec::new();
        let mut waiting: Vec<(u32, Waiter)> = Vec::new();
        for (who, step) in steps.into_iter().enumerate() {
            let who = who as u32;
            room.now += MS;
            match step {
                Step::Ask => match room.ask() {
                    Answer::In(permit) => {
                        prop_assert!(model.inside < model.limit && model.line.is_empty());
                        model.inside += 1;
                        permits.push(permit);
                    }
                    Answer::Waits(waiter) => {
                        prop_assert!(model.inside >= model.limit && model.line.len() < queue);
                        model.line.push_back(who);
                        waiting.push((who, waiter));
                    }
                    Answer::No(_) => {
                        prop_assert!(model.inside >= model.limit && model.line.len() >= queue);
                    }
                },
                Step::End(which) if !permits.is_empty() => {
                    room.end(permits.swap_remove(which.index(permits.len())));
                    model.inside -= 1;
                }
                Step::Leave(which) if !waiting.is_empty() => {
                    let (who, waiter) = waiting.remove(which.index(waiting.len()));
                    room.leave(waiter);
                    model.line.retain(|one| *one != who);
                }
                Step::Resize(limit) => {
                    let config = fifo(limit, queue).max_wait(None);
                    room.bulkhead.reconfigure(config, room.now).expect("valid");
                    model.limit = limit as usize;
                }
                Step::End(_) | Step::Leave(_) => {}
            }
            let expected = model.admit();
            let mut admit_waiters = Vec::new();
            waiting.retain(|(who, waiter)| match heard(waiter) {
                None => true,
                Some(Verdict::Admitted(permit)) => {
                    admit_waiters.push(*who);
                    permits.push(permit);
                    false
                }
                Some(Verdict::Dropped(why)) => panic!("{who} was dropped: {why:?}"),
            });
            prop_assert_eq!(admit_waiters, expected);
            prop_assert_eq!(room.in_flight(), model.inside as u64);
            prop_assert_eq!(room.queued(), model.line.len());
        }
        for (_, waiter) in waiting {
            room.leave(waiter);
        }
        for permit in permits {
            room.end(permit);
        }
        prop_assert_eq!((room.in_flight(), room.queued()), (0, 0));
    }
}
