//! In every history the counts balance: no call is lost, counted twice, or left over.

use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use buttress_core::queue::{ControlledDelay, Order};
use buttress_core::shares::{SharesConfig, TenantsConfig};
use buttress_core::shed::{Admission, Call, Permit, Shed, ShedConfig, Waiter};
use buttress_core::{
    Criticality, Deadline, FailureKind, Mode, Outcome, Ratio, Reason, Report, StripeIndex,
    ThrottleConfig,
};
use proptest::prelude::*;

/// An action on one of the calls that are in flight or wait, by index.
#[derive(Debug, Clone)]
enum Operation {
    Call(Criticality, u8, Option<u16>, u64),
    Settle(usize, Outcome),
    Release(usize),
    Answered(usize),
    Poll(usize),
    Leave(usize),
    Pass(u8),
    Resize(u32),
}

fn operation() -> impl Strategy<Value = Operation> {
    let criticality = prop::sample::select(Criticality::ALL.as_slice());
    let outcomes = vec![
        Outcome::Success,
        Outcome::Failure(FailureKind::Error),
        Outcome::Failure(FailureKind::Overload),
        Outcome::Failure(FailureKind::Timeout),
        Outcome::Ignored,
    ];
    let call = (
        criticality,
        0..4_u8,
        prop::option::of(0..200_u16),
        any::<u64>(),
    );
    prop_oneof![
        6 => call.prop_map(|(what, whose, left, draw)| Operation::Call(what, whose, left, draw)),
        3 => (any::<usize>(), prop::sample::select(outcomes)).prop_map(|(i, o)| Operation::Settle(i, o)),
        4 => any::<usize>().prop_map(Operation::Release),
        1 => any::<usize>().prop_map(Operation::Answered),
        4 => any::<usize>().prop_map(Operation::Poll),
        1 => any::<usize>().prop_map(Operation::Leave),
        2 => (0..40_u8).prop_map(Operation::Pass),
        1 => (1..6_u32).prop_map(Operation::Resize),
    ]
}

fn config() -> impl Strategy<Value = ShedConfig> {
    let modes = vec![
        Mode::Enforce,
        Mode::Enforce,
        Mode::Shadow,
        Mode::Off,
        Mode::EnforceFor(Ratio::HALF),
    ];
    let orders = vec![
        Order::Fifo,
        Order::Lifo,
        Order::AdaptiveLifo {
            congested_after: Duration::from_millis(10),
        },
    ];
    (
        (1..6_u32, 0..5_usize, prop::option::of(1..50_u64)),
        (prop::sample::select(orders), any::<bool>()),
        any::<[bool; 4]>(),
        prop::sample::select(modes),
    )
        .prop_map(
            |((limit, queue, wait), (order, by), [shares, tenants, throttle, delay], mode)| {
                ShedConfig::default()
                    .limit(limit)
                    .queue(queue)
                    .max_wait(wait.map(Duration::from_millis))
                    .order(order)
                    .by_criticality(by)
                    .controlled_delay(delay.then(ControlledDelay::default))
                    .margin(Duration::from_millis(5))
                    .shares(shares.then(SharesConfig::default))
                    .tenants(tenants.then(TenantsConfig::default))
                    .throttle(throttle.then(|| ThrottleConfig::default().floor(1)))
                    .mode(mode)
            },
        )
}

#[derive(Default)]
struct Tally {
    offered: u64,
    admitted: u64,
    rejected: u64,
    ended: u64,
    left: u64,
    accepted: u64,
    refused: u64,
}

struct Inside {
    permit: Permit,
    settled: bool,
    throttled: bool,
}

struct World {
    shed: Shed,
    config: ShedConfig,
    mode: Mode,
    begin: Instant,
    now: Instant,
    most: u64,
    inside: Vec<Inside>,
    waiting: Vec<Waiter>,
    tally: Tally,
}

