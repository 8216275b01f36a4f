//! One release of one site: what isolate, expand, verify, contract and rollback are all told.

use std::path::PathBuf;

use clap::Args;

use super::site::{self, Bounds, Connection, Failure, Printer};
use crate::plan::Plan;
use crate::schema::Session;
use crate::schema::connection::Database;

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
    /// Name of blue's schema, of its user and of its Redis prefix.
    #[arg(long)]
    pub(crate) schema: String,
}

impl SiteRelease {
    /// The plan.
    pub(crate) fn plan(&self) -> Result<Plan, Failure> {
        site::read_plan(&self.plan)
    }

    /// The plan, if this version runs such plans.
    pub(crate) fn served_plan(&self) -> Result<Plan, Failure> {
        site::read_served_plan(&self.plan)
    }

    /// The site's database, with credentials read.
    pub(crate) fn database(&self) -> Result<Database, Failure> {
        self.connection.open()
    }

    /// Connects and takes the site's lock.
    pub(crate) async fn session<'a>(
        &self,
        database: &Database,
        printer: &'a Printer,
    ) -> Result<Session<'a>, Failure> {
        Ok(Session::begin(database, &self.schema, (&self.bounds).into(), printer).await?)
    }
}
