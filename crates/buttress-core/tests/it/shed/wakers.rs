use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use buttress_core::shed::{Admission, Call, Shed, ShedConfig};

/// An executor that runs immediately on the thread that wakes it, and calls the shedder.
struct AtOnce {
    shed: Shed,
    limits: Mutex<Vec<u64>>,
}

impl Wake for AtOnce {
    fn wake(self: Arc<Self>) {
        let config = self.shed.config();
        let more = self.shed.reconfigure(config, Instant::now());
        let limit = more.map_or(0, |()| self.shed.limit());
        self.limits.lock().expect("not poisoned").push(limit);
    }
}

/// Waking runs foreign code, which may call the shedder.
#[test]
fn a_waiter_admitted_by_a_higher_limit_may_use_the_shedder_at_once() {
    let (done, is_done) = mpsc::channel();
    // On another thread, so that a deadlock fails the test by its timeout.
    thread::spawn(move || {
        let now = Instant::now();
        let config = ShedConfig::default().queue(4).max_wait(None);
        let shed = Shed::new(config.clone().limit(1), 7, now).expect("valid");
        let it = Arc::new(AtOnce {
            shed,
            limits: Mutex::default(),
        });
        let ask = || it.shed.admit(Call::default(), || 0, || now);
        let (first, second) = (ask(), ask());
        let Admission::Waiting(waiter) = second else {
            panic!("there is one slot");
        };
        let waker = Waker::from(Arc::clone(&it));
        let poll = || it.shed.poll(&waiter, &waker, || 0, || now);
        assert!(poll().is_pending());
        it.shed.reconfigure(config.limit(2), now).expect("valid");
        let answer = poll();
        assert!(matches!(answer, Poll::Ready(Ok(_))), "{answer:?}");
        let limits = it.limits.lock().expect("not poisoned").clone();
        drop(first);
        done.send(limits)
    });
    let limits = is_done.recv_timeout(Duration::from_secs(30));
    assert_eq!(limits, Ok(vec![2]));
}
