//! Code that runs while the lock is not held: in a caller's closures, in a waker, and between a grant and its waiter.

use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};

use buttress_core::bulkhead::{Admission, Bulkhead, Waiter};
use buttress_core::queue::WaitParams;

use crate::bulkhead::{Answer, Room, admitted, fifo};

#[test]
fn a_slot_that_becomes_free_while_the_terms_are_read_is_taken() {
    let room = Room::new(fifo(1, 1));
    let permit = room.enter();
    let admission = room.bulkhead.acquire(
        || 0,
        || {
            room.end(permit);
            WaitParams::default()
        },
        || room.now,
    );
    let Admission::Admitted { permit, .. } = admission else {
        panic!("{admission:?}");
    };
    room.end(permit);
    assert_eq!(room.in_flight(), 0);
}

/// Runs a closure once, when it is woken.
struct Bell<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send + 'static> Wake for Bell<F> {
    fn wake(self: Arc<Self>) {
        let ring = self.0.lock().expect("no panic").take();
        ring.into_iter().for_each(|ring| ring());
    }
}

#[test]
fn a_shortage_does_not_end_while_a_call_waits() {
    let now = crate::bulkhead::epoch();
    let bulkhead = Arc::new(Bulkhead::new(fifo(8, 8), now).expect("valid"));
    let ask = |bulkhead: &Bulkhead| match bulkhead.try_acquire() {
        Some(permit) => Answer::In(permit),
        None => match bulkhead.acquire(|| 0, WaitParams::default, || now) {
            Admission::Admitted { permit, .. } => Answer::In(permit),
            Admission::Waiting(waiter) => Answer::Waits(waiter),
            Admission::Rejected(reason) => Answer::No(reason),
        },
    };
    let wait = |bulkhead: &Bulkhead| match ask(bulkhead) {
        Answer::Waits(waiter) => waiter,
        other => panic!("{other:?}"),
    };
    let permits: Vec<_> = (0..8).map(|_| ask(&bulkhead)).collect();
    let places: [Waiter; 3] = std::array::from_fn(|_| wait(&bulkhead));
    let [first, second, leaves] = places;
    // When the first is woken, three slots are left, the second has not been admitted, and the third leaves.
    let newcomer = Arc::new(Mutex::new(None));
    let ring = {
        let (bulkhead, newcomer) = (Arc::clone(&bulkhead), Arc::clone(&newcomer));
        move || {
            bulkhead.leave(leaves, || now);
            *newcomer.lock().expect("no panic") =
                Some(bulkhead.acquire(|| 0, WaitParams::default, || now));
        }
    };
    let waker = Waker::from(Arc::new(Bell(Mutex::new(Some(ring)))));
    assert!(matches!(first.poll(&waker), Poll::Pending));
    bulkhead.reconfigure(fifo(12, 8), now).expect("valid");
    let newcomer = newcomer.lock().expect("no panic").take();
    let Some(Admission::Waiting(newcomer)) = newcomer else {
        panic!("it overtakes the second: {newcomer:?}");
    };
    for waiter in [&first, &second, &newcomer] {
        bulkhead.release(admitted(waiter), || now);
    }
    for answer in permits {
        let Answer::In(permit) = answer else {
            panic!("{answer:?}");
        };
        bulkhead.release(permit, || now);
    }
    assert_eq!(bulkhead.snapshot(now).in_flight, 0);
}

#[test]
fn a_shortage_ends_when_a_quarter_of_the_limit_is_free() {
    let room = Room::new(fifo(8, 8));
    let mut permits: Vec<_> = (0..8).map(|_| room.enter()).collect();
    let waiter = room.wait();
    room.leave(waiter);
    room.end(permits.pop().expect("eight"));
    assert!(room.bulkhead.try_acquire().is_none(), "one is not enough");
    room.end(permits.pop().expect("eight"));
    // One more call takes the lock, and moves some tokens to the stripe for the calls after it.
    permits.push(room.enter());
    room.end(permits.pop().expect("seven"));
    let at_hand = room.bulkhead.try_acquire();
    permits.push(at_hand.expect("the stripes are open again"));
    permits.into_iter().for_each(|permit| room.end(permit));
    assert_eq!(room.in_flight(), 0);
}
