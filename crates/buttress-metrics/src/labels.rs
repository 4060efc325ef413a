//! Labels that several layers share.

use buttress_core::{LayerKind, Reason};

use crate::meter::Labels;

pub(crate) fn reason_label(reason: Reason) -> Labels {
    vec![("reason", reason.as_str().into())]
}

/// The reasons for which layers of a kind reject, so that their series start at 0.
pub(crate) fn reasons_of(layer: LayerKind) -> impl Iterator<Item = Reason> {
    let all = Reason::ALL.iter().copied();
    all.filter(move |reason| reason.layers().contains(&layer))
}
