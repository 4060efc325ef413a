use buttress_problem::ProblemConfig;
use http::HeaderName;
use toml::de::DeValue;

use super::table::Table;
use super::value::{Read, flag, or_off, ratio};

pub(super) fn read(table: &Table<'_>) -> ProblemConfig {
    table
        .section(ProblemConfig::default())
        .field(
            "request_id_header",
            or_off(header),
            ProblemConfig::request_id_header,
        )
        .field("instance", flag, ProblemConfig::instance)
        .field(
            "retry_after_jitter",
            ratio,
            ProblemConfig::retry_after_jitter,
        )
        .done()
}

pub(super) fn header(value: &DeValue<'_>) -> Read<HeaderName> {
    let name = value.as_str().and_then(|name| name.parse().ok());
    name.ok_or_else(|| "the name of a header".to_owned())
}
