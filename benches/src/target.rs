//! The target of a case. It is printed, and never fails the run.

use std::fmt;

use crate::row::Row;

/// The maximum cost of a case over its base.
#[derive(Debug, Clone, Default)]
pub struct Target {
    instructions: Option<f64>,
    allocations: Option<f64>,
    like: Option<&'static str>,
}

impl Target {
    /// Sets the maximum number of instructions and allocations per call over the base.
    #[must_use]
    pub fn at_most(instructions: u32, allocations: u32) -> Self {
        Self {
            instructions: Some(instructions.into()),
            allocations: Some(allocations.into()),
            like: None,
        }
    }

    /// Requires the instructions of another case, within a twentieth.
    #[must_use]
    pub fn like(case: &'static str) -> Self {
        Self {
            like: Some(case),
            ..Self::default()
        }
    }

    /// Returns whether `row`, which is compared with `base`, is within all bounds. `None` if one was not measured.
    #[must_use]
    pub fn met(&self, row: &Row, base: Option<&Row>, all: &[Row]) -> Option<bool> {
        let over =
            |figure: fn(&Row) -> Option<f64>| Some(figure(row)? - base.map_or(Some(0.0), figure)?);
        let instructions: fn(&Row) -> Option<f64> = |row| row.reuse.instructions;
        let mut met = true;
        if let Some(bound) = self.instructions {
            met &= over(instructions)? <= bound;
        }
        if let Some(bound) = self.allocations {
            met &= over(|row| row.allocations)? <= bound;
        }
        if let Some(name) = self.like {
            let other = instructions(all.iter().find(|row| row.case == name)?)?;
            met &= (instructions(row)? - other).abs() <= other * 0.05;
        }
        Some(met)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = [
            self.instructions.map(|bound| format!("≤ {bound} instr")),
            self.allocations.map(|bound| format!("≤ {bound} allocs")),
            self.like.map(|case| format!("as *{case}*")),
        ];
        let bounds: Vec<_> = bounds.into_iter().flatten().collect();
        f.write_str(&bounds.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(case: &'static str, instructions: Option<f64>, allocations: f64) -> Row {
        let mut row = Row::new(case);
        row.reuse.instructions = instructions;
        row.allocations = Some(allocations);
        row
    }

    #[test]
    fn a_bound_is_relative_to_the_base() {
        let base = row("base", Some(20.0), 0.0);
        let target = Target::at_most(150, 0);
        for (instructions, allocations, met) in
            [(170.0, 0.0, true), (170.1, 0.0, false), (30.0, 1.0, false)]
        {
            let row = row("layer", Some(instructions), allocations);
            assert_eq!(target.met(&row, Some(&base), &[]), Some(met));
        }
    }

    #[test]
    fn a_base_that_allocates_allows_the_same() {
        let base = row("boxed", Some(100.0), 1.0);
        let row = row("layer", Some(200.0), 1.0);
        assert_eq!(
            Target::at_most(120, 0).met(&row, Some(&base), &[]),
            Some(true)
        );
    }

    #[test]
    fn missing_figures_have_no_verdict() {
        let row = row("layer", None, 0.0);
        assert_eq!(Target::at_most(150, 0).met(&row, None, &[]), None);
    }

    #[test]
    fn like_is_within_a_twentieth() {
        let all = [row("small", Some(100.0), 0.0)];
        for (instructions, met) in [(95.0, true), (105.0, true), (94.0, false), (106.0, false)] {
            let row = row("large", Some(instructions), 0.0);
            assert_eq!(Target::like("small").met(&row, None, &all), Some(met));
        }
    }

    #[test]
    fn a_target_displays_its_bounds() {
        assert_eq!(
            Target::at_most(150, 0).to_string(),
            "≤ 150 instr, ≤ 0 allocs"
        );
        assert_eq!(Target::like("small").to_string(), "as *small*");
    }
}
