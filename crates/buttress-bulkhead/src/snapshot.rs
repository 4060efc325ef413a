use std::ops::Deref;

use buttress_core::Name;
use buttress_core::bulkhead::BulkheadSnapshot as Snapshot;

/// A snapshot of a bulkhead: its name, and its [slots](Snapshot).
///
/// With the feature `serde` it can be serialized, durations in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkheadSnapshot {
    /// The name of the bulkhead.
    pub name: Name,
    /// The slots.
    pub bulkhead: Snapshot,
}

impl Deref for BulkheadSnapshot {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.bulkhead
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for BulkheadSnapshot {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let oldest = self.oldest_wait.map(|waited| waited.as_secs_f64() * 1e3);
        let mut out = serializer.serialize_struct("BulkheadSnapshot", 8)?;
        out.serialize_field("name", self.name.as_str())?;
        out.serialize_field("mode", &self.mode.to_string())?;
        out.serialize_field("limit", &self.limit)?;
        out.serialize_field("in_flight", &self.in_flight)?;
        out.serialize_field("queued", &self.queued)?;
        out.serialize_field("oldest_wait_ms", &oldest)?;
        out.serialize_field("congested", &self.congested)?;
        let partitions: Vec<_> = self.partitions.iter().map(Partition).collect();
        out.serialize_field("partitions", &partitions)?;
        out.end()
    }
}

#[cfg(feature = "serde")]
struct Partition<'a>(&'a buttress_core::shares::PartitionSnapshot);

#[cfg(feature = "serde")]
impl serde::Serialize for Partition<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let Self(partition) = self;
        let mut out = serializer.serialize_struct("PartitionSnapshot", 4)?;
        out.serialize_field("name", &partition.name.as_ref().map(|name| name.as_str()))?;
        out.serialize_field("share", &partition.share)?;
        out.serialize_field("in_flight", &partition.in_flight)?;
        out.serialize_field("queued", &partition.queued)?;
        out.end()
    }
}
