//! Prints what one call of every case allocates, as JSON. The `overhead` bench runs this.

use std::alloc::System;

use buttress_benches::{allocations, cases, runtime};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = runtime()?;
    let _context = runtime.enter();
    let counted = allocations::count(&cases::layers(), ALLOCATOR);
    println!("{}", serde_json::to_string(&counted)?);
    Ok(())
}
