use std::sync::Arc;
use std::time::Duration;

use buttress::prelude::BoxError;
use tokio::time::Instant;

use crate::args::Args;
use crate::figures::{Figures, Records};
use crate::gateway;
use crate::gateway::buttress::Handles;
use crate::ledger::{Entry, Ledger};
use crate::load::{self, Target};
use crate::net;
use crate::report::{Gateways, Generator, Report, Settings};
use crate::schedule::Schedule;
use crate::upstream::{Build, Upstream};
use crate::watch::{Notes, Watch};

/// Starts everything, lets the storm blow, waits until the last request has ended, and adds up.
///
/// # Errors
///
/// When the system has no port or no resources left.
pub(crate) async fn blow(args: &Args) -> Result<Report, BoxError> {
    let schedule = Schedule::new(args.duration());
    let build = Build::for_rate(args.rate);
    let epoch = Instant::now() + SETTING_UP;

    // An upstream each, so that one gateway cannot spoil the other's weather.
    let naive_upstream = Upstream::new(build, args.seed, epoch);
    let buttress_upstream = Upstream::new(build, args.seed, epoch);
    let handles = Handles::without(&args.without);
    let naive = Target {
        address: gateway::naive::start(naive_upstream.serve().await?).await?,
        client: net::client().build()?,
        ledger: Arc::default(),
    };
    let buttress = Target {
        address: gateway::buttress::start(buttress_upstream.serve().await?, &handles).await?,
        client: net::client().build()?,
        ledger: Arc::default(),
    };

    naive_upstream.brown_out(&schedule);
    buttress_upstream.brown_out(&schedule);
    let watch = Watch::start(handles, epoch);
    let live = tokio::spawn(crate::live::narrate(
        Arc::clone(&naive.ledger),
        Arc::clone(&buttress.ledger),
        watch.clone(),
        schedule.clone(),
        epoch,
    ));
    let arrivals = load::arrivals(args.rate, args.seed, schedule.total());
    let targets = [naive, buttress];
    load::drive(&arrivals, epoch, &targets).await;
    live.await?;

    let [naive, buttress] = targets;
    let generator = Generator::of(&naive.ledger);
    let gateways = Gateways {
        naive: Figures::of(
            records(&naive.ledger, &naive_upstream, Notes::default()),
            &schedule,
        ),
        buttress: Figures::of(
            records(&buttress.ledger, &buttress_upstream, watch.notes()),
            &schedule,
        ),
    };
    let settings = Settings::new(args, build, &schedule);
    Ok(Report {
        headline: gateways.headline(&settings),
        settings,
        gateways,
        generator,
    })
}

fn records(ledger: &Ledger, upstream: &Upstream, watched: Notes) -> Records {
    Records {
        entries: ledger.read(<[Entry]>::to_vec),
        attempts: upstream.attempts(),
        abandoned: upstream.abandoned(),
        watched,
    }
}

/// Time for the servers to start before the first request is due.
const SETTING_UP: Duration = Duration::from_millis(200);
