//! `crossfade plan`: what a release changes, and what runs before and after it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Output, frame, report};
use crate::doctype::FrappeVersion;
use crate::plan::{self, Input, Site, Verdict};
use crate::schema::facts;
use crate::source;

/// Compare two versions of the apps and print the plan of a release.
///
/// P is a snapshot file, a bench directory, the directory of one app or its .tar.gz (NAME=PATH says what the app is
/// called), and may be given several times for several apps. With --database the plan takes the live site into account.
///
/// Exit codes: 0 both versions can serve from one database, 2 they can with triggers and mapped views, 3 they cannot,
/// 1 no plan could be made. With --frame it is 0 for every plan that was made: who reads the frame judges it.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// Apps that run now.
    #[arg(long, value_name = "P", required = true)]
    blue: Vec<String>,
    /// Apps that are to run.
    #[arg(long, value_name = "P", required = true)]
    green: Vec<String>,
    /// Name of the site.
    #[arg(long, value_name = "SITE", default_value = "")]
    site: String,
    /// The site's database, mysql://HOST:PORT/DBNAME; it is only read.
    #[arg(long, env = "CROSSFADE_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
    /// Directory with the files `username` and `password` for the database.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
    /// A whole line of patches.txt that you have read and found harmless to the running version.
    #[arg(long, value_name = "LINE")]
    accept_patch: Vec<String>,
    /// Version of blue's Frappe, if the apps do not include it.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    blue_frappe: Option<FrappeVersion>,
    /// Version of green's Frappe, if the apps do not include it; blue's if not given.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    green_frappe: Option<FrappeVersion>,
    /// Print the plan as gzip and base64 between two marker lines, to be found in a log.
    #[arg(long)]
    frame: bool,
}

fn version(text: &str) -> Result<FrappeVersion, String> {
    FrappeVersion::parse(text).ok_or_else(|| "it must look like 15 or 15.41.0".to_owned())
}

impl Plan {
    /// Runs the command.
    pub(super) fn run(&self, output: Output) -> ExitCode {
        match self.make(output) {
            Ok(verdict) => verdict,
            Err(message) => {
                eprintln!("error: {message}");
                ExitCode::FAILURE
            }
        }
    }

    fn make(&self, output: Output) -> Result<ExitCode, String> {
        let blue = source::read_all(&self.blue).map_err(|error| format!("{error} (--blue)"))?;
        let green = source::read_all(&self.green).map_err(|error| format!("{error} (--green)"))?;
        let site = self.database.as_deref().map(|url| self.facts(url)).transpose()?;
        let input = Input {
            site_name: &self.site,
            site: site.as_ref(),
            blue_frappe: self.blue_frappe,
            green_frappe: self.green_frappe,
            accepted_patches: &self.accept_patch,
            ..Input::new(&blue, &green)
        };
        let plan = plan::plan(&input).map_err(|error| error.to_string())?;
        match (self.frame, output) {
            (true, _) => {
                print!("{}", frame::write(&plan)?);
                return Ok(ExitCode::SUCCESS);
            }
            (false, Output::Json) => {
                let text = serde_json::to_string_pretty(&plan).map_err(|error| error.to_string())?;
                println!("{text}");
            }
            (false, Output::Human) => print!("{}", report::plan(&plan)),
        }
        Ok(exit_code(&plan))
    }

    fn facts(&self, url: &str) -> Result<Site, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("failed to start the runtime: {error}"))?;
        runtime.block_on(async {
            let mut connection =
                facts::connect(url, self.credentials.as_deref()).await.map_err(|error| error.to_string())?;
            facts::read(&mut connection).await.map_err(|error| error.to_string())
        })
    }
}

/// The worst change decides; a removal does not hide that others need triggers.
fn exit_code(plan: &plan::Plan) -> ExitCode {
    let code = plan.changes.iter().map(|change| match change.verdict {
        Verdict::Neutral | Verdict::Additive | Verdict::ContractOnly => 0,
        Verdict::Synced | Verdict::Mapped => 2,
        Verdict::Blocking => 3,
    });
    ExitCode::from(code.max().unwrap_or(0))
}
