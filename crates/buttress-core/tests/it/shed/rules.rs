//! The rules by which a shedder admits a call, one at a time.

use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use buttress_core::limit::LimitConfig;
use buttress_core::shares::TenantsConfig;
use buttress_core::shed::{Admission, Call, Permit, Refusal, Shed, ShedConfig};
use buttress_core::{
    Criticality, Deadline, FailureKind, Mode, Pressure, PressureConfig, Ratio, Reason, Report,
    StripeIndex, ThrottleConfig,
};

use crate::shed::given_up::Scene;

const MS: Duration = Duration::from_millis(1);

struct Room {
    shed: Shed,
    now: Instant,
}

impl Room {
    fn new(config: ShedConfig) -> Self {
        let now = Instant::now();
        Self {
            shed: Shed::new(config, 7, now).expect("valid"),
            now,
        }
    }

    fn ask(&self, call: Call) -> Result<(Permit, Option<Reason>), Refusal> {
        match self.shed.admit(call, || 0, || self.now) {
            Admission::Admitted {
                permit,
                would_reject,
            } => Ok((permit, would_reject)),
            Admission::Rejected(refusal) => Err(refusal),
            Admission::Waiting(waiter) => panic!("{waiter:?}"),
        }
    }

    #[track_caller]
    fn enter(&self, call: Call) -> Permit {
        let (permit, would_reject) = self.ask(call).expect("admitted");
        assert_eq!(would_reject, None);
        permit
    }

    #[track_caller]
    fn refused(&self, call: Call) -> Reason {
        self.ask(call).expect_err("a refusal").reason
    }

    fn of(&self, tenant: &str) -> Call {
        Call {
            tenant: self.shed.tenant(|| Some(tenant)),
            ..Call::default()
        }
    }

    fn in_flight(&self) -> u64 {
        self.shed.snapshot(self.now).in_flight
    }
}

fn that_is(criticality: Criticality) -> Call {
    Call {
        criticality,
        ..Call::default()
    }
}

fn fixed(limit: u32) -> ShedConfig {
    ShedConfig::default().limit(limit).queue(0)
}

fn with_memory(config: ShedConfig) -> ShedConfig {
    config.pressure(PressureConfig::default().memory(Ratio::HALF, Ratio::ONE))
}

fn memory(percent: u8) -> Pressure {
    Pressure {
        memory: Some(Ratio::percent(percent)),
        run_delay: None,
    }
}

#[test]
fn a_tenant_is_distinguished_only_with_a_tenant_config() {
    let room = Room::new(fixed(9));
    let asked = || -> Option<&str> { panic!("not needed") };
    assert_eq!(room.shed.tenant(asked), None);
    let room = Room::new(fixed(9).tenants(TenantsConfig::default()));
    assert_eq!(room.shed.tenant(|| None::<&str>), None);
    let [one, again, other] = ["a", "a", "b"].map(|name| room.shed.tenant(|| Some(name)));
    assert!(one.is_some());
    assert_eq!(one, again);
    assert_ne!(one, other);
}

#[test]
fn a_greedy_tenant_leaves_slots_for_another_each_time() {
    let room = Room::new(fixed(9).tenants(TenantsConfig::default()));
    let (modest, greedy) = (room.of("modest"), room.of("greedy"));
    for _ in 0..3 {
        let mut permits = vec![room.enter(modest)];
        // The greedy tenant gets half of the slots, plus as many as are then free.
        permits.extend((0..6).map(|_| room.enter(greedy)));
        assert_eq!(room.refused(greedy), Reason::TenantOverShare);
        permits.push(room.enter(modest));
        for permit in permits {
            room.shed.release(permit, || room.now);
        }
    }
}

