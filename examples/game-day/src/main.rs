//! A game day for the gateway of the storm: which hypotheses hold while faults are injected.
//!
//! `args` reads the arguments, `traffic` plans all requests, `decisions` determines the faults of each, `day` runs
//! the experiments over real sockets, and `report` and `page` write the reports. The experiments are in
//! `game-day.toml`.

mod args;
mod chart;
mod day;
mod decisions;
mod dependency;
mod load;
mod page;
mod report;
mod traffic;

use std::fs;
use std::process::ExitCode;

use buttress::BoxError;
use buttress::chaos::{Injector, InjectorConfig};
use clap::Parser;

use crate::args::Args;
use crate::day::Day;
use crate::report::Report;

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let args = Args::parse();
    let day = match args.game_day() {
        Ok(game_day) => Day::plan(&game_day),
        Err(refused) => return Ok(refuse(&refused)),
    };
    if args.dry_run {
        print!("{day}");
        return Ok(ExitCode::SUCCESS);
    }
    let prepared = args.prepare_out();
    if let Err(refused) = prepared.and_then(|()| storm::net::allow_connections(day.highest_rate()))
    {
        return Ok(refuse(&refused));
    }

    let injector = Injector::new("dependency", InjectorConfig::default().fault_header(true));
    let mut report = Report::new(args.origin());
    let interrupted = tokio::select! {
        biased; // so that the signal handler is installed first
        pressed = tokio::signal::ctrl_c() => { pressed?; true }
        ran = day.run(&injector, &mut report) => { ran?; false }
    };
    write(&args, &day, &report)?;
    if interrupted {
        // The current experiment was dropped, and with it the guard that kept the plan armed.
        let state = if injector.is_armed() {
            "still armed, which is a bug"
        } else {
            "rolled back"
        };
        eprintln!("game-day: interrupted, and {state}");
        return Ok(ExitCode::from(130));
    }
    println!("{}", report.sentence());
    Ok(if report.is_well() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("game-day: {why}");
    ExitCode::from(2)
}

fn write(args: &Args, day: &Day, report: &Report) -> Result<(), BoxError> {
    let file = |name: &str| args.out.join(name);
    fs::write(file("faults.log"), day.log(report.findings.len()))?;
    fs::write(file("report.json"), serde_json::to_string_pretty(report)?)?;
    fs::write(file("report.md"), report.to_string())?;
    fs::write(file("report.html"), page::page(report))?;
    println!(
        "report.html, report.md, report.json and faults.log are in {}",
        args.out.display()
    );
    Ok(())
}
