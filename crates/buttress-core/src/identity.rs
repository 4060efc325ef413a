use std::borrow::Cow;
use std::time::Instant;

use crate::{Criticality, Deadline, Upload};

/// The identity of a request, for decisions that must be the same for one request wherever they are made (which share
/// of calls a mode enforces for, which fault an experiment injects), and its deadline.
///
/// A [`Protocol`](crate::Protocol) that can read it from the request does so here; shells call it only if needed.
pub trait Identify<Req> {
    /// A [hash](StableHash) of the identity of the request, if it has one.
    fn identity(&self, request: &Req) -> Option<u64>;

    /// The deadline that the request declares, besides that of its [task](crate::TaskContext).
    fn deadline(&self, request: &Req) -> Option<Deadline> {
        let _ = request;
        None
    }

    /// Until when the caller waits for the response, as the request declares that arrives `now`. A timeout of a call
    /// that was allowed less than the typical latency is not counted against the service. It ends no call.
    fn caller_deadline(&self, request: &Req, now: Instant) -> Option<Deadline> {
        let _ = (request, now);
        None
    }

    /// The upload of the body of a request that is sent `now`, if it is tracked.
    fn upload(&self, request: &Req, now: Instant) -> Option<Upload> {
        let _ = (request, now);
        None
    }

    /// The criticality that the request declares, besides that of its [task](crate::TaskContext).
    fn criticality(&self, request: &Req) -> Option<Criticality> {
        let _ = request;
        None
    }

    /// Prepares the request for its call. `self` is the call's own clone of the protocol.
    fn prepare(&mut self, request: &mut Req) {
        let _ = request;
    }

    /// The key a request is counted under where calls are distinguished: the name of a partition, or of a tenant.
    fn key<'a>(&self, request: &'a Req) -> Option<Cow<'a, str>> {
        let _ = request;
        None
    }
}

/// A hash that is the same in every process, on every machine, in every version.
///
/// It is 64-bit FNV-1a (Fowler, Noll and Vo; draft-eastlake-fnv) from a seed, ended by the finalizer of SplitMix64
/// (Steele, Lea and Flood, OOPSLA 2014), which spreads it evenly over all 64 bits. It is no defence against chosen
/// inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StableHash(u64);

impl StableHash {
    const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;

    /// An empty hash. Each seed gives another hash.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Self::OFFSET).bytes(&seed.to_le_bytes())
    }

    /// Adds bytes, as one field: `"ab"` then `"c"` is not `"a"` then `"bc"`.
    #[must_use]
    pub const fn field(self, bytes: &[u8]) -> Self {
        self.bytes(&(bytes.len() as u64).to_le_bytes()).bytes(bytes)
    }

    /// The hash of all fields, uniform over all 64-bit values.
    #[must_use]
    pub const fn finish(self) -> u64 {
        let z = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    const fn bytes(mut self, mut bytes: &[u8]) -> Self {
        while let [byte, rest @ ..] = bytes {
            self.0 = (self.0 ^ *byte as u64).wrapping_mul(Self::PRIME);
            bytes = rest;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_changes() {
        // Neither may change: experiments are repeated by them.
        assert_eq!(StableHash::new(0).finish(), PINNED_EMPTY);
        let id = StableHash::new(7).field(b"storm").field(b"request-1");
        assert_eq!(id.finish(), PINNED_FIELDS);
    }

    #[test]
    fn fields_keep_their_borders() {
        let hash = |a: &[u8], b: &[u8]| StableHash::new(1).field(a).field(b).finish();
        assert_ne!(hash(b"ab", b"c"), hash(b"a", b"bc"));
        assert_ne!(hash(b"", b"abc"), hash(b"abc", b""));
    }

    #[test]
    fn numbers_in_a_row_are_spread_evenly() {
        let mut buckets = [0_u32; 16];
        for id in 0..16_000_u32 {
            let hash = StableHash::new(1).field(id.to_string().as_bytes());
            buckets[(hash.finish() >> 60) as usize] += 1;
        }
        assert!(
            buckets.iter().all(|n| (850..1_150).contains(n)),
            "{buckets:?}"
        );
    }

    const PINNED_EMPTY: u64 = 6_603_144_262_649_002_859;
    const PINNED_FIELDS: u64 = 11_532_532_475_617_674_260;
}
