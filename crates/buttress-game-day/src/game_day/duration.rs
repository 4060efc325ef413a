use std::time::Duration;

use buttress_core::text::parse_time;
use serde::Deserialize;

/// A duration in a file: a number and its unit.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Time(pub(super) Duration);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_time(&text).map(Self).map_err(|what| {
            format!("is {text:?}, but must be a time, as \"250 ms\" or \"1.5 s\": {what}")
        })
    }
}
