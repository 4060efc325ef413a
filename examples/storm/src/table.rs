use std::collections::BTreeSet;
use std::fmt;

use crate::figures::Figures;
use crate::report::Report;

/// The figures of both gateways side by side, as text for the terminal and as rows for the page.
#[derive(Debug)]
pub(crate) struct Table(Vec<Row>);

/// One figure of both gateways.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) naive: String,
    pub(crate) buttress: String,
}

impl Table {
    pub(crate) fn of(report: &Report) -> Self {
        let gateways = &report.gateways;
        let mut table = Self(Vec::new());
        let mut row = |label: &str, figure: &dyn Fn(&Figures) -> String| {
            table.0.push(Row {
                label: label.to_owned(),
                naive: figure(&gateways.naive),
                buttress: figure(&gateways.buttress),
            });
        };
        row("goodput before the brown-out, /s", &|of| {
            format!("{:.1}", of.goodput_calm)
        });
        row("goodput in the brown-out, /s", &|of| {
            format!("{:.1}", of.goodput_brownout)
        });
        row("of what its upstream could do", &|of| {
            let could = report.settings.servable_in_brownout;
            format!("{:.0} %", 100.0 * of.goodput_brownout / could)
        });
        row("goodput after it, /s", &|of| {
            format!("{:.1}", of.goodput_after)
        });
        row("recovered after", &|of| seconds(of.recovery_seconds));
        row("answers in time, p50", &|of| millis(of.p50_ms));
        row("answers in time, p99", &|of| millis(of.p99_ms));
        row("wait for any ending, p99", &|of| millis(of.wait_p99_ms));
        row("upstream attempts per request", &|of| {
            format!("{:.2}", of.attempts_per_request)
        });
        row("of them, worked on in vain", &|of| {
            format!("{:.1} %", 100.0 * of.abandoned_share)
        });
        row("requests offered", &|of| of.offered.to_string());
        for ending in [
            "answered",
            "upstream_timeout",
            "upstream_error",
            "hung_up",
            "disconnected",
        ] {
            if [&gateways.naive, &gateways.buttress]
                .iter()
                .any(|of| of.endings.contains_key(ending))
            {
                let label = ending.replace('_', " ");
                row(&label, &|of| {
                    of.endings.get(ending).copied().unwrap_or(0).to_string()
                });
            }
        }
        let reasons: BTreeSet<_> = [&gateways.naive, &gateways.buttress]
            .into_iter()
            .flat_map(|of| of.refused.keys())
            .collect();
        for reason in reasons {
            row(&format!("rejected: {reason}"), &|of| {
                of.refused.get(reason).copied().unwrap_or(0).to_string()
            });
        }
        row("unaccounted for", &|of| of.unaccounted.to_string());
        table
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.0
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<32}{:>12}{:>12}", "", "naive", "buttress")?;
        for row in &self.0 {
            writeln!(f, "{:<32}{:>12}{:>12}", row.label, row.naive, row.buttress)?;
        }
        Ok(())
    }
}

/// A time to recover as a person says it.
pub(crate) fn seconds(recovery: Option<f64>) -> String {
    recovery.map_or_else(|| "never".to_owned(), |seconds| format!("{seconds:.1} s"))
}

fn millis(figure: Option<f64>) -> String {
    figure.map_or_else(|| "–".to_owned(), |millis| format!("{millis:.0} ms"))
}
