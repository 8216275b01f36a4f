//! Users on a bench: Locust runs `e2e/load/locustfile.py` and every request becomes a line of a file.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Fallible;
use super::bench::Bench;
use super::cluster::{gateway, repository, run, until};

/// One request of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// When it ended, in seconds since 1970.
    pub time: f64,
    /// What it did.
    pub name: String,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// HTTP status; 0 without an answer.
    pub status: u16,
    /// `hard`, `silent`, or nothing.
    pub failure: Option<String>,
    /// What was wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// The version that answered, as the sample bench says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the job that it enqueued leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What users do.
#[derive(Debug, Clone)]
pub struct Mix {
    /// Name of a template of `e2e/load/templates`.
    pub template: String,
}

impl Default for Mix {
    /// Documents alone; of which kind the environment may say.
    fn default() -> Self {
        let template = std::env::var("LOAD_TEMPLATE").unwrap_or_else(|_| "sales-order".to_owned());
        Self { template }
    }
}

/// Users at work.
#[derive(Debug)]
pub struct Load {
    locust: Child,
    events: PathBuf,
}

/// Now, in seconds since 1970: the clock of the requests.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

impl Load {
    /// Starts `users` users, 10 new ones a second, and waits until all are there and have asked something.
    pub fn start(bench: &Bench, users: u32) -> Fallible<Self> {
        Self::of(bench, users, &Mix::default())
    }

    /// The same with users who do something else.
    pub fn of(bench: &Bench, users: u32, mix: &Mix) -> Fallible<Self> {
        let folder = repository().join("e2e/load");
        let template = folder.join("templates").join(format!("{}.json", mix.template));
        let token = std::env::var("LOAD_TOKEN").unwrap_or_else(|_| "loadkey:loadsecret".to_owned());
        prepare(bench, &std::fs::read_to_string(&template)?, &token)?;
        let out = repository().join("target/e2e-load");
        std::fs::create_dir_all(&out)?;
        let name = bench.site.split('.').next().unwrap_or_default();
        let events = out.join(format!("{name}.jsonl"));
        let _ = std::fs::remove_file(&events);
        let log = std::fs::File::create(out.join(format!("{name}.log")))?;
        read_back_by(bench, &[])?;
        let locust = Command::new(locust()?)
            .arg("-f")
            .arg(folder.join("locustfile.py"))
            .args([
                "--headless",
                "--only-summary",
                "-r",
                "10",
                "-u",
                &users.to_string(),
                "--host",
                &gateway(),
            ])
            .envs([
                ("LOAD_SITE", bench.site.as_str()),
                ("LOAD_TOKEN", token.as_str()),
                ("PYTHONDONTWRITEBYTECODE", "1"),
            ])
            .env("LOAD_TEMPLATE", &template)
            .env("LOAD_EVENTS", &events)
            .env("LOAD_COLOURS", colours(bench))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut load = Self { locust, events };
        load.run_for(Duration::from_secs(u64::from(users) / 10 + 5))?;
        Ok(load)
    }

    /// Lets the users work for a while; fails at once if they have stopped.
    pub fn run_for(&mut self, time: Duration) -> Fallible {
        let end = now() + time.as_secs_f64();
        until("users at work", time + Duration::from_secs(5), || match self.locust.try_wait()? {
            Some(status) => {
                Err(format!("locust ended: {status}; see its log beside {}", self.events.display()).into())
            }
            None => Ok((now() >= end).then_some(())),
        })
    }

    /// Lets the users work until there were `count` requests.
    pub fn run_until(&mut self, count: usize, limit: Duration) -> Fallible {
        until(&format!("{count} requests"), limit, || {
            let seen = std::fs::read_to_string(&self.events)?.lines().count();
            Ok((seen >= count).then_some(()))
        })
    }

    /// Sends the users home and gives all their requests, in the order of time.
    pub fn stop(mut self) -> Fallible<Vec<Request>> {
        // Not SIGINT: what a shell starts in the background ignores it, and so do its children.
        run(Command::new("kill").args(["-TERM", &self.locust.id().to_string()]), None)?;
        until("the users to go home", Duration::from_mins(1), || Ok(self.locust.try_wait()?))?;
        let text = std::fs::read_to_string(&self.events)?;
        let requests: Result<Vec<Request>, _> = text.lines().map(serde_json::from_str).collect();
        let mut requests = requests?;
        requests.sort_by(|a, b| a.time.total_cmp(&b.time));
        Ok(requests)
    }
}

/// Tells the users of a bench by which colours they may read back what they have written; by none at first.
pub fn read_back_by(bench: &Bench, serving: &[&str]) -> Fallible {
    // Written and renamed: nobody reads half of it.
    let (file, new) = (colours(bench), colours(bench).with_extension("new"));
    std::fs::write(&new, serving.join(" "))?;
    Ok(std::fs::rename(new, file)?)
}

fn colours(bench: &Bench) -> PathBuf {
    repository().join("target/e2e-load").join(format!("{}.colours", bench.namespace.name))
}

impl Drop for Load {
    fn drop(&mut self) {
        // After a failure nobody waits for the users: they must not outlive the test.
        let _ = self.locust.kill();
        let _ = self.locust.wait();
    }
}

fn locust() -> Fallible<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("XDG_CACHE_HOME").unwrap_or_else(|_| format!("{home}/.cache"));
    let cache = std::env::var("CROSSFADE_CACHE").unwrap_or_else(|_| format!("{cache}/crossfade"));
    let path = PathBuf::from(cache).join("locust/current/bin/locust");
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("{} is not there: run `make setup`", path.display()).into())
    }
}

/// Makes the documents that the template's documents link to.
fn prepare(bench: &Bench, template: &str, token: &str) -> Fallible {
    let template: Value = serde_json::from_str(template)?;
    for need in template["needs"].as_array().into_iter().flatten() {
        let doctype = need["doctype"].as_str().unwrap_or_default().replace(' ', "%20");
        let url = format!("{}/api/resource/{doctype}", gateway());
        let (host, token) = (format!("Host: {}", bench.site), format!("Authorization: token {token}"));
        let body = need["document"].to_string();
        until(&format!("a {doctype} for the users"), Duration::from_mins(1), || {
            let mut curl = Command::new("curl");
            curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", &host, "-H", &token]);
            let status = run(curl.args(["-H", "Content-Type: application/json", "-d", &body, &url]), None)?;
            match status.as_str() {
                "200" | "409" => Ok(Some(())),
                other => Err(format!("POST {url} gave {other}").into()),
            }
        })?;
    }
    Ok(())
}
