use std::borrow::Cow;

use buttress_core::{Plain, WhenSaturated};
use buttress_http::{Http, Until};
use tower_layer::Layer;

use crate::{Bulkhead, BulkheadService, ByKey, ByPath, Upgrades};

/// Applies a [`Bulkhead`] to a service.
///
/// All services of all layers of one bulkhead share its slots, however often `layer` is called. See the [crate
/// docs](crate).
#[derive(Debug, Clone)]
pub struct BulkheadLayer<P = Plain> {
    bulkhead: Bulkhead,
    protocol: P,
    when_saturated: WhenSaturated,
}

impl BulkheadLayer {
    /// A call ends when its future is ready or dropped.
    #[must_use]
    pub fn new(bulkhead: &Bulkhead) -> Self {
        Self::with(bulkhead, Plain)
    }
}

impl BulkheadLayer<Http> {
    /// A call ends when the body of its response has ended, failed or been dropped.
    #[must_use]
    pub fn server(bulkhead: &Bulkhead) -> Self {
        Self::with(bulkhead, Http::server())
    }

    /// The same in front of a dependency: it bounds the calls to it, until their bodies have been read.
    #[must_use]
    pub fn client(bulkhead: &Bulkhead) -> Self {
        Self::with(bulkhead, Http::client())
    }

    /// Sets when a call ends: at the end of the body (the default), or at the head of the response.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.protocol = self.protocol.until(until);
        self
    }

    /// Distinguishes calls by the first segment of their path, with its slash, for
    /// [partitions](crate::BulkheadConfig::partitions) with such names. `/checkout/42` is in `/checkout`; for gRPC it
    /// is the service.
    #[must_use]
    pub fn by_path(self) -> BulkheadLayer<ByPath> {
        BulkheadLayer {
            bulkhead: self.bulkhead,
            protocol: ByPath {
                protocol: self.protocol,
            },
            when_saturated: self.when_saturated,
        }
    }
}

impl<P> BulkheadLayer<P> {
    /// Reads the end of a call with a custom protocol.
    #[must_use]
    pub fn with(bulkhead: &Bulkhead, protocol: P) -> Self {
        Self {
            bulkhead: bulkhead.clone(),
            protocol,
            when_saturated: WhenSaturated::default(),
        }
    }

    /// Distinguishes calls by the key that `key` returns: the name of one of the
    /// [partitions](crate::BulkheadConfig::partitions), or the tenant if the limit is shared by
    /// [tenants](crate::BulkheadConfig::tenants). It is called only if there are any, and should return a value that
    /// callers cannot choose freely.
    #[must_use]
    pub fn key<Req, F>(self, key: F) -> BulkheadLayer<ByKey<F, P>>
    where
        F: Fn(&Req) -> Cow<'_, str> + Clone,
    {
        BulkheadLayer {
            bulkhead: self.bulkhead,
            protocol: ByKey {
                key,
                protocol: self.protocol,
            },
            when_saturated: self.when_saturated,
        }
    }

    /// Adds a [`BulkheadHold`](crate::BulkheadHold) to requests for an upgrade, with which the handler can keep the
    /// slot for as long as the connection lasts.
    #[must_use]
    pub fn upgrades(self) -> BulkheadLayer<Upgrades<P>> {
        BulkheadLayer {
            bulkhead: self.bulkhead,
            protocol: Upgrades::new(self.protocol),
            when_saturated: self.when_saturated,
        }
    }

    /// Sets what `poll_ready` returns while there is no free slot. The default is [`Reject`](WhenSaturated::Reject).
    ///
    /// With [`Unready`](WhenSaturated::Unready), the service waits in `poll_ready` for a free slot, without a limit,
    /// and then holds it until it is called or dropped, or the inner service is not ready. So a clone that is ready
    /// but not called takes a slot from others: use it only if calls follow readiness at once. If the
    /// [mode](crate::BulkheadConfig::mode) does not enforce for all calls, or the limit is shared by partitions or
    /// tenants, this is the same as [`Reject`](WhenSaturated::Reject).
    #[must_use]
    pub fn when_saturated(mut self, when_saturated: WhenSaturated) -> Self {
        self.when_saturated = when_saturated;
        self
    }
}

impl<P> BulkheadLayer<P> {
    pub(crate) fn parts(&self) -> (&Bulkhead, &P) {
        (&self.bulkhead, &self.protocol)
    }
}

impl<S, P: Clone> Layer<S> for BulkheadLayer<P> {
    type Service = BulkheadService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        BulkheadService::new(
            inner,
            self.bulkhead.clone(),
            self.protocol.clone(),
            self.when_saturated,
        )
    }
}
