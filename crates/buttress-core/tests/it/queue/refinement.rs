use std::collections::HashMap;
use std::time::Duration;

use buttress_core::queue::{Enqueued, Order, QueueConfig, QuotaHolder, WaitParams, WaitQueue};
use buttress_core::{Criticality, Deadline};
use proptest::prelude::*;

use crate::queue::epoch;
use crate::queue::model::Model;

#[derive(Debug, Clone)]
enum Step {
    Advance(u32),
    /// The criticality, and the milliseconds until the deadline.
    Push(Criticality, Option<u32>),
    Pop,
    /// Any waiter, current or past.
    Remove(prop::sample::Index),
    Resize(usize),
    /// For each criticality, the number that go first, and the number of reserved queue slots.
    Entitle([(u64, u64); Criticality::COUNT]),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let criticality = prop::sample::select(&Criticality::ALL);
    let deadline = prop::option::weighted(0.6, 0..400_u32);
    let step = prop_oneof![
        3 => prop_oneof![4 => 0..20_u32, 1 => 0..1_500_u32].prop_map(Step::Advance),
        6 => (criticality, deadline).prop_map(|(c, d)| Step::Push(c, d)),
        4 => Just(Step::Pop),
        1 => any::<prop::sample::Index>().prop_map(Step::Remove),
        1 => (0..6_usize).prop_map(Step::Resize),
        1 => prop::array::uniform4((0..3_u64, 0..3_u64)).prop_map(Step::Entitle),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_queue_does_what_the_model_does(
        order in prop::sample::select(&[Order::Fifo, Order::Lifo, Order::ADAPTIVE]),
        by_criticality: bool,
        capacity in 0..6_usize,
        steps in steps(),
    ) {
        let mut now = epoch();
        let mut model = Model::new(order, by_criticality, capacity, now);
        let mut queue = WaitQueue::new(model.config(), now).expect("valid");
        let mut tickets = HashMap::new();
        for step in steps {
            match step {
                Step::Advance(milliseconds) => {
                    now += Duration::from_millis(milliseconds.into());
                }
                Step::Push(criticality, deadline) => {
                    let deadline = deadline.map(|left| Duration::from_millis(left.into()));
                    let terms = WaitParams {
                        criticality,
                        deadline: deadline.map(|left| Deadline::at(now + left)),
                    };
                    let who = tickets.len() as u32;
                    let expected = model.push(who, terms, now);
                    let result = queue.push(who, terms, now);
                    if let Ok(Enqueued { ticket, .. }) = &result {
                        tickets.insert(who, *ticket);
                    }
                    let result = result.map(|pushed| pushed.displaced).map_err(|(_, why)| why);
                    prop_assert_eq!(result, expected);
                }
                Step::Pop => prop_assert_eq!(queue.pop(now), model.pop(now)),
                Step::Remove(which) => {
                    if !tickets.is_empty() {
                        let who = which.index(tickets.len()) as u32;
                        let removed = queue.remove(tickets[&who], now);
                        prop_assert_eq!(removed, model.remove(who, now));
                    }
                }
                Step::Entitle(entitled) => {
                    model.entitled = entitled.map(|(first, kept)| QuotaHolder { first, kept });
                    queue.entitle(model.entitled);
                }
                Step::Resize(capacity) => {
                    model.capacity = capacity;
                    let config: QueueConfig = model.config();
                    queue.reconfigure(config).expect("valid");
                }
            }
            prop_assert_eq!(queue.len(), model.waiting.len());
            prop_assert_eq!(queue.is_congested(), model.is_congested());
        }
    }
}
