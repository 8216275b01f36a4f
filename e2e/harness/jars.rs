//! Browsers with cookies: `e2e/load/jars.py` asks for each of them, and every answer becomes a line of a file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use super::Fallible;
use super::bench::Bench;
use super::cluster::{gateway, repository, run, until};

/// What one browser was answered.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// When, in seconds since 1970.
    pub time: f64,
    /// Number of the browser.
    pub jar: u32,
    /// The app that was asked.
    pub app: String,
    /// HTTP status.
    pub status: u16,
    /// The version that answered.
    pub version: Option<String>,
    /// The bucket after it.
    pub cookie: Option<String>,
}

/// Browsers at work.
#[derive(Debug)]
pub struct Jars {
    python: Child,
    events: PathBuf,
}

impl Jars {
    /// Starts `count` browsers, which send `rate` requests a second together to these paths (by app), and waits for the
    /// first answers.
    pub fn start(bench: &Bench, count: u32, rate: u32, paths: &BTreeMap<&str, &str>) -> Fallible<Self> {
        let out = repository().join("target/e2e-load");
        std::fs::create_dir_all(&out)?;
        let events = out.join(format!("{}-jars.jsonl", bench.namespace.name));
        let _ = std::fs::remove_file(&events);
        let log = std::fs::File::create(out.join(format!("{}-jars.log", bench.namespace.name)))?;
        let gateway = gateway();
        let (host, port) = gateway.trim_start_matches("http://").split_once(':').ok_or("no port")?;
        let python = Command::new("python3")
            .arg(repository().join("e2e/load/jars.py"))
            .envs([("JARS_HOST", host), ("JARS_PORT", port), ("JARS_SITE", bench.site.as_str())])
            .envs([("JARS_TOKEN", "loadkey:loadsecret"), ("PYTHONDONTWRITEBYTECODE", "1")])
            .env("JARS", count.to_string())
            .env("JARS_RATE", rate.to_string())
            .env("JARS_PATHS", serde_json::to_string(paths)?)
            .env("JARS_EVENTS", &events)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let jars = Self { python, events };
        until("the first answers", Duration::from_secs(30), || {
            Ok((!jars.answers()?.is_empty()).then_some(()))
        })?;
        Ok(jars)
    }

    /// The answers so far, in the order of time.
    pub fn answers(&self) -> Fallible<Vec<Answer>> {
        let text = std::fs::read_to_string(&self.events).unwrap_or_default();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let answers: Result<Vec<Answer>, _> = whole.lines().map(serde_json::from_str).collect();
        let mut answers = answers?;
        answers.sort_by(|a, b| a.time.total_cmp(&b.time));
        Ok(answers)
    }

    /// Ends them and gives all answers.
    pub fn stop(mut self) -> Fallible<Vec<Answer>> {
        run(Command::new("kill").args(["-TERM", &self.python.id().to_string()]), None)?;
        let ended = until("the browsers to end", Duration::from_mins(1), || Ok(self.python.try_wait()?))?;
        if !ended.success() {
            return Err(format!(
                "the browsers ended with {ended}; see the log beside {}",
                self.events.display()
            )
            .into());
        }
        self.answers()
    }
}

impl Drop for Jars {
    fn drop(&mut self) {
        // After a failure nobody waits for them: they must not outlive the test.
        let _ = self.python.kill();
        let _ = self.python.wait();
    }
}
