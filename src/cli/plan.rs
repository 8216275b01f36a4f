//! `crossfade plan`: what a release changes, and what runs before and after it.

use std::io::{IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::target::Target;
use super::{frame, plan_stored};
use crate::doctype::{FrappeVersion, Snapshot};
use crate::plan::policy::{FailOn, Policy, judge};
use crate::plan::{self, Input, Renames, Routing, Site};
use crate::report::{self, Report};
use crate::schema::{data, facts};
use crate::source;

/// Larger than any policy that somebody has written.
const MAX_POLICY_BYTES: u64 = 1 << 20;

/// Compare two versions of the apps and print the plan of a release; with a NAME, the plan of a FrappeRelease on the
/// cluster.
///
/// P is a snapshot file, a bench directory, the directory of one app or its .tar.gz (NAME=PATH says what the app is
/// called), and may be given several times for several apps. With --database the plan takes the live site into account.
///
/// Exit codes: 0 both versions can serve from one database, 2 they can with triggers and mapped views, 3 they cannot (or
/// --fail-on or --policy say so), 1 no plan could be made. With --frame it is 0 for every plan that was made: who reads
/// the frame judges it.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// Name of a FrappeRelease: print the plan that is stored for it.
    #[arg(conflicts_with_all = ["blue", "green", "database", "accept_patch", "rename", "frame"])]
    name: Option<String>,
    /// Namespace of the FrappeRelease. Default: that of the kubeconfig's current context.
    #[arg(short, long, requires = "name")]
    namespace: Option<String>,
    /// Revision of the FrappeRelease. Default: the one that is released, or was last.
    #[arg(long, value_name = "N", requires = "name")]
    revision: Option<u32>,
    /// Apps that run now.
    #[arg(long, value_name = "P", required_unless_present = "name")]
    blue: Vec<String>,
    /// Apps that are to run.
    #[arg(long, value_name = "P", required_unless_present = "name")]
    green: Vec<String>,
    /// Name of the site; of a FrappeRelease, of the site whose plan is printed.
    #[arg(long, value_name = "SITE", default_value = "")]
    site: String,
    /// The site's database, mysql://HOST:PORT/DBNAME; it is only read.
    #[arg(long, env = "CROSSFADE_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
    /// Directory with the files `username` and `password` for the database.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
    /// With --database: seconds that a question to the rows of a table may take (duplicates before a unique index,
    /// values that a cast changes); beyond it, and for large tables, a sample is asked.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    question_seconds: u64,
    /// A whole line of patches.txt that you have read and found harmless to the running version.
    #[arg(long, value_name = "LINE")]
    accept_patch: Vec<String>,
    /// A rename: "DocType.old=new" for a field, "Old DocType=New DocType".
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// Fail (exit code 3) if the plan has such a change: a kind, e.g. `field_removed`, or a verdict, e.g. Synced.
    #[arg(long, value_name = "KIND", value_parser = FailOn::parse)]
    fail_on: Vec<FailOn>,
    /// Rules and exceptions of your team, as YAML (docs/how-to/plan-in-ci.md).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// With --output sql: which statements are there to run; the others are comments.
    #[arg(long, value_enum, default_value_t = Part::Expand)]
    part: Part,
    /// Version of blue's Frappe, if the apps do not include it.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    blue_frappe: Option<FrappeVersion>,
    /// Version of green's Frappe, if the apps do not include it; blue's if not given.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    green_frappe: Option<FrappeVersion>,
    /// Print the plan, and which requests belong to which app, as gzip and base64 between marker lines, to be found in a
    /// log.
    #[arg(long)]
    frame: bool,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for people.
    Human,
    /// One JSON document (or one JSON object a line, for progress).
    Json,
    /// A comment for a pull request.
    Markdown,
    /// Statements for the mariadb client.
    Sql,
}

/// Which statements of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Those before green.
    Expand,
    /// Those that take them back.
    Undo,
    /// Those once blue is gone.
    Contract,
}

pub(super) fn version(text: &str) -> Result<FrappeVersion, String> {
    FrappeVersion::parse(text).ok_or_else(|| "it must look like 15 or 15.41.0".to_owned())
}

impl Plan {
    /// Runs the command.
    pub(super) fn run(&self, format: Format) -> ExitCode {
        match self.make(format) {
            Ok(code) => ExitCode::from(code),
            Err(message) => {
                eprintln!("error: {message}");
                ExitCode::FAILURE
            }
        }
    }

