use std::fmt::Write;

use buttress::game_day::Figures;

use crate::chart;
use crate::report::{Finding, LEGEND, Report};

/// Returns the report as an HTML page without external resources.
pub(crate) fn page(report: &Report) -> String {
    let sentence = escape(&report.sentence());
    let file = escape(&report.file);
    let seed = report
        .findings
        .first()
        .map_or(0, |finding| finding.judged.seed);
    let findings: String = report.findings.iter().map(section).collect();
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Game day: {sentence}</title>
<style>
{STYLE}</style>
</head>
<body>
<p class="eyebrow">Buttress · game day · {file} · seed {seed}</p>
<h1>{sentence}</h1>
<p>A gateway with Buttress calls a dependency into which faults are injected. The hypothesis is what must hold while the
plan is armed; the steady state must hold before, and again after some time to recover. The faults of each request
follow from the seed alone, and are in <code>faults.log</code>. {LEGEND}</p>
<ul class="legend"><li><i class="answered"></i>successful</li><li><i class="refused"></i>rejected at once, with a reason</li><li><i class="failed"></i>failed</li><li><i class="fault"></i>while the fault is injected</li></ul>
{findings}</body>
</html>
"#
    )
}

const STYLE: &str = include_str!("page.css");

fn section(finding: &Finding) -> String {
    let judged = &finding.judged;
    let mut verdict = judged.outcome.to_string();
    if let Some(wrong) = finding.wrong() {
        verdict = format!("{verdict}; {wrong}");
    }
    let mut rows = String::new();
    for (phase, figures) in [
        ("before", &judged.before),
        ("during", &judged.during),
        ("after", &judged.after),
    ] {
        if let Some(figures) = figures {
            rows.push_str(&row(phase, figures));
        }
    }
    let mut endings = String::new();
    for (ending, count) in &finding.endings {
        // Writing to a String cannot fail.
        let _ = write!(endings, "<li>{count} {}</li>", escape(ending));
    }
    format!(
        "<section>\n<h2>{} <span class=\"{}\">{}</span></h2>\n<dl><dt>must hold while armed</dt><dd>{}</dd>\
         <dt>before and after</dt><dd>{}</dd><dt>injected</dt><dd>{}</dd></dl>\n\
         <p class=\"eyebrow\">{}.</p>\n{}\n\
         <table><thead><tr><td></td><th>calls</th><th>successful per second</th><th>failed</th><th>p50</th><th>p99</th></tr>\
         </thead><tbody>\n{rows}</tbody></table>\n<ul class=\"endings\">{endings}</ul>\n</section>\n",
        escape(&judged.name),
        if finding.is_well() { "held" } else { "broken" },
        escape(&verdict),
        escape(&judged.hypothesis),
        escape(&judged.steady_state),
        escape(&injected(finding)),
        escape(&finding.share()),
        chart::bars(finding),
    )
}

fn injected(finding: &Finding) -> String {
    match finding.judged.injected.as_slice() {
        [] => format!("no fault, but {} times the usual traffic", finding.traffic),
        injected => injected.join("; "),
    }
}

fn row(phase: &str, figures: &Figures) -> String {
    format!(
        "<tr><th>{phase}</th><td>{}</td><td>{:.1}</td><td>{:.1} %</td><td>{:.0} ms</td><td>{:.0} ms</td></tr>\n",
        figures.calls,
        figures.goodput(),
        100.0 * figures.failure_ratio(),
        figures.p50.as_secs_f64() * 1e3,
        figures.p99.as_secs_f64() * 1e3,
    )
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_file_are_escaped() {
        assert_eq!(escape("<b> & \"c\""), "&lt;b&gt; &amp; &quot;c&quot;");
        let page = page(&Report::new("<script>".to_owned()));
        assert!(!page.contains("<script>"));
    }
}
