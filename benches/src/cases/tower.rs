//! tower's own layers, for comparison.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, RetryLayer};
use tower::timeout::TimeoutLayer;

use super::bare::{ECHO, Echo};
use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        Case::service::<_, u64>("tower GlobalConcurrencyLimit", || {
            ServiceBuilder::new()
                .layer(GlobalConcurrencyLimitLayer::new(64))
                .service(Echo)
        })
        .contended(),
        Case::service::<_, u64>("tower LoadShed", || {
            ServiceBuilder::new()
                .layer(LoadShedLayer::new())
                .service(Echo)
        }),
        Case::service::<_, u64>("tower LoadShed + ConcurrencyLimit", || {
            ServiceBuilder::new()
                .layer(LoadShedLayer::new())
                .layer(GlobalConcurrencyLimitLayer::new(64))
                .service(Echo)
        }),
        Case::service::<_, u64>("tower LoadShed + ConcurrencyLimit, full", || {
            ServiceBuilder::new()
                .layer(LoadShedLayer::new())
                .layer(GlobalConcurrencyLimitLayer::new(0))
                .service(Echo)
        })
        .failing(),
        Case::service::<_, u64>("tower Timeout", || {
            ServiceBuilder::new()
                .layer(TimeoutLayer::new(LIMIT))
                .service(Echo)
        }),
        Case::service::<_, u64>("tower Retry + TpsBudget", || {
            ServiceBuilder::new()
                .layer(RetryLayer::new(Budgeted::new()))
                .service(Echo)
        })
        .contended(),
        Case::service::<_, u64>("tower stack: Timeout > Retry > LoadShed > limit", || {
            ServiceBuilder::new()
                .layer(TimeoutLayer::new(LIMIT))
                .layer(RetryLayer::new(Budgeted::new()))
                .layer(LoadShedLayer::new())
                .layer(GlobalConcurrencyLimitLayer::new(64))
                .service(Echo)
        }),
    ];
    cases.map(|case| case.over(ECHO)).into()
}

/// Retries every failure within the budget.
#[derive(Clone)]
struct Budgeted(Arc<TpsBudget>);

impl Budgeted {
    fn new() -> Self {
        Self(Arc::new(TpsBudget::default()))
    }
}

impl<Res, E> Policy<u64, Res, E> for Budgeted {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut u64, result: &mut Result<Res, E>) -> Option<Self::Future> {
        match result {
            Ok(_) => {
                self.0.deposit();
                None
            }
            Err(_) => self.0.withdraw().then(|| ready(())),
        }
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

const LIMIT: Duration = Duration::from_secs(1);
