//! A release that is approved in the dashboard by a browser, which sees its ledger and its queues: its stream is followed, a
//! person who may only look and a wall are refused.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::reader::Reader;
use super::{RELEASE, installed};
use crate::harness::bench::Bench;
use crate::harness::cluster::{bed, kubectl, repository, run};
use crate::harness::{Fallible, turn};
use crate::page::Server as Page;

const PATH: &str = "/api/releases/dashboard/shop";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_release_is_followed_and_approved_in_the_dashboard() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("dashboard")?;
    let folder = tempfile::tempdir()?;
    let viewer = folder.path().join("viewer.kubeconfig");
    std::fs::write(&viewer, viewer_kubeconfig(&bench)?)?;
    let opened =
        Reader::of(&bench.namespace).follow("docs/how-to/dashboard.md", "kubectl crossfade dashboard")?;
    if !opened.contains("http://127.0.0.1:") {
        return Err(format!("no address to open: {opened:?}").into());
    }
    let admin = bed().join("pki/admin.kubeconfig");
    let page = dashboard(&admin, &[]);
    let (looking, wall) = (dashboard(&viewer, &[]), dashboard(&admin, &["--read-only"]));
    let mut stream = Stream::open(&page);
    let manifest = bench.manifest("release.yaml", "v2")?;
    bench.namespace.apply(&format!("{manifest}\n  approvals: {{plan: {{}}}}\n"))?;

    let asking = stream.until("the plan waits for approval", |release| {
        offer(release, "approve plan").is_some_and(|offer| offer["is_awaited"] == true)
    })?;
    let offer = offer(&asking, "approve plan").ok_or("there is no such button")?;
    let body = json!({"command": "approve plan", "mark": offer["mark"]});
    let plan = page.call("GET", &format!("{PATH}/plan"), None);
    if plan.status != 200 || plan.json()[0]["changes"].as_array().is_none_or(Vec::is_empty) {
        return Err(format!("the plan is not shown: {plan:?}").into());
    }
    for (who, of, status, words) in [
        ("a viewer", &looking, 403, "cannot patch resource \"frappereleases\""),
        ("a wall", &wall, 403, "--read-only"),
    ] {
        let answer = of.call("POST", &format!("{PATH}/say"), Some(&body));
        if answer.status != status || !answer.body.contains(words) {
            return Err(format!("{who} is not refused: {answer:?}").into());
        }
        println!("{who}: {}", answer.body);
    }
    let browser = browser(format!("http://127.0.0.1:{}/?key={}", page.port, page.key));
    stream.until("the end of what the browser does", |_| browser.is_finished())?;
    println!("{}", browser.join().map_err(|_| "the browser's thread panicked")??);
    let done = stream.until("Complete", |release| release["line"]["standing"]["phase"] == "Complete")?;
    it_saw_all(&stream, &done)?;
    bench.namespace.leave()
}

/// The stream has told of everything that the page shows of a release.
fn it_saw_all(stream: &Stream, done: &Value) -> Fallible {
    println!(
        "phases {:?}, weights {:?}, {} events of the stream, parts of Jobs {:?}, queues counted of {:?}",
        stream.phases, stream.weights, stream.told, stream.parts, stream.counted
    );
    if stream.counted.len() < 2 {
        return Err(format!("the queues of both colours were not counted: {:?}", stream.counted).into());
    }
    // Which parts are seen is chance: the steps themselves may be over within one look.
    if stream.parts.iter().all(String::is_empty) {
        return Err(format!("the log of no Job was followed: {:?}", stream.parts).into());
    }
    for phase in ["Expanding", "Shifting", "Draining"] {
        if !stream.phases.iter().any(|seen| seen == phase) {
            return Err(format!("{phase} was never told: {:?}", stream.phases).into());
        }
    }
    if ![10, 50, 100].iter().all(|weight| stream.weights.contains(weight)) {
        return Err(format!("the weights did not move in the stream: {:?}", stream.weights).into());
    }
    if done["events"].as_array().is_none_or(Vec::is_empty) || done["problems"] != json!([]) {
        return Err(format!("events are missing: {done}").into());
    }
    Ok(())
}

