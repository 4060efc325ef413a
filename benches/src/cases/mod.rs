//! The cases, one file per library. The name of a case starts with its library, and Buttress's with the layer.

mod attempts;
pub mod bare;
mod buttress;
mod deadline;
mod failsafe;
mod from_file;
mod places;
mod recloser;
mod rules;
mod stacks;
mod tower;
mod tower_resilience;

pub use self::rules::rules;
use crate::case::Case;

/// All layers and stacks: the inner services alone, Buttress, and the peers.
#[must_use]
pub fn layers() -> Vec<Case> {
    [
        bare::cases(),
        buttress::cases(),
        deadline::cases(),
        from_file::cases(),
        places::cases(),
        stacks::cases(),
        tower::cases(),
        tower_resilience::cases(),
        failsafe::cases(),
        recloser::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The layers for the contention bench.
#[must_use]
pub fn contended() -> Vec<Case> {
    let mut cases = layers();
    cases.retain(|case| case.scaling().is_some());
    cases
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::drive::{Drive, Lane};
    use crate::runtime::runtime;

    #[test]
    fn every_case_succeeds_or_fails_as_declared() {
        let runtime = runtime().unwrap();
        let _context = runtime.enter();
        for case in layers() {
            for drive in Drive::ALL {
                let succeeded = case.instance()(drive)(&mut Lane::alone(), 10);
                let expected = if case.fails() { 0 } else { 10 };
                assert_eq!(succeeded, expected, "{}, {drive:?}", case.name());
            }
        }
    }

    #[test]
    fn no_two_cases_share_a_name() {
        for cases in [layers(), rules()] {
            let names: HashSet<_> = cases.iter().map(Case::name).collect();
            assert_eq!(names.len(), cases.len());
        }
    }

    #[test]
    fn every_base_is_a_case() {
        let cases = layers();
        for base in cases.iter().filter_map(Case::base) {
            assert!(cases.iter().any(|case| case.name() == base), "{base}");
        }
    }
}
