//! `crossfade editor`: the DocType Editor on loopback.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::doctype::FrappeVersion;
use crate::web::{self, Settings, api};

/// Edit DocTypes in the browser and see, while you type, what each change does to a live site.
///
/// Prints an address on loopback; open it in a browser on this machine. Green is the working tree, which the page edits and
/// saves to; blue is what it is compared with. Ends with Ctrl+C.
#[derive(Debug, Args)]
pub(super) struct Editor {
    /// Directory of an app or of a bench, to be edited; may be given several times (NAME=DIR says what the app is called).
    #[arg(long, value_name = "DIR", default_value = ".")]
    app: Vec<String>,
    /// What runs now: a Git reference of the apps' repositories, or a snapshot file, bench, app directory or .tar.gz.
    /// Default: the live site if --database names it, else HEAD, or the files as they are now where there is no repository.
    #[arg(long, value_name = "REF|PATH")]
    against: Option<String>,
    /// The site's database, mysql://HOST:PORT/DBNAME; it is only read.
    #[arg(long, env = "CROSSFADE_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
    /// Directory with the files `username` and `password` for the database.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
    /// Name of the site, for the plan.
    #[arg(long, value_name = "SITE", default_value = "")]
    site: String,
    /// Version of Frappe, if the apps do not include it.
    #[arg(long, value_name = "VERSION", value_parser = super::plan::version)]
    frappe: Option<FrappeVersion>,
    /// Port on 127.0.0.1; 0 for any that is free.
    #[arg(long, value_name = "N", default_value_t = 4680)]
    port: u16,
    /// Print the description of the page's API and end.
    #[arg(long, hide = true)]
    openapi: bool,
}

impl Editor {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        match self.serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("error: {message}");
                ExitCode::FAILURE
            }
        }
    }

    fn serve(self) -> Result<(), String> {
        if self.openapi {
            let text = api::openapi().map_err(|error| format!("failed to describe the API: {error}"))?;
            print!("{text}");
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("failed to start the runtime: {error}"))?;
        let settings = Settings {
            apps: self.app,
            against: self.against,
            database: self.database,
            credentials: self.credentials,
            site: self.site,
            frappe: self.frappe,
        };
        let announce = |address: &str| {
            println!("{address}");
            // Who started us may read it from a pipe.
            let _ = std::io::stdout().flush();
        };
        let served = runtime.block_on(async {
            let stop = super::stopped::stopped().map_err(|failure| failure.to_string())?;
            web::serve(settings, self.port, announce, stop).await
        });
        // A question to the database may still run; nobody waits for its answer.
        runtime.shutdown_background();
        served
    }
}
