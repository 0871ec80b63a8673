//! Prints the table of a series: `series-table REPORT`, where REPORT is what
//! the tests wrote (see `e2e::report`).

use std::env;
use std::path::Path;

use anyhow::{Context, Result};
use e2e::report;

fn main() -> Result<()> {
    let path = env::args_os()
        .nth(1)
        .context("usage: series-table REPORT")?;
    print!("{}", report::table(&report::read(Path::new(&path))?));
    Ok(())
}
