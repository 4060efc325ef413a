use std::fmt;

use crate::{ConfigError, Name, Ratio, StableHash};

/// The properties of a call that a target can match. A call that is not HTTP has none of them.
pub trait Subject {
    /// The method, in capitals.
    fn method(&self) -> Option<&str> {
        None
    }

    /// The path, without the query.
    fn path(&self) -> Option<&str> {
        None
    }

    /// The first value of a header, named in lower case.
    fn header(&self, name: &str) -> Option<&[u8]> {
        let _ = name;
        None
    }

    /// Which attempt at its call this is, where the first is 1.
    fn attempt(&self) -> u32 {
        1
    }
}

impl Subject for () {}

/// The calls that a fault may affect: those that match all conditions. The default has none, so it matches every call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Target {
    methods: Vec<Name>,
    path: Option<Path>,
    headers: Vec<(Name, Option<Name>)>,
    subset: Option<Subset>,
}

/// A condition on paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// This path.
    Exact(Name),
    /// This path, and what is below it: `/orders` matches `/orders/7` and not `/ordersheet`.
    Under(Name),
}

/// A fixed part of all keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Subset {
    /// The key that calls are distinguished by.
    pub key: Key,
    /// The start of the part.
    pub from: Ratio,
    /// The end of the part.
    pub to: Ratio,
}

/// The kinds of key that calls are distinguished by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The call itself.
    Call,
    /// The value of a header: a tenant, a region. Calls without it are in no part.
    Header(Name),
}

impl Target {
    /// Calls with one of these methods.
    #[must_use]
    pub fn methods<N: Into<Name>>(mut self, methods: impl IntoIterator<Item = N>) -> Self {
        self.methods = methods.into_iter().map(Into::into).collect();
        self
    }

    /// Calls of these paths.
    #[must_use]
    pub fn path(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// Calls that have this header, with this value if there is one. May be given more than once.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Option<Name>>) -> Self {
        self.headers
            .push((name.to_ascii_lowercase().into(), value.into()));
        self
    }

    /// A part of the calls.
    #[must_use]
    pub fn subset(mut self, subset: Subset) -> Self {
        self.subset = Some(subset);
        self
    }

    pub(super) fn includes(&self, subject: &impl Subject, seed: u64, identity: u64) -> bool {
        let method = || subject.method();
        (self.methods.is_empty()
            || method().is_some_and(|method| self.methods.iter().any(|m| m.as_str() == method)))
            && self
                .path
                .as_ref()
                .is_none_or(|path| subject.path().is_some_and(|subject| path.includes(subject)))
            && self.headers.iter().all(|(name, value)| {
                subject.header(name.as_str()).is_some_and(|found| {
                    value
                        .as_ref()
                        .is_none_or(|value| value.as_str().as_bytes() == found)
                })
            })
            && self
                .subset
                .as_ref()
                .is_none_or(|subset| subset.includes(subject, seed, identity))
    }

    /// Whether no call can match both targets, as far as the targets show.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        let methods = !self.methods.is_empty()
            && !other.methods.is_empty()
            && !self.methods.iter().any(|m| other.methods.contains(m));
        let paths = match (&self.path, &other.path) {
            (Some(one), Some(other)) => one.is_apart_from(other),
            _ => false,
        };
        let headers = self.headers.iter().any(|(name, value)| {
            value.is_some()
                && other
                    .headers
                    .iter()
                    .any(|(n, v)| n == name && v.is_some() && v != value)
        });
        let subsets = match (&self.subset, &other.subset) {
            (Some(one), Some(other)) => one.is_apart_from(other),
            _ => false,
        };
        methods || paths || headers || subsets
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match &self.subset {
            Some(subset) if subset.from >= subset.to => {
                let bound = format!("below subset.to, {}", subset.to);
                Err(ConfigError::new("subset.from", subset.from, bound))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all calls")?;
        if !self.methods.is_empty() {
            let methods: Vec<_> = self.methods.iter().map(Name::as_str).collect();
            write!(f, " with {}", methods.join(" or "))?;
        }
        match &self.path {
            Some(Path::Exact(path)) => write!(f, " of {path}")?,
            Some(Path::Under(root)) => write!(f, " under {root}")?,
            None => {}
        }
        for (name, value) in &self.headers {
            match value {
                Some(value) => write!(f, " with {name}: {value}")?,
                None => write!(f, " with {name}")?,
            }
        }
        match &self.subset {
            Some(Subset { key, from, to }) => match key {
                Key::Call => write!(f, ", the part from {from} to {to}"),
                Key::Header(name) => write!(f, ", the part from {from} to {to} by {name}"),
            },
            None => Ok(()),
        }
    }
}

impl Path {
    fn includes(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.as_str() == path,
            Self::Under(root) => is_under(path, root.as_str()),
        }
    }

