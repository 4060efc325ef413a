use std::time::Duration;

use super::fault::{Answer, BodyFault, Fault};
use super::plan::{Draw, Plan};
use super::planned_fault::{PlannedFault, Trigger};
use super::target::Subject;
use super::{TRIGGER_HEADER, trigger_header};
use crate::{Name, Ratio, StableHash};

/// The faults for one call: at most one of each kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision<'p> {
    /// The delay before the call.
    pub delay: Option<Hit<'p, Duration>>,
    /// The response in place of that of the inner service.
    pub answer: Option<Hit<'p, &'p Answer>>,
    /// The fault in the body of the response.
    pub body: Option<Hit<'p, BodyFault>>,
}

/// An injected fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<'p, T> {
    /// The index of the fault in the plan, from 0.
    pub index: usize,
    /// The name of the fault.
    pub name: &'p Name,
    /// The injected value.
    pub what: T,
}

impl Decision<'_> {
    /// No fault is injected.
    pub const NOTHING: Self = Self {
        delay: None,
        answer: None,
        body: None,
    };

    /// Whether no fault is injected.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::NOTHING
    }

    /// The names of the faults, in the order in which a call meets them.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let delay = self.delay.map(|hit| hit.name);
        let answer = self.answer.map(|hit| hit.name);
        let body = self.body.map(|hit| hit.name);
        [delay, answer, body].into_iter().flatten()
    }
}

impl Plan {
    /// The fault for a call: a pure function of the plan, the call and the call's identity.
    ///
    /// `identity` is a hash of the identity of the call (see [`Identify`](crate::Identify)). The number of the attempt
    /// is an input as well, if the plan [decides per attempt](Plan::draw).
    #[must_use]
    pub fn decide(&self, subject: &impl Subject, identity: u64) -> Decision<'_> {
        self.decide_among(subject, identity, |_| true)
    }

    /// Like [`decide`](Self::decide), with only those faults for which `wanted` returns true, by their index.
    pub(super) fn decide_among(
        &self,
        subject: &impl Subject,
        identity: u64,
        wanted: impl Fn(usize) -> bool,
    ) -> Decision<'_> {
        let drawn = match (self.draw, subject.attempt()) {
            (Draw::PerCall, _) | (Draw::PerAttempt, 0 | 1) => identity,
            (Draw::PerAttempt, attempt) => StableHash::new(identity)
                .field(&attempt.to_le_bytes())
                .finish(),
        };
        let who = Who { identity, drawn };
        let mut decision = Decision::NOTHING;
        for (index, fault) in self.faults.iter().enumerate() {
            if !wanted(index) || !fault.hits(subject, self.seed, who) {
                continue;
            }
            let name = &fault.name;
            match &fault.fault {
                Fault::Answer(what) => decision.answer = Some(Hit { index, name, what }),
                Fault::Body(what) => {
                    let what = *what;
                    decision.body = Some(Hit { index, name, what });
                }
                Fault::Delay(latency) => {
                    let what = latency.sample(fault.draw(self.seed, drawn, b"latency"));
                    decision.delay = Some(Hit { index, name, what });
                }
            }
        }
        decision
    }
}

/// Which calls a fault may hit.
#[derive(Clone, Copy)]
struct Who {
    /// The call.
    identity: u64,
    /// The hash of the call, or of the attempt.
    drawn: u64,
}

impl PlannedFault {
    fn hits(&self, subject: &impl Subject, seed: u64, who: Who) -> bool {
        self.share(subject)
            .is_some_and(|share| share.includes(self.draw(seed, who.drawn, b"hit")))
            && self.target.includes(subject, seed, who.identity)
    }

    /// The ratio of such calls that the fault affects. A header may lower it, and never raise it.
    fn share(&self, subject: &impl Subject) -> Option<Ratio> {
        match self.trigger {
            Trigger::Rate => Some(self.rate),
            Trigger::Header => {
                let header = subject.header(TRIGGER_HEADER)?;
                let requested = trigger_header::share(header, self.name.as_str())?;
                Some(if requested < self.rate {
                    requested
                } else {
                    self.rate
                })
            }
        }
    }

