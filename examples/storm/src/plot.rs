use std::fmt::{self, Write};
use std::ops::Range;

use crate::schedule::{Phase, Schedule};
use crate::ticks::Ticks;
use crate::watch::Stay;

/// A quantity over the time of the storm, drawn as SVG that takes its colours from the page.
#[derive(Debug)]
pub(crate) struct Plot<'a> {
    /// What the y axis counts, and in which unit.
    pub(crate) quantity: &'a str,
    pub(crate) schedule: &'a Schedule,
    /// How high the area of the lines is.
    pub(crate) height: f64,
    /// What stands above each phase.
    pub(crate) phases: [&'a str; Phase::ALL.len()],
    /// How much there could be, as a shaded area: (seconds, value) pairs.
    pub(crate) room: Vec<(f64, f64)>,
    pub(crate) lines: Vec<Line<'a>>,
    /// The states of the circuit, as a strip below the time axis.
    pub(crate) circuit: &'a [Stay],
    /// What to say about each step of time when the reader points at it.
    pub(crate) remarks: Vec<(Range<f64>, String)>,
}

/// One line of a plot. Where a value is missing, the line has a gap.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// Its name, which is also its class in the page's style.
    pub(crate) name: &'a str,
    pub(crate) points: Vec<(f64, Option<f64>)>,
}

