//! The configurations that are valid, up to each of the bounds.

use std::time::Duration;

use buttress_core::bulkhead::BulkheadConfig;
use buttress_core::queue::QueueConfig;
use buttress_core::shares::{PartitionsConfig, TenantsConfig};
use buttress_core::{Deadline, Ratio};

use crate::bulkhead::{Room, fifo};

const NANO: Duration = Duration::from_nanos(1);

fn refused(config: &BulkheadConfig) -> Option<&'static str> {
    config.check().err().map(|error| error.field())
}

#[test]
fn a_limit_and_a_queue_are_taken_up_to_their_bounds() {
    let most = QueueConfig::MAX_CAPACITY;
    assert_eq!(refused(&fifo(1, most)), None);
    assert_eq!(refused(&fifo(1, most + 1)), Some("queue"));
    assert_eq!(refused(&fifo(BulkheadConfig::MAX_LIMIT, 0)), None);
    assert_eq!(
        refused(&fifo(BulkheadConfig::MAX_LIMIT + 1, 0)),
        Some("limit")
    );
}

#[test]
fn a_reader_may_be_idle_from_a_millisecond_to_a_year() {
    let ms = Duration::from_millis(1);
    for good in [None, Some(ms), Some(Deadline::FURTHEST)] {
        assert_eq!(refused(&fifo(1, 0).reader_idle(good)), None, "{good:?}");
    }
    for bad in [Duration::ZERO, ms - NANO, Deadline::FURTHEST + NANO] {
        let config = fifo(1, 0).reader_idle(bad);
        assert_eq!(refused(&config), Some("reader_idle"), "{bad:?}");
    }
}

#[test]
fn the_queues_of_all_partitions_are_bounded_together() {
    let half = Ratio::HALF;
    let partitions = PartitionsConfig::default().share("a", half);
    let shared = |queue| fifo(4, queue).partitions(partitions.clone());
    // Two queues: one of the partition, and one of the calls without a partition.
    assert_eq!(refused(&shared(QueueConfig::MAX_CAPACITY / 2)), None);
    assert_eq!(
        refused(&shared(QueueConfig::MAX_CAPACITY / 2 + 1)),
        Some("queue")
    );
}

#[test]
fn a_call_has_one_key() {
    let tenants = fifo(4, 0).tenants(TenantsConfig::default());
    assert_eq!(refused(&tenants), None);
    let both = tenants.partitions(PartitionsConfig::default().share("a", Ratio::HALF));
    assert_eq!(refused(&both), Some("tenants"));
}

#[test]
fn what_is_wrong_with_the_tenants_is_found() {
    let no_buckets = TenantsConfig::default().buckets(0);
    assert_eq!(
        refused(&fifo(4, 0).tenants(no_buckets)),
        Some("tenants.buckets")
    );
}

#[test]
fn how_long_a_reader_may_be_idle_is_what_was_configured() {
    for idle in [None, Some(Duration::from_secs(7))] {
        let room = Room::new(fifo(1, 0).reader_idle(idle));
        assert_eq!(room.bulkhead.reader_idle(), idle);
    }
}