#[test]
fn the_room_that_tenants_share_is_the_limit_and_the_queue() {
    let config = fixed(3).queue(6).tenants(TenantsConfig::default());
    let room = Room::new(config);
    let ask = |name| room.shed.admit(room.of(name), || 0, || room.now);
    let modest = ask("modest");
    let taken: Vec<_> = (0..6).map(|_| ask("greedy")).collect();
    assert!(
        !taken
            .iter()
            .any(|taken| matches!(taken, Admission::Rejected(_)))
    );
    let Admission::Rejected(refusal) = ask("greedy") else {
        panic!("it has its share");
    };
    assert_eq!(refusal.reason, Reason::TenantOverShare);
    assert!(matches!(modest, Admission::Admitted { .. }));
}

#[test]
fn where_rejections_are_not_enforced_a_tenant_is_admitted_and_counted() {
    let config = fixed(9).tenants(TenantsConfig::default());
    let room = Room::new(config.clone().mode(Mode::Shadow));
    let (modest, greedy) = (room.of("modest"), room.of("greedy"));
    let mut permits = vec![room.enter(modest)];
    permits.extend((0..6).map(|_| room.enter(greedy)));
    let (permit, would_reject) = room.ask(greedy).expect("it does not bind");
    assert_eq!(would_reject, Some(Reason::TenantOverShare));
    permits.push(permit);
    // The tenant has seven calls in flight, so two must end until it is within its share.
    room.shed
        .reconfigure(config, room.now)
        .expect("tenants are as before");
    for _ in 0..2 {
        assert_eq!(room.refused(greedy), Reason::TenantOverShare);
        let ended = permits.pop().expect("eight");
        room.shed.release(ended, || room.now);
    }
    let _permit = room.enter(greedy);
}

#[test]
fn a_client_that_is_rejected_by_its_dependency_holds_back() {
    let throttle = ThrottleConfig::default()
        .floor(1)
        .window(Duration::from_secs(1));
    let room = Room::new(fixed(100).throttle(throttle));
    let mut sent = 0;
    let refusal = loop {
        match room.ask(Call::default()) {
            Ok((mut permit, _)) => {
                let overload = Report::failure(FailureKind::Overload);
                room.shed.settle(&mut permit, overload, || room.now);
                room.shed.release(permit, || room.now);
                sent += 1;
            }
            Err(refusal) => break refusal,
        }
        assert!(sent < 10, "it is never held back");
    };
    assert_eq!(refusal.reason, Reason::ClientThrottled);
    assert!(refusal.retry_after.is_some());
    let counts = room.shed.snapshot(room.now).throttle.expect("there is one");
    assert_eq!(
        (counts.sent, counts.refused, counts.accepted),
        (sent, sent, 0)
    );
}

#[test]
fn the_throttle_counts_what_was_sent_and_said_something() {
    let room = Room::new(fixed(1).throttle(ThrottleConfig::default()));
    let sent = || {
        let counts = room.shed.snapshot(room.now).throttle;
        counts.expect("there is one").sent
    };
    let mut permit = room.enter(Call::default());
    assert_eq!(room.refused(Call::default()), Reason::LimitReached);
    assert_eq!(sent(), 1);
    room.shed.settle(&mut permit, Report::IGNORED, || room.now);
    assert_eq!(sent(), 0);
    room.shed.release(permit, || room.now);
    let abandoned = room.enter(Call::default());
    assert_eq!(sent(), 1);
    room.shed.release(abandoned, || room.now);
    assert_eq!(sent(), 0);
    assert_eq!(Room::new(fixed(1)).shed.snapshot(room.now).throttle, None);
}

