//! What the commands on a site's database share: where it is, which release, how long to wait, how it ends.

use std::future::Future;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use flate2::read::GzDecoder;

use super::Output;
use crate::api::figures::{FailureKind, Figures};
use crate::plan::{Plan, Verdict};
use crate::schema::connection::Database;
use crate::schema::progress::{Filled, Progress};
use crate::schema::{Error, Settings, Throttle};

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
    /// End a connection that has been in the way of a statement for so long, say which, and go on. Without it none is
    /// ended. Needs the right CONNECTION ADMIN.
    #[arg(long, value_name = "SECONDS")]
    kill_blockers_after: Option<u64>,
    #[command(flatten)]
    throttle: Throttling,
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

/// How backfills make room for the users.
#[derive(Debug, Clone, Args)]
pub(crate) struct Throttling {
    /// Fill columns without pauses, however slow or busy the server is; replicas and the pause file still count.
    #[arg(long)]
    full_speed: bool,
    /// Fill slower while a small write of its own (ten a second) takes longer than this.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20)]
    max_latency: u64,
    /// Fill slower while more threads of the server than this are at work.
    #[arg(long, value_name = "THREADS", default_value_t = 64)]
    max_threads_running: u64,
    /// Stop filling while a replica is further behind than this.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    max_replica_lag: u64,
    /// A replica to watch, as HOST or HOST:PORT; may be given several times. The administrator must be known there.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    replica: Vec<(String, u16)>,
    /// While this file exists no row is filled.
    #[arg(long, value_name = "FILE")]
    pause_file: Option<PathBuf>,
}

impl From<&Throttling> for Throttle {
    fn from(given: &Throttling) -> Self {
        Self {
            full_speed: given.full_speed,
            latency: Duration::from_millis(given.max_latency),
            threads_running: given.max_threads_running,
            lag: Duration::from_secs(given.max_replica_lag),
            replicas: given.replica.clone(),
            pause_file: given.pause_file.clone(),
            ..Self::default()
        }
    }
}

/// `HOST` or `HOST:PORT`; an IPv6 address in brackets.
pub(crate) fn address(text: &str) -> Result<(String, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| format!("{port:?} is no port"))?)
        }
        Some(_) | None => (text, 3306),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() { Err("the host is missing".to_owned()) } else { Ok((host.to_owned(), port)) }
}

impl From<&Bounds> for Settings {
    fn from(bounds: &Bounds) -> Self {
        Self {
            ddl_budget: Duration::from_secs(bounds.ddl_budget),
            kill_after: bounds.kill_blockers_after.map(Duration::from_secs),
            throttle: (&bounds.throttle).into(),
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

    fn kind(&self) -> FailureKind {
        match self {
            Self::Schema(error) => error.kind(),
            Self::File { .. } | Self::Content { .. } => FailureKind::File,
            Self::Unmet(_) => FailureKind::Refused,
        }
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

/// A setting given by hand, or a key of a mounted `common_site_config.json` (Jobs: URLs may hold passwords).
pub(crate) fn setting(
    given: Option<&str>,
    config: Option<&Path>,
    key: &str,
) -> Result<Option<String>, Failure> {
    let Some(path) = config.filter(|_| given.is_none()) else { return Ok(given.map(str::to_owned)) };
    let bytes = std::fs::read(path).map_err(Failure::file("read", path))?;
    let wrong = |reason: String| Failure::Content { path: path.display().to_string(), reason };
    let config: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not JSON: {error}")))?;
    match config.get(key).and_then(serde_json::Value::as_str) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(wrong(format!("it has no text under {key}"))),
    }
}

/// The same of a command that cannot do without; `flag` names the argument that gives it.
pub(crate) fn needed_setting(
    given: Option<&str>,
    config: Option<&Path>,
    key: &str,
    flag: &str,
) -> Result<String, Failure> {
    setting(given, config, key)?.ok_or_else(|| Failure::Unmet(format!("give {flag} or --common-config")))
}

/// Runs a command that says by its exit code what it found; a failure ends like that of [`run`].
pub(crate) fn answer<F, Work>(output: Output, work: F) -> ExitCode
where
    F: FnOnce(Printer) -> Work,
    Work: Future<Output = Result<ExitCode, Failure>>,
{
    let printer = Printer { output, figures: Arc::default() };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return printer.end(&Err(Failure::Unmet(format!("failed to start the runtime: {error}"))));
        }
    };
    runtime.block_on(work(printer.clone())).unwrap_or_else(|failure| printer.end(&Err(failure)))
}

/// Prints a result.
pub(crate) fn print(text: &str) {
    line(text);
}

/// Runs a command to its exit code: 0 done, 1 failed, 3 refused; the last line of output is the result.
pub(crate) fn run<F, Work>(output: Output, work: F) -> ExitCode
where
    F: FnOnce(Printer) -> Work,
    Work: Future<Output = Result<String, Failure>>,
{
    answer(output, |printer| async move {
        let result = work(printer.clone()).await;
        Ok(printer.end(&result))
    })
}

/// Progress on stdout, as lines for people or as JSON, each with all that was counted so far.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    output: Output,
    figures: Arc<Mutex<Figures>>,
}

impl Printer {
    fn figures(&self) -> Figures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One object a line, with the time and what was counted.
    pub(crate) fn json(&self, mut object: serde_json::Value) {
        object["at"] = serde_json::Value::String(jiff::Timestamp::now().to_string());
        let figures = self.figures();
        if !figures.is_empty() {
            object["figures"] = serde_json::json!(figures);
        }
        line(&object.to_string());
    }

    fn end(&self, result: &Result<String, Failure>) -> ExitCode {
        let (word, message) = match result {
            Ok(message) => ("done", message.clone()),
            Err(failure) => ("failed", failure.to_string()),
        };
        match self.output {
            Output::Human if result.is_ok() => line(&format!("{word}: {message}")),
            Output::Human => eprintln!("{word}: {message}"),
            Output::Json => {
                if let Err(failure) = result {
                    self.count(&Figures { failure: Some(failure.kind()), ..Figures::default() });
                }
                self.json(serde_json::json!({"result": word, "message": message}));
            }
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
                self.json(
                    serde_json::json!({"step": step, "done": done, "total": total, "message": message}),
                );
            }
        }
    }

    fn count(&self, figures: &Figures) {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).add(figures);
    }

    fn fill(&self, filled: &Filled) {
        self.count(&filled.figures());
        match self.output {
            Output::Human => self.report("backfill", filled.done, filled.total, &filled.to_string()),
            Output::Json => self.json(serde_json::json!({
                "step": "backfill", "done": filled.done, "total": filled.total, "message": filled.to_string(),
                "table": filled.table, "columns": filled.columns, "rowsPerSecond": filled.rows_per_second,
                "secondsLeft": filled.seconds_left,
            })),
        }
    }
}

/// A reader that went away (`| head`) must not stop work on a database.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