/// A browser that approves the plan and looks until all is over; it says what it saw.
fn browser(address: String) -> JoinHandle<Result<String, String>> {
    let mut browser = Command::new("npm");
    browser.current_dir(repository().join("web")).args(["run", "--silent", "release", "dashboard.spec.ts"]);
    browser.env("CROSSFADE", env!("CARGO_BIN_EXE_crossfade")).env("CROSSFADE_PAGE", address);
    thread::spawn(move || run(&mut browser, None).map_err(|error| error.to_string()))
}

/// What the stream of the release tells.
struct Stream {
    lines: BufReader<TcpStream>,
    last: Value,
    told: usize,
    phases: Vec<String>,
    weights: Vec<u64>,
    /// What the logs of Jobs told to be at work.
    parts: Vec<String>,
    /// The colours of whose queues the relay told the jobs.
    counted: Vec<&'static str>,
}

impl Stream {
    fn open(page: &Page) -> Self {
        let lines = page.events(&format!("{PATH}/events"));
        Self {
            lines,
            last: Value::Null,
            told: 0,
            phases: Vec::new(),
            weights: Vec::new(),
            parts: Vec::new(),
            counted: Vec::new(),
        }
    }

    /// Reads until the release is so; it is looked at with each line, also one by which the server tells that it is there.
    fn until(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) -> Fallible<Value> {
        let begun = Instant::now();
        // The server tells that it is there every 15 s.
        self.lines.get_ref().set_read_timeout(Some(Duration::from_mins(1)))?;
        let mut line = String::new();
        while begun.elapsed() < RELEASE {
            if is_so(&self.last) {
                return Ok(self.last.clone());
            }
            line.clear();
            if self.lines.read_line(&mut line)? == 0 {
                return Err(format!("the stream ended before: {what}").into());
            }
            let Some(text) = line.strip_prefix("data: ") else { continue };
            let release: Value = serde_json::from_str(text)?;
            self.told += 1;
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            note(&mut self.phases, word(&release["line"]["standing"]["phase"]));
            let apps = release["apps"].as_array().into_iter().flatten();
            apps.filter_map(|app| app["weight"].as_u64()).for_each(|weight| note(&mut self.weights, weight));
            let jobs = release["work"].as_array().into_iter().flatten();
            jobs.map(|job| word(&job["part"])).for_each(|part| note(&mut self.parts, part));
            let counted = ["blue", "green"].into_iter().filter(|colour| release[colour]["jobs"].is_u64());
            counted.for_each(|colour| note(&mut self.counted, colour));
            self.last = release;
        }
        Err(format!("not within {} s: {what}", RELEASE.as_secs()).into())
    }
}

fn note<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

fn offer(release: &Value, command: &str) -> Option<Value> {
    release["offers"].as_array()?.iter().find(|offer| offer["command"] == command).cloned()
}

fn dashboard(kubeconfig: &std::path::Path, arguments: &[&str]) -> Page {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossfade"));
    command
        .args(["dashboard", "-n", "dashboard", "--port", "0"])
        .args(arguments)
        .env("KUBECONFIG", kubeconfig);
    Page::of(command)
}

/// A kubeconfig of a service account that holds Kubernetes' role `view`, as the chart widens it.
fn viewer_kubeconfig(bench: &Bench) -> Fallible<String> {
    let of = &bench.namespace;
    of.kubectl(&["create", "serviceaccount", "viewer"])?;
    let who = format!("--serviceaccount={}:viewer", of.name);
    of.kubectl(&["create", "rolebinding", "viewer", "--clusterrole=view", &who])?;
    let token = of.kubectl(&["create", "token", "viewer"])?;
    let mut config: Value =
        serde_json::from_str(&kubectl(&["config", "view", "--raw", "-o", "json"], None)?)?;
    config["users"][0]["user"] = json!({"token": token.trim()});
    Ok(config.to_string())
}
