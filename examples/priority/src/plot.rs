//! The share of the users' calls that was served, second by second, as SVG.

use std::fmt::Write;

use crate::ledger::Ledger;
use crate::load::{BATCH_RUNS, Class, SECONDS};

pub(crate) fn svg(naive: &Ledger, ours: &Ledger) -> String {
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = draw(&mut svg, naive, ours);
    svg
}

fn draw(svg: &mut String, naive: &Ledger, ours: &Ledger) -> std::fmt::Result {
    writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 320" font-family="sans-serif" font-size="12" fill="#333">
<rect width="720" height="320" fill="#fff"/>
<text x="{LEFT}" y="20">users' calls that were served, in percent, by second</text>
<rect x="{:.1}" y="{TOP}" width="{:.1}" height="{HEIGHT}" fill="#eee"/>
<text x="{:.1}" y="{:.1}" text-anchor="middle">the batch sends 12 × the capacity</text>"##,
        x(BATCH_RUNS.start),
        x(BATCH_RUNS.end) - x(BATCH_RUNS.start),
        x((BATCH_RUNS.start + BATCH_RUNS.end) / 2),
        TOP + HEIGHT / 2.0,
    )?;
    for percent in [0, 25, 50, 75, 100] {
        let y = y(f64::from(percent) / 100.0);
        writeln!(
            svg,
            r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#ccc"/><text x="{}" y="{:.1}" text-anchor="end">{percent}</text>"##,
            LEFT - 8.0,
            y + 4.0
        )?;
    }
    for second in (0..=SECONDS).step_by(10) {
        let (x, y) = (x(second), TOP + HEIGHT + 20.0);
        writeln!(
            svg,
            r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{second} s</text>"#
        )?;
    }
    for (name, ledger, colour, line) in [
        ("naive", naive, "#c2410c", 1.0),
        ("buttress", ours, "#0f766e", 2.0),
    ] {
        write!(
            svg,
            r#"<path fill="none" stroke="{colour}" stroke-width="2" d=""#
        )?;
        for second in 0..SECONDS {
            let entry = ledger.entry(Class::Users, second);
            let share = f64::from(entry.served) / f64::from(entry.offered.max(1));
            let verb = if second == 0 { 'M' } else { 'L' };
            write!(svg, "{verb}{:.1} {:.1}", x(second), y(share))?;
        }
        writeln!(svg, r#""/>"#)?;
        let y = TOP + HEIGHT + 20.0 + 18.0 * line;
        writeln!(
            svg,
            r#"<text x="{LEFT}" y="{y}" fill="{colour}">{name}: {:.2} % while the batch runs</text>"#,
            100.0 * ledger.served(Class::Users)
        )?;
    }
    writeln!(svg, "</svg>")
}

fn x(second: usize) -> f64 {
    LEFT + (RIGHT - LEFT) * second as f64 / SECONDS as f64
}

fn y(share: f64) -> f64 {
    TOP + HEIGHT * (1.0 - share)
}

const LEFT: f64 = 48.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 36.0;
const HEIGHT: f64 = 210.0;
