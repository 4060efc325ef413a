//! Reads and checks a file.

use std::collections::BTreeMap;

use buttress_deadline::ClientDeadlineConfig;
use buttress_problem::ProblemConfig;
use toml::de::DeTable;

use super::client::ClientSettings;
use super::error::{Mistake, ResilienceError};
use super::server::ServerSettings;
use super::table::{Source, Table};
use super::{breaker, bulkhead, cross, deadline, problem, retry, shed};

/// The contents of a file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) servers: BTreeMap<String, ServerSettings>,
    pub(super) clients: BTreeMap<String, ClientSettings>,
}

/// Reads a file, with an additional check `also` of its tables.
pub(super) fn parse(text: &str, also: impl FnOnce(&Table<'_>)) -> Result<File, ResilienceError> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mistake = |error: toml::de::Error| {
            let span = error.span().unwrap_or(0..0);
            Mistake::new(text, span, "the file", error.message(), "TOML")
        };
        return Err(ResilienceError::new(
            errors.into_iter().map(mistake).collect(),
        ));
    }
    let source = Source::new(text);
    let root = Table::root(&source, table.get_ref());
    root.only(&["client", "server"]);
    let file = File {
        servers: stacks(&root, "server", server),
        clients: stacks(&root, "client", client),
    };
    cross::names(&root);
    also(&root);
    let mistakes = source.into_mistakes();
    if mistakes.is_empty() {
        Ok(file)
    } else {
        Err(ResilienceError::new(mistakes))
    }
}

fn stacks<T>(root: &Table<'_>, kind: &str, read: impl Fn(&Table<'_>) -> T) -> BTreeMap<String, T> {
    let kind = root.table(kind);
    kind.iter()
        .flat_map(Table::tables)
        .map(|(name, table)| (name.to_owned(), read(&table)))
        .collect()
}

fn server(table: &Table<'_>) -> ServerSettings {
    table.only(&["bulkhead", "deadline", "problem", "shed"]);
    cross::server(table);
    ServerSettings {
        problem: table
            .table("problem")
            .map_or_else(ProblemConfig::default, |table| problem::read(&table)),
        deadline: table.table("deadline").map(|table| deadline::read(&table)),
        shed: shed::read(table),
        bulkhead: table
            .table("bulkhead")
            .map(|table| bulkhead::read_server(&table)),
    }
}

fn client(table: &Table<'_>) -> ClientSettings {
    table.only(&[
        "breaker", "bulkhead", "deadline", "retry", "shed", "throttle",
    ]);
    cross::client(table);
    let deadline: Option<ClientDeadlineConfig> = table
        .table("deadline")
        .map(|table| deadline::read_client(&table));
    ClientSettings {
        deadline,
        retry: table.table("retry").map(|table| retry::read(&table)),
        shed: shed::read_client(table),
        breaker: table.table("breaker").map(|table| breaker::read(&table)),
        bulkhead: table.table("bulkhead").map(|table| bulkhead::read(&table)),
    }
}
