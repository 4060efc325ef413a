//! Reads what was recorded.

// Each test binary uses its own part.
#![allow(dead_code)]

use std::collections::BTreeMap;

use buttress_core::circuit::{Cause, CircuitState, Transition};
use metrics::{SharedString, Unit};
use metrics_util::debugging::{DebugValue, Snapshotter};
use metrics_util::{CompositeKey, MetricKind};

pub(crate) const fn step(from: CircuitState, to: CircuitState, cause: Cause) -> Transition {
    Transition {
        from,
        to,
        cause,
        open_for: None,
    }
}

/// One reading of a recorder. A `DebuggingRecorder` resets to 0 with each reading.
pub(crate) struct Recorded(Vec<Series>);

type Series = (CompositeKey, Option<Unit>, Option<SharedString>, DebugValue);

impl Recorded {
    pub(crate) fn read(recorder: &Snapshotter) -> Self {
        Self(recorder.snapshot().into_vec())
    }

    /// Returns the value of one series, by its name and the values of its labels, in the declared order.
    pub(crate) fn value(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let mut found = self.0.iter().filter(|(key, ..)| {
            let key = key.key();
            key.name() == name
                && key
                    .labels()
                    .map(|label| label.value())
                    .eq(labels.iter().copied())
        });
        let (.., value) = found.next()?;
        Some(number(value))
    }

    /// Returns all series of a metric that are not 0, by the values of their labels.
    pub(crate) fn nonzero(&self, name: &str) -> BTreeMap<String, f64> {
        let series = self.0.iter().filter(|(key, ..)| key.key().name() == name);
        series
            .map(|(key, _, _, value)| {
                let labels: Vec<_> = key.key().labels().map(|label| label.value()).collect();
                (labels.join(" "), number(value))
            })
            .filter(|(_, value)| *value != 0.0)
            .collect()
    }

    /// Returns the description of each metric: kind, unit, text and labels.
    pub(crate) fn described(
        &self,
    ) -> BTreeMap<String, (MetricKind, Option<Unit>, String, Vec<String>)> {
        self.0
            .iter()
            .map(|(key, unit, text, _)| {
                let labels = key.key().labels().map(|label| label.key().to_owned());
                let text = text.as_ref().map(ToString::to_string).unwrap_or_default();
                let described = (key.kind(), *unit, text, labels.collect());
                (key.key().name().to_owned(), described)
            })
            .collect()
    }
}

fn number(value: &DebugValue) -> f64 {
    match value {
        DebugValue::Counter(count) => *count as f64,
        DebugValue::Gauge(level) => level.into_inner(),
        DebugValue::Histogram(_) => f64::NAN,
    }
}
