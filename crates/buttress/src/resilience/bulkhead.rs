use buttress_bulkhead::{
    Bulkhead, BulkheadConfig, BulkheadLayer, ControlledDelay, Order, PartitionsConfig,
};
use buttress_core::ConfigError;
use buttress_http::{Http, Until};
use toml::de::DeValue;

use super::deadline::until;
use super::section::Section;
use super::table::Table;
use super::value::{Read, flag, mode, or_off, ratio, time, whole, word};

/// The configuration of a bulkhead and of its layer.
#[derive(Debug, Clone)]
pub(super) struct BulkheadSettings {
    pub(super) config: BulkheadConfig,
    until: Until,
}

impl BulkheadSettings {
    pub(super) fn layer(&self, bulkhead: &Bulkhead) -> BulkheadLayer<Http> {
        BulkheadLayer::server(bulkhead).until(self.until)
    }
}

/// For a client.
pub(super) fn read(table: &Table<'_>) -> BulkheadSettings {
    settings(table, section(table).check(check))
}

/// For a server, whose calls are distinguished by path.
pub(super) fn read_server(table: &Table<'_>) -> BulkheadSettings {
    let section = section(table).within("partitions", |config, table| {
        config.partitions(partitions(table))
    });
    settings(table, section.check(check))
}

fn settings(table: &Table<'_>, config: BulkheadConfig) -> BulkheadSettings {
    let until = table.peek("until", until).unwrap_or_default();
    BulkheadSettings { config, until }
}

fn section<'t, 'a>(table: &'t Table<'a>) -> Section<'t, 'a, BulkheadConfig> {
    table
        .section(BulkheadConfig::default())
        .field("limit", whole, BulkheadConfig::limit)
        .field("queue", whole, |config, calls| config.queue(calls as usize))
        .field("max_wait", or_off(time), BulkheadConfig::max_wait)
        .field_or_within("order", order, BulkheadConfig::order, |config, table| {
            config.order(adaptive(table))
        })
        .field("by_criticality", flag, BulkheadConfig::by_criticality)
        .within("controlled_delay", |config, table| {
            config.controlled_delay(controlled_delay(table))
        })
        .field("margin", time, BulkheadConfig::margin)
        .field("until", until, |config, _| config)
        .field("reader_idle", or_off(time), BulkheadConfig::reader_idle)
        .field("mode", mode, BulkheadConfig::mode)
}

fn check(config: &BulkheadConfig) -> Result<(), ConfigError> {
    config.check().map_err(under_its_key)
}

/// The paths, and the share of each.
fn partitions(table: &Table<'_>) -> PartitionsConfig {
    let mut config = PartitionsConfig::default();
    for path in table.keys() {
        match table.value(path).map(ratio) {
            Some(Ok(_)) if !is_first_segment(path) => {
                table.blame(
                    path,
                    "a path",
                    "the first segment of a path, such as \"/checkout\"",
                );
            }
            Some(Ok(share)) => config = config.share(path.to_owned(), share),
            Some(Err(bound)) => table.blame(path, "a table", bound),
            None => {}
        }
    }
    config
}

/// Whether the path can be the key of a request: see `BulkheadLayer::by_path`.
fn is_first_segment(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|rest| !rest.contains('/'))
}

pub(super) fn order(value: &DeValue<'_>) -> Read<Order> {
    let orders = [
        ("fifo", Order::Fifo),
        ("lifo", Order::Lifo),
        ("adaptive_lifo", Order::ADAPTIVE),
    ];
    word(&orders)(value)
}

pub(super) fn adaptive(table: &Table<'_>) -> Order {
    table
        .section(Order::ADAPTIVE)
        .field("congested_after", time, |_, congested_after| {
            Order::AdaptiveLifo { congested_after }
        })
        .done()
}

pub(super) fn controlled_delay(table: &Table<'_>) -> ControlledDelay {
    table
        .section(ControlledDelay::default())
        .field("target", time, ControlledDelay::target)
        .field("interval", time, ControlledDelay::interval)
        .done()
}

pub(super) fn under_its_key(error: ConfigError) -> ConfigError {
    match error.field() {
        "congested_after" => error.of("order.congested_after"),
        _ => error,
    }
}