impl World {
    fn new(config: ShedConfig) -> Self {
        let begin = Instant::now();
        let shed = Shed::new(config.clone(), 7, begin).expect("it can work");
        Self {
            mode: shed.snapshot(begin).mode,
            most: shed.limit(),
            shed,
            config,
            begin,
            now: begin,
            inside: Vec::new(),
            waiting: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn act(&mut self, operation: &Operation) {
        let now = self.now;
        match *operation {
            Operation::Call(criticality, whose, left, draw) => {
                self.call(criticality, whose, left, draw)
            }
            Operation::Settle(index, outcome) => {
                let Some(index) = around(index, self.inside.len()) else {
                    return;
                };
                let inside = &mut self.inside[index];
                self.shed
                    .settle(&mut inside.permit, Report::new(outcome), || now);
                if inside.throttled && !inside.settled {
                    match outcome {
                        Outcome::Success | Outcome::Failure(FailureKind::Error) => {
                            self.tally.accepted += 1
                        }
                        Outcome::Failure(_) => self.tally.refused += 1,
                        Outcome::Ignored => {}
                    }
                }
                inside.throttled &= outcome != Outcome::Ignored || inside.settled;
                inside.settled = true;
            }
            Operation::Release(index) => {
                let Some(index) = around(index, self.inside.len()) else {
                    return;
                };
                self.release(index);
            }
            Operation::Answered(index) => {
                let Some(index) = around(index, self.inside.len()) else {
                    return;
                };
                self.inside[index].permit.answered(|| now);
            }
            Operation::Poll(index) => {
                let Some(index) = around(index, self.waiting.len()) else {
                    return;
                };
                self.poll(index);
            }
            Operation::Leave(index) => {
                let Some(index) = around(index, self.waiting.len()) else {
                    return;
                };
                self.shed.leave(self.waiting.remove(index), || now);
                self.tally.left += 1;
            }
            // All calls stay within the throttle's window.
            Operation::Pass(millis) => self.now += Duration::from_millis(millis.into()),
            Operation::Resize(limit) => {
                self.most = self.most.max(limit.into());
                let config = self.config.clone().limit(limit);
                self.shed.reconfigure(config, now).expect("it can work");
            }
        }
    }

    fn call(&mut self, criticality: Criticality, whose: u8, left: Option<u16>, draw: u64) {
        let now = self.now;
        self.tally.offered += 1;
        let stripe = self.shed.stripe(StripeIndex::current());
        let sampled = self.shed.samples(&stripe);
        if !sampled && let Some(permit) = self.shed.try_admit(&stripe) {
            return self.admit(permit, None);
        }
        let left = left.map(|left| Duration::from_millis(left.into()));
        let call = Call {
            criticality,
            deadline: left.and_then(|left| Deadline::after(now, left)),
            tenant: self.shed.tenant(|| Some([whose])),
            sampled,
            ..Call::default()
        };
        match self.shed.admit(call, || draw, || now) {
            Admission::Admitted {
                permit,
                would_reject,
            } => self.admit(permit, would_reject),
            Admission::Rejected(_) => self.tally.rejected += 1,
            Admission::Waiting(waiter) => self.waiting.push(waiter),
        }
    }

    fn admit(&mut self, permit: Permit, would_reject: Option<Reason>) {
        self.tally.admitted += 1;
        let is_uncounted = matches!(
            would_reject,
            Some(Reason::ClientThrottled | Reason::TenantOverShare)
        );
        self.inside.push(Inside {
            permit,
            settled: false,
            throttled: self.is_throttled() && !is_uncounted,
        });
    }

    fn release(&mut self, index: usize) {
        let now = self.now;
        let inside = self.inside.swap_remove(index);
        let before = self.throttled();
        self.shed.release(inside.permit, || now);
        if inside.throttled && !inside.settled {
            // A call that was cancelled is either not counted, or counted by how it ended.
            let after = self.throttled();
            self.tally.accepted += after.1 - before.1;
            self.tally.refused += after.2 - before.2;
            let counted = after.1 + after.2 - before.1 - before.2;
            assert_eq!(before.0 - after.0, 1 - counted);
        }
        self.tally.ended += 1;
    }

    fn poll(&mut self, index: usize) {
        let now = self.now;
        let waiter = &self.waiting[index];
        let polled = self.shed.poll(waiter, Waker::noop(), || 7, || now);
        match polled {
            Poll::Ready(Ok(permit)) => {
                drop(self.waiting.remove(index));
                self.admit(permit, None);
            }
            Poll::Ready(Err(_)) => {
                drop(self.waiting.remove(index));
                self.tally.rejected += 1;
            }
            Poll::Pending if waiter.expires_at().is_some_and(|at| at <= now) => {
                let refused = self.shed.expire(waiter, || 7, now);
                assert!(refused.is_some(), "it is time, and there is no verdict");
                drop(self.waiting.remove(index));
                self.tally.rejected += 1;
            }
            Poll::Pending => {}
        }
    }

    fn is_throttled(&self) -> bool {
        self.mode != Mode::Off && self.shed.snapshot(self.now).throttle.is_some()
    }

    /// The sent, accepted and rejected calls that the throttle reports.
    fn throttled(&self) -> (u64, u64, u64) {
        let counted = self.shed.snapshot(self.now).throttle.unwrap_or_default();
        (counted.sent, counted.accepted, counted.refused)
    }

    fn balance(&self) -> Result<(), TestCaseError> {
        let Tally {
            offered,
            admitted,
            rejected,
            ended,
            left,
            accepted,
            refused,
        } = self.tally;
        let (inside, waiting) = (self.inside.len() as u64, self.waiting.len() as u64);
        prop_assert_eq!(offered, admitted + rejected + left + waiting);
        prop_assert_eq!(admitted, ended + inside);
        let snapshot = self.shed.snapshot(self.now);
        // A waiter that has a verdict and has not read it is no longer in the queue, and may hold a slot.
        let queued = snapshot.queued as u64;
        prop_assert!(queued <= waiting);
        if self.mode == Mode::Off {
            prop_assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0));
        } else {
            let told = waiting - queued;
            prop_assert!((inside..=inside + told).contains(&snapshot.in_flight));
        }
        if self.mode == Mode::Enforce {
            prop_assert!(snapshot.in_flight <= self.most, "{snapshot:?}");
        }
        if self.is_throttled() {
            let open = self
                .inside
                .iter()
                .filter(|call| call.throttled && !call.settled);
            let sent = accepted + refused + open.count() as u64 + waiting;
            prop_assert_eq!(self.throttled(), (sent, accepted, refused));
        }
        Ok(())
    }