#[test]
fn an_expired_waiter_was_not_sent() {
    let config = fixed(1).queue(1).throttle(ThrottleConfig::default());
    let room = Room::new(config.max_wait(10 * MS));
    let _inside = room.enter(Call::default());
    let sent = || {
        let counts = room.shed.snapshot(room.now).throttle;
        counts.expect("there is one").sent
    };
    let wait = || match room.shed.admit(Call::default(), || 0, || room.now) {
        Admission::Waiting(waiter) => waiter,
        other => panic!("{other:?}"),
    };
    let waiter = wait();
    assert_eq!((sent(), room.shed.snapshot(room.now).queued), (2, 1));
    room.shed.leave(waiter, || room.now);
    assert_eq!((sent(), room.shed.snapshot(room.now).queued), (1, 0));

    let waiter = wait();
    let expires_at = waiter.expires_at().expect("not for ever");
    assert_eq!(expires_at, room.now + 10 * MS);
    assert_eq!(room.shed.expire(&waiter, || 0, room.now), None);
    let refusal = room
        .shed
        .expire(&waiter, || 0, expires_at)
        .expect("it is time");
    assert_eq!(refusal.reason, Reason::QueueTimeout);
    assert_eq!((sent(), room.shed.snapshot(room.now).queued), (1, 0));
}

#[test]
fn what_matters_too_little_for_the_memory_that_is_left_is_rejected() {
    let room = Room::new(with_memory(fixed(9)));
    assert!(room.shed.is_watched());
    assert!(!Room::new(fixed(9)).shed.is_watched());
    assert_eq!(room.shed.least(), Criticality::Low);
    assert_eq!(room.shed.update_pressure(memory(75)), Criticality::High);
    assert_eq!(room.shed.least(), Criticality::High);
    assert_eq!(room.shed.snapshot(room.now).least, Criticality::High);
    let short = Reason::ResourceExhausted;
    assert_eq!(room.refused(that_is(Criticality::Medium)), short);
    let _permit = room.enter(that_is(Criticality::High));
    assert_eq!(
        room.shed.update_pressure(memory(100)),
        Criticality::Critical
    );
    assert_eq!(room.refused(that_is(Criticality::High)), short);
    // Without measurements there is no pressure.
    room.shed
        .reconfigure(with_memory(fixed(9)).queue(1), room.now)
        .expect("valid");
    assert_eq!(room.shed.least(), Criticality::Critical);
    room.shed.reconfigure(fixed(9), room.now).expect("valid");
    assert_eq!(room.shed.least(), Criticality::Low);
}

#[test]
fn a_mode_decides_which_rejections_are_enforced() {
    let full = |mode| {
        let room = Room::new(fixed(1).mode(mode));
        let _inside = room.enter(Call::default());
        let asked = room.ask(Call::default());
        let said = asked.map(|(_, would_reject)| would_reject);
        (said.map_err(|refusal| refusal.reason), room.in_flight())
    };
    let reason = Reason::LimitReached;
    assert_eq!(full(Mode::Enforce), (Err(reason), 1));
    assert_eq!(full(Mode::Shadow), (Ok(Some(reason)), 2));
    assert_eq!(full(Mode::EnforceFor(Ratio::HALF)), (Err(reason), 1));
    assert_eq!(full(Mode::EnforceFor(Ratio::ZERO)), (Ok(Some(reason)), 2));
    assert_eq!(full(Mode::Off), (Ok(None), 0));
}

#[test]
fn in_shadow_it_is_said_what_was_short_first() {
    let room = Room::new(with_memory(fixed(1)).mode(Mode::Shadow));
    room.shed.update_pressure(memory(100));
    for _ in 0..2 {
        let (_, would_reject) = room.ask(Call::default()).expect("it does not bind");
        assert_eq!(would_reject, Some(Reason::ResourceExhausted));
    }
    let off = with_memory(fixed(1)).mode(Mode::Off);
    room.shed.reconfigure(off, room.now).expect("valid");
    let _permit = room.enter(Call::default());
}

