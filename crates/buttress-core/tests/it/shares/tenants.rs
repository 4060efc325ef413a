use std::collections::HashMap;
use std::time::{Duration, Instant};

use buttress_core::shares::{Tenant, Tenants, TenantsConfig};
use proptest::prelude::*;

fn tenants() -> Tenants {
    Tenants::new(TenantsConfig::default(), 7).expect("within bounds")
}

#[test]
fn a_tenant_that_is_alone_has_it_all() {
    let now = Instant::now();
    let mut tenants = tenants();
    let only = tenants.tenant(b"only");
    assert!((0..64).all(|_| tenants.admit(only, 64, now)));
}

#[test]
fn others_are_heard_for_a_second() {
    let start = Instant::now();
    let mut tenants = tenants();
    let (one, other) = (tenants.tenant(b"one"), tenants.tenant(b"other"));
    (0..60).for_each(|_| tenants.force_acquire(one));
    assert!(tenants.admit(one, 64, start));
    assert!(tenants.admit(other, 64, start));
    tenants.release(other);
    assert!(!tenants.admit(one, 64, start));
    assert!(!tenants.admit(one, 64, start + Duration::from_millis(999)));
    assert!(tenants.admit(one, 64, start + Duration::from_secs(1)));
}

#[test]
fn greedy_tenants_end_up_equal_and_lock_out_no_tenant() {
    let now = Instant::now();
    for greedy in [2, 3, 10] {
        let mut tenants = tenants();
        let names: Vec<_> = (0..greedy)
            .map(|n: u32| tenants.tenant(&n.to_le_bytes()))
            .collect();
        for _ in 0..1_000 {
            for &name in &names {
                let _ = tenants.admit(name, 1_000, now);
            }
        }
        // Each tenant gets an equal part, plus what is left free, which is then zero.
        let level = 1_000 / u64::from(greedy);
        for &name in &names {
            assert!(
                tenants.has(name).abs_diff(level) <= 1,
                "{} of {level}",
                tenants.has(name)
            );
        }
        let modest = tenants.tenant(b"modest");
        assert!(tenants.admit(modest, 1_000, now));
    }
}

#[test]
fn a_tenant_without_calls_is_not_rejected_for_its_share() {
    let now = Instant::now();
    let mut tenants = tenants();
    let greedy = tenants.tenant(b"greedy");
    (0..100).for_each(|_| tenants.force_acquire(greedy));
    let modest = tenants.tenant(b"modest");
    for room in [0, 50, 100] {
        assert!(tenants.clone().admit(modest, room, now));
    }
}

#[test]
fn millions_of_names_take_no_more_memory_and_leave_nothing_behind() {
    let now = Instant::now();
    let mut tenants = tenants();
    let empty = format!("{tenants:?}").len();
    let mut refused = 0;
    for n in 0..2_000_000_u32 {
        let stranger = tenants.tenant(&n.to_le_bytes());
        if tenants.admit(stranger, 64, now) {
            tenants.release(stranger);
        } else {
            refused += 1;
        }
    }
    assert_eq!((refused, tenants.in_all()), (0, 0));
    // All counts are back at 0, and no entries were added.
    assert!(format!("{tenants:?}").len() < empty + 200);
}

#[test]
fn the_seed_decides_which_tenants_share_buckets() {
    let tenant = |seed| {
        Tenants::new(TenantsConfig::default(), seed)
            .unwrap()
            .tenant(b"name")
    };
    assert_eq!(tenant(1), tenant(1));
    assert_ne!(tenant(1), tenant(2));
}

#[test]
fn a_tenant_among_strangers_is_never_taken_for_a_more_modest_one() {
    let mut tenants = Tenants::new(TenantsConfig::default().buckets(64), 3).unwrap();
    let names: Vec<_> = (0..200_u32)
        .map(|n| tenants.tenant(&n.to_le_bytes()))
        .collect();
    for (n, &name) in names.iter().enumerate() {
        (0..n % 5).for_each(|_| tenants.force_acquire(name));
    }
    for (n, &name) in names.iter().enumerate() {
        assert!(tenants.has(name) >= n as u64 % 5);
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Admit(u8),
    Release(u8),
    Wait(u64),
}

/// Few tenants in many buckets, so that no two share a bucket with these seeds.
const NAMES: u8 = 12;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        // Four tenants send more calls than the others.
        3 => (0..4_u8).prop_map(Step::Admit),
        3 => (0..NAMES).prop_map(Step::Admit),
        4 => (0..NAMES).prop_map(Step::Release),
        1 => (0..1_200_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn tenants_are_counted_as_by_name(steps in prop::collection::vec(step(), 1..400), seed in 0..16_u64) {
        let start = Instant::now();
        let room = 50;
        let config = TenantsConfig::default().buckets(TenantsConfig::MAX_BUCKETS);
        let mut tenants = Tenants::new(config, seed).unwrap();
        let mut has: HashMap<Tenant, u64> = HashMap::new();
        let (mut last, mut mixed, mut millis) = (None, None, 0);
        for step in steps {
            match step {
                Step::Admit(name) => {
                    let tenant = tenants.tenant(&[name]);
                    if last.is_some_and(|last| last != tenant) {
                        mixed = Some(millis);
                    }
                    last = Some(tenant);
                    let all: u64 = has.values().sum();
                    let mine = has.get(&tenant).copied().unwrap_or(0);
                    let alone = mixed.is_none_or(|at| millis - at >= 1_000);
                    let present = has.iter().filter(|(t, n)| **n > 0 || **t == tenant).count() as u64;
                    let present = present + u64::from(!has.contains_key(&tenant));
                    let fair = mine < (room / present.max(2)).max(1) + room.saturating_sub(all);
                    let now = start + Duration::from_millis(millis);
                    prop_assert_eq!(tenants.admit(tenant, room, now), alone || fair);
                    if alone || fair {
                        *has.entry(tenant).or_default() += 1;
                    }
                }
                Step::Release(name) => {
                    let tenant = tenants.tenant(&[name]);
                    if let Some(count) = has.get_mut(&tenant).filter(|count| **count > 0) {
                        *count -= 1;
                        tenants.release(tenant);
                    }
                }
                Step::Wait(more) => millis += more,
            }
            prop_assert_eq!(tenants.in_all(), has.values().sum::<u64>());
            for (&tenant, &count) in &has {
                prop_assert_eq!(tenants.has(tenant), count);
            }
        }
        for (tenant, count) in has {
            (0..count).for_each(|_| tenants.release(tenant));
        }
        for name in 0..NAMES {
            prop_assert_eq!(tenants.has(tenants.tenant(&[name])), 0);
        }
    }
}
