//! What the default shedder makes of what a service answers, and how soon.

use std::time::{Duration, Instant};

use buttress_core::{FailureKind, Outcome};

use crate::service::Service;

const OVERLOAD: Outcome = Outcome::Failure(FailureKind::Overload);

/// 240 calls a second of 50 ms, of which a share is answered with an overload after a millisecond. Returns the limit
/// after five minutes, and the share of calls that was refused in the last three.
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
fn one_user_who_is_rate_limited_does_not_close_the_service_to_all_others() {
    for share in [0.0, 0.15, 0.5, 0.9] {
        let (limit, refused) = rate_limited(share);
        let in_use = 12.0 * (1.0 - share);
        assert!(refused < 0.01, "{refused} at {share}");
        assert!(limit as f64 > in_use, "{limit} at {share}");
    }
}
