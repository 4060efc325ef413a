use std::collections::BTreeMap;
use std::time::Duration;

use buttress_core::{Mode, Ratio, Reason};
use buttress_testkit::TestBody;
use http::Request;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::Layer;

use crate::support::{
    Witness, after, call, client, client_config, config, millis, only, reason, request, server,
    with_header,
};

/// Makes one call in a mode, and returns why it was rejected or ended, and the counts.
async fn one(mode: Mode, wait: u64, request: Request<TestBody>) -> (Option<Reason>, Counts) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let layer = server(config().timeout(millis(100)).mode(mode));
    let inner = after(millis(wait), &Witness::default());
    let service = metrics::with_local_recorder(&recorder, || layer.layer(inner));
    let result = call(service, request).await;
    (reason(&result), counted(&snapshotter))
}

type Counts = BTreeMap<String, u64>;

fn counted(snapshotter: &Snapshotter) -> Counts {
    let series = snapshotter.snapshot().into_vec().into_iter();
    series
        .filter_map(|(key, _, _, value)| match value {
            DebugValue::Counter(count) if count > 0 => {
                let labels = key.key().labels().map(|label| label.value().to_owned());
                let labels: Vec<_> = labels.collect();
                Some((format!("{} {}", key.key().name(), labels.join(" ")), count))
            }
            _ => None,
        })
        .collect()
}

fn counts(what: &str) -> Counts {
    Counts::from([(format!("buttress_deadline_{what}"), 1)])
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_enforces_counts_what_it_rejects_and_ends() {
    let expired = || with_header("grpc-timeout", "0n");
    let (reason, counted) = one(Mode::Enforce, 0, expired()).await;
    assert_eq!(reason, Some(Reason::DeadlineExpired));
    assert_eq!(counted, counts("rejections_total test deadline_expired"));

    let (reason, counted) = one(Mode::Enforce, 500, request()).await;
    assert_eq!(reason, Some(Reason::DeadlineExceeded));
    assert_eq!(counted, counts("exceeded_total test head"));

    let (reason, counted) = one(Mode::Enforce, 0, request()).await;
    assert_eq!((reason, counted), (None, Counts::new()));
}

#[tokio::test(start_paused = true)]
async fn shadow_counts_the_same_and_admits() {
    let expired = || with_header("grpc-timeout", "0n");
    let (reason, counted) = one(Mode::Shadow, 0, expired()).await;
    assert_eq!(reason, None);
    assert_eq!(counted, counts("would_reject_total test deadline_expired"));

    let (reason, counted) = one(Mode::Shadow, 500, request()).await;
    assert_eq!(reason, None);
    assert_eq!(counted, counts("would_reject_total test deadline_exceeded"));
}

#[tokio::test(start_paused = true)]
async fn off_does_nothing() {
    for (wait, request) in [(0, with_header("grpc-timeout", "0n")), (500, request())] {
        assert_eq!(one(Mode::Off, wait, request).await, (None, Counts::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_not_enforced_is_not_propagated() {
    for mode in [Mode::Off, Mode::Shadow, Mode::EnforceFor(Ratio::ZERO)] {
        let witness = Witness::default();
        let layer = server(config().timeout(millis(100)).mode(mode));
        let service = layer.layer(after(Duration::ZERO, &witness));
        call(service, request()).await.unwrap();
        let seen = only(&witness);
        assert_eq!((seen.task, seen.extension), (None, None), "{mode}");

        let witness = Witness::default();
        let layer = client(client_config().timeout(millis(100)).mode(mode));
        let service = layer.layer(after(Duration::ZERO, &witness));
        call(service, with_header("grpc-timeout", "9S"))
            .await
            .unwrap();
        let seen = only(&witness);
        assert_eq!(seen.task, None, "{mode}");
        assert_eq!(seen.headers.len(), 1, "{mode}");
        assert_eq!(seen.headers["grpc-timeout"], "9S", "{mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_enforced_share_of_calls_is_stable_by_identity() {
    let bound = async |id: &str, share| {
        let mode = Mode::EnforceFor(Ratio::percent(share));
        let mut request = with_header("x-request-id", id);
        request
            .headers_mut()
            .insert("grpc-timeout", "0n".parse().unwrap());
        one(mode, 0, request).await.0.is_some()
    };
    let mut shares = [0; 3];
    for id in 0..200 {
        let id = id.to_string();
        let few = bound(&id, 20).await;
        assert_eq!(
            few,
            bound(&id, 20).await,
            "the decision is stable for a call"
        );
        let many = bound(&id, 80).await;
        assert!(many || !few, "a larger share only adds calls");
        assert!(bound(&id, 100).await);
        shares[usize::from(few) + usize::from(many)] += 1;
    }
    assert!(shares.iter().all(|share| *share > 10), "{shares:?}");
}
