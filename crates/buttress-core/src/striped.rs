use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::stripe::{self, StripeIndex};

/// A shared value that many threads can hold for the length of a call without waiting for each other.
///
/// An `Arc` has one reference count, and threads that clone it on every call contend for its cache line. Here each
/// processor has a count of its own: [`lease`](Self::lease) takes the one of the current thread. Cloning the `Striped`
/// itself is as cheap as cloning an `Arc`, and as contended.
///
/// Beside the value, each stripe has a `local`: the part of the value for that stripe, found without a search.
pub struct Striped<T, L = ()> {
    stripes: Arc<[Lease<T, L>]>,
}

/// The value of a [`Striped`], held for as long as needed, on any thread.
pub struct Lease<T, L = ()>(Arc<Stripe<T, L>>);

/// Aligned so that no two counts share a line, nor a pair of lines that are fetched together.
#[repr(align(128))]
struct Stripe<T, L> {
    value: Arc<T>,
    local: L,
}

impl<T> Striped<T> {
    /// Shares `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::with(value, |_, _| ())
    }
}

impl<T, L> Striped<T, L> {
    /// Shares `value`, with a `local` part for each stripe.
    #[must_use]
    pub fn with(value: T, local: impl Fn(&T, StripeIndex) -> L) -> Self {
        let value = Arc::new(value);
        let stripe = |stripe| Stripe {
            value: Arc::clone(&value),
            local: local(&value, stripe),
        };
        Self {
            stripes: StripeIndex::all()
                .map(|index| Lease(Arc::new(stripe(index))))
                .collect(),
        }
    }

    /// Holds the value through the count of the current thread.
    #[inline]
    #[must_use]
    pub fn lease(&self) -> Lease<T, L> {
        self.stripes[stripe::current(self.stripes.len())].clone()
    }

    /// Whether there are other handles of the value. [Leases](Lease) do not count.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.stripes) > 1
    }

    /// Whether two handles share one value.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.stripes, &other.stripes)
    }
}

impl<T, L> Clone for Striped<T, L> {
    fn clone(&self) -> Self {
        Self {
            stripes: Arc::clone(&self.stripes),
        }
    }
}

impl<T, L> Deref for Striped<T, L> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.stripes[0]
    }
}

impl<T: fmt::Debug, L> fmt::Debug for Striped<T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T, L> Lease<T, L> {
    /// The local part of the stripe that the lease was taken from.
    #[inline]
    #[must_use]
    pub fn local(&self) -> &L {
        &self.0.local
    }
}

impl<T, L> Clone for Lease<T, L> {
    #[inline]
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, L> Deref for Lease<T, L> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Debug, L> fmt::Debug for Lease<T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lease_is_of_the_one_value() {
        let shared = Striped::new(7);
        let leases: Vec<_> = (0..8)
            .map(|_| {
                let shared = shared.clone();
                std::thread::spawn(move || shared.lease())
            })
            .map(|thread| thread.join().unwrap())
            .collect();
        assert!(leases.iter().all(|lease| std::ptr::eq(&**lease, &*shared)));
    }

    #[test]
    fn other_handles_are_seen_and_leases_are_not() {
        let shared = Striped::new(7);
        let other = shared.clone();
        assert!(shared.is_shared());
        drop(other);
        let _lease = shared.lease();
        assert!(!shared.is_shared());
    }

    #[test]
    fn a_lease_outlives_its_handle() {
        let lease = Striped::new(String::from("kept")).lease();
        assert_eq!(*lease, "kept");
    }
}
