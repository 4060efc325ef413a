//! How the default shedder reacts to the responses of a service and their latency.

use std::time::{Duration, Instant};

use buttress_core::shed::Admission;
use buttress_core::{FailureKind, Outcome};

use crate::shed::service::Service;

const OVERLOAD: Outcome = Outcome::Failure(FailureKind::Overload);

/// Makes 240 calls a second of 50 ms, a share of which get an overload response after one millisecond. Returns the
/// limit after five minutes, and the share of calls rejected in the last three.
fn rate_limited(share: f64) -> (u64, f64) {
    let mut service = Service::new(Instant::now());
    let mut run = |minutes: u64| {
        service.run(Duration::from_secs(60 * minutes), 240.0, |dice| {
            if dice.next() < share {
                (0.001, OVERLOAD)
            } else {
                (0.05, Outcome::Success)
            }
        });
        service.refused()
    };
    run(2);
    let refused = run(5);
    (service.shed.limit(), refused)
}

#[test]
fn one_rate_limited_user_does_not_close_the_service_to_all_others() {
    for share in [0.0, 0.15, 0.5, 0.9] {
        let (limit, refused) = rate_limited(share);
        let in_use = 12.0 * (1.0 - share);
        assert!(refused < 0.01, "{refused} at {share}");
        assert!(limit as f64 > in_use, "{limit} at {share}");
    }
}

/// One call in ten seconds, of 5 ms each, and then a hundred at once.
#[test]
fn after_an_idle_time_rejected_calls_may_retry_soon() {
    let mut service = Service::new(Instant::now());
    let night = Duration::from_secs(3 * 3_600);
    service.run(night, 0.1, |_| (0.005, Outcome::Success));
    let now = service.now;
    let mut kept = Vec::new();
    let mut refused = 0;
    for n in 0..100_u64 {
        let draw = n.wrapping_mul(0x1234_5678_9ABC_DEF1);
        match service.shed.admit(service.call(), || draw, || now) {
            Admission::Rejected(refusal) => {
                let after = refusal
                    .retry_after
                    .expect("it is known how long calls take");
                assert!(after < Duration::from_secs(2), "{after:?}");
                refused += 1;
            }
            other => kept.push(other),
        }
    }
    assert!(refused > 0);
}
