//! One release of one site: what isolate, expand, verify, contract and rollback are all told.

use std::path::PathBuf;

use clap::Args;

use super::site::{self, Bounds, Connection, Failure, Printer};
use crate::plan::Plan;
use crate::schema::Session;
use crate::schema::connection::Database;
use crate::source;

/// Which site, by which plan, within which bounds.
#[derive(Debug, Clone, Args)]
pub(crate) struct SiteRelease {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    bounds: Bounds,
    /// The plan, as `crossfade plan --output json` wrote it.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The apps that run now, as `crossfade plan` took them: refused if the plan was made of others.
    #[arg(long, value_name = "P")]
    blue: Vec<String>,
    /// The apps that are to run, likewise.
    #[arg(long, value_name = "P")]
    green: Vec<String>,
    /// Name of blue's schema, of its user and of its Redis prefix.
    #[arg(long)]
    pub(crate) schema: String,
}

impl SiteRelease {
    /// The plan.
    pub(crate) fn plan(&self) -> Result<Plan, Failure> {
        site::read_plan(&self.plan)
    }

    /// The plan, if this version runs such plans and it was made of the apps that are given.
    pub(crate) fn served_plan(&self) -> Result<Plan, Failure> {
        let plan = site::read_served_plan(&self.plan)?;
        for (colour, places, expected) in
            [("blue", &self.blue, &plan.basis.blue_apps), ("green", &self.green, &plan.basis.green_apps)]
        {
            if places.is_empty() {
                continue;
            }
            let wrong = |reason: String| Failure::Content { path: format!("--{colour}"), reason };
            let mut apps = source::read_all(places).map_err(|error| wrong(error.to_string()))?;
            let digest = apps.digest().map_err(|error| wrong(error.to_string()))?;
            if digest == *expected {
                continue;
            }
            if colour == "blue" {
                // As a plan is made of blue's files, and not of a snapshot of them.
                apps.forget_patch_effects();
                if apps.digest().map_err(|error| wrong(error.to_string()))? == *expected {
                    continue;
                }
            }
            return Err(wrong(format!(
                "these apps ({digest:.12}) are not those that the plan was made of ({expected:.12}): make a new plan"
            )));
        }
        Ok(plan)
    }

    /// The site's database, with credentials read.
    pub(crate) fn database(&self) -> Result<Database, Failure> {
        self.connection.open()
    }

    /// Connects, takes the site's lock and does work, as long as the server knows the connections of it.
    pub(crate) async fn in_session<T>(
        &self,
        database: &Database,
        printer: &Printer,
        work: impl AsyncFnOnce(&mut Session<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut session = Session::begin(database, &self.schema, (&self.bounds).into(), printer).await?;
        let lost = session.lost();
        tokio::select! {
            done = work(&mut session) => done,
            error = lost => Err(error.into()),
        }
    }
}
