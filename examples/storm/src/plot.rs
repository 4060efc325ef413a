use std::fmt::Write;
use std::ops::Range;

use crate::figures::Stay;
use crate::schedule::{Phase, Schedule};

/// A quantity over the time of the storm, drawn as SVG that takes its colours from the page.
#[derive(Debug)]
pub(crate) struct Plot<'a> {
    /// What the y axis counts, and in which unit.
    pub(crate) quantity: &'a str,
    pub(crate) schedule: &'a Schedule,
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

    fn draw(&self, svg: &mut String) -> std::fmt::Result {
        let seconds = self.schedule.total().as_secs_f64();
        let ticks = Ticks::up_to(self.highest());
        let x = |at: f64| LEFT + (RIGHT - LEFT) * at / seconds;
        let y = |value: f64| BOTTOM - (BOTTOM - TOP) * value / ticks.top();
        let quantity = escape(self.quantity);
        let height = if self.circuit.is_empty() {
            STRIP - 8.0
        } else {
            STRIP + STRIP_HEIGHT + 4.0
        };

        writeln!(
            svg,
            r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{quantity}, over time">"#
        )?;
        let shade = self.schedule.span(Phase::Brownout);
        let (from, to) = (x(shade.start.as_secs_f64()), x(shade.end.as_secs_f64()));
        let (width, height) = (to - from, BOTTOM - TOP);
        writeln!(
            svg,
            r#"<rect class="shade" x="{from:.1}" y="{TOP}" width="{width:.1}" height="{height}"/>"#
        )?;
        for phase in Phase::ALL {
            let span = self.schedule.span(phase);
            let middle = x((span.start + span.end).as_secs_f64() / 2.0);
            let title = phase.title();
            writeln!(
                svg,
                r#"<text class="phase" x="{middle:.1}" y="{}" text-anchor="middle">{title}</text>"#,
                TOP - 8.0
            )?;
        }
        writeln!(svg, r#"<text x="0" y="{}">{quantity}</text>"#, TOP - 26.0)?;
        if !self.room.is_empty() {
            let area = self
                .room
                .iter()
                .map(|(at, value)| format!("L{:.1} {:.1}", x(*at), y(*value)));
            let area: String = area.collect();
            writeln!(
                svg,
                r#"<path class="room" d="M{LEFT} {BOTTOM}{area}L{RIGHT} {BOTTOM}Z"/>"#
            )?;
        }
        for tick in ticks.iter() {
            let at = y(tick);
            writeln!(svg, r#"<path class="grid" d="M{LEFT} {at:.1}H{RIGHT}"/>"#)?;
            writeln!(
                svg,
                r#"<text x="{}" y="{:.1}" text-anchor="end">{tick}</text>"#,
                LEFT - 8.0,
                at + 4.0
            )?;
        }
        writeln!(svg, r#"<path class="axis" d="M{LEFT} {BOTTOM}H{RIGHT}"/>"#)?;
        for tick in Ticks::up_to(seconds).iter().filter(|tick| *tick <= seconds) {
            writeln!(
                svg,
                r#"<text x="{:.1}" y="{}" text-anchor="middle">{tick}</text>"#,
                x(tick),
                BOTTOM + 18.0
            )?;
        }
        writeln!(
            svg,
            r#"<text x="{RIGHT}" y="{}" text-anchor="end">seconds since the start</text>"#,
            BOTTOM + 34.0
        )?;
        self.draw_circuit(svg, x)?;
        self.draw_lines(svg, x, y)?;
        for (span, remark) in &self.remarks {
            let (from, width) = (x(span.start), x(span.end) - x(span.start));
            let remark = escape(remark);
            writeln!(
                svg,
                r#"<rect class="step" x="{from:.1}" y="{TOP}" width="{width:.1}" height="{height}"><title>{remark}</title></rect>"#
            )?;
        }
        writeln!(svg, "</svg>")
    }

    fn draw_lines(
        &self,
        svg: &mut String,
        x: impl Fn(f64) -> f64,
        y: impl Fn(f64) -> f64,
    ) -> std::fmt::Result {
        let mut taken: Vec<f64> = Vec::new();
        for Line { name, points } in &self.lines {
            let mut path = String::new();
            let mut pen_down = false;
            for (at, value) in points {
                if let Some(value) = value {
                    let step = if pen_down { 'L' } else { 'M' };
                    write!(path, "{step}{:.1} {:.1}", x(*at), y(*value))?;
                }
                pen_down = value.is_some();
            }
            let name = escape(name);
            writeln!(svg, r#"<g class="{name}"><path class="line" d="{path}"/>"#)?;
            if let Some(last) = points.iter().rev().find_map(|(_, value)| *value) {
                let mut end = y(last);
                // A name never lies upon another.
                while let Some(other) = taken
                    .iter()
                    .find(|other| (end - **other).abs() < NAME_HEIGHT)
                {
                    end = other - NAME_HEIGHT;
                }
                taken.push(end);
                writeln!(
                    svg,
                    r#"<text class="end" x="{}" y="{:.1}">{name}</text>"#,
                    RIGHT + 8.0,
                    end + 4.0
                )?;
            }
            writeln!(svg, "</g>")?;
        }
        Ok(())
    }

    fn draw_circuit(&self, svg: &mut String, x: impl Fn(f64) -> f64) -> std::fmt::Result {
        let end = self.schedule.total().as_secs_f64();
        if !self.circuit.is_empty() {
            writeln!(
                svg,
                r#"<text x="{}" y="{}" text-anchor="end">circuit</text>"#,
                LEFT - 8.0,
                STRIP + 10.0
            )?;
        }
        for (i, stay) in self.circuit.iter().enumerate() {
            let until = self.circuit.get(i + 1).map_or(end, |next| next.at).min(end);
            let (from, width) = (x(stay.at), (x(until) - x(stay.at)).max(0.0));
            let state = stay.state;
            let words = state.replace('_', "-");
            writeln!(
                svg,
                r#"<rect x="{from:.2}" y="{STRIP}" width="{width:.2}" height="{STRIP_HEIGHT}" fill="var(--{state})"><title>{words} at {:.2} s</title></rect>"#,
                stay.at
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

/// Round numbers from zero to the first one that reaches a highest value.
#[derive(Debug)]
struct Ticks {
    step: f64,
    count: u32,
}

impl Ticks {
    fn up_to(highest: f64) -> Self {
        let rough = highest / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        Self {
            step,
            count: (highest / step).ceil() as u32,
        }
    }

    fn iter(&self) -> impl Iterator<Item = f64> {
        (0..=self.count).map(|i| f64::from(i) * self.step)
    }

    fn top(&self) -> f64 {
        f64::from(self.count) * self.step
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
const BOTTOM: f64 = 254.0;
const STRIP: f64 = BOTTOM + 44.0;
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

    #[test]
    fn ticks_are_round_and_reach_the_highest_value() {
        for (highest, top, count) in [
            (5.0, 5.0, 5),
            (12.0, 12.5, 5),
            (40.0, 40.0, 4),
            (433.0, 500.0, 5),
            (1_290.0, 1_500.0, 3),
        ] {
            let ticks = Ticks::up_to(highest);
            assert_eq!((ticks.top(), ticks.count), (top, count));
            assert_eq!(ticks.iter().last(), Some(top));
        }
    }
}
