use std::collections::VecDeque;
use std::time::Duration;

use buttress_core::bulkhead::{BulkheadConfig, Permit, Verdict, Waiter};
use buttress_core::queue::Dropped;
use buttress_core::shares::PartitionsConfig;
use buttress_core::{Mode, Ratio, Reason};
use proptest::prelude::*;

use crate::bulkhead::{Answer, MS, Room, admitted, dropped, fifo, heard};

/// Creates partitions with shares in percent.
fn of<const N: usize>(shares: [(&'static str, u8); N]) -> PartitionsConfig {
    let config = PartitionsConfig::default();
    shares.into_iter().fold(config, |config, (name, percent)| {
        config.share(name, Ratio::percent(percent))
    })
}

fn room<const N: usize>(limit: u32, queue: usize, shares: [(&'static str, u8); N]) -> Room {
    Room::new(fifo(limit, queue).max_wait(None).partitions(of(shares)))
}

impl Room {
    #[track_caller]
    fn enter_as(&self, name: &str) -> Permit {
        match self.ask_for(name) {
            Answer::In(permit) => permit,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[track_caller]
    fn wait_as(&self, name: &str) -> Waiter {
        match self.ask_for(name) {
            Answer::Waits(waiter) => waiter,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[track_caller]
    fn refused_as(&self, name: &str) -> Reason {
        match self.ask_for(name) {
            Answer::No(reason) => reason,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// For each partition: its guaranteed slots, the calls in flight, and the waiters.
    fn parts(&self) -> Vec<(String, u64, u64, usize)> {
        let snapshot = self.bulkhead.snapshot(self.now);
        let parts = snapshot.partitions.into_iter().map(|part| {
            let name = part.name.map_or_else(String::new, |name| name.to_string());
            (name, part.share, part.in_flight, part.queued)
        });
        parts.collect()
    }
}

#[test]
fn unused_slots_are_lent() {
    let room = room(4, 0, [("a", 50), ("b", 25)]);
    let permits: Vec<_> = (0..4).map(|_| room.enter_as("b")).collect();
    assert_eq!(room.refused_as("b"), Reason::BulkheadFull);
    for permit in permits {
        room.end(permit);
    }
    // Calls without a partition borrow like the others.
    let permits: Vec<_> = (0..4).map(|_| room.enter_as("z")).collect();
    assert_eq!(room.refused(), Reason::BulkheadFull);
    for permit in permits {
        room.end(permit);
    }
    assert_eq!(room.in_flight(), 0);
}

#[test]
fn a_partition_below_its_share_gets_the_next_slot_before_all_that_borrow() {
    let room = room(4, 8, [("a", 50), ("b", 25)]);
    let mut greedy: Vec<_> = (0..4).map(|_| room.enter_as("b")).collect();
    let borrowers: Vec<_> = (0..3).map(|_| room.wait_as("b")).collect();
    let entitled: Vec<_> = (0..3).map(|_| room.wait_as("a")).collect();
    let rest = room.wait_as("anything");

    // Of four slots, two are a's and one belongs to calls without a partition; then b has its own and waits in turn.
    let mut order = Vec::new();
    for _ in 0..7 {
        room.end(greedy.remove(0));
        let places = [("a", &entitled), ("b", &borrowers)];
        let all = places
            .into_iter()
            .flat_map(|(name, places)| places.iter().map(move |waiter| (name, waiter)));
        for (name, waiter) in all.chain([("", &rest)]) {
            if let Some(Verdict::Admitted(permit)) = heard(waiter) {
                order.push(name);
                greedy.push(permit);
            }
        }
    }
    assert_eq!(order, ["a", "", "a", "b", "a", "b", "b"]);
}

/// A partition gets its share back without exceeding the limit or ending a call in flight.
#[test]
fn a_share_is_back_when_enough_calls_have_ended() {
    let room = room(10, 100, [("a", 50)]);
    let mut greedy: Vec<_> = (0..10).map(|_| room.enter_as("z")).collect();
    let _more: Vec<_> = (0..20).map(|_| room.wait_as("z")).collect();
    let entitled: Vec<_> = (0..5).map(|_| room.wait_as("a")).collect();
    for has in 1..=5 {
        room.end(greedy.pop().expect("ten"));
        assert_eq!(room.parts()[1].2, has);
        assert_eq!(room.in_flight(), 10);
    }
    for waiter in &entitled {
        room.end(admitted(waiter));
    }
}

/// Each partition has its own queue, so a partition with many calls does not use the others' queues.
#[test]
fn a_partition_fills_its_own_queue_and_no_other() {
    let room = room(2, 2, [("a", 50)]);
    let _inside = [room.enter_as("z"), room.enter_as("z")];
    let _waiting = [room.wait_as("z"), room.wait_as("z")];
    assert_eq!(room.refused_as("z"), Reason::BulkheadFull);
    let _ours = [room.wait_as("a"), room.wait_as("a")];
    assert_eq!(room.refused_as("a"), Reason::BulkheadFull);
    assert_eq!(room.queued(), 4);
}

/// Without a queue, a slot is reserved after a rejection. Otherwise it would go to the partition with the most calls.
#[test]
fn without_a_queue_a_partition_rejected_below_its_share_gets_a_slot_next_time() {
    let mut room = room(4, 0, [("a", 50)]);
    let mut greedy: Vec<_> = (0..4).map(|_| room.enter_as("z")).collect();
    assert_eq!(room.refused_as("a"), Reason::BulkheadFull);
    room.end(greedy.pop().expect("four"));
    // After the rejection one slot is reserved, for the length of `reservation_ttl`.
    assert_eq!(room.refused_as("z"), Reason::TenantOverShare);
    greedy.push(room.enter_as("a"));
    assert_eq!(room.refused_as("a"), Reason::BulkheadFull);
    room.end(greedy.remove(0));
    assert_eq!(room.refused_as("z"), Reason::TenantOverShare);
    room.now += Duration::from_secs(2);
    greedy.push(room.enter_as("z"));
    // No slot is reserved for a partition that uses its whole share.
    assert_eq!(room.refused_as("z"), Reason::BulkheadFull);
    room.end(greedy.pop().expect("four"));
    greedy.push(room.enter_as("z"));
}

#[test]
fn without_a_memory_nothing_is_kept() {
    let shares = of([("a", 100)]).reservation_ttl(Duration::ZERO);
    let room = Room::new(fifo(1, 0).partitions(shares));
    let permit = room.enter_as("z");
    assert_eq!(room.refused_as("a"), Reason::BulkheadFull);
    room.end(permit);
    let permit = room.enter_as("z");
    room.end(permit);
}

/// With a queue no slot is reserved, since it would stay free while a call waits.
#[test]
fn what_is_kept_is_free_once_there_is_a_queue() {
    let room = room(2, 0, [("a", 50)]);
    let mut greedy = vec![room.enter_as("z"), room.enter_as("z")];
    assert_eq!(room.refused_as("a"), Reason::BulkheadFull);
    let config = fifo(2, 4).max_wait(None).partitions(of([("a", 50)]));
    room.bulkhead.reconfigure(config, room.now).expect("valid");
    let waiting = room.wait_as("z");
    room.end(greedy.pop().expect("two"));
    greedy.push(admitted(&waiting));
}

#[test]
fn a_slot_that_is_kept_stays_so_until_there_is_a_queue() {
    let room = room(2, 0, [("a", 50)]);
    let mut greedy = vec![room.enter_as("z"), room.enter_as("z")];
    assert_eq!(room.refused_as("a"), Reason::BulkheadFull);
    room.end(greedy.pop().expect("two"));
    let change = |queue| {
        let config = fifo(2, queue).max_wait(None).partitions(of([("a", 50)]));
        room.bulkhead.reconfigure(config, room.now).expect("valid");
    };
    change(0);
    assert_eq!(room.refused_as("z"), Reason::TenantOverShare);
    change(1);
    greedy.push(room.enter_as("z"));
    assert_eq!(room.in_flight(), 2);
}

#[test]
fn waiters_ahead_of_a_call_are_woken_to_make_it() {
    let room = Room::new(fifo(1, 2));
    let permit = room.enter();
    let Some(buttress_core::bulkhead::Admission::Waiting(waiter)) =
        room.bulkhead.reserve(|| room.now)
    else {
        panic!("there is no slot");
    };
    let config = fifo(1, 2).partitions(of([("a", 100)]));
    room.bulkhead.reconfigure(config, room.now).expect("valid");
    assert_eq!(dropped(&waiter), Dropped::Evicted);
    assert!(room.bulkhead.reserve(|| room.now).is_none());
    room.end(permit);
    assert_eq!(room.in_flight(), 0);
}

#[test]
fn where_rejections_do_not_bind_shares_only_count() {
    let config = fifo(2, 0).partitions(of([("a", 50)])).mode(Mode::Shadow);
    let room = Room::new(config);
    let permits: Vec<_> = ["a", "a", "z", "a"].map(|name| room.enter_as(name)).into();
    assert_eq!(room.parts(), [("".into(), 1, 1, 0), ("a".into(), 1, 3, 0)]);
    permits.into_iter().for_each(|permit| room.end(permit));
    assert_eq!(room.parts(), [("".into(), 1, 0, 0), ("a".into(), 1, 0, 0)]);
}

#[test]
fn what_cannot_work_is_rejected_by_name() {
    let config = |limit, queue, shares| fifo(limit, queue).partitions(shares);
    let none = of([]);
    let many = (0..65).fold(none.clone(), |config, n| {
        config.share(format!("{n}"), Ratio::ZERO)
    });
    for (config, field, value) in [
        (config(9, 0, none.clone()), "partitions", "a list of 0"),
        (config(9, 0, many), "partitions", "a list of 65"),
        (config(9, 0, of([("", 1)])), "partitions.name", "\"\""),
        (
            config(9, 0, of([("a", 1), ("b", 1), ("a", 1)])),
            "partitions.name",
            "\"a\"",
        ),
        (
            config(9, 0, of([("a", 51), ("b", 50)])),
            "partitions.share",
            "101% in all",
        ),
        (
            config(9, 0, of([("a", 50), ("b", 11)])),
            "partitions.share",
            "11% of 9 for \"b\"",
        ),
        (
            config(
                9,
                0,
                of([("a", 50)]).reservation_ttl(Duration::from_secs(61)),
            ),
            "partitions.reservation_ttl",
            "61s",
        ),
        (
            config(9, 500_000, of([("a", 50), ("b", 50)])),
            "queue",
            "500000 in each of 3",
        ),
        (
            config(9, 0, of([("a", 50)])).tenants(buttress_core::shares::TenantsConfig::default()),
            "tenants",
            "on",
        ),
    ] {
        let error = config.check().unwrap_err();
        assert_eq!((error.field(), error.value()), (field, value), "{error}");
        assert!(!error.bound().is_empty());
        // An existing bulkhead rejects the configuration too.
        let room = Room::new(fifo(9, 0));
        assert_eq!(room.bulkhead.reconfigure(config, room.now), Err(error));
        assert_eq!(room.bulkhead.config(), fifo(9, 0));
    }
    let third = Ratio::new(1.0 / 3.0).expect("a ratio");
    let thirds = ["a", "b", "c"]
        .into_iter()
        .fold(none, |config, name| config.share(name, third));
    assert_eq!(config(9, 0, thirds).check(), Ok(()));
}

/// A naive limit with partitions and a queue for each.
struct Model {
    limit: u64,
    queue: usize,
    is_on: bool,
    /// Calls without a partition come first. An entry without a name and without calls can be reused.
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    name: Option<&'static str>,
    percent: u64,
    inside: u64,
    line: VecDeque<usize>,
}

impl Model {
    fn take(&mut self, shares: Option<&[(&'static str, u8)]>) {
        self.is_on = shares.is_some();
        let Some(shares) = shares else { return };
        for part in &mut self.parts[1..] {
            let share = shares.iter().find(|(name, _)| Some(*name) == part.name);
            part.percent = share.map_or(0, |&(_, percent)| percent.into());
            part.name = share.map(|&(name, _)| name);
        }
        for &(name, percent) in shares {
            if self.parts.iter().any(|part| part.name == Some(name)) {
                continue;
            }
            let is_free =
                |part: &Part| part.name.is_none() && part.inside == 0 && part.line.is_empty();
            let part = Part {
                name: Some(name),
                percent: percent.into(),
                ..Part::default()
            };
            match self.parts.iter().skip(1).position(is_free) {
                Some(at) => self.parts[at + 1] = part,
                None => self.parts.push(part),
            }
        }
    }

    fn of(&self, name: &str) -> usize {
        let named = self.parts.iter().position(|part| part.name == Some(name));
        named.filter(|_| self.is_on).unwrap_or(0)
    }

    fn share(&self, at: usize) -> u64 {
        let of = |part: &Part| part.percent * self.limit / 100;
        match at {
            0 => self.limit - self.parts.iter().map(of).sum::<u64>(),
            at => of(&self.parts[at]),
        }
    }

    fn inside(&self) -> u64 {
        self.parts.iter().map(|part| part.inside).sum()
    }

    /// Admits waiters to free slots. Returns them with their partitions.
    fn admit(&mut self) -> Vec<(usize, usize)> {
        let mut admit_waiters = Vec::new();
        while self.inside() < self.limit {
            let mut next = None;
            for at in (0..self.parts.len()).filter(|&at| !self.parts[at].line.is_empty()) {
                let used =
                    |at: usize| (self.parts[at].inside + 1) as f64 / (self.share(at) + 1) as f64;
                match next {
                    // Without partitions, the waiters of removed partitions go first.
                    Some(0) if !self.is_on => next = Some(at),
                    Some(_) if !self.is_on => {}
                    Some(best) if used(at) >= used(best) - 1e-9 => {}
                    _ => next = Some(at),
                }
            }
            let Some(at) = next else { break };
            let who = self.parts[at].line.pop_front().expect("a waiter");
            self.parts[at].inside += 1;
            admit_waiters.push((who, at));
        }
        admit_waiters
    }
}

const NAMES: [&str; 4] = ["a", "b", "c", "z"];

/// The partitions that a test changes to. The last turns partitions off.
const SHARES: [Option<&[(&str, u8)]>; 5] = [
    Some(&[("a", 50), ("b", 25)]),
    Some(&[("c", 50), ("a", 25), ("b", 25)]),
    Some(&[("b", 100)]),
    Some(&[("a", 0), ("c", 34)]),
    None,
];

#[derive(Debug, Clone)]
enum Step {
    Ask(usize),
    End(prop::sample::Index),
    Leave(prop::sample::Index),
    Change(u32, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..NAMES.len()).prop_map(Step::Ask),
        5 => any::<prop::sample::Index>().prop_map(Step::End),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        1 => (4..12_u32, 0..SHARES.len()).prop_map(|(limit, shares)| Step::Change(limit, shares)),
    ];
    prop::collection::vec(step, 1..250)
}

fn config(limit: u32, queue: usize, shares: usize) -> BulkheadConfig {
    let shares = SHARES[shares].map(|shares| {
        let none = PartitionsConfig::default().reservation_ttl(Duration::ZERO);
        shares.iter().fold(none, |config, &(name, percent)| {
            config.share(name, Ratio::percent(percent))
        })
    });
    fifo(limit, queue).max_wait(None).partitions(shares)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn partitions_do_what_the_model_does(
        limit in 4..12_u32,
        queue in 0..4_usize,
        shares in 0..SHARES.len(),
        steps in steps(),
    ) {
        let mut room = Room::new(config(limit, queue, shares));
        let mut model = Model {
            limit: limit.into(),
            queue,
            is_on: false,
            parts: vec![Part::default()],
        };
        model.take(SHARES[shares]);
        let mut permits: Vec<(usize, Permit)> = Vec::new();
        let mut waiting: Vec<(usize, usize, Waiter)> = Vec::new();
        for (who, step) in steps.into_iter().enumerate() {
            room.now += MS;
            match step {
                Step::Ask(name) => {
                    let at = model.of(NAMES[name]);
                    let is_room = model.inside() < model.limit;
                    let part = &mut model.parts[at];
                    match room.ask_for(NAMES[name]) {
                        Answer::In(permit) => {
                            prop_assert!(is_room && part.line.is_empty());
                            part.inside += 1;
                            permits.push((at, permit));
                        }
                        Answer::Waits(waiter) => {
                            prop_assert!(!is_room && part.line.len() < model.queue);
                            part.line.push_back(who);
                            waiting.push((who, at, waiter));
                        }
                        Answer::No(reason) => {
                            prop_assert_eq!(reason, Reason::BulkheadFull);
                            prop_assert!(!is_room && part.line.len() >= model.queue);
                        }
                    }
                }
                Step::End(which) if !permits.is_empty() => {
                    let (at, permit) = permits.swap_remove(which.index(permits.len()));
                    model.parts[at].inside -= 1;
                    room.end(permit);
                }
                Step::Leave(which) if !waiting.is_empty() => {
                    let (who, at, waiter) = waiting.remove(which.index(waiting.len()));
                    model.parts[at].line.retain(|one| *one != who);
                    room.leave(waiter);
                }
                Step::Change(limit, shares) => {
                    let config = config(limit, queue, shares);
                    room.bulkhead.reconfigure(config, room.now).expect("valid");
                    model.limit = limit.into();
                    model.take(SHARES[shares]);
                }
                Step::End(_) | Step::Leave(_) => {}
            }
            let mut expected = model.admit();
            let mut admit_waiters = Vec::new();
            waiting.retain(|(who, at, waiter)| match heard(waiter) {
                None => true,
                Some(Verdict::Admitted(permit)) => {
                    admit_waiters.push((*who, *at));
                    permits.push((*at, permit));
                    false
                }
                Some(Verdict::Dropped(why)) => panic!("{who} was dropped: {why:?}"),
            });
            expected.sort_unstable();
            admit_waiters.sort_unstable();
            prop_assert_eq!(admit_waiters, expected);
            prop_assert_eq!(room.in_flight(), model.inside());
            prop_assert_eq!(room.queued(), waiting.len());
            let mut seen = room.parts();
            if model.is_on {
                let parts = model.parts.iter().enumerate();
                let parts = parts.filter(|(at, part)| *at == 0 || part.name.is_some());
                let mut expected: Vec<_> = parts
                    .map(|(at, part)| {
                        let name = part.name.unwrap_or_default().to_owned();
                        // The calls of a removed partition are not counted with those without a partition.
                        (name, model.share(at), part.inside, part.line.len())
                    })
                    .collect();
                expected.sort_unstable();
                seen.sort_unstable();
                prop_assert_eq!(seen, expected);
            } else {
                prop_assert_eq!(seen, []);
            }
        }
        for (_, _, waiter) in waiting {
            room.leave(waiter);
        }
        for (_, permit) in permits {
            room.end(permit);
        }
        prop_assert_eq!((room.in_flight(), room.queued()), (0, 0));
        // No state remains that would affect the next configuration.
        room.bulkhead.reconfigure(config(4, 0, 0), room.now).expect("valid");
        let parts = [("".into(), 1, 0, 0), ("a".into(), 2, 0, 0), ("b".into(), 1, 0, 0)];
        let mut seen = room.parts();
        seen.sort_unstable();
        prop_assert_eq!(seen, parts);
    }
}