    fn make(&self, format: Format) -> Result<u8, String> {
        // What is wrong with the arguments is said before anything is read for minutes.
        let policy = self.policy.as_deref().map(read_policy).transpose()?.unwrap_or_default();
        if let Some(name) = &self.name {
            return self.stored(name, format, &policy);
        }
        // Its patches have run, or are lines of green as well.
        let (blue, green) = source::read_both(&self.blue, &self.green);
        let blue = blue.map_err(|error| format!("{error} (--blue)"))?;
        let green = green.map_err(|error| format!("{error} (--green)"))?;
        let renames = self.renames(&blue, &green)?;
        let input = Input {
            site_name: &self.site,
            blue_frappe: self.blue_frappe,
            green_frappe: self.green_frappe,
            accepted_patches: &self.accept_patch,
            renames,
            ..Input::new(&blue, &green)
        };
        let site = self.database.as_deref().map(|url| self.facts(url, &input)).transpose()?;
        let input = Input { site: site.as_ref(), ..input };
        let plan = plan::plan(&input).map_err(|error| error.to_string())?;
        if self.frame {
            let routing = Routing::of(&blue, &green);
            let frames = format!("{}{}", frame::write("PLAN", &plan)?, frame::write("ROUTING", &routing)?);
            print(std::io::stdout(), &frames)?;
            return Ok(0);
        }
        self.show(&plan, site.as_ref(), &policy, format)
    }

    fn show(
        &self,
        plan: &plan::Plan,
        site: Option<&Site>,
        policy: &Policy,
        format: Format,
    ) -> Result<u8, String> {
        let judgement = judge(plan, site, policy, &self.fail_on);
        for entry in &judgement.unused {
            eprintln!("warning: {entry}");
        }
        let report = Report { plan, judgement: &judgement };
        let text = match format {
            // Colours reach a terminal alone, and none where NO_COLOR is set.
            Format::Human => {
                print(anstream::stdout(), &report.human(terminal_width()))?;
                return Ok(judgement.exit_code);
            }
            Format::Json => report.json().map_err(|error| format!("failed to write the plan: {error}"))?,
            Format::Markdown => report.markdown(),
            Format::Sql => report.sql(self.part.into()),
        };
        print(std::io::stdout(), &text)?;
        Ok(judgement.exit_code)
    }

    /// Prints what the operator has stored for a release on the cluster.
    fn stored(&self, name: &str, format: Format, policy: &Policy) -> Result<u8, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("failed to start the runtime: {error}"))?;
        let target = Target { name: name.to_owned(), namespace: self.namespace.clone() };
        let plans = runtime.block_on(plan_stored::plans(&target, self.revision, &self.site))?;
        if plans.len() > 1 && format != Format::Human {
            let sites: Vec<&str> = plans.iter().map(|plan| plan.site.as_str()).collect();
            return Err(format!(
                "there are {} plans: choose one with --site ({})",
                sites.len(),
                sites.join(", ")
            ));
        }
        let mut worst = 0;
        for plan in &plans {
            worst = worst.max(self.show(plan, None, policy, format)?);
        }
        Ok(worst)
    }

    fn renames(&self, blue: &Snapshot, green: &Snapshot) -> Result<Renames, String> {
        let mut renames = Renames::default();
        renames.declare(&self.rename, blue, green).map_err(|error| format!("{error} (--rename)"))?;
        Ok(renames)
    }

    /// What the site's database says: first its schema, then its rows to what the planner wants to know of them.
    fn facts(&self, url: &str, input: &Input<'_>) -> Result<Site, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("failed to start the runtime: {error}"))?;
        runtime.block_on(async {
            let mut connection =
                facts::connect(url, self.credentials.as_deref()).await.map_err(|error| error.to_string())?;
            let mut site = facts::read(&mut connection).await.map_err(|error| error.to_string())?;
            let input = Input { site: Some(&site), ..input.clone() };
            let questions = plan::data_questions(&input).map_err(|error| error.to_string())?;
            let patience = data::Patience {
                question: Duration::from_secs(self.question_seconds),
                ..data::Patience::default()
            };
            let answers = data::answers(&mut connection, &site, questions, patience).await;
            site.answers = answers.map_err(|error| error.to_string())?;
            Ok(site)
        })
    }
}

fn read_policy(path: &Path) -> Result<Policy, String> {
    let failed = |error: std::io::Error| format!("failed to read the policy {}: {error}", path.display());
    let mut text = String::new();
    std::fs::File::open(path)
        .map_err(failed)?
        .take(MAX_POLICY_BYTES)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Policy::from_yaml(&path.display().to_string(), &text).map_err(|error| error.to_string())
}

/// Columns of the terminal that reads; `None` for a file or a pipe, which get whole lines.
fn terminal_width() -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(std::io::stdout())?;
    std::io::stdout().is_terminal().then_some(usize::from(width))
}

/// A reader that went away (`| head`) is no failure.
fn print(mut out: impl Write, text: &str) -> Result<(), String> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("failed to print the plan: {error}"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

impl From<Part> for report::Part {
    fn from(part: Part) -> Self {
        match part {
            Part::Expand => Self::Expand,
            Part::Undo => Self::Undo,
            Part::Contract => Self::Contract,
        }
    }
}
