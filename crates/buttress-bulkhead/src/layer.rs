use std::borrow::Cow;

use buttress_core::{Plain, WhenSaturated};
use buttress_http::{Http, Until};
use tower_layer::Layer;

use crate::{Bulkhead, BulkheadService, ByKey, ByPath, Upgrades};

/// Puts a [`Bulkhead`] in front of a service.
///
/// All services made by layers of one bulkhead share its slots, however often `layer` is called. See the
/// [crate docs](crate).
#[derive(Debug, Clone)]
pub struct BulkheadLayer<P = Plain> {
    bulkhead: Bulkhead,
    protocol: P,
    when_saturated: WhenSaturated,
}

impl BulkheadLayer {
    /// A call lasts until its future is ready or dropped.
    #[must_use]
    pub fn new(bulkhead: &Bulkhead) -> Self {
        Self::with_protocol(bulkhead, Plain)
    }
}

impl BulkheadLayer<Http> {
    /// A call lasts until the body of its response has ended, failed or been dropped.
    #[must_use]
    pub fn http(bulkhead: &Bulkhead) -> Self {
        Self::with_protocol(bulkhead, Http::default())
    }

    /// How long a call lasts: until the end of the body (the default), or until the head of the response.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.protocol = self.protocol.until(until);
        self
    }

    /// Tells calls apart by the first segment of their path, with its slash: for
    /// [partitions](crate::BulkheadConfig::partitions) that are called so. `/checkout/42` is in `/checkout`; of gRPC it is
    /// the service.
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
    /// Takes the length of a call from a protocol of your own.
    #[must_use]
    pub fn with_protocol(bulkhead: &Bulkhead, protocol: P) -> Self {
        Self {
            bulkhead: bulkhead.clone(),
            protocol,
            when_saturated: WhenSaturated::default(),
        }
    }

    /// Distinguishes calls by the key that `key` finds: the name of one of the
    /// [partitions](crate::BulkheadConfig::partitions), or the tenant where the limit is shared by
    /// [tenants](crate::BulkheadConfig::tenants). It is called only where there are such, and should be a value that
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

    /// Lets requests that ask for an upgrade take a [`BulkheadHold`](crate::BulkheadHold) along, with which the handler can
    /// keep the slot for as long as the connection lasts.
    #[must_use]
    pub fn upgrades(self) -> BulkheadLayer<Upgrades<P>> {
        BulkheadLayer {
            bulkhead: self.bulkhead,
            protocol: Upgrades::new(self.protocol),
            when_saturated: self.when_saturated,
        }
    }

    /// What `poll_ready` says while there is no slot.
    ///
    /// With [`Unready`](WhenSaturated::Unready), it is not ready until there is a free slot, waits for that without a
    /// bound, and then holds the slot until it is called or dropped, or the inner service turns out not to be ready. So
    /// a clone that became ready and is kept for later takes a slot from others: use it where calls follow readiness at
    /// once. Where the [mode](crate::BulkheadConfig::mode) does not enforce for all calls, or the limit is shared by
    /// partitions or tenants, it is as [`Reject`](WhenSaturated::Reject).
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
