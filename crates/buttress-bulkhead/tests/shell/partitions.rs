//! A limit that is shared by partitions, or by tenants.

use std::borrow::Cow;

use ::http::Request;
use buttress_bulkhead::{
    Bulkhead, BulkheadConfig, BulkheadLayer, ByKey, PartitionsConfig, TenantsConfig, WhenSaturated,
};
use buttress_core::{Ratio, Reason};
use buttress_http::Http;
use buttress_testkit::{CountingWaker, Gate, Script, TestBody};

use crate::support::{Scene, config, gated, poll_ready, request};

type Key = fn(&Request<TestBody>) -> Cow<'_, str>;

/// The partition of a request, taken from its path.
fn path(request: &Request<TestBody>) -> Cow<'_, str> {
    request.uri().path()[1..].into()
}

fn scene(config: BulkheadConfig) -> Scene<ByKey<Key, Http>> {
    Scene::behind(config, |bulkhead| {
        BulkheadLayer::server(bulkhead).key(path as Key)
    })
}

fn halves() -> PartitionsConfig {
    PartitionsConfig::default()
        .share("checkout", Ratio::HALF)
        .share("search", Ratio::percent(25))
}

fn to(name: &str) -> Request<TestBody> {
    let mut request = request();
    *request.uri_mut() = format!("/{name}").parse().expect("a path");
    request
}

/// The calls in flight and the waiters of each partition; the rest first.
fn parts<P>(scene: &Scene<P>) -> Vec<(u64, usize)> {
    let snapshot = scene.bulkhead.snapshot();
    let parts = snapshot.partitions.iter();
    parts.map(|part| (part.in_flight, part.queued)).collect()
}

