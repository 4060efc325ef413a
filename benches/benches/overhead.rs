//! What does a layer add to a call, in instructions, nanoseconds and allocations, compared with its peers?

use std::path::Path;

use buttress_benches::json::Results;
use buttress_benches::table::{Table, figure, verdict};
use buttress_benches::{
    Case, Drive, Options, Row, allocations, callgrind, cases, judge, measure, runtime,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut cases = cases::layers();
    let runtime = runtime()?;
    let _context = runtime.enter();
    if let Some(count) = &options.count {
        return Ok(callgrind::count(count, &cases)?);
    }

    let bases: Vec<_> = cases.iter().filter_map(Case::base).collect();
    cases.retain(|case| options.wants(case.name()) || bases.contains(&case.name()));
    let mut rows = measure(&cases, &Drive::ALL, &options);
    let mut allocated = allocations::ask(Path::new(env!("CARGO_BIN_EXE_allocations")))?;
    for row in &mut rows {
        if let Some(allocated) = allocated.remove(row.case) {
            row.allocations = Some(allocated.allocations);
            row.bytes = Some(allocated.bytes);
        }
    }
    judge(&mut rows, &cases);

    println!("{}", table(&rows));
    let path = Results::new("overhead", options.smoke, &rows).write(&options.out)?;
    eprintln!("{}", path.display());
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&[
        "case",
        "instr",
        "over",
        "instr clone",
        "ns best",
        "ns median",
        "ns clone",
        "allocs",
        "bytes",
        "target",
        "met",
    ]);
    for row in rows {
        table.push(vec![
            row.case.to_owned(),
            figure(row.reuse.instructions),
            figure(row.instructions_over),
            figure(row.clone.instructions),
            figure(row.reuse.ns_best),
            figure(row.reuse.ns_median),
            figure(row.clone.ns_median),
            figure(row.allocations),
            figure(row.bytes),
            row.target.clone().unwrap_or_default(),
            row.target
                .as_ref()
                .map_or_else(String::new, |_| verdict(row.met)),
        ]);
    }
    table
}
