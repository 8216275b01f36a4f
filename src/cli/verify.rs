//! `crossfade verify`: is the release in place?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Output;
use super::site::{self, Bounds, Connection};
use crate::schema::{Session, verify};

/// Asks the database whether every step of the plan holds and blue's schema is complete; lists what is missing.
#[derive(Debug, Args)]
pub(crate) struct Verify {
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

impl Verify {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = site::read_plan(&self.plan)?;
            let database = self.connection.open()?;
            let mut session =
                Session::begin(&database, &self.schema, (&self.bounds).into(), &printer).await?;
            let looked = verify::run(&mut session, &plan).await?;
            Ok(format!("{looked} things looked at, nothing is missing"))
        })
    }
}
