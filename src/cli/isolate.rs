//! `crossfade isolate`: blue's schema of views and its user.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use rand::Rng;
use serde_json::{Map, Value};

use super::Output;
use super::site::{self, Failure};
use super::site_release::SiteRelease;
use crate::schema::progress::Progress;
use crate::schema::{Session, handover, isolate};

/// Characters of a password that is made here: 190 bits.
const PASSWORD_LENGTH: usize = 32;

/// Makes blue's schema: a view per table, copies of what green's migrate rewrites, a user that sees nothing else.
///
/// Blue's password comes from --schema-password-file, or is made and written into --site-config-out: the site's
/// configuration as blue needs it from then on. The site's own file is never touched: put the new one in its place by a
/// rename, and Frappe moves with its next request.
#[derive(Debug, Args)]
pub(crate) struct Isolate {
    #[command(flatten)]
    release: SiteRelease,
    /// File with the password that blue's user gets.
    #[arg(long, value_name = "FILE", required_unless_present = "site_config_out")]
    schema_password_file: Option<PathBuf>,
    /// Blue's `site_config.json` as it is; its `db_user` is the tables' own user, if --user says no other.
    #[arg(long, value_name = "FILE", requires = "site_config_out")]
    site_config: Option<PathBuf>,
    /// Write it here with the name, user and password of blue's schema; only its owner can read it.
    #[arg(long, value_name = "FILE", requires = "site_config")]
    site_config_out: Option<PathBuf>,
    /// Then wait until the tables' own user was not seen for this long (as `handover` does).
    #[arg(long, value_name = "SECONDS")]
    until_idle: Option<u64>,
}

impl Isolate {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = self.release.served_plan()?;
            let site_config = self.site_config.as_deref().map(read).transpose()?;
            let files = self.site_config.as_deref().zip(self.site_config_out.as_deref());
            let known = self.password(site_config.as_ref())?;
            let is_new = known.is_none();
            let password = known.unwrap_or_else(new_password);
            let database = self.release.database()?;
            let begun = Instant::now();
            let work = async |session: &mut Session<'_>| {
                let named = site_config.as_ref().and_then(|config| tables_user(config, database.name()));
                session.settings.user = session.settings.user.take().or(named);
                if is_new {
                    isolate::refuse_new_password(session).await?;
                }
                // Before a user has the password: after a kill the next run finds it there.
                if let (Some(config), Some((from, to))) = (&site_config, files) {
                    let config = blues_config(config, &self.release.schema, &password);
                    write(to, &format!("{:#}\n", Value::Object(config)), from)?;
                }
                let made = isolate::run(session, &plan, &password).await?;
                let spent = begun.elapsed().as_secs_f64();
                printer.report("connections", 0, 1, &handover::connected(session).await?);
                Ok((made, spent, session.tables_user()))
            };
            let (made, spent, user) = self.release.in_session(&database, &printer, work).await?;
            if let Some((from, to)) = files {
                let is_given = owner(from)? == owner(to)?;
                let give = if is_given { "" } else { "give it to the owner of --site-config and " };
                let message =
                    format!("blue's configuration is in {}: {give}put it in place now", to.display());
                printer.report("configuration", 1, 1, &message);
            }
            if let Some(quiet) = self.until_idle {
                let bound = Duration::from_hours(1);
                handover::run(&database, &user, Duration::from_secs(quiet), bound, &printer).await?;
            }
            Ok(format!(
                "{} has {} views, {} copies, {} sequences ({spent:.1} s)",
                self.release.schema, made.views, made.copies, made.sequences
            ))
        })
    }

    /// From its file; else that of an earlier run, which blue may use already: what it wrote is where it was told, or in its
    /// place by now.
    fn password(&self, site_config: Option<&Map<String, Value>>) -> Result<Option<String>, Failure> {
        if let Some(path) = &self.schema_password_file {
            let text = std::fs::read_to_string(path).map_err(Failure::file("read", path))?;
            let password = text.trim_end_matches(['\r', '\n']);
            if password.is_empty() {
                let reason = "it is empty: blue's user must have a password".to_owned();
                return Err(Failure::Content { path: path.display().to_string(), reason });
            }
            return Ok(Some(password.to_owned()));
        }
        let written = self.site_config_out.as_deref().filter(|path| path.exists()).map(read).transpose()?;
        let of_schema = |config: &&Map<String, Value>| {
            config.get("db_name").and_then(Value::as_str) == Some(&self.release.schema)
        };
        let mut configs = [written.as_ref(), site_config].into_iter().flatten().filter(of_schema);
        let password = configs.find_map(|config| config.get("db_password").and_then(Value::as_str));
        Ok(password.map(str::to_owned))
    }
}

fn new_password() -> String {
    let mut random = rand::rng();
    (0..PASSWORD_LENGTH).map(|_| char::from(random.sample(rand::distr::Alphanumeric))).collect()
}

/// The tables' own user as the site's configuration names it; not where that is blue's already, of an earlier run.
fn tables_user(config: &Map<String, Value>, database: &str) -> Option<String> {
    let is_the_tables = config.get("db_name").and_then(Value::as_str) == Some(database);
    config.get("db_user").and_then(Value::as_str).filter(|_| is_the_tables).map(str::to_owned)
}

/// A site's configuration that leads to blue's schema.
fn blues_config(config: &Map<String, Value>, schema: &str, password: &str) -> Map<String, Value> {
    let mut config = config.clone();
    config.insert("db_name".to_owned(), schema.into());
    config.insert("db_password".to_owned(), password.into());
    if config.contains_key("db_user") {
        config.insert("db_user".to_owned(), schema.into());
    }
    config
}

fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let bytes = std::fs::read(path).map_err(Failure::file("read", path))?;
    // The parser's own words may quote a password.
    serde_json::from_slice(&bytes).map_err(|_| Failure::Content {
        path: path.display().to_string(),
        reason: "it is not a JSON object".to_owned(),
    })
}

/// User and group that a file belongs to.
fn owner(path: &Path) -> Result<(u32, u32), Failure> {
    let known = std::fs::metadata(path).map_err(Failure::file("read", path))?;
    Ok((known.uid(), known.gid()))
}

/// Whole or not at all, and for its owner alone, who is that of the file whose place it will take: it holds a password.
fn write(path: &Path, text: &str, like: &Path) -> Result<(), Failure> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let _ = std::fs::remove_file(&part);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
    let mut file = file.map_err(Failure::file("write", &part))?;
    let (user, group) = owner(like)?;
    // Who may not give it away is told at the end.
    let _ = fchown(&file, Some(user), Some(group));
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(Failure::file("write", &part))?;
    std::fs::rename(&part, path).map_err(Failure::file("write", path))
}
