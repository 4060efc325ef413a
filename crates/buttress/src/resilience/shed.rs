use std::time::Duration;

use buttress_core::{ConfigError, Mode};
use buttress_http::Until;
use buttress_shed::{
    Client, Criticality, LimitConfig, PressureConfig, Server, SharesConfig, ShedConfig, ShedLayer,
    Shedder, TenantsConfig, ThrottleConfig, Trust,
};
use http::HeaderName;
use toml::de::DeValue;

use super::bulkhead::{adaptive, controlled_delay, order, under_its_key};
use super::deadline::until;
use super::problem::header;
use super::section::Section;
use super::table::Table;
use super::value::{Read, flag, mode, number, or_off, ratio, time, whole, word};

/// The configuration of a shedder and of its layer.
#[derive(Debug, Clone, Default)]
pub(super) struct ShedSettings {
    pub(super) config: ShedConfig,
    /// `None` for the layer's default.
    until: Option<Until>,
    trust: Trust,
    criticality: Criticality,
    tenant: Option<HeaderName>,
    /// The default, except for the buckets.
    buckets: Option<TenantsConfig>,
}

impl ShedSettings {
    pub(super) fn server_layer(&self, shedder: &Shedder) -> ShedLayer<Server> {
        let layer = ShedLayer::server(shedder)
            .trust(self.trust)
            .criticality(self.criticality);
        let layer = match self.until {
            Some(until) => layer.until(until),
            None => layer,
        };
        match &self.tenant {
            Some(header) => layer.tenant_header(header.clone()),
            None => layer,
        }
    }

    pub(super) fn client_layer(&self, shedder: &Shedder) -> ShedLayer<Client> {
        let layer = ShedLayer::client(shedder);
        match self.until {
            Some(until) => layer.until(until),
            None => layer,
        }
    }

    /// Rejects a file with other buckets for the tenants of the server, because calls in flight are counted in these.
    pub(super) fn compare(&self, server: &Table<'_>) {
        if let (Some(before), Some(now)) = (self.buckets, buckets(server))
            && before != now
        {
            let bound = "as many as are in use";
            server.blame(BUCKETS, "left out", bound);
        }
    }

    /// Whether both count tenants in the same buckets.
    pub(super) fn counts_alike(&self, other: &Self) -> bool {
        self.buckets == other.buckets
    }

    fn with(mut self, set: impl FnOnce(ShedConfig) -> ShedConfig) -> Self {
        self.config = set(self.config);
        self
    }
}

/// For a server.
pub(super) fn read(server: &Table<'_>) -> Option<ShedSettings> {
    let table = server.table("shed")?;
    let begin = ShedSettings {
        buckets: buckets(server),
        ..ShedSettings::default()
    };
    let settings = common(table.section(begin))
        .field("trust", trust, |settings, trust| ShedSettings {
            trust,
            ..settings
        })
        .field("criticality", criticality, |settings, criticality| {
            ShedSettings {
                criticality,
                ..settings
            }
        })
        .within("tenants", |settings, table| {
            let (config, header) = tenants(table);
            ShedSettings {
                config: settings.config.tenants(config),
                tenant: header,
                ..settings
            }
        })
        .check(check);
    Some(settings)
}

/// For a client, which may have a shedder, a throttle, or both in one shedder.
pub(super) fn read_client(client: &Table<'_>) -> Option<ShedSettings> {
    let shed = client
        .table("shed")
        .map(|table| common(table.section(ShedSettings::default())).check(check));
    let Some(table) = client.table("throttle") else {
        return shed;
    };
    let (throttle, mode) = throttle(&table);
    let nothing_else = || {
        let settings = ShedSettings::default();
        settings.with(|config| config.no_limit().queue(0).mode(mode))
    };
    let settings = shed.unwrap_or_else(nothing_else);
    Some(settings.with(|config| config.throttle(throttle)))
}

/// The keys that servers and clients share.
fn common<'t, 'a>(section: Section<'t, 'a, ShedSettings>) -> Section<'t, 'a, ShedSettings> {
    section
        .field_or_within(
            "limit",
            or_off(whole),
            |settings, limit| {
                settings.with(|config| match limit {
                    Some(limit) => config.limit(limit),
                    None => config.no_limit(),
                })
            },
            |settings, table| settings.with(|config| config.limit(limit(table))),
        )
        .field("queue", whole, |settings, calls| {
            settings.with(|config| config.queue(calls as usize))
        })
        .field("max_wait", or_off(time), |settings, time| {
            settings.with(|config| config.max_wait(time))
        })
        .field_or_within(
            "order",
            order,
            |settings, order| settings.with(|config| config.order(order)),
            |settings, table| settings.with(|config| config.order(adaptive(table))),
        )
        .field("by_criticality", flag, |settings, by| {
            settings.with(|config| config.by_criticality(by))
        })
        .within("controlled_delay", |settings, table| {
            settings.with(|config| config.controlled_delay(controlled_delay(table)))
        })
        .within("shares", |settings, table| {
            settings.with(|config| config.shares(shares(table)))
        })
        .field("margin", time, |settings, margin| {
            settings.with(|config| config.margin(margin))
        })
        .within("pressure", |settings, table| {
            settings.with(|config| config.pressure(pressure(table)))
        })
        .field("until", until, |settings, until| ShedSettings {
            until: Some(until),
            ..settings
        })
        .field("mode", mode, |settings, mode| {
            settings.with(|config| config.mode(mode))
        })
}

