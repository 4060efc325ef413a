//! Users with a constant load, and a batch that sends twelve times as much as the service can handle. See README.md.

mod args;
mod backend;
mod ledger;
mod load;
mod ours;
mod plot;
mod table;

use std::process::ExitCode;

use buttress::prelude::{BoxError, ShedConfig};
use clap::Parser;

use crate::args::Args;
use crate::ledger::Ledger;
use crate::load::{BATCH, Class, Load};

/// The minimum ratio of the users' calls that succeed in time while the batch runs.
const PROMISED: f64 = 0.994;

/// The results.
struct Runs {
    naive: Ledger,
    ours: Ledger,
    /// A shedder with the defaults.
    defaults: Ledger,
    /// The configured shedder, without a batch.
    alone: Ledger,
}

// // The clock is paused: it advances when all tasks wait, so a minute takes seconds, and each run is the same.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<ExitCode, BoxError> {
    let args = Args::parse();
    let seed = u64::from(args.seed);
    let (users, batch) = (args.users, BATCH);
    let load = Load { users, batch, seed };
    let alone = Load { batch: 0.0, ..load };
    let backend = || backend::service(seed);
    let runs = Runs {
        naive: load::run(load, backend()).await,
        ours: load::run(load, ours::service(ours::config(), backend())).await,
        defaults: load::run(load, ours::service(ShedConfig::default(), backend())).await,
        alone: load::run(alone, ours::service(ours::config(), backend())).await,
    };
    table::print(&runs);

    std::fs::create_dir_all(&args.out)?;
    let file = args.out.join("priority.svg");
    std::fs::write(&file, plot::svg(&runs))?;
    println!("the plot is in {}", file.display());

    let served = runs.ours.served(Class::Users);
    println!(
        "users served during the batch: {:.2} %, at least {:.1} % required",
        100.0 * served,
        100.0 * PROMISED
    );
    Ok(if served >= PROMISED {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
