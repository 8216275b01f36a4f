//! What the commands on a site's database share: where it is, which release, how long to wait, how it ends.

use std::future::Future;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use flate2::read::GzDecoder;

use super::Output;
use crate::plan::{Plan, Verdict};
use crate::schema::connection::Database;
use crate::schema::progress::Progress;
use crate::schema::{Error, Settings};

/// What a file that gzip packed begins with (RFC 1952): a Job finds its plan packed.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Which database, and who may get in.
#[derive(Debug, Clone, Args)]
pub(crate) struct Connection {
    /// The site's database: mysql://[USER:PASSWORD@]HOST:PORT/DBNAME.
    #[arg(long, env = "CROSSFADE_DATABASE", hide_env_values = true)]
    database: String,
    /// Directory with the files `username` and `password` of an administrator; wins over the URL.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
}

impl Connection {
    /// The database, with credentials read.
    pub(crate) fn open(&self) -> Result<Database, Failure> {
        Ok(Database::new(&self.database, self.credentials.as_deref())?)
    }
}

/// Bounds of commands that change the database.
#[derive(Debug, Clone, Args)]
pub(crate) struct Bounds {
    /// Seconds that one DDL statement may find its table busy; then the command says who blocks it and fails.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    ddl_budget: u64,
    /// Seconds to wait for another command on the same site.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_wait: u64,
    /// Seconds to wait for connections that should be gone.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    connection_wait: u64,
    /// The tables' own user, if it is not named like the database (`db_user` of `site_config.json`).
    #[arg(long)]
    user: Option<String>,
}

impl From<&Bounds> for Settings {
    fn from(bounds: &Bounds) -> Self {
        Self {
            ddl_budget: Duration::from_secs(bounds.ddl_budget),
            lock_wait: Duration::from_secs(bounds.lock_wait),
            connection_wait: Duration::from_secs(bounds.connection_wait),
            user: bounds.user.clone(),
        }
    }
}

/// Why a command on a site failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The database or Redis said no.
    #[error(transparent)]
    Schema(#[from] Error),
    /// A file of the command's could not be read or written.
    #[error("failed to {act} {path}: {source}")]
    File {
        /// What was tried.
        act: &'static str,
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("failed to read {path}: {reason}")]
    Content {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What was asked for is not so.
    #[error("{0}")]
    Unmet(String),
}

impl Failure {
    /// For `map_err` on file operations.
    pub(crate) fn file(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { act, path: path.display().to_string(), source }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Schema(error) if error.is_refusal() => 3,
            // A plan that cannot be read stays so: a human must bring another.
            Self::Content { .. } => 3,
            Self::Schema(_) | Self::File { .. } | Self::Unmet(_) => 1,
        }
    }
}

/// Reads a plan, as JSON or packed by gzip, and refuses one whose hash does not fit: it was approved by that hash.
pub(crate) fn read_plan(path: &Path) -> Result<Plan, Failure> {
    let mut bytes = std::fs::read(path).map_err(Failure::file("read", path))?;
    if bytes.starts_with(&GZIP) {
        let mut plain = Vec::new();
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).map_err(Failure::file("unpack", path))?;
        bytes = plain;
    }
    let wrong = |reason: String| Failure::Content { path: path.display().to_string(), reason };
    let plan: Plan =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not a plan: {error}")))?;
    if plan.format != Plan::FORMAT {
        return Err(wrong(format!(
            "it is a plan of format {}, this program reads {}",
            plan.format,
            Plan::FORMAT
        )));
    }
    if !plan.is_sealed() {
        return Err(wrong(
            "its hash does not fit its content: it was edited; make and approve a new plan".to_owned(),
        ));
    }
    Ok(plan)
}

/// Reads a plan that is to be run: one that this version cannot run is refused before anything is touched.
pub(crate) fn read_served_plan(path: &Path) -> Result<Plan, Failure> {
    let plan = read_plan(path)?;
    if plan.verdict == Verdict::Blocking {
        let reason = "its verdict is Blocking: two versions cannot serve beside each other with this change"
            .to_owned();
        return Err(Failure::Content { path: path.display().to_string(), reason });
    }
    Ok(plan)
}

/// A URL given by hand, or a key of a mounted `common_site_config.json` (Jobs: URLs may hold passwords).
pub(crate) fn redis_url(
    url: Option<&str>,
    config: Option<&Path>,
    key: &str,
) -> Result<Option<String>, Failure> {
    let Some(path) = config else { return Ok(url.map(str::to_owned)) };
    if let Some(url) = url {
        return Ok(Some(url.to_owned()));
    }
    let bytes = std::fs::read(path).map_err(Failure::file("read", path))?;
    let wrong = |reason: String| Failure::Content { path: path.display().to_string(), reason };
    let config: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not JSON: {error}")))?;
    match config.get(key).and_then(serde_json::Value::as_str) {
        Some(url) => Ok(Some(url.to_owned())),
        None => Err(wrong(format!("it has no text under {key}"))),
    }
}

/// Runs a command to its exit code: 0 done, 1 failed, 3 refused; the last line of output is the result.
pub(crate) fn run<F, Work>(output: Output, work: F) -> ExitCode
where
    F: FnOnce(Printer) -> Work,
    Work: Future<Output = Result<String, Failure>>,
{
    let printer = Printer { output };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return printer.end(&Err(Failure::Unmet(format!("failed to start the runtime: {error}"))));
        }
    };
    let result = runtime.block_on(work(printer));
    printer.end(&result)
}

/// Progress on stdout, as lines for people or as JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    output: Output,
}

impl Printer {
    fn end(self, result: &Result<String, Failure>) -> ExitCode {
        let (word, message) = match result {
            Ok(message) => ("done", message.clone()),
            Err(failure) => ("failed", failure.to_string()),
        };
        match self.output {
            Output::Human if result.is_ok() => line(&format!("{word}: {message}")),
            Output::Human => eprintln!("{word}: {message}"),
            Output::Json => line(&serde_json::json!({"result": word, "message": message}).to_string()),
        }
        match result {
            Ok(_) => ExitCode::SUCCESS,
            Err(failure) => ExitCode::from(failure.exit_code()),
        }
    }
}

impl Progress for Printer {
    fn report(&self, step: &str, done: u64, total: u64, message: &str) {
        match self.output {
            Output::Human => line(&format!("[{step}] {done}/{total} {message}")),
            Output::Json => {
                let at = jiff::Timestamp::now().to_string();
                let object = serde_json::json!({"at": at, "step": step, "done": done, "total": total, "message": message});
                line(&object.to_string());
            }
        }
    }
}

/// A reader that went away (`| head`) must not stop work on a database.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
