//! Users who send what they always do, and a batch that sends twelve times as much as the service can bear. See
//! README.md.

mod backend;
mod ledger;
mod load;
mod ours;
mod plot;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use buttress::prelude::BoxError;

use crate::load::Class;

/// The least share of the users' calls that is answered in time while the batch runs.
const PROMISED: f64 = 0.994;

// The clock is paused: it moves on when nobody has anything to do, so a minute takes seconds, and each run is the same.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<ExitCode, BoxError> {
    let naive = load::run(backend::service()).await;
    let ours = load::run(ours::service(backend::service())).await;
    table::print(&naive, &ours);

    let out = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("target/priority"), PathBuf::from);
    std::fs::create_dir_all(&out)?;
    let file = out.join("priority.svg");
    std::fs::write(&file, plot::svg(&naive, &ours))?;
    println!("plotted in {}", file.display());

    let served = ours.served(Class::Users);
    println!(
        "users served beside the batch: {:.2} %, of {:.1} % promised",
        100.0 * served,
        100.0 * PROMISED
    );
    Ok(if served >= PROMISED {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
