use std::sync::{Arc, Mutex};
use std::time::Duration;

use buttress_core::{BoxError, Deadline, Reason, Rejection};
use buttress_deadline::{ClientDeadlineConfig, DeadlineConfig, DeadlineLayer, Deadlines};
use buttress_testkit::{CountingWaker, TestBody};
use http::{HeaderMap, Request, Response};
use tower::{Service, ServiceExt, service_fn};

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Only what a test sets: no offset.
pub(crate) fn config() -> DeadlineConfig {
    DeadlineConfig::default().offset(Duration::ZERO)
}

/// Only what a test sets: no margin.
pub(crate) fn client_config() -> ClientDeadlineConfig {
    ClientDeadlineConfig::default().margin(Duration::ZERO)
}

pub(crate) fn plain(config: DeadlineConfig) -> DeadlineLayer {
    DeadlineLayer::new(&Deadlines::new("test", config))
}

pub(crate) fn server(config: DeadlineConfig) -> DeadlineLayer<buttress_deadline::Server> {
    DeadlineLayer::server(&Deadlines::new("test", config))
}

pub(crate) fn client(config: ClientDeadlineConfig) -> DeadlineLayer<buttress_deadline::Client> {
    DeadlineLayer::client(&Deadlines::new("test", config))
}

pub(crate) fn request() -> Request<TestBody> {
    Request::new(TestBody::empty())
}

pub(crate) fn with_header(name: &'static str, value: &str) -> Request<TestBody> {
    let request = Request::builder().header(name, value);
    request.body(TestBody::empty()).expect("a valid header")
}

/// What the inner service observed of a call.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) headers: HeaderMap,
    pub(crate) extension: Option<Deadline>,
    pub(crate) task: Option<Deadline>,
}

impl Seen {
    /// The remaining time of the task that the call is served in.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.task.map(remaining)
    }
}

/// What the inner service observed of all calls.
pub(crate) type Witness = Arc<Mutex<Vec<Seen>>>;

/// A service that records each call and responds after `wait`.
pub(crate) fn after(
    wait: Duration,
    witness: &Witness,
) -> impl Service<Request<TestBody>, Response = Response<TestBody>, Error = BoxError, Future: Send>
+ Clone
+ use<> {
    let witness = Arc::clone(witness);
    service_fn(move |request: Request<TestBody>| {
        let seen = Seen {
            headers: request.headers().clone(),
            extension: request.extensions().get().copied(),
            task: Deadline::current(),
        };
        witness
            .lock()
            .expect("no test panics while it is locked")
            .push(seen);
        async move {
            tokio::time::sleep(wait).await;
            Ok(Response::new(TestBody::empty()))
        }
    })
}

/// The only call that the inner service received.
pub(crate) fn only(witness: &Witness) -> Seen {
    let seen = witness.lock().expect("no test panics while it is locked");
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen[0].clone()
}

pub(crate) fn calls(witness: &Witness) -> usize {
    witness
        .lock()
        .expect("no test panics while it is locked")
        .len()
}

pub(crate) async fn call<S, Req>(service: S, request: Req) -> Result<S::Response, BoxError>
where
    S: Service<Req, Error = BoxError>,
{
    service.oneshot(request).await
}

/// The reason, if a call was rejected or ended.
pub(crate) fn reason<T>(result: &Result<T, BoxError>) -> Option<Reason> {
    reason_of(&**result.as_ref().err()?)
}

pub(crate) fn reason_of(error: &(dyn std::error::Error + 'static)) -> Option<Reason> {
    Rejection::find(error).map(Rejection::reason)
}

pub(crate) fn remaining(deadline: Deadline) -> Duration {
    deadline.remaining(tokio::time::Instant::now().into_std())
}

/// The deadline `after` from now.
pub(crate) fn deadline(after: Duration) -> Option<Deadline> {
    Deadline::after(tokio::time::Instant::now().into_std(), after)
}

/// How long `run` takes, and its result.
pub(crate) async fn timed<T>(run: impl Future<Output = T>) -> (Duration, T) {
    let begun = tokio::time::Instant::now();
    let done = run.await;
    (begun.elapsed(), done)
}

/// A clone of `service` that became ready.
pub(crate) async fn readied<S>(service: &S) -> S
where
    S: Service<Request<TestBody>, Error = BoxError> + Clone,
{
    let clone = service.clone();
    clone
        .ready_oneshot()
        .await
        .expect("no readiness error is scripted")
}

/// Polls `service` ready for the request type of these tests.
pub(crate) fn is_ready<S>(service: &mut S, task: &CountingWaker) -> bool
where
    S: Service<Request<TestBody>>,
{
    task.poll(|cx| service.poll_ready(cx)).is_ready()
}
