use buttress_core::bulkhead::{Admission, Permit, Verdict, Waiter};
use buttress_core::queue::WaitParams;
use buttress_core::shares::TenantsConfig;
use buttress_core::{Criticality, Mode, Reason};
use proptest::prelude::*;

use crate::bulkhead::{Answer, MS, Room, fifo, heard};

fn room(limit: u32, queue: usize) -> Room {
    Room::new(
        fifo(limit, queue)
            .max_wait(50 * MS)
            .tenants(TenantsConfig::default()),
    )
}

/// The number of a tenant's calls that are admitted or wait, until one is rejected.
fn takes(room: &Room, tenant: &str, permits: &mut Vec<Permit>, places: &mut Vec<Waiter>) -> usize {
    let mut taken = 0;
    loop {
        match room.ask_for(tenant) {
            Answer::In(permit) => permits.push(permit),
            Answer::Waits(waiter) => places.push(waiter),
            Answer::No(_) => return taken,
        }
        taken += 1;
    }
}

#[test]
fn a_tenant_that_is_alone_has_it_all() {
    let room = room(10, 10);
    let (mut permits, mut places) = (Vec::new(), Vec::new());
    assert_eq!(takes(&room, "acme", &mut permits, &mut places), 20);
    assert_eq!(room.ask_for("acme").refusal(), Some(Reason::BulkheadFull));
}

#[test]
fn a_greedy_tenant_leaves_slots_for_another() {
    let room = room(90, 0);
    let (mut permits, mut places) = (Vec::new(), Vec::new());
    assert!(matches!(room.ask_for("modest"), Answer::In(_)));
    let taken = takes(&room, "greedy", &mut permits, &mut places);
    assert_eq!(taken, 67);
    assert_eq!(
        room.ask_for("greedy").refusal(),
        Some(Reason::TenantOverShare)
    );
    assert!(matches!(room.ask_for("modest"), Answer::In(_)));
}

#[test]
fn where_rejections_do_not_bind_it_is_counted_that_they_would() {
    let config = fifo(4, 0)
        .tenants(TenantsConfig::default())
        .mode(Mode::Shadow);
    let room = Room::new(config);
    let ask = |key| {
        let answer = room
            .bulkhead
            .acquire_by(|| Some(key), || 0, WaitParams::default, || room.now);
        match answer {
            Admission::Admitted { would_reject, .. } => would_reject,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask("modest"), None);
    let reasons: Vec<_> = (0..6).map(|_| ask("greedy")).collect();
    assert_eq!(reasons[0], None);
    assert!(
        reasons.contains(&Some(Reason::TenantOverShare)),
        "{reasons:?}"
    );
}

impl Answer {
    fn refusal(&self) -> Option<Reason> {
        match self {
            Self::No(reason) => Some(*reason),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Ask(usize, Criticality),
    End(prop::sample::Index),
    Leave(prop::sample::Index),
    GiveUp,
    Change(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let criticality = prop::sample::select(Criticality::ALL.to_vec());
    let step = prop_oneof![
        8 => (0..5_usize, criticality).prop_map(|(who, how)| Step::Ask(who, how)),
        4 => any::<prop::sample::Index>().prop_map(Step::End),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        1 => Just(Step::GiveUp),
        1 => (1..8_u32).prop_map(Step::Change),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// However a call ends, whether it is rejected, evicted, leaves or expires: it is no longer counted for its tenant.
    /// Afterwards two tenants get the same as in a new bulkhead.
    #[test]
    fn no_tenant_is_charged_for_what_is_over(queue in 0..4_usize, steps in steps()) {
        const TENANTS: [&str; 5] = ["a", "b", "c", "d", ""];
        let mut room = room(4, queue);
        let mut permits: Vec<Permit> = Vec::new();
        let mut places: Vec<Waiter> = Vec::new();
        for step in steps {
            room.now += 7 * MS;
            match step {
                Step::Ask(who, criticality) => {
                    let terms = WaitParams { criticality, ..WaitParams::default() };
                    match room.ask_for_on(TENANTS[who], terms, 0) {
                        Answer::In(permit) => permits.push(permit),
                        Answer::Waits(waiter) => places.push(waiter),
                        Answer::No(_) => {}
                    }
                }
                Step::End(which) if !permits.is_empty() => {
                    room.end(permits.swap_remove(which.index(permits.len())));
                }
                Step::Leave(which) if !places.is_empty() => {
                    room.leave(places.swap_remove(which.index(places.len())));
                }
                Step::GiveUp => {
                    let now = room.now;
                    places.retain(|waiter| room.bulkhead.expire(waiter, now).is_none());
                }
                Step::Change(limit) => {
                    let config = room.bulkhead.config().limit(limit);
                    room.bulkhead.reconfigure(config, room.now).expect("valid");
                }
                Step::End(_) | Step::Leave(_) => {}
            }
            places.retain(|waiter| match heard(waiter) {
                None => true,
                Some(Verdict::Admitted(permit)) => {
                    permits.push(permit);
                    false
                }
                Some(Verdict::Dropped(_)) => false,
            });
        }
        places.drain(..).for_each(|waiter| room.leave(waiter));
        permits.drain(..).for_each(|permit| room.end(permit));
        prop_assert_eq!((room.in_flight(), room.queued()), (0, 0));

        let used = {
            let config = room.bulkhead.config().limit(9);
            room.bulkhead.reconfigure(config, room.now).expect("valid");
            found(&room)
        };
        let fresh = found(&self::room(9, queue));
        prop_assert_eq!(used, fresh);
    }
}

/// The number of calls that each of two tenants gets, with alternating calls.
fn found(room: &Room) -> [usize; 2] {
    let mut has = [0; 2];
    for _ in 0..100 {
        for (has, tenant) in has.iter_mut().zip(["one", "other"]) {
            // Admitted calls stay in flight.
            *has += usize::from(room.ask_for(tenant).refusal().is_none());
        }
    }
    has
}
