//! The items that most stacks need: `use buttress::prelude::*;`.

#[cfg(feature = "breaker")]
pub use buttress_breaker::{
    Breaker, BreakerConfig, BreakerLayer, Breakers, BreakersConfig, CircuitState, OpenDuration,
    Window,
};
#[cfg(feature = "bulkhead")]
pub use buttress_bulkhead::{Bulkhead, BulkheadConfig, BulkheadLayer, Order, PartitionsConfig};
#[cfg(feature = "chaos")]
pub use buttress_chaos::{ChaosLayer, Fault, Injector, InjectorConfig, Plan, PlannedFault};
pub use buttress_core::{
    BoxError, Deadline, Mode, Outcome, Ratio, Reason, Rejection, Report, WhenSaturated,
};
#[cfg(feature = "deadline")]
pub use buttress_deadline::{ClientDeadlineConfig, DeadlineConfig, DeadlineLayer, Deadlines};
pub use buttress_http::{Idempotent, ReplayBody, Until, track_upload};
#[cfg(feature = "problem")]
pub use buttress_problem::{Problem, ProblemConfig, ProblemError, ProblemLayer, Problems};
#[cfg(feature = "retry")]
pub use buttress_retry::{
    Backoff, BudgetConfig, Hedge, HedgeConfig, HedgeLayer, Jitter, Retry, RetryBudget, RetryConfig,
    RetryLayer, RetryMark, RetryStopped, StopReason,
};
#[cfg(feature = "shed")]
pub use buttress_shed::{
    Criticality, LimitConfig, ShedConfig, ShedLayer, Shedder, ThrottleConfig, Trust,
};

#[cfg(feature = "reqwest")]
pub use crate::HttpClient;
#[cfg(feature = "config")]
pub use crate::Resilience;
pub use crate::ServiceBuilderExt;
