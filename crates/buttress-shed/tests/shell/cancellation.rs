use buttress_testkit::CountingWaker;

use crate::support::{begin, behind, call, request, shedder, slow};

const POLLS: usize = 3;

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_poll_gives_its_place_back() {
    let shedder = shedder(1, 0);
    let (service, probe) = behind(&shedder);
    let task = CountingWaker::new();
    for polls in 0..POLLS {
        probe.script(slow(POLLS));
        let mut future = begin(&service, request());
        for _ in 0..polls {
            assert!(task.poll_future(future.as_mut()).is_pending());
        }
        assert_eq!(shedder.snapshot().in_flight, 1);
        drop(future);
        assert_eq!((probe.in_flight(), shedder.snapshot().in_flight), (0, 0));
    }
    call(&service, request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_and_goes_away_leaves_the_queue_and_passes_the_place_on() {
    let shedder = shedder(1, 2);
    let (service, probe) = behind(&shedder);
    probe.script(slow(POLLS));
    let inside = begin(&service, request());
    let waiting = begin(&service, request());
    let mut next = begin(&service, request());
    assert_eq!(shedder.snapshot().queued, 2);

    // It is its turn, and nobody is there to hear it.
    drop(inside);
    drop(waiting);
    let task = CountingWaker::new();
    assert_eq!(shedder.snapshot().queued, 0);
    while task.poll_future(next.as_mut()).is_pending() {}
    drop(next);
    assert_eq!(shedder.snapshot().in_flight, 0);
}