impl Plot<'_> {
    /// The plot as an `<svg>` element.
    pub(crate) fn svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a String cannot fail.
        let _ = self.draw(&mut svg);
        svg
    }

    fn draw(&self, svg: &mut String) -> fmt::Result {
        let quantity = escape(self.quantity);
        let below = if self.circuit.is_empty() {
            STRIP - 8.0
        } else {
            STRIP + STRIP_HEIGHT + 4.0
        };
        let height = TOP + self.height + below;
        writeln!(
            svg,
            r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{quantity}, over time">"#
        )?;
        self.draw_parts(svg)?;
        writeln!(svg, "</svg>")
    }

    /// All that is in the `<svg>` element, for a picture that has more in it.
    pub(crate) fn draw_parts(&self, svg: &mut String) -> fmt::Result {
        let ticks = Ticks::up_to(self.highest());
        let scale = Scale {
            seconds: self.schedule.total().as_secs_f64(),
            highest: ticks.top(),
            height: self.height,
        };
        let (quantity, above) = (escape(self.quantity), TOP - 26.0);
        writeln!(svg, r#"<text x="0" y="{above}">{quantity}</text>"#)?;
        self.draw_phases(svg, scale)?;
        self.draw_room(svg, scale)?;
        draw_axes(svg, scale, &ticks)?;
        self.draw_circuit(svg, scale)?;
        self.draw_lines(svg, scale)?;
        self.draw_remarks(svg, scale)
    }

    fn draw_phases(&self, svg: &mut String, scale: Scale) -> fmt::Result {
        let height = self.height;
        let shade = self.schedule.span(Phase::Brownout);
        let from = scale.x(shade.start.as_secs_f64());
        let width = scale.x(shade.end.as_secs_f64()) - from;
        writeln!(
            svg,
            r#"<rect class="shade" x="{from:.1}" y="{TOP}" width="{width:.1}" height="{height}"/>"#
        )?;
        for (phase, title) in Phase::ALL.into_iter().zip(self.phases) {
            let span = self.schedule.span(phase);
            let middle = scale.x((span.start + span.end).as_secs_f64() / 2.0);
            let (title, above) = (escape(title), TOP - 8.0);
            writeln!(
                svg,
                r#"<text class="phase" x="{middle:.1}" y="{above}" text-anchor="middle">{title}</text>"#
            )?;
        }
        Ok(())
    }

    fn draw_room(&self, svg: &mut String, scale: Scale) -> fmt::Result {
        if self.room.is_empty() {
            return Ok(());
        }
        let bottom = scale.bottom();
        write!(svg, r#"<path class="room" d="M{LEFT} {bottom}"#)?;
        for (at, value) in &self.room {
            write!(svg, "L{:.1} {:.1}", scale.x(*at), scale.y(*value))?;
        }
        writeln!(svg, r#"L{RIGHT} {bottom}Z"/>"#)?;
        // Its edge, which shows where the shade of the brown-out hides the area.
        write!(svg, r#"<path class="edge" d=""#)?;
        for (i, (at, value)) in self.room.iter().enumerate() {
            let step = if i == 0 { 'M' } else { 'L' };
            write!(svg, "{step}{:.1} {:.1}", scale.x(*at), scale.y(*value))?;
        }
        writeln!(svg, r#""/>"#)
    }

    fn draw_circuit(&self, svg: &mut String, scale: Scale) -> fmt::Result {
        let top = scale.bottom() + STRIP;
        if !self.circuit.is_empty() {
            let (x, y) = (LEFT - 8.0, top + 10.0);
            writeln!(
                svg,
                r#"<text x="{x}" y="{y}" text-anchor="end">circuit</text>"#
            )?;
        }
        for (i, Stay { at, state }) in self.circuit.iter().enumerate() {
            let until = self
                .circuit
                .get(i + 1)
                .map_or(scale.seconds, |next| next.at);
            let from = scale.x(*at);
            let width = (scale.x(until.min(scale.seconds)) - from).max(0.0);
            let words = state.replace('_', "-");
            writeln!(
                svg,
                r#"<rect x="{from:.2}" y="{top}" width="{width:.2}" height="{STRIP_HEIGHT}" fill="var(--{state})"><title>{words} at {at:.2} s</title></rect>"#
            )?;
        }
        Ok(())
    }

    fn draw_lines(&self, svg: &mut String, scale: Scale) -> fmt::Result {
        let mut taken: Vec<f64> = Vec::new();
        for Line { name, points } in &self.lines {
            let name = escape(name);
            write!(svg, r#"<g class="{name}"><path class="line" d=""#)?;
            let mut pen_down = false;
            for (at, value) in points {
                if let Some(value) = value {
                    let step = if pen_down { 'L' } else { 'M' };
                    write!(svg, "{step}{:.1} {:.1}", scale.x(*at), scale.y(*value))?;
                }
                pen_down = value.is_some();
            }
            writeln!(svg, r#""/>"#)?;
            if let Some(last) = points.iter().rev().find_map(|(_, value)| *value) {
                let mut end = scale.y(last);
                // No name covers another.
                while let Some(other) = taken
                    .iter()
                    .find(|other| (end - **other).abs() < NAME_HEIGHT)
                {
                    end = other - NAME_HEIGHT;
                }
                taken.push(end);
                let (x, y) = (RIGHT + 8.0, end + 4.0);
                writeln!(svg, r#"<text class="end" x="{x}" y="{y:.1}">{name}</text>"#)?;
            }
            writeln!(svg, "</g>")?;
        }
        Ok(())
    }

    /// Last, so that they lie on top and are what the reader points at.
    fn draw_remarks(&self, svg: &mut String, scale: Scale) -> fmt::Result {
        let height = self.height;
        for (span, remark) in &self.remarks {
            let from = scale.x(span.start);
            let width = scale.x(span.end) - from;
            let remark = escape(remark);
            writeln!(
                svg,
                r#"<rect class="step" x="{from:.1}" y="{TOP}" width="{width:.1}" height="{height}"><title>{remark}</title></rect>"#
            )?;
        }
        Ok(())
    }

    fn highest(&self) -> f64 {
        let lines = self.lines.iter().flat_map(|line| &line.points);
        let lines = lines.filter_map(|(_, value)| *value);
        let room = self.room.iter().map(|(_, value)| *value);
        // Not below five, so that every tick is a whole number or a half.
        lines.chain(room).fold(5.0, f64::max)
    }
}

fn draw_axes(svg: &mut String, scale: Scale, ticks: &Ticks) -> fmt::Result {
    for tick in ticks.iter() {
        let y = scale.y(tick);
        let (left, middle) = (LEFT - 8.0, y + 4.0);
        writeln!(svg, r#"<path class="grid" d="M{LEFT} {y:.1}H{RIGHT}"/>"#)?;
        writeln!(
            svg,
            r#"<text x="{left}" y="{middle:.1}" text-anchor="end">{tick}</text>"#
        )?;
    }
    let bottom = scale.bottom();
    writeln!(svg, r#"<path class="axis" d="M{LEFT} {bottom}H{RIGHT}"/>"#)?;
    let seconds = Ticks::up_to(scale.seconds);
    for tick in seconds.iter().filter(|tick| *tick <= scale.seconds) {
        let (x, below) = (scale.x(tick), bottom + 18.0);
        writeln!(
            svg,
            r#"<text x="{x:.1}" y="{below}" text-anchor="middle">{tick}</text>"#
        )?;
    }
    let below = bottom + 34.0;
    writeln!(
        svg,
        r#"<text x="{RIGHT}" y="{below}" text-anchor="end">seconds since the start</text>"#
    )
}

/// Where on the page a moment and a value are.
#[derive(Debug, Clone, Copy)]
struct Scale {
    seconds: f64,
    highest: f64,
    height: f64,
}

impl Scale {
    fn x(self, at: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * at / self.seconds
    }

    fn y(self, value: f64) -> f64 {
        self.bottom() - self.height * value / self.highest
    }

    /// Where the time axis is.
    fn bottom(self) -> f64 {
        TOP + self.height
    }
}

/// Text as it may stand in an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = WIDTH - 72.0;
const TOP: f64 = 42.0;
/// From the time axis down to the strip.
const STRIP: f64 = 44.0;
const STRIP_HEIGHT: f64 = 12.0;
const NAME_HEIGHT: f64 = 15.0;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn plot(points: Vec<(f64, Option<f64>)>) -> String {
        let schedule = Schedule::new(Duration::from_secs(40));
        let plot = Plot {
            quantity: "answers < a second",
            schedule: &schedule,
            height: 212.0,
            phases: Phase::ALL.map(Phase::title),
            room: vec![(0.0, 400.0), (40.0, 400.0)],
            lines: vec![
                Line {
                    name: "naive",
                    points: points.clone(),
                },
                Line {
                    name: "buttress",
                    points,
                },
            ],
            circuit: &[
                Stay {
                    at: 0.0,
                    state: "closed",
                },
                Stay {
                    at: 10.5,
                    state: "half_open",
                },
            ],
            remarks: vec![(0.0..0.5, "\"quiet\"".to_owned())],
        };
        plot.svg()
    }

    fn numbers_of(svg: &str) -> impl Iterator<Item = f64> {
        let quoted = svg.split('"').skip(1).step_by(2);
        quoted.filter_map(|value| value.parse().ok())
    }

    #[test]
    fn a_plot_is_well_formed() {
        let svg = plot(vec![(0.0, Some(1.0)), (20.0, Some(300.0)), (40.0, None)]);
        for element in ["svg", "g", "text", "title"] {
            let opened = svg.matches(&format!("<{element} ")).count()
                + svg.matches(&format!("<{element}>")).count();
            assert!(opened > 0, "{element}");
            assert_eq!(
                opened,
                svg.matches(&format!("</{element}>")).count(),
                "{element}"
            );
        }
        assert!(svg.contains("answers &lt; a second"));
        assert!(svg.contains("&quot;quiet&quot;"));
        assert!(svg.contains("var(--half_open)"));
    }

    #[test]
    fn a_plot_never_holds_a_number_that_is_none() {
        for points in [
            vec![],
            vec![(0.0, None)],
            vec![(0.0, Some(0.0))],
            vec![(40.0, Some(1e9))],
        ] {
            let svg = plot(points);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(numbers_of(&svg).all(|number| number >= 0.0), "{svg}");
        }
    }

    #[test]
    fn a_missing_value_lifts_the_pen() {
        let svg = plot(vec![
            (0.0, Some(1.0)),
            (1.0, None),
            (2.0, Some(1.0)),
            (3.0, Some(1.0)),
        ]);
        let (_, line) = svg.split_once(r#"class="line" d=""#).unwrap();
        let (path, _) = line.split_once('"').unwrap();
        assert_eq!(path.matches('M').count(), 2);
        assert_eq!(path.matches('L').count(), 1);
    }

    #[test]
    fn names_at_the_end_of_lines_keep_clear_of_each_other() {
        let svg = plot(vec![(40.0, Some(200.0))]);
        let ends: Vec<f64> = svg
            .split(r#"class="end""#)
            .skip(1)
            .filter_map(|rest| numbers_of(rest).nth(1))
            .collect();
        assert_eq!(ends.len(), 2);
        assert!((ends[0] - ends[1]).abs() >= NAME_HEIGHT, "{ends:?}");
    }
}
