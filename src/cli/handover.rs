//! `crossfade handover`: waits until blue has left the tables.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Output;
use super::site::{self, Connection};
use crate::schema::handover;

/// Waits until no connection of the tables' own user was seen for a while; says who is still connected.
#[derive(Debug, Args)]
pub(crate) struct Handover {
    #[command(flatten)]
    connection: Connection,
    /// How long nobody may have been seen.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    quiet_seconds: u64,
    /// The tables' own user, if it is not named like the database (`db_user` of `site_config.json`).
    #[arg(long)]
    user: Option<String>,
    /// How long to wait at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    wait: u64,
}

impl Handover {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let database = self.connection.open()?;
            let user = self.user.as_deref().unwrap_or(database.name());
            let (quiet, bound) = (Duration::from_secs(self.quiet_seconds), Duration::from_secs(self.wait));
            let took = handover::run(&database, user, quiet, bound, &printer).await?;
            Ok(format!("nobody is on the tables as {user} any more ({:.1} s)", took.as_secs_f64()))
        })
    }
}
