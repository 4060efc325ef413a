use std::time::{Duration, Instant};

use buttress_core::limit::{Limit, LimitConfig, Sample};

use crate::limit::world::World;

#[test]
fn a_limit_far_too_high_comes_down() {
    for seed in 1..=5 {
        let mut world = World::new(LimitConfig::default().initial(200), 20, 0.05, seed);
        world.offer(2.0).run(150.0);
        let tally = world.run(60.0);
        let limit = tally.mean_limit();
        assert!(limit <= 45.0, "{limit} with seed {seed}");
    }
}

#[test]
fn a_limit_far_too_low_comes_up() {
    for seed in 1..=5 {
        let mut world = World::new(LimitConfig::default(), 200, 0.05, seed);
        world.offer(2.0).run(60.0);
        let goodput = world.run(60.0).goodput(0.25) / world.capacity();
        assert!(goodput >= 0.95, "{goodput} with seed {seed}");
    }
}

#[test]
fn a_slower_mix_is_no_overload() {
    for seed in 1..=5 {
        let mut world = World::new(LimitConfig::default(), 20, 0.05, seed);
        world.offer(1.5).run(120.0);
        world.service = 0.1;
        world.offer(1.5);
        let tally = world.run(120.0);
        let throughput = tally.latencies.len() as f64 / tally.seconds / world.capacity();
        assert!(throughput >= 0.95, "{throughput} with seed {seed}");
        // After the change the limit is halved for one window and then restored. The mean shows whether the slower mix
        // was taken for an overload.
        let limit = tally.mean_limit();
        assert!((19.0..=30.0).contains(&limit), "{limit} with seed {seed}");
    }
}

#[test]
fn a_service_that_loses_workers_and_gets_them_back_is_followed() {
    for seed in 1..=5 {
        let mut world = World::new(LimitConfig::default(), 20, 0.05, seed);
        let offered = world.offer(2.0).offered;
        world.run(60.0);
        world.workers = 5;
        world.run(60.0);
        let fewer = world.run(30.0);
        assert!(fewer.most <= 20, "{} with seed {seed}", fewer.most);
        world.workers = 20;
        assert_eq!(world.offered, offered);
        world.run(120.0);
        let goodput = world.run(60.0).goodput(0.25) / world.capacity();
        assert!(goodput >= 0.93, "{goodput} with seed {seed}");
    }
}

#[test]
fn after_an_overload_all_is_served_at_once() {
    for seed in 1..=5 {
        let mut world = World::new(LimitConfig::default(), 20, 0.05, seed);
        world.offer(4.0).run(60.0);
        world.offer(0.7).run(1.0);
        let tally = world.run(10.0);
        assert!(tally.unanswered() < 0.01, "{}", tally.unanswered());
    }
}

/// Feeds ten thousand samples to the limit. Returns the largest limit.
fn feed(limit: &Limit, now: &mut Instant, each: Duration, sample: impl Fn(u64) -> Sample) -> u64 {
    let mut most = limit.limit();
    for _ in 0..10_000 {
        *now += each;
        limit.on_sample(|| *now, sample(limit.limit()));
        most = most.max(limit.limit());
    }
    most
}

const MS: Duration = Duration::from_millis(1);

/// A default limit whose initial value was confirmed by a `reconfigure`, so that slow start is over.
fn known(now: Instant) -> Limit {
    let limit = Limit::new(LimitConfig::default(), now).expect("it can work");
    limit
        .reconfigure(LimitConfig::default(), now)
        .expect("it can work");
    limit
}

#[test]
fn a_constant_round_trip_moves_nothing() {
    let mut now = Instant::now();
    let half_used = |limit: u64| Sample::success(50 * MS, limit / 2);
    let all_used = |limit| Sample::success(50 * MS, limit).at_limit(true);

    let limit = known(now);
    assert_eq!(feed(&limit, &mut now, MS, half_used), 20);
    // All slots are in use, and a higher limit brings no more responses.
    assert!(feed(&limit, &mut now, MS, all_used) <= 20);
    assert!(limit.snapshot().aim >= 19.0, "{:?}", limit.snapshot());
}

#[test]
fn calls_that_all_end_by_their_timeout_never_raise_the_limit() {
    let second = Duration::from_secs(1);
    for config in [
        LimitConfig::default(),
        LimitConfig::aimd(second / 2),
        LimitConfig::vegas(),
        LimitConfig::gradient(),
    ] {
        let mut now = Instant::now();
        let limit = Limit::new(config.clone(), now).unwrap();
        let healthy = |limit: u64| Sample::success(10 * MS, limit / 2);
        feed(&limit, &mut now, MS, healthy);
        let before = limit.limit().max(20);
        let timeout = buttress_core::Outcome::Failure(buttress_core::FailureKind::Timeout);
        let timed_out = |limit| Sample::of(timeout, second, limit).unwrap().at_limit(true);
        let most = feed(&limit, &mut now, MS, timed_out);
        assert!(most <= before, "{config:?}: {most}, was {before}");
        assert!(limit.limit() >= 1);
    }
}

#[test]
fn a_hundredfold_round_trip_is_no_reason_to_let_more_in() {
    let mut now = Instant::now();
    let limit = Limit::new(LimitConfig::default(), now).unwrap();
    let healthy = |limit| Sample::success(10 * MS, limit).at_limit(limit % 3 == 0);
    feed(&limit, &mut now, MS, healthy);
    let before = limit.limit();
    // The timeouts are reported as successes, and throughput follows the limit.
    let mut most = before;
    for _ in 0..10_000 {
        now += Duration::from_secs(1) / u32::try_from(limit.limit()).unwrap();
        let stuck = Sample::success(Duration::from_secs(1), limit.limit()).at_limit(true);
        limit.on_sample(|| now, stuck);
        most = most.max(limit.limit());
    }
    assert!(most <= 2 * before, "{most}, was {before}");
}

#[test]
fn calls_rejected_beside_those_that_end_say_that_the_limit_is_reached() {
    let most = |refused: bool| {
        let mut now = Instant::now();
        let limit = Limit::new(LimitConfig::default(), now).unwrap();
        let mut most = limit.limit();
        for call in 0..20_000 {
            // Without a queue most calls find a free slot, and throughput follows the limit.
            let in_flight = limit.limit() * 4 / 5;
            now += (10 * MS).div_f64(in_flight as f64);
            limit.on_sample(|| now, Sample::success(10 * MS, in_flight));
            if refused && call % 5 == 0 {
                limit.on_refused();
            }
            most = most.max(limit.limit());
        }
        most
    };
    assert_eq!(most(false), 20);
    assert!(most(true) > 100, "{}", most(true));
}
