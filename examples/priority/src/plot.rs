//! Plots the ratio of the users' calls that were served in each second, as SVG: the whole range, and the range near
//! 100 %.

use std::fmt::{self, Write};

use crate::ledger::Ledger;
use crate::load::{BATCH, BATCH_RUNS, Class, SECONDS};
use crate::{PROMISED, Runs};

pub(crate) fn svg(runs: &Runs) -> String {
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = draw(&mut svg, runs);
    svg
}

fn draw(svg: &mut String, runs: &Runs) -> fmt::Result {
    writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 500" font-family="sans-serif" font-size="12" fill="#333">
<rect width="800" height="500" fill="#fff"/>"##
    )?;
    let lines = [
        ("naive", &runs.naive, "#c2410c"),
        ("buttress, nothing set", &runs.defaults, "#a16207"),
        ("buttress", &runs.ours, "#0f766e"),
    ];
    let whole = Panel {
        top: 44.0,
        height: 200.0,
        from: 0.0,
        ticks: &[0, 25, 50, 75, 100],
    };
    let near = Panel {
        top: 308.0,
        height: 120.0,
        from: 0.94,
        ticks: &[94, 96, 98, 100],
    };
    whole.frame(svg, "users' calls that were served, in percent, per second")?;
    let (middle, below) = (x(MIDDLE), whole.y(0.375) + 4.0);
    writeln!(
        svg,
        r#"<text x="{middle}" y="{below}" text-anchor="middle">the batch sends {BATCH} × the capacity</text>"#
    )?;
    near.frame(svg, "the same from 94 % on")?;
    let (promised, percent) = (near.y(PROMISED), 100.0 * PROMISED);
    writeln!(
        svg,
        r##"<path d="M{LEFT} {promised:.1}H{RIGHT}" stroke="#333" stroke-dasharray="4 4"/><text x="{}" y="{:.1}">{percent} promised</text>"##,
        RIGHT + 8.0,
        promised + 4.0,
    )?;
    for (_, ledger, colour) in lines {
        whole.line(svg, ledger, colour)?;
        near.line(svg, ledger, colour)?;
    }
    for second in (0..=SECONDS).step_by(10) {
        let (x, y) = (x(second as f64), near.top + near.height + 18.0);
        writeln!(
            svg,
            r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{second} s</text>"#
        )?;
    }
    writeln!(
        svg,
        r#"<text x="{LEFT}" y="480">served during the batch:</text>"#
    )?;
    for ((name, ledger, colour), from) in lines.iter().zip([218.0, 340.0, 570.0]) {
        let percent = 100.0 * ledger.served(Class::Users);
        writeln!(
            svg,
            r#"<text x="{from}" y="480" fill="{colour}" font-weight="bold">{name}: {percent:.2} %</text>"#
        )?;
    }
    writeln!(svg, "</svg>")
}

/// A plot of the ratios above a minimum.
struct Panel {
    top: f64,
    height: f64,
    from: f64,
    ticks: &'static [u32],
}

impl Panel {
    fn frame(&self, svg: &mut String, title: &str) -> fmt::Result {
        let (top, height) = (self.top, self.height);
        let (from, to) = (x(BATCH_RUNS.start as f64), x(BATCH_RUNS.end as f64));
        writeln!(
            svg,
            r##"<text x="{LEFT}" y="{}" font-weight="bold">{title}</text>
<rect x="{from:.1}" y="{top}" width="{:.1}" height="{height}" fill="#eee"/>"##,
            top - 18.0,
            to - from,
        )?;
        for percent in self.ticks {
            let y = self.y(f64::from(*percent) / 100.0);
            writeln!(
                svg,
                r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#ccc"/><text x="{}" y="{:.1}" text-anchor="end">{percent}</text>"##,
                LEFT - 8.0,
                y + 4.0
            )?;
        }
        Ok(())
    }

    /// Values below the minimum are on the lower edge.
    fn line(&self, svg: &mut String, ledger: &Ledger, colour: &str) -> fmt::Result {
        write!(
            svg,
            r#"<path fill="none" stroke="{colour}" stroke-width="2" d=""#
        )?;
        for second in 0..SECONDS {
            let entry = ledger.entry(Class::Users, second);
            let share = f64::from(entry.served) / f64::from(entry.offered.max(1));
            let verb = if second == 0 { 'M' } else { 'L' };
            let (x, y) = (x(second as f64 + 0.5), self.y(share));
            write!(svg, "{verb}{x:.1} {y:.1}")?;
        }
        writeln!(svg, r#""/>"#)
    }

    fn y(&self, share: f64) -> f64 {
        let share = (share.max(self.from) - self.from) / (1.0 - self.from);
        self.top + self.height * (1.0 - share)
    }
}

fn x(second: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * second / SECONDS as f64
}

const LEFT: f64 = 48.0;
const RIGHT: f64 = 690.0;
const MIDDLE: f64 = (BATCH_RUNS.start + BATCH_RUNS.end) as f64 / 2.0;
