use std::ops::Deref;

use buttress_core::Name;
use buttress_core::shed::ShedSnapshot as Snapshot;

/// A snapshot of a shedder: its name, and [the rest](Snapshot).
///
/// With the feature `serde` it can be serialized, durations in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct ShedSnapshot {
    /// The name of the shedder.
    pub name: Name,
    /// The rest of the snapshot.
    pub shed: Snapshot,
}

impl Deref for ShedSnapshot {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.shed
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ShedSnapshot {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        let throttle = self.throttle.unwrap_or_default();
        let mut out = serializer.serialize_struct("ShedSnapshot", 13)?;
        out.serialize_field("name", self.name.as_str())?;
        out.serialize_field("mode", &self.mode.to_string())?;
        out.serialize_field("limit", &self.limit.limit)?;
        out.serialize_field("searching", &self.limit.searching)?;
        out.serialize_field("in_flight", &self.in_flight)?;
        out.serialize_field("queued", &self.queued)?;
        out.serialize_field("oldest_wait_ms", &self.oldest_wait.map(millis))?;
        out.serialize_field("congested", &self.congested)?;
        out.serialize_field("margin_ms", &millis(self.margin))?;
        out.serialize_field("sent", &throttle.sent)?;
        out.serialize_field("accepted", &throttle.accepted)?;
        out.serialize_field("refused", &throttle.refused)?;
        out.serialize_field("least_criticality", self.least.as_str())?;
        out.end()
    }
}
