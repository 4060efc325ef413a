use buttress_deadline::{ClientDeadlineConfig, DeadlineConfig, DeadlineHeader, DeadlineHeaders};
use buttress_http::Until;
use toml::de::DeValue;

use super::table::Table;
use super::value::{Read, flag, mode, time, word};

/// For a server.
pub(super) fn read(table: &Table<'_>) -> DeadlineConfig {
    table
        .section(DeadlineConfig::default())
        .field("timeout", time, DeadlineConfig::timeout)
        .field("maximum", time, DeadlineConfig::maximum)
        .field("minimum", time, DeadlineConfig::minimum)
        .field("offset", time, DeadlineConfig::offset)
        .field("believe", headers, DeadlineConfig::believe)
        .field("clock_skew", time, DeadlineConfig::clock_skew)
        .field("until", until, DeadlineConfig::until)
        .field("head_timeout", time, DeadlineConfig::head_timeout)
        .field("body_idle", time, DeadlineConfig::body_idle)
        .field("body_timeout", time, DeadlineConfig::body_timeout)
        .field("extension", flag, DeadlineConfig::extension)
        .field("mode", mode, DeadlineConfig::mode)
        .check(DeadlineConfig::check)
}

/// For a client.
pub(super) fn read_client(table: &Table<'_>) -> ClientDeadlineConfig {
    table
        .section(ClientDeadlineConfig::default())
        .field("timeout", time, ClientDeadlineConfig::timeout)
        .field("margin", time, ClientDeadlineConfig::margin)
        .field("minimum", time, ClientDeadlineConfig::minimum)
        .field("header", header, ClientDeadlineConfig::header)
        .field("until", until, ClientDeadlineConfig::until)
        .field("head_timeout", time, ClientDeadlineConfig::head_timeout)
        .field("body_idle", time, ClientDeadlineConfig::body_idle)
        .field("body_timeout", time, ClientDeadlineConfig::body_timeout)
        .field("extension", flag, ClientDeadlineConfig::extension)
        .field("mode", mode, ClientDeadlineConfig::mode)
        .check(ClientDeadlineConfig::check)
}

/// When a call ends.
pub(super) fn until(value: &DeValue<'_>) -> Read<Until> {
    word(&[("body_end", Until::BodyEnd), ("headers", Until::Headers)])(value)
}

fn header(value: &DeValue<'_>) -> Read<DeadlineHeader> {
    let headers: Vec<_> = DeadlineHeader::ALL
        .iter()
        .map(|&header| (header.name(), header))
        .collect();
    let words: Vec<_> = headers
        .iter()
        .map(|(name, header)| (name.as_str(), *header))
        .collect();
    word(&words)(value)
}

fn headers(value: &DeValue<'_>) -> Read<DeadlineHeaders> {
    let list = value.as_array().ok_or("a list of headers")?;
    let mut headers = DeadlineHeaders::NONE;
    for value in list.iter() {
        let one = header(value.get_ref()).map_err(|bound| format!("a list, each {bound}"))?;
        headers = headers.with(one);
    }
    Ok(headers)
}