#[test]
fn the_fast_path_is_taken_only_where_no_other_rule_applies() {
    let at_hand = |config: ShedConfig| {
        let room = Room::new(config);
        // The first call moves some tokens to the stripe for the calls after it.
        let _first = room.shed.admit(Call::default(), || 0, || room.now);
        let stripe = room.shed.stripe(StripeIndex::current());
        let before = room.in_flight();
        let Some(mut permit) = room.shed.try_admit(&stripe) else {
            return false;
        };
        assert!(permit.is_plain());
        assert_eq!(room.in_flight(), before + 1);
        for _ in 0..2 {
            room.shed.release_plain(&stripe, &mut permit, || room.now);
            assert_eq!(room.in_flight(), before, "it is given back once");
        }
        true
    };
    let open = || ShedConfig::default().no_limit();
    assert!(at_hand(open()));
    assert!(at_hand(open().mode(Mode::Shadow)));
    assert!(!at_hand(open().mode(Mode::Off)));
    assert!(!at_hand(open().tenants(TenantsConfig::default())));
    assert!(!at_hand(open().throttle(ThrottleConfig::default())));
    assert!(!at_hand(with_memory(open())));
}

#[test]
fn a_call_rejected_in_favour_of_more_critical_ones_gets_that_reason() {
    let room = Room::new(fixed(1).queue(1).max_wait(None));
    let inside = room.enter(Call::default());
    let wait = |criticality| {
        let call = that_is(criticality);
        match room.shed.admit(call, || 0, || room.now) {
            Admission::Waiting(waiter) => waiter,
            other => panic!("{other:?}"),
        }
    };
    let low = wait(Criticality::Low);
    assert_eq!(
        room.refused(that_is(Criticality::Low)),
        Reason::LimitReached
    );
    let high = wait(Criticality::High);
    let too_low = Reason::CriticalityTooLow;
    let hear = |waiter| room.shed.poll(waiter, Waker::noop(), || 0, || room.now);
    match hear(&low) {
        Poll::Ready(Err(refusal)) => assert_eq!(refusal.reason, too_low),
        other => panic!("{other:?}"),
    }
    assert_eq!(room.refused(that_is(Criticality::Medium)), too_low);
    assert_eq!(
        room.refused(that_is(Criticality::High)),
        Reason::LimitReached
    );
    room.shed.release(inside, || room.now);
    let Poll::Ready(Ok(permit)) = hear(&high) else {
        panic!("it is its turn");
    };
    // The last more critical waiter leaves.
    room.shed.leave(wait(Criticality::Medium), || room.now);
    room.shed.release(permit, || room.now);
}

#[test]
fn a_limit_that_is_the_same_stays_where_it_is_and_another_holds_at_once() {
    let aimd = || LimitConfig::aimd(Duration::from_secs(60)).initial(20);
    let config = |limit: LimitConfig| ShedConfig::default().limit(limit).queue(0);
    let room = Room::new(config(aimd()));
    assert_eq!(room.shed.limit(), 20);
    let change = |config| room.shed.reconfigure(config, room.now).expect("valid");
    change(config(aimd().max(10).initial(5)));
    assert_eq!(room.shed.limit(), 10, "within its new bounds");
    change(ShedConfig::default().no_limit());
    change(config(aimd().initial(7)));
    assert_eq!(room.shed.limit(), 7, "there was none to stay at");
    assert_eq!(room.shed.config(), config(aimd().initial(7)));
    assert_eq!(room.shed.snapshot(room.now).limit.limit, 7);
}

#[test]
fn only_a_deadline_of_less_than_calls_take_cuts_short() {
    let room = Room::new(fixed(9));
    let permit = room.enter(Call::default());
    let cut_short = |left| {
        let deadline = Deadline::after(room.now, left);
        room.shed.was_cut_short(&permit, deadline, || room.now)
    };
    assert!(cut_short(MS), "nothing is known");
    assert!(!cut_short(60_000 * MS), "nothing is known");

    // Calls take 10 ms.
    let scene = Scene::new();
    let mut permit = scene.enter();
    let cut_short = |permit: &Permit, left| {
        scene
            .shed
            .was_cut_short(permit, Deadline::after(scene.now, left), || scene.now)
    };
    assert!(cut_short(&permit, 9 * MS));
    assert!(!cut_short(&permit, 11 * MS));
    assert!(!scene.shed.was_cut_short(&permit, None, || scene.now));
    scene
        .shed
        .settle(&mut permit, Report::SUCCESS, || scene.now);
    assert!(!cut_short(&permit, 9 * MS), "it was settled");
    scene.shed.release(permit, || scene.now);
}

