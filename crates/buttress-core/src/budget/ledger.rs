use super::config::BudgetConfig;
use super::in_flight::Calls;
use super::reserve::{BudgetRefusal, Cost};
use super::{BUCKETS, TOKEN};
use crate::time::nanos;
use crate::window::Successes;

/// The balance of a budget, in billionths of an attempt.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) config: BudgetConfig,
    /// The unspent deposits of the floor.
    pub(super) floor: u64,
    /// The time up to which the floor was added, in nanoseconds.
    floor_paid: u64,
    /// The calls up to which the floor was added, modulo 2³².
    calls_paid: u32,
    /// The unspent deposits of calls and successes, by the time bucket of their end.
    deposits: [Deposit; BUCKETS],
    /// The latest bucket. If time goes back, the bucket stays.
    latest: u64,
    /// The number of extra attempts that wait or are in flight.
    pub(super) extra: u64,
    pub(super) granted: u64,
    pub(super) refused: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Deposit {
    bucket: u64,
    amount: u64,
}

impl Ledger {
    pub(super) fn new(config: BudgetConfig) -> Self {
        Self {
            // The initial balance is enough for the most expensive attempt, a retry after a timeout, so that the first
            // failure of a new process can be retried.
            floor: config.most_of_floor().min(RESERVE),
            floor_paid: 0,
            calls_paid: 0,
            deposits: Default::default(),
            latest: 0,
            extra: 0,
            granted: 0,
            refused: 0,
            config,
        }
    }

    /// Updates the balance to `now`: adds the floor, credits successes, and removes expired deposits.
    pub(super) fn settle(&mut self, successes: &Successes, calls: Calls, now: u64) {
        let owed = now.saturating_sub(self.floor_paid);
        let rate = u64::from(self.config.floor_per_second);
        // n tokens a second are n units a nanosecond.
        self.floor = self.floor.saturating_add(owed.saturating_mul(rate));
        self.floor = self.floor.min(self.config.most_of_floor());
        self.floor_paid = self.floor_paid.max(now);

        self.latest = self.latest.max(now / successes.bucket_nanos());
        self.pay_for_calls(calls.began, owed);
        for bucket in self.live() {
            let amount = successes.take_bucket(bucket);
            self.credit(bucket, amount.saturating_mul(self.config.deposit()));
        }
    }

    /// Deposits for the calls that began since the last update, `elapsed` nanoseconds ago: in the floor while that is
    /// not full, and otherwise as a deposit that expires.
    fn pay_for_calls(&mut self, began: u32, elapsed: u64) {
        let calls = u64::from(began.wrapping_sub(self.calls_paid));
        self.calls_paid = began;
        let mut due = calls.saturating_mul(self.config.deposit_of_call());
        self.floor += take(&mut due, self.config.most_of_floor() - self.floor);
        // The times of the calls are not known. Of those spread over more than one lifetime, the rest has expired.
        let ttl = nanos(self.config.ttl);
        if elapsed > ttl {
            due = (u128::from(due) * u128::from(ttl) / u128::from(elapsed)) as u64;
        }
        self.credit(self.latest, due);
    }

    /// Withdraws for an extra attempt, with `calls` in flight.
    pub(super) fn reserve(&mut self, cost: Cost, calls: u64) -> Result<(), BudgetRefusal> {
        let refusal = if self.extra >= self.extra_allowed(calls) {
            BudgetRefusal::InFlight
        } else if !self.spend(cost.0) {
            BudgetRefusal::Empty
        } else {
            self.extra += 1;
            self.granted += 1;
            return Ok(());
        };
        self.refused += 1;
        Err(refusal)
    }

    pub(super) fn refund(&mut self, cost: Cost) {
        self.credit(self.latest, cost.0);
        self.granted = self.granted.saturating_sub(1);
    }

    pub(super) fn finish(&mut self) {
        self.extra = self.extra.saturating_sub(1);
    }

    /// The unspent deposits of calls and successes.
    pub(super) fn deposits(&self) -> u64 {
        self.live()
            .map(|bucket| (bucket, self.deposits[slot(bucket)]))
            .filter(|(bucket, deposit)| deposit.bucket == *bucket)
            .fold(0, |sum, (_, deposit)| sum.saturating_add(deposit.amount))
    }

    /// Takes another configuration, after the balance was updated: deposits stay unless they have expired by the new
    /// configuration.
    pub(super) fn reconfigure(&mut self, config: BudgetConfig, successes: &Successes) {
        self.floor = self.floor.min(config.most_of_floor());
        if config.ttl != self.config.ttl {
            let before = successes.bucket_nanos();
            successes.restart(config.window());
            let after = successes.bucket_nanos();
            let held: [Deposit; BUCKETS] = std::mem::take(&mut self.deposits);
            let live = self.live();
            self.latest = self.floor_paid / after;
            for Deposit { bucket, amount } in held {
                if live.contains(&bucket) {
                    self.credit(bucket.saturating_mul(before) / after, amount);
                }
            }
        }
        self.config = config;
    }

    fn extra_allowed(&self, calls: u64) -> u64 {
        self.config.in_flight_share.map_or(u64::MAX, |share| {
            let share = (calls as f64 * share.get()) as u64;
            share.max(u64::from(self.config.in_flight_floor))
        })
    }

    /// Withdraws a cost, if the balance suffices: from the floor first, then from the deposits that expire first.
    fn spend(&mut self, cost: u64) -> bool {
        if self.floor.saturating_add(self.deposits()) < cost {
            return false;
        }
        let mut due = cost - take(&mut self.floor, cost);
        for bucket in self.live() {
            let deposit = &mut self.deposits[slot(bucket)];
            if deposit.bucket == bucket {
                due -= take(&mut deposit.amount, due);
            }
        }
        true
    }

    fn credit(&mut self, bucket: u64, amount: u64) {
        if amount == 0 || !self.live().contains(&bucket) {
            return;
        }
        let deposit = &mut self.deposits[slot(bucket)];
        if deposit.bucket != bucket {
            *deposit = Deposit { bucket, amount: 0 };
        }
        deposit.amount = deposit.amount.saturating_add(amount);
    }

    /// The buckets whose deposits have not expired, oldest first.
    fn live(&self) -> std::ops::RangeInclusive<u64> {
        self.latest.saturating_sub(BUCKETS as u64 - 1)..=self.latest
    }
}

fn slot(bucket: u64) -> usize {
    (bucket % BUCKETS as u64) as usize
}

/// Withdraws up to a maximum.
fn take(from: &mut u64, wanted: u64) -> u64 {
    let taken = wanted.min(*from);
    *from -= taken;
    taken
}

/// What the floor always holds, and a new budget begins with: enough for the most expensive attempt, a retry after a
/// timeout.
pub(super) const RESERVE: u64 = 2 * TOKEN;
