use std::collections::BTreeMap;
use std::fmt;

use buttress::chaos::Draw;
use buttress::game_day::ExperimentReport;
use serde::Serialize;
use storm::ledger::Ending;

use crate::chart::{self, Slot};
use crate::day::Scene;
use crate::load::Fate;

/// The results of the game day: serialized as `report.json`, and displayed as `report.md`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The source of the experiments.
    pub(crate) file: String,
    pub(crate) findings: Vec<Finding>,
}

/// The results of one experiment.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    #[serde(flatten)]
    pub(crate) judged: ExperimentReport,
    /// The multiple of the usual load while the plan was armed.
    pub(crate) traffic: f64,
    /// The number of requests sent.
    pub(crate) requests: usize,
    /// The number of requests that were due while the plan was armed, and of those that it had a fault for.
    pub(crate) armed: usize,
    pub(crate) hit: usize,
    /// The number of responses with a fault header, and of those that contradict the log.
    pub(crate) reported: usize,
    pub(crate) contradicted: usize,
    /// By result; with `unaccounted` they add up to `requests`.
    pub(crate) endings: BTreeMap<String, usize>,
    /// Successes with a response other than the upstream's: no fault excuses this.
    pub(crate) torn: usize,
    pub(crate) unaccounted: usize,
    /// The length of each phase, in seconds: before, during, recovery and after.
    pub(crate) phases: [f64; 4],
    pub(crate) series: Vec<Slot>,
}

impl Finding {
    pub(crate) fn new(scene: &Scene, judged: ExperimentReport, fates: &[Option<Fate>]) -> Self {
        let all = || scene.requests.iter().zip(&scene.decided).zip(fates);
        let known = || all().filter_map(|(planned, fate)| Some((planned, fate.as_ref()?)));
        let reported =
            || known().filter_map(|((_, decided), fate)| Some((decided, fate.reported.as_ref()?)));
        let armed = || all().filter(|((request, _), _)| request.armed);
        // Otherwise the log has the first attempts only, while a response belongs to the last.
        let draws_for_calls = scene.experiment.plan().draws() == Draw::PerCall;
        let mut endings = BTreeMap::new();
        for (_, fate) in known() {
            let ending = match &fate.ending {
                Ending::Refused(reason) => format!("refused: {reason}"),
                ending => ending.as_str().replace('_', " "),
            };
            *endings.entry(ending).or_insert(0) += 1;
        }
        Self {
            traffic: scene.experiment.traffic_factor(),
            requests: scene.requests.len(),
            armed: armed().count(),
            hit: armed()
                .filter(|((_, decided), _)| decided.is_some())
                .count(),
            reported: reported().count(),
            contradicted: reported()
                .filter(|(decided, reported)| {
                    draws_for_calls && decided.as_ref() != Some(*reported)
                })
                .count(),
            endings,
            torn: known().filter(|(_, fate)| fate.torn).count(),
            unaccounted: all().filter(|(_, fate)| fate.is_none()).count(),
            phases: scene.experiment.phases().map(|phase| phase.as_secs_f64()),
            series: chart::series(known().map(|((request, _), fate)| (request, fate))),
            judged,
        }
    }

    /// Whether the hypothesis held, and no other error was found.
    pub(crate) fn is_well(&self) -> bool {
        self.judged.held() && self.wrong().is_none()
    }

    /// Returns errors that no hypothesis excuses.
    pub(crate) fn wrong(&self) -> Option<String> {
        let wrong = [
            (self.torn, "incomplete responses were accepted"),
            (self.unaccounted, "requests are unaccounted for"),
            (
                self.contradicted,
                "responses have other faults than the log",
            ),
        ];
        let wrong = wrong.into_iter().filter(|(count, _)| *count > 0);
        let wrong: Vec<_> = wrong
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!wrong.is_empty()).then(|| wrong.join(", "))
    }

    /// Returns how many requests the plan affects, as a sentence.
    pub(crate) fn share(&self) -> String {
        let Self {
            armed,
            hit,
            traffic,
            ..
        } = self;
        let load = if *traffic == 1.0 {
            String::new()
        } else {
            format!(", {traffic} times the usual load")
        };
        format!(
            "{armed} requests were due while the plan was armed{load}; it has a fault for {hit} of them"
        )
    }

    /// Returns what was done, in a line.
    pub(crate) fn action(&self) -> String {
        let Self {
            armed,
            hit,
            traffic,
            ..
        } = self;
        if self.judged.faults.is_empty() {
            return format!("{armed} requests, {traffic} times the usual load");
        }
        let faults = self.judged.faults.join(", ");
        format!("{faults}: {hit} of {armed} requests")
    }
}

impl Report {
    pub(crate) fn new(file: String) -> Self {
        Self {
            file,
            findings: Vec::new(),
        }
    }

    /// Whether everything held.
    pub(crate) fn is_well(&self) -> bool {
        self.findings.iter().all(Finding::is_well)
    }

    /// Returns the result as a sentence.
    pub(crate) fn sentence(&self) -> String {
        let all = self.findings.len();
        match self
            .findings
            .iter()
            .filter(|finding| finding.is_well())
            .count()
        {
            well if well == all => format!("All {all} hypotheses held."),
            well => format!("{well} of {all} hypotheses held."),
        }
    }
}

/// The outcome in a line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.action();
        write!(
            f,
            "{:<18} {action:<32} {}",
            self.judged.name, self.judged.outcome
        )?;
        match self.wrong() {
            Some(wrong) => write!(f, "; {wrong}"),
            None => Ok(()),
        }
    }
}

/// Explains the figures of a report.
pub(crate) const LEGEND: &str = "Figures are as callers see them: a call that is rejected has failed, too. Latency \
    counts from when a request was due.";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Game day\n\n{}\n", self.sentence())?;
        writeln!(f, "{LEGEND}\n")?;
        for finding in &self.findings {
            writeln!(f, "{}", finding.judged)?;
            writeln!(f, "{}. All requests, by result:\n", finding.share())?;
            for (ending, count) in &finding.endings {
                writeln!(f, "- {ending}: {count}")?;
            }
            if let Some(wrong) = finding.wrong() {
                writeln!(f, "\n**{wrong}**")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
