//! The plots of the page, each with its words and its legend.

use std::ops::Range;

use crate::figures::{Figures, Full, Point, STEP};
use crate::plot::{Line, Plot};
use crate::report::Report;
use crate::schedule::{Phase, Schedule};
use crate::watch::Crowd;

/// The answered requests, with the circuit below.
pub(crate) fn goodput(report: &Report, schedule: &Schedule) -> String {
    let legend = format!(
        "{LINES}<li><i style=\"background:var(--room)\"></i>what the upstream could have answered</li>{}",
        [
            ("closed", "circuit closed"),
            ("open", "open"),
            ("half_open", "half-open"),
            ("recovering", "recovering")
        ]
        .map(|(state, words)| format!(
            "<li><i style=\"background:var(--{state})\"></i>{words}</li>"
        ))
        .concat()
    );
    figure(
        "Answered requests",
        "Once its requests time out, the naive gateway turns each of them into four. The upstream is busy with \
         those whose callers have left, and stays so when all its workers are back. The other admits what can be \
         answered, and rejects the rest.",
        &legend,
        &goodput_plot(report, schedule),
    )
}

/// The plot of the answered requests, without its words.
pub(crate) fn goodput_plot<'a>(report: &'a Report, schedule: &'a Schedule) -> Plot<'a> {
    Plot {
        quantity: "requests answered in time, per second",
        schedule,
        height: HEIGHT,
        phases: Phase::ALL.map(Phase::title),
        room: servable(report, schedule),
        lines: lines(report, |point| Some(point.goodput)),
        circuit: &report.gateways.buttress.circuit,
        remarks: remarks(report, |point| {
            format!("{:.0} of {:.0}/s answered", point.goodput, point.offered)
        }),
    }
}

/// The load of the upstream.
pub(crate) fn attempts(report: &Report, schedule: &Schedule) -> String {
    let plot = Plot {
        quantity: "requests the upstream gets, per second",
        schedule,
        height: HEIGHT,
        phases: Phase::ALL.map(Phase::title),
        room: capacity(report, schedule),
        lines: lines(report, |point| Some(point.attempts)),
        circuit: &[],
        remarks: remarks(report, |point| format!("{:.0} attempts/s", point.attempts)),
    };
    let legend = format!(
        "{LINES}<li><i style=\"background:var(--room)\"></i>what the upstream has workers for</li>"
    );
    figure(
        "What the upstream bears",
        "As long as more comes in than the workers can do, their queue never empties. Behind Buttress as much comes \
         in as they can do, so it never fills.",
        &legend,
        &plot,
    )
}

/// How long callers are kept waiting.
pub(crate) fn waits(report: &Report, schedule: &Schedule) -> String {
    let plot = Plot {
        quantity: "milliseconds until a request has ended in any way, p99",
        schedule,
        height: HEIGHT,
        phases: Phase::ALL.map(Phase::title),
        room: Vec::new(),
        lines: lines(report, |point| point.wait_p99_ms),
        circuit: &[],
        remarks: remarks(report, |point| {
            point
                .wait_p99_ms
                .map_or_else(|| "no requests".to_owned(), |wait| format!("{wait:.0} ms"))
        }),
    };
    figure(
        "How long callers are kept waiting",
        "A refusal is an answer too: it comes at once, says why, and says when to come back.",
        LINES,
        &plot,
    )
}

