//! `crossfade expand`: the steps before green's migrate.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Output;
use super::site::{self, Bounds, Connection};
use crate::schema::{Session, expand, verify};

/// Settles blue's schema, runs the plan's steps on the tables, and verifies them. May be run again at any time.
#[derive(Debug, Args)]
pub(crate) struct Expand {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    bounds: Bounds,
    /// The plan, as `crossfade plan --output json` wrote it.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// Name of blue's schema.
    #[arg(long)]
    schema: String,
}

impl Expand {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = site::read_served_plan(&self.plan)?;
            let database = self.connection.open()?;
            let mut session =
                Session::begin(&database, &self.schema, (&self.bounds).into(), &printer).await?;
            let expanded = expand::run(&mut session, &plan).await?;
            let looked = verify::run(&mut session, &plan).await?;
            Ok(format!(
                "{} steps ran, {} were in effect, {looked} things verified",
                expanded.ran, expanded.found
            ))
        })
    }
}
