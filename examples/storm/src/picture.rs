//! The storm as one picture: what the two gateways answered per second.

use std::fmt::{self, Write};

use crate::charts;
use crate::html;
use crate::plot::{Plot, escape};
use crate::report::{Report, Settings};
use crate::schedule::Schedule;

/// The goodput of both gateways as an SVG file that needs nothing but itself.
///
/// It has a ground of its own and takes the reader's colour scheme, so that it is legible on light and dark pages. There
/// are no scripts, no references and no fonts to load.
pub(crate) fn picture(report: &Report, schedule: &Schedule) -> String {
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = draw(&mut svg, report, schedule);
    svg
}

fn draw(svg: &mut String, report: &Report, schedule: &Schedule) -> fmt::Result {
    let settings = &report.settings;
    let (workers, few) = (settings.upstream.workers, settings.workers_in_brownout);
    let phases = [
        format!("calm: {workers} workers"),
        format!("brown-out: {few} left"),
        format!("recovery: all {workers} again"),
    ];
    let plot = Plot {
        height: PLOT_HEIGHT,
        phases: phases.each_ref().map(String::as_str),
        circuit: &[],
        remarks: Vec::new(),
        ..charts::goodput_plot(report, schedule)
    };
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="800" height="360" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title">"#
    )?;
    let headline = escape(&report.headline);
    writeln!(svg, r#"<title id="title">{headline}</title>"#)?;
    write!(svg, "<style>\n{STYLE}</style>\n")?;
    writeln!(
        svg,
        r#"<rect class="ground" x="0.5" y="0.5" width="{}" height="{}" rx="8"/>"#,
        WIDTH - 1.0,
        HEIGHT - 1.0
    )?;
    draw_legend(svg, settings)?;
    writeln!(svg, r#"<g transform="translate({MARGIN} {PLOT_TOP})">"#)?;
    plot.draw_parts(svg)?;
    writeln!(svg, "</g>")?;
    writeln!(
        svg,
        r#"<text x="{MARGIN}" y="{}">{}</text>"#,
        HEIGHT - 14.0,
        escape(&caption(settings))
    )?;
    writeln!(svg, "</svg>")
}

fn draw_legend(svg: &mut String, settings: &Settings) -> fmt::Result {
    let naive = format!("naive: a timeout and {} retries", settings.naive_retries);
    let buttress = "buttress: the same client behind the layers";
    let room = "what the upstream could answer";
    let y = MARGIN + 12.0;
    for (x, class, text) in [
        (MARGIN, "naive", naive.as_str()),
        (MARGIN + 270.0, "buttress", buttress),
    ] {
        let (to, middle, after) = (x + 26.0, y - 5.0, x + 34.0);
        writeln!(
            svg,
            r#"<g class="{class}"><path class="line" d="M{x} {middle}H{to}"/></g><text x="{after}" y="{y}">{text}</text>"#
        )?;
    }
    let (x, top, after) = (MARGIN + 640.0, y - 12.0, MARGIN + 674.0);
    writeln!(
        svg,
        r#"<rect class="room" x="{x}" y="{top}" width="26" height="14"/><path class="edge" d="M{x} {top}h26"/><text x="{after}" y="{y}">{room}</text>"#
    )
}

/// What the storm was made of.
fn caption(settings: &Settings) -> String {
    let Settings {
        rate,
        seconds,
        seed,
        ..
    } = settings;
    let without = html::without(settings);
    format!("{rate} requests a second to each gateway for {seconds} s, seed {seed}{without}")
}

const STYLE: &str = include_str!("picture.css");

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 450.0;
/// Around everything.
const MARGIN: f64 = 20.0;
/// Where the plot begins, below the legend.
const PLOT_TOP: f64 = 56.0;
const PLOT_HEIGHT: f64 = 304.0;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::args::Args;
    use crate::figures::{Figures, Records};
    use crate::ledger::{Ending, Entry};
    use crate::report::{Gateways, Generator};
    use crate::upstream::Build;
    use crate::watch::Notes;

    fn report(arguments: &[&str], answered: impl Fn(u64) -> bool) -> (Report, Schedule) {
        let args = Args::try_parse_from([&["storm"], arguments].concat()).unwrap();
        let schedule = Schedule::new(args.duration());
        let entries = || {
            let due = (0..args.seconds * 10).map(|i| (i, Duration::from_millis(100 * i)));
            due.map(|(i, due)| {
                let ending = if answered(i) {
                    Ending::Answered
                } else {
                    Ending::HungUp
                };
                Entry {
                    due,
                    sent: due,
                    ended: Some((due, ending)),
                }
            })
        };
        let figures = || {
            let records = Records {
                entries: entries().collect(),
                attempts: Vec::new(),
                abandoned: 0,
                watched: Notes::default(),
            };
            Figures::of(records, &schedule)
        };
        let report = Report {
            headline: "Served < all & \"more\"".to_owned(),
            settings: Settings::new(&args, Build::for_rate(args.rate), &schedule),
            gateways: Gateways {
                naive: figures(),
                buttress: figures(),
            },
            generator: Generator {
                lag_p99_ms: 0.0,
                lag_max_ms: 0.0,
            },
        };
        (report, schedule)
    }

    fn picture_of(arguments: &[&str]) -> String {
        let (report, schedule) = report(arguments, |i| i % 3 > 0);
        picture(&report, &schedule)
    }

    /// The names of the elements, in order, after checking that each that is opened is closed.
    fn elements(xml: &str) -> Vec<&str> {
        let (mut open, mut seen) = (Vec::new(), Vec::new());
        for tag in xml.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').expect("a tag ends");
            assert!(!text.contains('>'), "{text}");
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let name = tag.split([' ', '\n']).next().unwrap();
            if let Some(name) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
                continue;
            }
            seen.push(name);
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        seen
    }

    #[test]
    fn a_picture_is_one_well_formed_svg_of_known_elements() {
        let svg = picture_of(&[]);
        let elements = elements(&svg);
        assert_eq!(elements.iter().filter(|name| **name == "svg").count(), 1);
        assert_eq!(elements[0], "svg");
        for name in elements {
            let known = ["svg", "title", "style", "rect", "g", "path", "text"];
            assert!(known.contains(&name), "{name}");
        }
        assert!(svg.contains("Served &lt; all &amp; &quot;more&quot;"));
    }

    #[test]
    fn a_picture_refers_to_nothing_outside() {
        let svg = picture_of(&[]);
        assert_eq!(svg.matches("http").count(), 1, "only the namespace");
        for reference in ["href", "url(", "@import", "@font-face", "script", "var("] {
            assert!(!svg.contains(reference), "{reference}");
        }
    }

    #[test]
    fn a_picture_names_both_gateways_the_phases_and_the_units() {
        let svg = picture_of(&["--without", "breaker"]);
        for text in [
            ">naive</text>",
            ">buttress</text>",
            "naive: a timeout and 3 retries",
            "buttress: the same client behind the layers",
            "what the upstream could answer",
            "calm: 10 workers",
            "brown-out: 2 left",
            "recovery: all 10 again",
            "requests answered in time, per second",
            "seconds since the start",
            "400 requests a second to each gateway for 40 s, seed 7 --without breaker",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        for name in ["naive", "buttress"] {
            let line = format!(r#"<g class="{name}"><path class="line" d="M"#);
            assert_eq!(svg.matches(&line).count(), 2, "{name}: legend and plot");
        }
    }

    #[test]
    fn a_picture_of_a_storm_without_answers_has_only_numbers() {
        let (report, schedule) = report(&["--seconds", "12"], |_| false);
        let svg = picture(&report, &schedule);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
