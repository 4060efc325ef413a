//! A storm in a glass: two gateways, their upstreams in trouble, and the figures afterwards.
//!
//! [`run`] reads the arguments, `storm` lets it blow, `report` adds it up, and `table`, `html`, `picture`
//! and `storm.json` tell it. The layers under test stand in [`gateway::buttress`].

//!
//! It is a library so that other examples can use the gateway, the upstream and the load: the game day does.

mod args;
mod charts;
mod figures;
pub mod gateway;
mod html;
pub mod ledger;
mod live;
pub mod load;
pub mod net;
mod percentiles;
mod picture;
mod plot;
mod recovery;
mod report;
mod schedule;
mod storm;
mod table;
mod ticks;
pub mod upstream;
mod watch;

use std::fs;
use std::process::ExitCode;

use buttress::prelude::BoxError;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::args::Args;
use crate::report::Report;
use crate::schedule::Schedule;
use crate::table::Table;

/// The whole program.
///
/// # Errors
///
/// When the system has no port, no resources or no room for the report left.
pub async fn run() -> Result<ExitCode, BoxError> {
    let args = Args::parse();
    if let Err(refused) = args
        .prepare_out()
        .and_then(|()| net::allow_connections(args.rate))
    {
        // Said, and exited with 2, as for any other bad argument.
        Args::command()
            .error(ErrorKind::ValueValidation, refused)
            .exit();
    }
    let report = storm::blow(&args).await?;
    print!("\n{}\n{}\n", Table::of(&report), report.headline);
    if let Some(lateness) = report.generator.lateness() {
        println!("{lateness}");
    }
    write(&args, &report)?;
    Ok(match report.gateways.unaccounted() {
        0 => ExitCode::SUCCESS,
        lost => {
            eprintln!("storm: {lost} requests are unaccounted for");
            ExitCode::FAILURE
        }
    })
}

fn write(args: &Args, report: &Report) -> Result<(), BoxError> {
    let json = args.out.join("storm.json");
    let html = args.out.join("storm.html");
    fs::write(&json, serde_json::to_string_pretty(report)?)?;
    let schedule = Schedule::new(args.duration());
    fs::write(&html, html::page(report, &schedule))?;
    println!("{} and {}", json.display(), html.display());
    if let Some(svg) = &args.svg {
        fs::write(svg, picture::picture(report, &schedule))?;
        println!("{}", svg.display());
    }
    Ok(())
}
