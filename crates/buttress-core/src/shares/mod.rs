//! Who gets a place when there is not one for everybody: by what matters more, [`Shares`]; by what the call is for,
//! [`Partitions`], of which there are a few with names; and by whose call it is, [`Tenants`], of whom there may be
//! millions.
//!
//! All of them keep nothing back while there is room: a share is what others leave free as soon as somebody wants it, and
//! until then it is lent. None knows the limit, which may move under them: it is an argument.

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
