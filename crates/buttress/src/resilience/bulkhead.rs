use buttress_bulkhead::{BulkheadConfig, Order};
use buttress_core::ConfigError;
use toml::de::DeValue;

use super::table::Table;
use super::value::{Read, flag, mode, or_off, time, whole, word};

pub(super) fn read(table: &Table<'_>) -> BulkheadConfig {
    table
        .section(BulkheadConfig::default())
        .field("limit", whole, BulkheadConfig::limit)
        .field("queue", whole, |config, calls| config.queue(calls as usize))
        .field("max_wait", or_off(time), BulkheadConfig::max_wait)
        .field_or_within("order", order, BulkheadConfig::order, |config, table| {
            config.order(adaptive(table))
        })
        .field("by_criticality", flag, BulkheadConfig::by_criticality)
        .field("margin", time, BulkheadConfig::margin)
        .field("mode", mode, BulkheadConfig::mode)
        .check(|config| config.check().map_err(under_its_key))
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
        .field("stands_after", time, |_, stands_after| {
            Order::AdaptiveLifo { stands_after }
        })
        .done()
}

pub(super) fn under_its_key(error: ConfigError) -> ConfigError {
    match error.field() {
        "stands_after" => error.of("order.stands_after"),
        _ => error,
    }
}
