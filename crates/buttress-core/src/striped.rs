use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::stripe::{self, StripeIndex};

/// A shared value that many threads can hold for the length of a call without waiting for each other.
///
/// An `Arc` has one reference count, and threads that clone it on every call fight over its cache line. Here
/// each processor has a count of its own: [`lease`](Self::lease) takes the one of the current thread.
/// Cloning the `Striped` itself is as cheap as cloning an `Arc`, and as contended.
pub struct Striped<T> {
    stripes: Arc<[Lease<T>]>,
}

/// The value of a [`Striped`], held for as long as needed, on any thread.
pub struct Lease<T>(Arc<Stripe<T>>);

/// Aligned so that no two counts share a line, nor a pair of lines that are fetched together.
#[repr(align(128))]
struct Stripe<T> {
    value: Arc<T>,
    index: StripeIndex,
}

impl<T> Striped<T> {
    /// Shares `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        let value = Arc::new(value);
        Self {
            stripes: (0..stripe::count())
                .map(|stripe| {
                    Lease(Arc::new(Stripe {
                        value: Arc::clone(&value),
                        index: StripeIndex::new(stripe),
                    }))
                })
                .collect(),
        }
    }

    /// Holds the value through the count of the current thread.
    #[inline]
    #[must_use]
    pub fn lease(&self) -> Lease<T> {
        self.stripes[stripe::current(self.stripes.len())].clone()
    }

    /// Whether two handles share one value.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.stripes, &other.stripes)
    }
}

impl<T> Clone for Striped<T> {
    fn clone(&self) -> Self {
        Self {
            stripes: Arc::clone(&self.stripes),
        }
    }
}

impl<T> Deref for Striped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.stripes[0]
    }
}

impl<T: fmt::Debug> fmt::Debug for Striped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T> Lease<T> {
    /// The stripe it was taken from.
    #[inline]
    #[must_use]
    pub fn stripe(&self) -> StripeIndex {
        self.0.index
    }
}

impl<T> Clone for Lease<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Lease<T> {
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
    fn a_lease_outlives_its_handle() {
        let lease = Striped::new(String::from("kept")).lease();
        assert_eq!(*lease, "kept");
    }
}
