//! Checks that involve two layers.

use buttress_core::Mode;

use super::table::Table;
use super::value::{mode, whole};

/// Rejects stacks with the same name, which would share a label in metrics.
pub(super) fn names(root: &Table<'_>) {
    let (Some(servers), Some(clients)) = (root.table("server"), root.table("client")) else {
        return;
    };
    for (name, client) in clients.tables() {
        if servers.value(name).is_some() {
            client.blame_whole("a server too", "of a name that no server has");
        }
    }
}

pub(super) fn server(table: &Table<'_>) {
    for within in [
        "deadline.head_timeout",
        "shed.max_wait",
        "shed.margin",
        "bulkhead.max_wait",
    ] {
        shorter(table, within, longest_deadline(table));
    }
    within_bulkhead(table);
}

pub(super) fn client(table: &Table<'_>) {
    for within in [
        "deadline.head_timeout",
        "retry.attempt_timeout",
        "retry.expected_attempt_time",
        "retry.backoff.base",
        "shed.max_wait",
        "shed.margin",
        "breaker.slow_calls.threshold",
        "bulkhead.max_wait",
    ] {
        shorter(table, within, "deadline.timeout");
    }
    for within in [
        "shed.max_wait",
        "shed.margin",
        "breaker.slow_calls.threshold",
        "bulkhead.max_wait",
    ] {
        shorter(table, within, "retry.attempt_timeout");
    }
    within_bulkhead(table);
    if table.has("shed") && table.has("throttle.mode") {
        let bound = "left out: the mode of shed is for both";
        table.blame("throttle.mode", "", bound);
    }
    let attempt = (
        table.time("breaker.attempt_timeout"),
        table.time("retry.attempt_timeout"),
    );
    match attempt {
        (Some(breaker), Some(retry)) if breaker != retry => {
            let retry = table.text_of("retry.attempt_timeout");
            table.blame(
                "breaker.attempt_timeout",
                "",
                format_args!("left out, or the retry's attempt_timeout, {retry}"),
            );
        }
        _ => shorter(table, "breaker.attempt_timeout", "deadline.timeout"),
    }
}

/// Rejects a limit of the shedder that cannot be reached, because the bulkhead inside it is full before.
fn within_bulkhead(table: &Table<'_>) {
    let Some(limit) = table.peek("bulkhead.limit", whole) else {
        return;
    };
    if table.peek("bulkhead.mode", mode).unwrap_or_default() != Mode::Enforce {
        return;
    }
    let queue = table.peek("bulkhead.queue", whole).unwrap_or_default();
    let room = limit.saturating_add(queue);
    // Not lower than a fixed limit, or than the minimum of an adaptive one.
    for field in ["shed.limit", "shed.limit.min"] {
        if table.peek(field, whole).is_some_and(|limit| limit > room) {
            let bound = format!("at most {room}, the limit and the queue of the bulkhead inside");
            table.blame(field, "", bound);
        }
    }
}

/// Rejects a time that cannot pass before a shorter one ends the call.
fn shorter(table: &Table<'_>, within: &str, whole: &str) {
    let (Some(part), Some(all)) = (table.time(within), table.time(whole)) else {
        return;
    };
    if part >= all {
        let all = table.text_of(whole);
        table.blame(within, "", format_args!("shorter than {whole}, {all}"));
    }
}

fn longest_deadline(table: &Table<'_>) -> &'static str {
    match table.time("deadline.maximum") {
        Some(_) => "deadline.maximum",
        None => "deadline.timeout",
    }
}
