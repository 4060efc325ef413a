//! Divides the slots of a limit when there are not enough of them.
//!
//! - [`Shares`] divides them by criticality.
//! - [`Partitions`] divides them by the kind of request: a few partitions with names.
//! - [`Tenants`] divides them by tenant, of which there may be millions.
//!
//! Unused slots are lent to others. A slot in use is not revoked: it returns when its call ends. The limit may change,
//! so it is an argument of the methods that need it.

mod config;
mod kept;
mod partitions;
mod partitions_config;
mod rule;
mod sketch;
mod tenants;
mod tenants_config;

pub use config::SharesConfig;
pub use partitions::{Partition, PartitionSnapshot, Partitions, Usage};
pub use partitions_config::PartitionsConfig;
pub use rule::Shares;
pub use tenants::{Tenant, Tenants};
pub use tenants_config::TenantsConfig;