#[test]
fn a_call_without_time_left_gets_no_retry_after() {
    let scene = Scene::new();
    let _inside: Vec<_> = (0..scene.shed.limit()).map(|_| scene.enter()).collect();
    let ask = |deadline| {
        let call = Call {
            deadline,
            ..Call::default()
        };
        scene.shed.admit(call, || 0, || scene.now)
    };
    let Admission::Rejected(refusal) = ask(Some(Deadline::at(scene.now))) else {
        panic!("it is too late");
    };
    assert_eq!(refusal.reason, Reason::DeadlineTooShort);
    assert_eq!(refusal.retry_after, None);
    let _waiting: Vec<_> = (0..1_000).map(|_| ask(None)).collect();
    let Admission::Rejected(refusal) = ask(None) else {
        panic!("the queue is full");
    };
    assert_eq!(refusal.reason, Reason::LimitReached);
    assert!(refusal.retry_after.is_some());
}

/// The first change of a limit of 20, of which 15 slots were in use when a call timed out.
fn after_a_timeout(with_refusals: bool) -> u64 {
    let limit = LimitConfig::aimd(Duration::from_secs(60)).initial(20);
    let mut room = Room::new(ShedConfig::default().limit(limit).queue(0));
    let _held: Vec<_> = (0..14).map(|_| room.enter(Call::default())).collect();
    if with_refusals {
        let others: Vec<_> = (14..20).map(|_| room.enter(Call::default())).collect();
        for _ in 0..5 {
            assert_eq!(room.refused(Call::default()), Reason::LimitReached);
        }
        for permit in others {
            room.shed.release(permit, || room.now);
        }
    }
    let timeout = Report::failure(FailureKind::Timeout);
    let reports = [timeout].into_iter().chain([Report::SUCCESS; 200]);
    for report in reports {
        let mut permit = room.enter(Call::default());
        room.now += MS;
        let moved = room.shed.settle(&mut permit, report, || room.now);
        room.shed.release(permit, || room.now);
        if let Some(limit) = moved {
            return limit;
        }
    }
    panic!("it stays where it is");
}

#[test]
fn only_beside_refusals_a_timeout_lowers_a_limit_below_what_is_in_use() {
    assert_eq!(after_a_timeout(true), 18);
    // The timeout did not change the limit, and the later calls succeeded.
    assert_eq!(after_a_timeout(false), 21);
}

#[test]
fn a_call_takes_as_long_as_it_takes_until_its_answer_begins() {
    let limit = LimitConfig::aimd(Duration::from_secs(60)).initial(20);
    let mut room = Room::new(ShedConfig::default().limit(limit).queue(0));
    for _ in 0..500 {
        let mut permit = room.enter(Call::default());
        room.now += 10 * MS;
        permit.answered(|| room.now);
        room.now += 490 * MS;
        // Only the first `answered` counts.
        permit.answered(|| room.now);
        room.shed.settle(&mut permit, Report::SUCCESS, || room.now);
        room.shed.release(permit, || room.now);
    }
    let permit = room.enter(Call::default());
    let cut_short = |left| {
        let deadline = Deadline::after(room.now, left);
        room.shed.was_cut_short(&permit, deadline, || room.now)
    };
    assert!(cut_short(9 * MS));
    assert!(!cut_short(11 * MS));
}

#[test]
fn a_permit_is_plain_if_only_its_slot_is_returned() {
    let room = Room::new(fixed(9).tenants(TenantsConfig::default()));
    for (sampled, tenant, plain) in [
        (false, None, true),
        (true, None, false),
        (false, room.of("a").tenant, false),
    ] {
        let call = Call {
            sampled,
            tenant,
            ..Call::default()
        };
        assert_eq!(room.enter(call).is_plain(), plain, "{call:?}");
    }
}