    /// Ends all calls, and lets the throttle's window and all reservations expire.
    fn empty(&mut self) {
        while !self.inside.is_empty() {
            self.release(0);
        }
        let now = self.now;
        while let Some(waiter) = self.waiting.pop() {
            self.shed.leave(waiter, || now);
            self.tally.left += 1;
        }
        self.shed
            .reconfigure(self.config.clone(), now)
            .expect("it can work");
        self.now += Duration::from_secs(600);
    }
}

fn around(index: usize, length: usize) -> Option<usize> {
    index.checked_rem(length)
}

/// The admissions of sixteen consecutive calls, all of which stay in flight.
fn fate(shed: &Shed, now: Instant) -> Vec<String> {
    let mut kept = Vec::new();
    let fates = (0..16_u8).map(|call| {
        let admission = shed.admit(
            Call {
                criticality: Criticality::ALL[usize::from(call % 4)],
                tenant: shed.tenant(|| Some([call % 3])),
                ..Call::default()
            },
            || u64::from(call) << 60,
            || now,
        );
        let told = match &admission {
            Admission::Admitted { would_reject, .. } => format!("admitted, {would_reject:?}"),
            Admission::Rejected(refusal) => format!("{}", refusal.reason),
            Admission::Waiting(_) => "waits".to_owned(),
        };
        kept.push(admission);
        told
    });
    fates.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn the_counts_add_up_and_an_idle_shedder_is_as_new(
        config in config(),
        operations in prop::collection::vec(operation(), 0..120),
    ) {
        let mut world = World::new(config.clone());
        let initial = world.shed.snapshot(world.begin);
        for operation in &operations {
            world.act(operation);
            world.balance()?;
        }
        world.empty();
        world.balance_empty()?;
        prop_assert_eq!(world.shed.snapshot(world.now), initial);

        // Slots, shares and tenants: everything not in use is available to new calls.
        let new = Shed::new(config, 7, world.now).expect("it can work");
        prop_assert_eq!(fate(&world.shed, world.now), fate(&new, world.now));
    }
}

impl World {
    fn balance_empty(&self) -> Result<(), TestCaseError> {
        let Tally {
            offered,
            admitted,
            rejected,
            ended,
            left,
            ..
        } = self.tally;
        prop_assert_eq!(offered, admitted + rejected + left);
        prop_assert_eq!(admitted, ended);
        Ok(())
    }
}
