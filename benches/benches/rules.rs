//! How long does a rule take to decide, without a service?

use buttress_benches::json::Results;
use buttress_benches::table::{Table, figure};
use buttress_benches::{Drive, Options, Row, callgrind, cases, measure};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut cases = cases::rules();
    if let Some(count) = &options.count {
        return Ok(callgrind::count(count, &cases)?);
    }

    cases.retain(|case| options.wants(case.name()));
    let rows = measure(&cases, &[Drive::Reuse], &options);
    println!("{}", table(&rows));
    let path = Results::new("rules", options.smoke, &rows).write(&options.out)?;
    eprintln!("{}", path.display());
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&["rule", "instr", "ns best", "ns median"]);
    for row in rows {
        table.push(vec![
            row.case.to_owned(),
            figure(row.reuse.instructions),
            figure(row.reuse.ns_best),
            figure(row.reuse.ns_median),
        ]);
    }
    table
}
