use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;
use storm::ledger::Ending;

use crate::load::Fate;
use crate::report::Finding;
use crate::traffic::Request;

/// The results of the requests that were due in one step of time.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Slot {
    pub(crate) answered: u32,
    pub(crate) refused: u32,
    pub(crate) failed: u32,
    /// The highest latency.
    pub(crate) slowest_ms: u64,
}

impl Slot {
    fn total(&self) -> u32 {
        self.answered + self.refused + self.failed
    }
}

/// The length of a step.
pub(crate) const STEP: Duration = Duration::from_millis(100);

/// Groups the requests by when they were due.
pub(crate) fn series<'a>(fates: impl Iterator<Item = (&'a Request, &'a Fate)>) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for (request, fate) in fates {
        let at = request.due.div_duration_f64(STEP) as usize;
        if slots.len() <= at {
            slots.resize_with(at + 1, Slot::default);
        }
        let slot = &mut slots[at];
        slot.slowest_ms = slot.slowest_ms.max(fate.took.as_millis() as u64);
        match fate.ending {
            Ending::Answered => slot.answered += 1,
            Ending::Refused(_) => slot.refused += 1,
            _ => slot.failed += 1,
        }
    }
    slots
}

/// Draws a bar for each step: answered, rejected and failed, with the time of the fault shaded.
pub(crate) fn bars(finding: &Finding) -> String {
    let [before, during, recovery, after] = finding.phases;
    let x = |seconds: f64| LEFT + (WIDTH - LEFT) * seconds / (before + during + recovery + after);
    let highest = finding
        .series
        .iter()
        .map(Slot::total)
        .max()
        .unwrap_or(0)
        .max(1);
    let height = |count: u32| PLOT * f64::from(count) / f64::from(highest);
    let per_second = f64::from(highest) / STEP.as_secs_f64();

    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Requests by when they were due, and their results\">\n\
         <rect class=\"fault\" x=\"{:.1}\" y=\"0\" width=\"{:.1}\" height=\"{PLOT}\"/>\n\
         <text x=\"{:.1}\" y=\"12\">fault</text>\n\
         <text x=\"{:.1}\" y=\"12\" text-anchor=\"end\">{per_second:.0}/s</text>\n",
        x(before),
        x(before + during) - x(before),
        x(before) + 4.0,
        LEFT - 6.0,
    );
    for (at, slot) in finding.series.iter().enumerate() {
        let begin = at as f64 * STEP.as_secs_f64();
        let (left, width) = (
            x(begin),
            (x(begin + STEP.as_secs_f64()) - x(begin) - 1.0).max(0.5),
        );
        // Writing to a String cannot fail.
        let _ = write!(
            svg,
            "<g><title>second {begin:.1}: {} successful, {} rejected, {} failed, the slowest after {} ms</title>",
            slot.answered, slot.refused, slot.failed, slot.slowest_ms
        );
        let mut top = PLOT;
        for (class, count) in [
            ("answered", slot.answered),
            ("refused", slot.refused),
            ("failed", slot.failed),
        ] {
            if count > 0 {
                top -= height(count);
                let _ = write!(
                    svg,
                    "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                    height(count)
                );
            }
        }
        svg.push_str("</g>\n");
    }
    for second in 0..=(before + during + recovery + after) as u32 {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second}</text>",
            x(f64::from(second)),
            HEIGHT - 3.0
        );
    }
    svg + "</svg>"
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 140.0;
const PLOT: f64 = 120.0;
const LEFT: f64 = 44.0;
