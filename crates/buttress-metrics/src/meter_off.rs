//! [`Meter`] and related types without the feature `metrics`: types without values or without a size.
//!
//! There is never a recorder, and so never a handle. The compiler knows this and removes the code for it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::marker::PhantomData;

use buttress_core::Name;

use crate::names::Metric;

pub(crate) type Labels = Vec<(&'static str, Cow<'static, str>)>;

#[derive(Debug)]
pub(crate) struct Meter<H>(PhantomData<fn() -> H>);

impl<H> Meter<H> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }

    #[inline]
    pub(crate) fn handles(&self) -> Option<&H> {
        None
    }

    #[inline]
    pub(crate) fn find(&self, _: Option<&Name>, _: impl Fn(&Registrar<'_>) -> H) -> Option<&H> {
        None
    }
}

pub(crate) struct Registrar<'a>(Infallible, PhantomData<&'a ()>);

impl Registrar<'_> {
    pub(crate) fn counter(&self, _: &'static Metric) -> Counter {
        match self.0 {}
    }

    pub(crate) fn counters<K, const N: usize>(
        &self,
        _: &'static Metric,
        _: [K; N],
        _: fn(K) -> Labels,
    ) -> [Counter; N] {
        match self.0 {}
    }

    pub(crate) fn family<K>(
        &self,
        _: &'static Metric,
        _: impl IntoIterator<Item = K>,
        _: fn(K) -> Labels,
    ) -> Family<K> {
        match self.0 {}
    }

    pub(crate) fn gauges<K, const N: usize>(
        &self,
        _: &'static Metric,
        _: [K; N],
        _: fn(K) -> Labels,
    ) -> [Gauge; N] {
        match self.0 {}
    }

    pub(crate) fn gauge(&self, _: &'static Metric) -> Gauge {
        match self.0 {}
    }

    pub(crate) fn histogram(&self, _: &'static Metric) -> Histogram {
        match self.0 {}
    }
}

#[derive(Debug)]
pub(crate) struct Counter;

impl Counter {
    pub(crate) fn increment(&self, _: u64) {}
}

#[derive(Debug)]
pub(crate) struct Gauge;

impl Gauge {
    pub(crate) fn increment(&self, _: f64) {}
}

#[derive(Debug)]
pub(crate) struct Histogram;

impl Histogram {
    pub(crate) fn record(&self, _: f64) {}
}

#[derive(Debug)]
pub(crate) struct Family<K>(Infallible, PhantomData<K>);

impl<K> Family<K> {
    pub(crate) fn increment(&self, _: K) {
        match self.0 {}
    }
}

#[derive(Debug)]
pub(crate) struct GaugeDelta;

impl GaugeDelta {
    pub(crate) const fn new(_: i64) -> Self {
        Self
    }

    pub(crate) fn add(&self, _: i64) {}

    pub(crate) fn set(&self, _: i64) {}

    pub(crate) fn clear(&mut self) {}

    pub(crate) fn show(&self, _: &Gauge) {}
}
