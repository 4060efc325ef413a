//! The figures of one case, for the table and the JSON.

use serde::Serialize;

use crate::case::Case;
use crate::drive::Drive;

/// The results of one case. What could not be measured is `None`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// The name of the case.
    pub case: &'static str,
    /// The name of the case that is subtracted for `instructions_over`.
    pub over: Option<&'static str>,
    /// A call on the service of the previous call.
    pub reuse: Figures,
    /// A call on a fresh clone.
    pub clone: Figures,
    /// Instructions of a call minus those of the base.
    pub instructions_over: Option<f64>,
    /// Allocations per call.
    pub allocations: Option<f64>,
    /// Allocated bytes per call.
    pub bytes: Option<f64>,
    /// The target.
    pub target: Option<String>,
    /// Whether the target is met.
    pub met: Option<bool>,
}

/// The cost of one call.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Figures {
    /// Instructions.
    pub instructions: Option<f64>,
    /// Nanoseconds in the best round.
    pub ns_best: Option<f64>,
    /// Nanoseconds in the median round.
    pub ns_median: Option<f64>,
}

impl Row {
    /// Creates an empty row.
    #[must_use]
    pub fn new(case: &'static str) -> Self {
        Self {
            case,
            ..Self::default()
        }
    }

    /// Returns the figures of one drive.
    pub fn figures(&mut self, drive: Drive) -> &mut Figures {
        match drive {
            Drive::Clone => &mut self.clone,
            Drive::Reuse => &mut self.reuse,
        }
    }
}

/// Computes the difference from the base, and whether targets are met.
pub fn judge(rows: &mut [Row], cases: &[Case]) {
    let measured = rows.to_vec();
    let find = |name: &str| measured.iter().find(|row| row.case == name);
    for (row, case) in rows.iter_mut().zip(cases) {
        let base = case.base().and_then(find);
        row.over = base.map(|base| base.case);
        row.instructions_over =
            base.and_then(|base| Some(row.reuse.instructions? - base.reuse.instructions?));
        if let Some(target) = case.targets() {
            row.met = target.met(row, base, &measured);
            row.target = Some(target.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    #[test]
    fn a_row_is_compared_with_its_base() {
        let cases = [
            Case::rule("base", || || ()),
            Case::rule("layer", || || ())
                .over("base")
                .target(Target::at_most(10, 0)),
        ];
        let figures = |case, instructions| {
            let mut row = Row::new(case);
            row.reuse.instructions = Some(instructions);
            row.allocations = Some(0.0);
            row
        };
        let mut rows = [figures("base", 20.0), figures("layer", 31.0)];
        judge(&mut rows, &cases);
        assert_eq!(rows[0].instructions_over, None);
        assert_eq!(rows[1].instructions_over, Some(11.0));
        assert_eq!(rows[1].met, Some(false));
    }
}
