use std::fmt::Write;
use std::ops::Range;

use clap::ValueEnum;

use crate::charts;
use crate::figures::Figures;
use crate::plot::escape;
use crate::report::{Report, Settings};
use crate::schedule::{Phase, Schedule};
use crate::table::{Table, seconds};

/// The report as a page that needs nothing but itself.
pub(crate) fn page(report: &Report, schedule: &Schedule) -> String {
    let Settings {
        rate,
        seed,
        seconds,
        ..
    } = report.settings;
    let without = without(&report.settings);
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{headline}</title>
<style>
{STYLE}</style>
</head>
<body>
<header>
<p class="eyebrow">Buttress · storm · {rate} requests a second for {seconds} s · seed {seed}{without}</p>
<h1>{headline}</h1>
{lede}
</header>
{tiles}
<main>
{goodput}
{attempts}
{crowd}
{waits}
{table}
{measured}
</main>
<footer>
<p class="eyebrow">Again: <code>cargo run --release -p storm -- --rate {rate} --seed {seed} --seconds {seconds}{without}</code></p>
</footer>
</body>
</html>
"#,
        headline = escape(&report.headline),
        lede = lede(&report.settings, schedule),
        tiles = tiles(report),
        goodput = charts::goodput(report, schedule),
        attempts = charts::attempts(report, schedule),
        crowd = charts::crowd(report, schedule),
        waits = charts::waits(report, schedule),
        table = table(report),
        measured = measured(report),
    )
}

/// The option that leaves layers out, if any were.
pub(crate) fn without(settings: &Settings) -> String {
    let names = settings.without.iter().filter_map(|support| {
        let name = support.to_possible_value()?;
        Some(format!(" --without {}", name.get_name()))
    });
    names.collect()
}

const STYLE: &str = include_str!("page.css");

fn lede(settings: &Settings, schedule: &Schedule) -> String {
    let Range { start, end } = schedule.span(Phase::Brownout);
    format!(
        "<p>Two gateways get the same requests. Each calls an upstream of its own, which loses four fifths of its \
         workers from second {} to second {} and then has them back. When an attempt fails, the \
         <b class=\"naive\">naive</b> gateway tries again, at once, up to {} times. The one behind \
         <b class=\"buttress\">Buttress</b> admits as many as can be answered in time, and rejects the rest early.</p>",
        start.as_secs_f64(),
        end.as_secs_f64(),
        settings.naive_retries,
    )
}

fn tiles(report: &Report) -> String {
    let mut tiles = String::from("<ul class=\"tiles\">\n");
    let mut tile = |title: &str, figure: &dyn Fn(&Figures) -> String| {
        let naive = escape(&figure(&report.gateways.naive));
        let buttress = escape(&figure(&report.gateways.buttress));
        // Writing to a String cannot fail.
        let _ = writeln!(
            tiles,
            "<li><h3>{title}</h3><dl><dt class=\"naive\">naive</dt><dd>{naive}</dd>\
             <dt class=\"buttress\">buttress</dt><dd>{buttress}</dd></dl></li>"
        );
    };
    tile("Well again, after the upstream", &|of| {
        seconds(of.recovery_seconds)
    });
    tile("Answered in the brown-out, of what could be", &|of| {
        let could = report.settings.servable_in_brownout;
        format!("{:.0} %", 100.0 * of.goodput_brownout / could)
    });
    tile("Answers a second after the brown-out", &|of| {
        format!("{:.0}", of.goodput_after)
    });
    tile("Upstream attempts per request", &|of| {
        format!("{:.2}", of.attempts_per_request)
    });
    tiles + "</ul>"
}

fn table(report: &Report) -> String {
    let rows = Table::of(report);
    let rows = rows.rows().iter().map(|row| {
        let (label, naive, buttress) = (
            escape(&row.label),
            escape(&row.naive),
            escape(&row.buttress),
        );
        format!("<tr><th scope=\"row\">{label}</th><td>{naive}</td><td>{buttress}</td></tr>\n")
    });
    format!(
        "<section class=\"card\"><table><caption>All figures</caption>\n<thead><tr><td></td>\
         <th scope=\"col\" class=\"naive\">naive</th><th scope=\"col\" class=\"buttress\">buttress</th></tr></thead>\n\
         <tbody>\n{}</tbody></table></section>",
        rows.collect::<String>()
    )
}

fn measured(report: &Report) -> String {
    let Settings {
        attempt_timeout_ms,
        naive_retries,
        patience_ms,
        recovery_hold_seconds,
        upstream,
        upstream_capacity,
        workers_in_brownout,
        ..
    } = &report.settings;
    let (workers, queue) = (upstream.workers, upstream.queue);
    let service = upstream.service.as_secs_f64() * 1e3;
    let threshold = 100.0 * report.settings.recovery_threshold;
    let lag = report.generator.lag_p99_ms;
    format!(
        "<section class=\"card measured\"><h2>How it was measured</h2><dl>\
         <dt>Upstreams</dt><dd>One for each gateway, alike: {workers} workers and a queue of {queue}, first come, \
         first served; {service:.1} ms of work on average, exponentially distributed; so {upstream_capacity:.0} \
         requests a second, with {workers_in_brownout} workers in the brown-out. What is queued is worked on to the \
         end, also when its caller has gone. One request more than the queue holds is answered with 503.</dd>\
         <dt>Gateways</dt><dd>Both give an attempt {attempt_timeout_ms} ms. The naive one repeats what failed up to \
         {naive_retries} times. The layers of the other are, from the outside in: problem, deadline, shedder, retry, \
         breaker, bulkhead.</dd>\
         <dt>Load</dt><dd>Poisson arrivals, planned ahead from the seed, the same for both gateways, sent when they \
         are due and never held back by an answer (99 % were sent within {lag:.1} ms). A caller hangs up after \
         {patience_ms} ms.</dd>\
         <dt>Answered in time</dt><dd>A success before the caller hangs up. Requests count in the moment they were \
         due, and latency counts from it. p50 and p99 of the answers in time are over the whole storm.</dd>\
         <dt>Recovered</dt><dd>From the first moment after the brown-out at which the share of requests answered, \
         over each window of one second, is at least {threshold:.0} % of what it was in the calm, for \
         {recovery_hold_seconds} s on end.</dd>\
         <dt>Unaccounted for</dt><dd>Requests that were sent and ended in none of the ways listed above.</dd>\
         </dl></section>"
    )
}
