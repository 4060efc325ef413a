use buttress_core::Ratio;
use serde::Deserialize;

/// A ratio in a file.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Share(pub(super) Ratio);

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        Ratio::new(value)
            .map(Self)
            .map_err(|error| format!("is {}, but must be {}", error.value(), error.bound()))
    }
}
