//! How much longer does a call take if other threads use the same handle?

use std::time::Duration;

use buttress_benches::contention::{self, Row, THREADS};
use buttress_benches::json::Results;
use buttress_benches::table::{Table, figure, verdict};
use buttress_benches::{Options, cases, runtime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut cases = cases::contended();
    cases.retain(|case| options.wants(case.name()));
    let runtime = runtime()?;
    let _context = runtime.enter();

    let (rounds, length) = if options.smoke { (1, 5) } else { (25, 40) };
    let rows = contention::measure(&cases, rounds, Duration::from_millis(length));
    println!("{}", table(&rows));
    let path = Results::new("contention", options.smoke, &rows).write(&options.out)?;
    eprintln!("{}", path.display());
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let mut columns = vec!["case".to_owned()];
    for threads in THREADS {
        columns.push(format!("{threads} thr, ns"));
        if threads > 1 {
            columns.extend(["ratio".to_owned(), "rounds".to_owned()]);
        }
    }
    columns.extend(["target".to_owned(), "met".to_owned()]);
    let mut table = Table::new(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        let mut cells = vec![row.case.to_owned()];
        for shared in &row.threads {
            cells.push(figure(shared.ns));
            if shared.threads > 1 {
                cells.extend([figure(shared.ratio), shared.rounds.to_string()]);
            }
        }
        let target = row.target.map(|most| format!("≤ {most} × with 2"));
        cells.push(target.unwrap_or_default());
        cells.push(row.target.map_or_else(String::new, |_| verdict(row.met)));
        table.push(cells);
    }
    table
}
