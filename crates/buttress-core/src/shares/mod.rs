//! Who gets a place when there is not one for everybody: by what matters more, [`Shares`], and by whose call it is,
//! [`Tenants`].
//!
//! Both keep nothing back while there is room: a share is what others leave free as soon as somebody wants it, and
//! until then it is lent. Neither knows the limit, which may move under them: it is an argument.

mod config;
mod rule;
mod sketch;
mod tenants;
mod tenants_config;

pub use config::SharesConfig;
pub use rule::{Shares, SharesSnapshot};
pub use tenants::{Tenant, Tenants};
pub use tenants_config::TenantsConfig;