#[tokio::test(start_paused = true)]
async fn unused_slots_are_lent_and_returned() {
    let scene = scene(config(4, 8).partitions(halves()));
    let mut searching: Vec<_> = (0..4).map(|_| scene.call_with(to("search"))).collect();
    assert!(searching.iter().all(|call| call.is_inside()));
    let mut more = scene.call_with(to("search"));
    let mut buying = [to("checkout"), to("checkout")].map(|request| scene.call_with(request));
    assert_eq!(parts(&scene), [(0, 0), (0, 2), (4, 1)]);

    // The first waiter continues to wait, because it would borrow.
    searching.pop().expect("four").finish();
    assert!(buying[0].is_admitted());
    searching.pop().expect("four").finish();
    assert!(buying[1].is_admitted());
    assert_eq!(parts(&scene), [(0, 0), (2, 0), (2, 1)]);
    assert!(!more.is_admitted());
    searching.pop().expect("four").finish();
    assert!(more.is_admitted());
    assert_eq!(scene.counts(), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_partition_keeps_its_slot_until_the_end_of_the_body() {
    let scene = scene(config(4, 0).partitions(halves().share("images", Ratio::percent(25))));
    let gate = Gate::new();
    scene.probe.script_next(Script::new().ok(gated(&gate)));
    let response = scene.call_with(to("search")).finish();
    assert_eq!(parts(&scene), [(0, 0), (0, 0), (1, 0), (0, 0)]);
    drop(response);
    assert_eq!(parts(&scene), [(0, 0); 4]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_or_fails_returns_its_slot_to_its_partition() {
    let scene = scene(config(4, 8).partitions(halves()));
    let mut inside: Vec<_> = (0..4).map(|_| scene.call_with(to("checkout"))).collect();
    let [first, mut second] = [(); 2].map(|()| scene.call_with(to("search")));
    inside.pop();
    assert_eq!(parts(&scene), [(0, 0), (3, 0), (1, 1)]);
    // It was admitted and has not been polled: its slot goes to the next call.
    drop(first);
    assert!(second.is_admitted());
    assert_eq!(parts(&scene), [(0, 0), (3, 0), (1, 0)]);
    drop((second, inside));
    assert_eq!(parts(&scene), [(0, 0); 3]);
}

#[tokio::test(start_paused = true)]
async fn partitions_change_while_calls_are_in_flight() {
    let scene = scene(config(4, 8));
    assert_eq!(parts(&scene), []);
    let before = scene.call_with(to("checkout"));
    scene
        .bulkhead
        .reconfigure(config(4, 8).partitions(halves()))
        .unwrap();
    // Calls that were admitted without a name belong to the rest.
    let named = scene.call_with(to("checkout"));
    assert_eq!(parts(&scene), [(1, 0), (1, 0), (0, 0)]);

    scene.bulkhead.reconfigure(config(4, 8)).unwrap();
    let after = scene.call_with(to("checkout"));
    assert_eq!(scene.counts(), (3, 0));
    scene
        .bulkhead
        .reconfigure(config(8, 8).partitions(halves()))
        .unwrap();
    assert_eq!(parts(&scene), [(2, 0), (1, 0), (0, 0)]);
    for call in [before, named, after] {
        call.finish();
    }
    assert_eq!(parts(&scene), [(0, 0); 3]);
    let shares: Vec<_> = {
        let snapshot = scene.bulkhead.snapshot();
        snapshot.partitions.iter().map(|part| part.share).collect()
    };
    assert_eq!(shares, [2, 4, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_layer_without_a_key_is_in_the_rest() {
    let scene = Scene::new(config(4, 8).partitions(halves()));
    let _inside = scene.calls::<4>();
    assert_eq!(parts(&scene), [(4, 0), (0, 0), (0, 0)]);
}

/// The owner of a call is known when it is made, so a service does not wait for a slot before that.
#[tokio::test(start_paused = true)]
async fn clones_do_not_wait_before_their_calls() {
    let scene = Scene::behind(
        config(1, 0).partitions(PartitionsConfig::default().share("a", Ratio::ONE)),
        |bulkhead| BulkheadLayer::new(bulkhead).when_saturated(WhenSaturated::Unready),
    );
    let _inside = scene.call();
    let task = CountingWaker::new();
    assert!(poll_ready(&mut scene.service.clone(), &task).is_ready());
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));
}

/// The key is not called unless it is needed.
#[tokio::test(start_paused = true)]
async fn the_key_is_read_only_if_calls_are_distinguished() {
    let panics: Key = |_| panic!("not called");
    let behind = |config| {
        Scene::behind(config, |bulkhead| {
            BulkheadLayer::server(bulkhead).key(panics)
        })
    };
    let scene = behind(config(1, 0));
    let inside = scene.call();
    assert!(inside.is_inside());
    assert_eq!(scene.call().reason(), Some(Reason::BulkheadFull));

    // A panic of it reaches only its caller.
    let scene = behind(config(4, 0).partitions(halves()));
    let call = std::panic::AssertUnwindSafe(|| scene.call());
    assert!(std::panic::catch_unwind(|| call().is_inside()).is_err());
    assert_eq!(scene.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_tenant_cannot_take_all_slots() {
    let scene = scene(config(9, 0).tenants(TenantsConfig::default()));
    let _modest = scene.call_with(to("modest"));
    let mut greedy = Vec::new();
    loop {
        let call = scene.call_with(to("greedy"));
        if let Some(reason) = call.reason() {
            assert_eq!(reason, Reason::TenantOverShare);
            break;
        }
        greedy.push(call);
    }
    assert!(greedy.len() < 8, "{}", greedy.len());
    assert!(scene.call_with(to("modest")).is_inside());
    drop(greedy);
    assert!(scene.call_with(to("greedy")).is_inside());
}

#[test]
fn an_invalid_configuration_is_rejected_by_name() {
    let error = |config| Bulkhead::try_new("test", config).unwrap_err();
    let over = halves().share("images", Ratio::HALF);
    assert_eq!(
        error(config(4, 0).partitions(over)).to_string(),
        "partitions.share is 125% in all, but must be at most 100%"
    );
    assert_eq!(
        error(config(3, 0).partitions(halves())).to_string(),
        "partitions.share is 25% of 3 for \"search\", but must be one slot at least, or 0%"
    );
    assert_eq!(
        error(config(4, 0).partitions(halves().share("search", Ratio::ZERO))).field(),
        "partitions.name"
    );
    let both = config(4, 0)
        .partitions(halves())
        .tenants(TenantsConfig::default());
    assert_eq!(error(both).field(), "tenants");
}

/// Within a partition the same rules apply: more critical calls are first, and evict others from a full queue.
#[tokio::test(start_paused = true)]
async fn within_a_partition_more_critical_calls_are_first() {
    use buttress_core::{Criticality, TaskContext};

    let scene = scene(config(4, 2).partitions(halves()));
    let inside: Vec<_> = (0..4).map(|_| scene.call_with(to("search"))).collect();
    let by = |criticality| {
        TaskContext::default()
            .with_criticality(Some(criticality))
            .enter(|| scene.call_with(to("checkout")))
    };
    let [mut batch, mut displaced] = [Criticality::Low; 2].map(by);
    let mut user = by(Criticality::High);
    displaced.poll();
    assert_eq!(displaced.reason(), Some(Reason::QueueOverloaded));
    let mut inside = inside.into_iter();
    inside.next().expect("four").finish();
    assert!(user.is_admitted() && !batch.is_admitted());
    inside.next().expect("four").finish();
    assert!(batch.is_admitted());
}