    /// A uniform number for this fault, this call or attempt, and one `purpose`.
    fn draw(&self, seed: u64, drawn: u64, purpose: &[u8]) -> u64 {
        StableHash::new(seed)
            .field(self.name.as_str().as_bytes())
            .field(purpose)
            .field(&drawn.to_le_bytes())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::latency::Latency;
    use super::super::target::{Key, Subset, Target};
    use super::*;

    fn errors(name: &'static str, percent: u8) -> PlannedFault {
        PlannedFault::new(name, Fault::Answer(Answer::Error)).rate(Ratio::percent(percent))
    }

    fn delays(percent: u8) -> PlannedFault {
        let latency = Latency::Uniform {
            least: Duration::ZERO,
            most: Duration::from_secs(1),
        };
        PlannedFault::new("slow", Fault::Delay(latency)).rate(Ratio::percent(percent))
    }

    struct Asking(&'static str);

    impl Subject for Asking {
        fn header(&self, name: &str) -> Option<&[u8]> {
            (name == TRIGGER_HEADER).then_some(self.0.as_bytes())
        }
    }

    fn identities() -> impl Iterator<Item = u64> {
        (0..20_000_u64).map(|n| StableHash::new(0).field(&n.to_le_bytes()).finish())
    }

    fn hits(plan: &Plan, subject: &impl Subject) -> usize {
        let all = identities().filter(|id| !plan.decide(subject, *id).is_nothing());
        all.count()
    }

    /// The tolerance of a count of `n` trials of probability `p`, at 99.9 %.
    fn binomial(n: f64, p: f64, count: usize) -> bool {
        let deviation = (n * p * (1.0 - p)).sqrt();
        (count as f64 - n * p).abs() <= 3.29 * deviation
    }

    #[test]
    fn a_rate_is_met() {
        for percent in [1, 5, 50, 99] {
            let plan = Plan::new(7).fault(errors("down", percent));
            let p = f64::from(percent) / 100.0;
            assert!(binomial(20_000.0, p, hits(&plan, &())), "{percent}");
        }
        assert_eq!(hits(&Plan::new(7).fault(errors("down", 0)), &()), 0);
        assert_eq!(hits(&Plan::new(7).fault(errors("down", 100)), &()), 20_000);
    }

    #[test]
    fn the_same_call_meets_the_same_fault_and_another_seed_others() {
        let plan = |seed| Plan::new(seed).fault(errors("down", 50)).fault(delays(50));
        let (one, again, other) = (plan(1), plan(1), plan(2));
        assert!(identities().all(|id| one.decide(&(), id) == again.decide(&(), id)));
        assert!(identities().any(|id| one.decide(&(), id) != other.decide(&(), id)));
    }

    struct Attempt(u32);

    impl Subject for Attempt {
        fn attempt(&self) -> u32 {
            self.0
        }
    }

    #[test]
    fn each_attempt_is_drawn_for_by_itself_unless_the_plan_draws_for_calls() {
        let plan = |draw| Plan::new(7).fault(errors("down", 30)).draw(draw);
        let is_hit = |draw, id, n| !plan(draw).decide(&Attempt(n), id).is_nothing();
        let all = |draw| {
            let hit = identities().filter(|id| (1..=3).all(|n| is_hit(draw, *id, n)));
            hit.count()
        };
        assert!(binomial(20_000.0, 0.027, all(Draw::PerAttempt)));
        assert_eq!(all(Draw::PerCall), hits(&plan(Draw::PerCall), &()));
        // The decision for the first attempt is that for a call.
        assert_eq!(hits(&plan(Draw::PerAttempt), &()), all(Draw::PerCall));
    }

    #[test]
    fn a_subset_of_the_calls_is_the_same_for_all_attempts() {
        let subset = Subset {
            key: Key::Call,
            from: Ratio::ZERO,
            to: Ratio::percent(10),
        };
        let fault = errors("down", 100).target(Target::default().subset(subset));
        let plan = Plan::new(7).fault(fault);
        let is_hit = |id, n| !plan.decide(&Attempt(n), id).is_nothing();
        assert!(identities().all(|id| is_hit(id, 1) == is_hit(id, 3)));
    }

    #[test]
    fn each_fault_draws_for_itself() {
        let plan = Plan::new(3).fault(errors("down", 30)).fault(delays(30));
        let both = identities()
            .map(|id| plan.decide(&(), id))
            .filter(|d| d.answer.is_some() && d.delay.is_some());
        assert!(binomial(20_000.0, 0.09, both.count()));
        // Whether a call is affected and how long it is delayed are independent.
        let delays: Vec<_> = identities()
            .filter_map(|id| plan.decide(&(), id).delay)
            .map(|hit| hit.what.as_secs_f64())
            .collect();
        let mean = delays.iter().sum::<f64>() / delays.len() as f64;
        assert!((0.48..0.52).contains(&mean), "{mean}");
    }

    #[test]
    fn adding_a_fault_changes_nothing_for_the_others() {
        let one = Plan::new(5).fault(errors("down", 20));
        let two = Plan::new(5).fault(delays(20)).fault(errors("down", 20));
        let answers = |plan: &Plan, id| plan.decide(&(), id).answer.is_some();
        assert!(identities().all(|id| answers(&one, id) == answers(&two, id)));
    }

    #[test]
    fn a_header_gets_no_more_than_the_plan_allows() {
        let plan = Plan::new(9).fault(errors("down", 20).trigger(Trigger::Header));
        assert_eq!(hits(&plan, &()), 0);
        assert_eq!(hits(&plan, &Asking("other")), 0);
        assert_eq!(hits(&plan, &Asking("down;0%")), 0);
        let allowed = hits(&plan, &Asking("down"));
        assert!(binomial(20_000.0, 0.2, allowed));
        assert_eq!(hits(&plan, &Asking("down;100%")), allowed);
        assert!(binomial(20_000.0, 0.05, hits(&plan, &Asking("down;5%"))));
    }

    #[test]
    fn the_names_come_in_the_order_of_the_call() {
        let plan = Plan::new(1).fault(errors("down", 100)).fault(delays(100));
        let decision = plan.decide(&(), 0);
        let names: Vec<_> = decision.names().map(Name::as_str).collect();
        assert_eq!(names, ["slow", "down"]);
    }
}
