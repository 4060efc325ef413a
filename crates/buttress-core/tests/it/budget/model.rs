use std::time::Duration;

use buttress_core::budget::BudgetRefusal;

/// One attempt in billionths, as in the budget, so that sums are exact.
const TOKEN: u128 = 1_000_000_000;

/// The configuration of a budget, in plain numbers.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) thousandths: u32,
    /// What each call pays, in thousandths.
    pub(crate) of_calls: u32,
    pub(crate) per_second: u32,
    pub(crate) ttl: Duration,
    pub(crate) share: Option<u8>,
    pub(crate) share_floor: u32,
}

/// A naive budget: a list of all deposits and when they expire.
#[derive(Debug)]
pub(crate) struct Model {
    terms: Terms,
    now: u128,
    floor: u128,
    paid: Vec<Paid>,
    pub(crate) calls: u64,
    pub(crate) extra: u64,
}

#[derive(Debug, Clone, Copy)]
struct Paid {
    bucket: u128,
    amount: u128,
}

impl Terms {
    fn most_of_floor(&self) -> u128 {
        let of_calls = if self.of_calls > 0 { 2 * TOKEN } else { 0 };
        of_calls.max(u128::from(self.per_second) * self.ttl.as_nanos())
    }
}

impl Model {
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            floor: terms.most_of_floor().min(2 * TOKEN),
            terms,
            now: 0,
            paid: Vec::new(),
            calls: 0,
            extra: 0,
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time.as_nanos();
        let rate = u128::from(self.terms.per_second);
        let most = self.terms.most_of_floor();
        self.floor = most.min(self.floor + time.as_nanos() * rate);
        self.expire();
    }

    pub(crate) fn begin(&mut self) {
        self.calls += 1;
        let amount = TOKEN * u128::from(self.terms.of_calls) / 1_000;
        let of_floor = amount.min(self.terms.most_of_floor() - self.floor);
        self.floor += of_floor;
        self.pay(amount - of_floor);
    }

    pub(crate) fn deposit(&mut self) {
        self.pay(TOKEN * u128::from(self.terms.thousandths) / 1_000);
    }

    pub(crate) fn reserve(&mut self, thousandths: u32) -> Result<(), BudgetRefusal> {
        let share = self.terms.share.map(|percent| {
            let share = self.calls * u64::from(percent) / 100;
            share.max(u64::from(self.terms.share_floor))
        });
        if share.is_some_and(|share| self.extra >= share) {
            return Err(BudgetRefusal::InFlight);
        }
        let mut cost = cost(thousandths);
        if self.floor + self.deposits() < cost {
            return Err(BudgetRefusal::Empty);
        }
        let of_floor = cost.min(self.floor);
        self.floor -= of_floor;
        cost -= of_floor;
        self.paid.sort_by_key(|paid| paid.bucket);
        for paid in &mut self.paid {
            let part = cost.min(paid.amount);
            paid.amount -= part;
            cost -= part;
        }
        self.extra += 1;
        Ok(())
    }

    pub(crate) fn refund(&mut self, thousandths: u32) {
        self.pay(cost(thousandths));
        self.extra -= 1;
    }

    pub(crate) fn reconfigure(&mut self, terms: Terms) {
        if terms.ttl != self.terms.ttl {
            for paid in &mut self.paid {
                paid.bucket = paid.bucket * bucket(self.terms.ttl) / bucket(terms.ttl);
            }
        }
        self.terms = terms;
        self.floor = self.floor.min(self.terms.most_of_floor());
        self.expire();
    }

    pub(crate) fn floor(&self) -> f64 {
        self.floor as f64 / TOKEN as f64
    }

    pub(crate) fn balance(&self) -> f64 {
        (self.floor + self.deposits()) as f64 / TOKEN as f64
    }

    fn deposits(&self) -> u128 {
        self.paid.iter().map(|paid| paid.amount).sum()
    }

    fn pay(&mut self, amount: u128) {
        let bucket = self.now / bucket(self.terms.ttl);
        self.paid.push(Paid { bucket, amount });
    }

    fn expire(&mut self) {
        let current = self.now / bucket(self.terms.ttl);
        self.paid.retain(|paid| paid.bucket + 16 > current);
    }
}

fn bucket(ttl: Duration) -> u128 {
    ttl.as_nanos().div_ceil(16)
}

fn cost(thousandths: u32) -> u128 {
    u128::from(thousandths) * TOKEN / 1_000
}
