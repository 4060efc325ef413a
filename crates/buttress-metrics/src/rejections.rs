use buttress_core::{LayerKind, Reason};

use crate::meter::{Family, Labels, Registrar};
use crate::names::Metric;

/// The counters of the calls that a layer rejected, and of those that it would have rejected.
#[derive(Debug)]
pub(crate) struct Rejections {
    pub(crate) rejected: Family<Reason>,
    pub(crate) would_reject: Family<Reason>,
}

impl Rejections {
    /// Registers the series of all reasons of this layer, so that they start at 0.
    pub(crate) fn register(
        registrar: &Registrar<'_>,
        layer: LayerKind,
        rejected: &'static Metric,
        would_reject: &'static Metric,
    ) -> Self {
        let reasons = || {
            let all = Reason::ALL.iter().copied();
            all.filter(move |reason| reason.layers().contains(&layer))
        };
        // Exceeded deadlines have their own counter.
        let before_the_call = reasons().filter(|reason| *reason != Reason::DeadlineExceeded);
        Self {
            rejected: registrar.family(rejected, before_the_call, reason_label),
            would_reject: registrar.family(would_reject, reasons(), reason_label),
        }
    }
}

fn reason_label(reason: Reason) -> Labels {
    vec![("reason", reason.as_str().into())]
}