    fn is_apart_from(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(one), other) => !other.includes(one.as_str()),
            (one, Self::Exact(other)) => !one.includes(other.as_str()),
            (Self::Under(one), Self::Under(other)) => {
                !is_under(one.as_str(), other.as_str()) && !is_under(other.as_str(), one.as_str())
            }
        }
    }
}

fn is_under(path: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Subset {
    fn includes(&self, subject: &impl Subject, seed: u64, identity: u64) -> bool {
        // By the seed and not by the fault, so that two faults can have disjoint parts of the keys.
        let hash = StableHash::new(seed).field(b"subset");
        let draw = match &self.key {
            Key::Call => hash.field(&identity.to_le_bytes()),
            Key::Header(name) => match subject.header(name.as_str()) {
                Some(value) => hash.field(name.as_str().as_bytes()).field(value),
                None => return false,
            },
        }
        .finish();
        self.to.includes(draw) && !self.from.includes(draw)
    }

    fn is_apart_from(&self, other: &Self) -> bool {
        self.key == other.key && (self.to <= other.from || other.to <= self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Call(
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
    );

    impl Subject for Call {
        fn method(&self) -> Option<&str> {
            Some(self.0)
        }

        fn path(&self) -> Option<&str> {
            Some(self.1)
        }

        fn header(&self, name: &str) -> Option<&[u8]> {
            let header = self.2.iter().find(|(n, _)| *n == name)?;
            Some(header.1.as_bytes())
        }
    }

    const ORDER: Call = Call("GET", "/orders/7", &[("x-tenant", "acme")]);

    fn under(root: &'static str) -> Target {
        Target::default().path(Path::Under(root.into()))
    }

    fn tenths(from: u8, to: u8) -> Target {
        Target::default().subset(Subset {
            key: Key::Header("x-tenant".into()),
            from: Ratio::percent(10 * from),
            to: Ratio::percent(10 * to),
        })
    }

    #[test]
    fn all_conditions_must_be_met() {
        let any = Target::default();
        for (target, meant) in [
            (any.clone(), true),
            (any.clone().methods(["GET", "PUT"]), true),
            (any.clone().methods(["PUT"]), false),
            (under("/orders"), true),
            (under("/orders/"), true),
            (under("/"), true),
            (under("/order"), false),
            (any.clone().path(Path::Exact("/orders/7".into())), true),
            (any.clone().path(Path::Exact("/orders".into())), false),
            (any.clone().header("X-Tenant", None), true),
            (any.clone().header("x-tenant", Name::from("acme")), true),
            (any.clone().header("x-tenant", Name::from("other")), false),
            (any.clone().header("x-region", None), false),
            (under("/orders").methods(["PUT"]), false),
        ] {
            assert_eq!(target.includes(&ORDER, 1, 2), meant, "{target:?}");
        }
    }

    #[test]
    fn a_call_that_is_not_http_meets_no_condition_on_http() {
        assert!(Target::default().includes(&(), 1, 2));
        assert!(!under("/").includes(&(), 1, 2));
        assert!(!Target::default().methods(["GET"]).includes(&(), 1, 2));
    }

    #[test]
    fn parts_of_the_keys_cover_each_key_once() {
        let parts: Vec<_> = (0..10).map(|n| tenths(n, n + 1)).collect();
        for seed in 0..100 {
            let meant = parts.iter().filter(|part| part.includes(&ORDER, seed, 0));
            assert_eq!(meant.count(), 1);
        }
    }

    #[test]
    fn targets_are_apart_where_a_condition_contradicts() {
        let any = Target::default();
        let tenant = |name: &'static str| any.clone().header("x-tenant", Name::from(name));
        for (one, other, apart) in [
            (any.clone(), any.clone(), false),
            (
                any.clone().methods(["GET"]),
                any.clone().methods(["PUT"]),
                true,
            ),
            (any.clone().methods(["GET"]), any.clone(), false),
            (under("/a"), under("/b"), true),
            (under("/a"), under("/a/b"), false),
            (
                under("/a"),
                any.clone().path(Path::Exact("/a/b".into())),
                false,
            ),
            (
                under("/a"),
                any.clone().path(Path::Exact("/ab".into())),
                true,
            ),
            (tenant("a"), tenant("b"), true),
            (tenant("a"), tenant("a"), false),
            (tenths(0, 3), tenths(3, 5), true),
            (tenths(0, 3), tenths(2, 5), false),
        ] {
            assert_eq!(one.is_apart_from(&other), apart, "{one:?} {other:?}");
            assert_eq!(other.is_apart_from(&one), apart, "{other:?} {one:?}");
        }
    }
}