/// The rule of an adaptive limit, and its bounds.
fn limit(table: &Table<'_>) -> LimitConfig {
    let rules: [(_, Begin); 4] = [
        ("guarded", LimitConfig::guarded),
        ("gradient", LimitConfig::gradient),
        ("vegas", LimitConfig::vegas),
        ("aimd", || LimitConfig::aimd(Duration::ZERO)),
    ];
    let rule = word(&rules);
    let begin = table.peek("rule", &rule).unwrap_or(LimitConfig::default);
    let mut section = table
        .section(begin())
        .field("rule", &rule, |limit, _| limit);
    if table.value("rule").and_then(DeValue::as_str) == Some("aimd") {
        table.require(&["timeout"]);
        section = section.field("timeout", time, |_, timeout| LimitConfig::aimd(timeout));
    }
    section
        .field("initial", whole, LimitConfig::initial)
        .field("min", whole, LimitConfig::min)
        .field("max", whole, LimitConfig::max)
        .done()
}

type Begin = fn() -> LimitConfig;

fn shares(table: &Table<'_>) -> SharesConfig {
    let section = table.section(SharesConfig::default());
    let section = Criticality::ALL.into_iter().fold(section, |section, of| {
        section.field(of.as_str(), ratio, |config, share| config.share(of, share))
    });
    section
        .field("reservation_ttl", time, SharesConfig::reservation_ttl)
        .done()
}

/// The shares of tenants, and the header with their names.
fn tenants(table: &Table<'_>) -> (TenantsConfig, Option<HeaderName>) {
    table.require(&["header"]);
    table
        .section((TenantsConfig::default(), None))
        .field("header", header, |(config, _), header| {
            (config, Some(header))
        })
        .field("borrow_factor", number, |(config, header), factor| {
            (config.borrow_factor(factor), header)
        })
        .field("buckets", whole, |(config, header), buckets| {
            (config.buckets(buckets), header)
        })
        .field("reservation_ttl", time, |(config, header), ttl| {
            (config.reservation_ttl(ttl), header)
        })
        .done()
}

/// The default except for the buckets, for a server that distinguishes tenants.
fn buckets(server: &Table<'_>) -> Option<TenantsConfig> {
    let config = TenantsConfig::default();
    let buckets = server.peek(BUCKETS, whole);
    server
        .has("shed.tenants")
        .then(|| buckets.map_or(config, |buckets| config.buckets(buckets)))
}

const BUCKETS: &str = "shed.tenants.buckets";

fn pressure(table: &Table<'_>) -> PressureConfig {
    table
        .section(PressureConfig::default())
        .within("memory", |config, table| match bounds(table, ratio) {
            Some((from, to)) => config.memory(from, to),
            None => config,
        })
        .within("run_delay", |config, table| match bounds(table, time) {
            Some((from, to)) => config.run_delay(from, to),
            None => config,
        })
        .done()
}

/// The two thresholds of a pressure signal: the first reduces admission, and at the second almost nothing is
/// admitted.
fn bounds<T: Clone>(table: &Table<'_>, read: impl Fn(&DeValue<'_>) -> Read<T>) -> Option<(T, T)> {
    table.require(&["from", "to"]);
    let (from, to) = table
        .section((None, None))
        .field("from", &read, |(_, to), from| (Some(from), to))
        .field("to", &read, |(from, _), to| (from, Some(to)))
        .done();
    from.zip(to)
}

fn throttle(table: &Table<'_>) -> (ThrottleConfig, Mode) {
    let checked = |(throttle, _): &(ThrottleConfig, Mode)| {
        throttle.check().map_err(|error| {
            let field = error.field();
            error.of(field.strip_prefix("throttle.").unwrap_or(field))
        })
    };
    table
        .section((ThrottleConfig::default(), Mode::default()))
        .field("multiplier", number, |(throttle, mode), multiplier| {
            (throttle.multiplier(multiplier), mode)
        })
        .field("window", time, |(throttle, mode), window| {
            (throttle.window(window), mode)
        })
        .field("floor", whole, |(throttle, mode), a_second| {
            (throttle.floor(a_second), mode)
        })
        .field("mode", mode, |(throttle, _), mode| (throttle, mode))
        .check(checked)
}

fn trust(value: &DeValue<'_>) -> Read<Trust> {
    let words = [
        ("to_lower", Trust::LowerOnly),
        ("always", Trust::Always),
        ("never", Trust::Never),
    ];
    word(&words)(value)
}

fn criticality(value: &DeValue<'_>) -> Read<Criticality> {
    word(&Criticality::ALL.map(|criticality| (criticality.as_str(), criticality)))(value)
}

fn check(settings: &ShedSettings) -> Result<(), ConfigError> {
    settings.config.check().map_err(under_its_key)
}
