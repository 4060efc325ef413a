//! The API is the same with any features; what is disabled takes no space.

use buttress_core::{Outcome, Reason};
use buttress_metrics::{
    BreakerEvent, BreakerSignals, Header, HttpEvent, HttpSignals, ProblemEvent, ProblemSignals,
};

#[test]
fn no_recorder_or_subscriber_is_needed() {
    let signals = BreakerSignals::new(String::from("a").into()).with_key("x".into());
    signals.emit(BreakerEvent::Settled(Outcome::Success));
    signals.emit(BreakerEvent::Rejected(Reason::CircuitOpen));
    HttpSignals::global().emit(HttpEvent::MalformedHeader(Header::RetryAfter));
    ProblemSignals::new().emit(ProblemEvent::Failed {
        status: 500,
        error: &std::fmt::Error,
        request_id: None,
    });
}

#[test]
fn signals_are_shared_between_threads() {
    fn shared<T: Send + Sync + std::fmt::Debug>() {}
    shared::<BreakerSignals>();
    shared::<HttpSignals>();
    shared::<ProblemSignals>();
}

#[cfg(not(feature = "metrics"))]
#[test]
fn without_metrics_there_are_no_handles() {
    use buttress_core::Name;

    assert_eq!(size_of::<HttpSignals>(), 0);
    // Only the function of the statuses is left.
    assert_eq!(size_of::<ProblemSignals>(), size_of::<usize>());
    assert_eq!(
        size_of::<BreakerSignals>(),
        size_of::<(Name, Option<Name>)>()
    );
}
