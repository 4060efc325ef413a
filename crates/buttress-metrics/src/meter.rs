//! Handles to instruments, looked up when there is a recorder, and kept.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use buttress_core::Name;
use metrics::{Key, Label, Level, Metadata, Recorder, Unit};

use crate::isolate::isolate;
use crate::names::{Kind, Metric};

/// The labels of one series, except the layer's name.
pub(crate) type Labels = Vec<(&'static str, Cow<'static, str>)>;

/// The handles of one instance, looked up at the first event with a recorder.
#[derive(Debug)]
pub(crate) struct Meter<H>(OnceLock<H>);

impl<H> Meter<H> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Returns the handles, if they have been looked up.
    #[inline]
    pub(crate) fn handles(&self) -> Option<&H> {
        self.0.get()
    }

    /// Looks up the handles, if there is a recorder.
    #[inline]
    pub(crate) fn find(
        &self,
        layer: Option<&Name>,
        register: impl Fn(&Registrar<'_>) -> H,
    ) -> Option<&H> {
        if has_recorder() {
            self.register(layer, register)
        } else {
            None
        }
    }

    /// Not `get_or_init`, which would block other threads while the recorder works, and deadlock if the recorder
    /// itself called through a layer. Concurrent threads register the same series twice, which every recorder must
    /// allow, and one of them is used.
    #[cold]
    fn register(&self, layer: Option<&Name>, register: impl Fn(&Registrar<'_>) -> H) -> Option<&H> {
        let handles = metrics::with_recorder(|recorder| {
            isolate(|| register(&Registrar { recorder, layer }))
        })?;
        let _ = self.0.set(handles);
        self.0.get()
    }
}

/// Whether a recorder is installed. `metrics` has no function for this, but its default recorder has no size, and is
/// a static. An installed recorder without a size is boxed, and such a box points to the first address of its
/// alignment, where there is no static.
#[inline]
fn has_recorder() -> bool {
    metrics::with_recorder(|recorder| {
        let address = std::ptr::from_ref(recorder).addr();
        size_of_val(recorder) > 0 || address == align_of_val(recorder)
    })
}

/// Describes and registers the instruments of one instance, with the name of its layer.
pub(crate) struct Registrar<'a> {
    recorder: &'a dyn Recorder,
    layer: Option<&'a Name>,
}

impl Registrar<'_> {
    pub(crate) fn counter(&self, metric: &'static Metric) -> Counter {
        self.describe(metric);
        self.register_counter(metric, Labels::new())
    }

    /// Registers a counter for each of `keys`, with their `labels`.
    pub(crate) fn counters<K, const N: usize>(
        &self,
        metric: &'static Metric,
        keys: [K; N],
        labels: fn(K) -> Labels,
    ) -> [Counter; N] {
        self.describe(metric);
        keys.map(|key| self.register_counter(metric, labels(key)))
    }

    /// Like [`counters`](Self::counters), for keys that are found by comparison, and including keys that are not
    /// listed.
    pub(crate) fn family<K: Copy + PartialEq>(
        &self,
        metric: &'static Metric,
        keys: impl IntoIterator<Item = K>,
        labels: fn(K) -> Labels,
    ) -> Family<K> {
        self.describe(metric);
        Family {
            metric,
            layer: self.layer.cloned(),
            labels,
            members: keys
                .into_iter()
                .map(|key| (key, self.register_counter(metric, labels(key))))
                .collect(),
        }
    }

    /// Registers a gauge for each of `keys`, with their `labels`.
    pub(crate) fn gauges<K, const N: usize>(
        &self,
        metric: &'static Metric,
        keys: [K; N],
        labels: fn(K) -> Labels,
    ) -> [Gauge; N] {
        self.describe(metric);
        keys.map(|key| {
            let key = self.key(metric, labels(key));
            Gauge(self.recorder.register_gauge(&key, &METADATA))
        })
    }

    pub(crate) fn gauge(&self, metric: &'static Metric) -> Gauge {
        let [gauge] = self.gauges(metric, [()], |()| Labels::new());
        gauge
    }

    pub(crate) fn histogram(&self, metric: &'static Metric) -> Histogram {
        self.describe(metric);
        let key = self.key(metric, Labels::new());
        Histogram(self.recorder.register_histogram(&key, &METADATA))
    }

    fn register_counter(&self, metric: &'static Metric, labels: Labels) -> Counter {
        let key = self.key(metric, labels);
        Counter(self.recorder.register_counter(&key, &METADATA))
    }

    fn key(&self, metric: &'static Metric, labels: Labels) -> Key {
        let layer = self
            .layer
            .map(|name| ("layer", Cow::from(name.to_string())));
        let labels: Vec<_> = layer
            .into_iter()
            .chain(labels)
            .map(|(name, value)| Label::new(name, value))
            .collect();
        Key::from_parts(metric.name, labels)
    }

    fn describe(&self, metric: &'static Metric) {
        let (name, text) = (metric.name.into(), metric.description.into());
        let unit = Unit::from_string(metric.unit);
        match metric.kind {
            Kind::Counter => self.recorder.describe_counter(name, unit, text),
            Kind::Gauge => self.recorder.describe_gauge(name, unit, text),
            Kind::Histogram => self.recorder.describe_histogram(name, unit, text),
        }
    }
}