/// The requests admitted to the gateway behind Buttress, and those waiting.
pub(crate) fn crowd(report: &Report, schedule: &Schedule) -> String {
    let full = &report.gateways.buttress.crowd;
    let line = |name, value: fn(&Crowd) -> f64| Line {
        name,
        points: full
            .iter()
            .map(|full| (full.at + STEP.as_secs_f64() / 2.0, Some(value(&full.crowd))))
            .collect(),
    };
    let remark = |full: &Full| {
        let Full { at, crowd } = full;
        let text = format!(
            "second {at}: {:.0} of {:.0} inside, {:.0} waiting",
            crowd.in_flight, crowd.limit, crowd.queued
        );
        (*at..at + STEP.as_secs_f64(), text)
    };
    let plot = Plot {
        quantity: "requests in the gateway behind Buttress, on average over half a second",
        schedule,
        height: HEIGHT,
        phases: Phase::ALL.map(Phase::title),
        room: Vec::new(),
        lines: vec![
            line("limit", |crowd| crowd.limit),
            line("inside", |crowd| crowd.in_flight),
            line("waiting", |crowd| crowd.queued),
        ],
        circuit: &[],
        remarks: full.iter().map(remark).collect(),
    };
    let legend = [
        ("limit", "the shedder's limit"),
        ("inside", "how many are inside"),
        (
            "waiting",
            "how many wait in the queue, for an eighth of a second at most",
        ),
    ]
    .map(|(name, words)| {
        format!("<li><i class=\"line\" style=\"background:var(--{name})\"></i>{words}</li>")
    })
    .concat();
    figure(
        "Admitted requests",
        "The shedder adapts its limit: where a lower one would make answers quicker and no fewer, it goes \
         down. As no request is inside for long, no attempt times out, and the circuit has little reason to open.",
        &legend,
        &plot,
    )
}

/// How high the area of the lines is, in each plot of the page.
const HEIGHT: f64 = 212.0;

/// The lines that every legend begins with.
const LINES: &str = "<li><i class=\"line\" style=\"background:var(--naive)\"></i>naive</li>\
                     <li><i class=\"line\" style=\"background:var(--buttress)\"></i>buttress</li>";

fn figure(title: &str, text: &str, legend: &str, plot: &Plot<'_>) -> String {
    let svg = plot.svg();
    format!(
        "<figure><figcaption><h2>{title}</h2><p>{text}</p></figcaption>\n<ul class=\"legend\">{legend}</ul>\n\
         <div class=\"plot\">{svg}</div></figure>"
    )
}

fn lines<'a>(report: &Report, value: impl Fn(&Point) -> Option<f64>) -> Vec<Line<'a>> {
    let line = |name, of: &Figures| Line {
        name,
        points: of
            .series
            .iter()
            .map(|point| (middle(point), value(point)))
            .collect(),
    };
    vec![
        line("naive", &report.gateways.naive),
        line("buttress", &report.gateways.buttress),
    ]
}

fn remarks(report: &Report, words: impl Fn(&Point) -> String) -> Vec<(Range<f64>, String)> {
    let both = report
        .gateways
        .naive
        .series
        .iter()
        .zip(&report.gateways.buttress.series);
    both.map(|(naive, buttress)| {
        let span = naive.at..naive.at + STEP.as_secs_f64();
        let text = format!(
            "second {}: naive {}, buttress {}",
            naive.at,
            words(naive),
            words(buttress)
        );
        (span, text)
    })
    .collect()
}

/// What the upstream has workers for, as a line with steps.
fn capacity(report: &Report, schedule: &Schedule) -> Vec<(f64, f64)> {
    let settings = &report.settings;
    let per_worker = settings.upstream_capacity / settings.upstream.workers as f64;
    let of_phase = |phase| {
        let workers = match phase {
            Phase::Brownout => settings.workers_in_brownout,
            Phase::Calm | Phase::After => settings.upstream.workers,
        };
        let span = schedule.span(phase);
        let capacity = per_worker * workers as f64;
        [
            (span.start.as_secs_f64(), capacity),
            (span.end.as_secs_f64(), capacity),
        ]
    };
    Phase::ALL.into_iter().flat_map(of_phase).collect()
}

/// What the upstream could have answered of what was offered.
fn servable(report: &Report, schedule: &Schedule) -> Vec<(f64, f64)> {
    let rate = report.settings.rate as f64;
    let capacity = capacity(report, schedule).into_iter();
    capacity
        .map(|(at, capacity)| (at, capacity.min(rate)))
        .collect()
}

fn middle(point: &Point) -> f64 {
    point.at + STEP.as_secs_f64() / 2.0
}
