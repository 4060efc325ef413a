//! Divides the slots when there are not enough: by criticality, [`Shares`]; by the kind of call, [`Partitions`], of
//! which there are a few with names; and by tenant, [`Tenants`], of which there may be millions.
//!
//! None of them holds slots back while there is room: a share is returned when its owner needs it, and until then it is
//! lent. None knows the limit, which may change: it is an argument.

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