/// A counter that catches its recorder's panics.
#[derive(Debug)]
pub(crate) struct Counter(metrics::Counter);

impl Counter {
    #[inline]
    pub(crate) fn increment(&self, by: u64) {
        isolate(|| self.0.increment(by));
    }
}

/// A gauge that catches its recorder's panics.
#[derive(Debug)]
pub(crate) struct Gauge(metrics::Gauge);

impl Gauge {
    pub(crate) fn increment(&self, by: f64) {
        isolate(|| self.0.increment(by));
    }
}

/// A histogram that catches its recorder's panics.
#[derive(Debug)]
pub(crate) struct Histogram(metrics::Histogram);

impl Histogram {
    pub(crate) fn record(&self, value: f64) {
        isolate(|| self.0.record(value));
    }
}

/// The counters of one metric, one for each value of its labels.
#[derive(Debug)]
pub(crate) struct Family<K> {
    metric: &'static Metric,
    layer: Option<Name>,
    labels: fn(K) -> Labels,
    members: Box<[(K, Counter)]>,
}

impl<K: Copy + PartialEq> Family<K> {
    /// Increments the counter of `key`.
    #[inline]
    pub(crate) fn increment(&self, key: K) {
        // There are few members, the most frequent first: a scan is faster than a hash.
        match self.members.iter().find(|(member, _)| *member == key) {
            Some((_, counter)) => counter.increment(1),
            None => self.increment_unlisted(key),
        }
    }

    /// Increments the counter of a key that is not listed, by a lookup.
    #[cold]
    fn increment_unlisted(&self, key: K) {
        let layer = self.layer.as_ref();
        metrics::with_recorder(|recorder| {
            let registrar = Registrar { recorder, layer };
            let counter = isolate(|| registrar.register_counter(self.metric, (self.labels)(key)));
            counter.inspect(|counter| counter.increment(1));
        });
    }
}

/// A level that is counted from the start, and shown on a gauge once there is one.
///
/// The gauge is changed by differences and never set. So threads may add and show in any order, and several levels on
/// one gauge are summed.
#[derive(Debug)]
pub(crate) struct GaugeDelta {
    level: AtomicI64,
    /// The difference that is not on the gauge yet.
    hidden: AtomicI64,
}

impl GaugeDelta {
    pub(crate) const fn new(level: i64) -> Self {
        Self {
            level: AtomicI64::new(level),
            hidden: AtomicI64::new(level),
        }
    }

    pub(crate) fn add(&self, change: i64) {
        self.level.fetch_add(change, Ordering::Relaxed);
        self.hidden.fetch_add(change, Ordering::SeqCst);
    }

    /// Sets the level.
    pub(crate) fn set(&self, level: i64) {
        let before = self.level.swap(level, Ordering::Relaxed);
        self.hidden
            .fetch_add(level.wrapping_sub(before), Ordering::SeqCst);
    }

    /// Sets the level to 0.
    pub(crate) fn clear(&mut self) {
        *self.hidden.get_mut() -= std::mem::take(self.level.get_mut());
    }

    pub(crate) fn show(&self, gauge: &Gauge) {
        let change = self.hidden.swap(0, Ordering::SeqCst);
        if change != 0 {
            gauge.increment(change as f64);
        }
    }
}

const METADATA: Metadata<'static> = Metadata::new("buttress", Level::INFO, None);
