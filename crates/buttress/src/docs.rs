#![doc = include_str!("../docs/README.md")]
//!
//! This module has no code. It exists for rustdoc only.

#[doc = include_str!("../docs/adding-a-layer.md")]
pub mod adding_a_layer {}

#[doc = include_str!("../docs/alerting.md")]
pub mod alerting {}

#[doc = include_str!("../docs/glossary.md")]
pub mod glossary {}

#[doc = include_str!("../docs/ordering.md")]
pub mod ordering {}

#[doc = include_str!("../docs/tuning.md")]
pub mod tuning {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use buttress_breaker::CircuitState;
    use buttress_core::Reason;
    use buttress_metrics::names;
    use buttress_retry::StopReason;

    const ALERTING: &str = include_str!("../docs/alerting.md");

    #[test]
    fn alerting_names_every_metric_and_no_other() {
        let named: BTreeSet<_> = metrics(ALERTING).map(|(name, _)| name).collect();
        let emitted: BTreeSet<_> = names::ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(named, emitted);
    }

    #[test]
    fn alerting_selects_by_labels_and_values_that_exist() {
        let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
        let stops = StopReason::ALL.iter().map(|reason| reason.as_str());
        let states = CircuitState::ALL.iter().map(|state| state.as_str());
        let words: BTreeSet<_> = reasons.chain(stops).chain(states).collect();
        for (name, rest) in metrics(ALERTING) {
            let Some((selectors, _)) = rest.strip_prefix('{').and_then(|it| it.split_once('}'))
            else {
                continue;
            };
            let metric = names::ALL.iter().find(|metric| metric.name == name);
            let labels = metric.expect("the metric is in the table").labels;
            for selector in selectors.split(", ") {
                let (label, value) = selector
                    .split_once(['=', '!'])
                    .expect("a label and a value");
                let is_of_recorder = label == "quantile";
                assert!(
                    is_of_recorder || labels.contains(&label),
                    "{name} has no {label}"
                );
                if matches!(label, "reason" | "state" | "to") {
                    for word in value.trim_matches(['=', '~', '"']).split('|') {
                        assert!(words.contains(word), "{name} has no {label} {word}");
                    }
                }
            }
        }
    }

    /// The names of metrics in a text, and the text after each.
    fn metrics(text: &str) -> impl Iterator<Item = (&str, &str)> {
        text.match_indices("buttress_").map(|(start, _)| {
            let text = &text[start..];
            let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            let (name, rest) = text.split_at(end.unwrap_or(text.len()));
            (name.strip_suffix("_bucket").unwrap_or(name), rest)
        })
    }
}
