use std::ops::Deref;

use buttress_core::Name;
use buttress_core::circuit::CircuitSnapshot;

/// A snapshot of a breaker: its name, and its [circuit](CircuitSnapshot).
///
/// With the feature `serde` it can be serialized, durations in milliseconds and ratios as numbers from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerSnapshot {
    /// The name of the breaker.
    pub name: Name,
    /// The key of the breaker, if it belongs to a [set](crate::Breakers).
    pub key: Option<Name>,
    /// The circuit.
    pub circuit: CircuitSnapshot,
}

impl Deref for BreakerSnapshot {
    type Target = CircuitSnapshot;

    fn deref(&self) -> &CircuitSnapshot {
        &self.circuit
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for BreakerSnapshot {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let circuit = &self.circuit;
        let next_probe = circuit.next_probe_in.map(|left| left.as_secs_f64() * 1e3);
        let mut out = serializer.serialize_struct("BreakerSnapshot", 15)?;
        out.serialize_field("name", self.name.as_str())?;
        out.serialize_field("key", &self.key.as_ref().map(Name::as_str))?;
        out.serialize_field("state", circuit.state.as_str())?;
        out.serialize_field("mode", &circuit.mode.to_string())?;
        out.serialize_field("calls", &circuit.counts.calls)?;
        out.serialize_field("failures", &circuit.counts.failures)?;
        out.serialize_field("slow_calls", &circuit.counts.slow)?;
        out.serialize_field("failure_ratio", &circuit.counts.failure_ratio())?;
        out.serialize_field("slow_call_ratio", &circuit.counts.slow_ratio())?;
        out.serialize_field("consecutive_failures", &circuit.consecutive_failures)?;
        out.serialize_field("probes_under_way", &circuit.probes_under_way)?;
        out.serialize_field("admitted", &circuit.admitted.get())?;
        out.serialize_field("next_probe_in_ms", &next_probe)?;
        out.serialize_field("reopenings", &circuit.reopenings)?;
        out.serialize_field("isolations", &circuit.isolations)?;
        out.end()
    }
}
