//! What a run leaves: a record, its requests, and the same by seconds as CSV. The report is made from these files alone.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::jobs::Jobs;
use super::machine::Machine;
use super::way::{Released, Way};
use crate::harness::Fallible;
use crate::harness::cluster::repository;
use crate::harness::figures::{Figures, Second, by_second};
use crate::harness::load::Request;

/// How much is done in a run: only runs of one size are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Rows of the changed table.
    pub rows: u64,
    /// Users.
    pub users: u32,
    /// Seconds of load before the release, and after it.
    pub seconds: u64,
}

/// One run. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name of the scenario.
    pub scenario: String,
    /// The way.
    pub way: Way,
    /// Which of the repetitions, from 1.
    pub repetition: usize,
    /// The size.
    pub size: Size,
    /// When all users were there.
    pub from: f64,
    /// When the release was asked for.
    pub begin: f64,
    /// When it was over.
    pub end: f64,
    /// When the users went home.
    pub until: f64,
    /// What was done.
    pub released: Released,
    /// What became of the jobs.
    pub jobs: Jobs,
    /// Seconds that the filling of the table took.
    pub fill_seconds: f64,
    /// What it was measured on and with.
    pub machine: Machine,
}

/// A run as the report sees it.
#[derive(Debug, Clone)]
pub struct Run {
    /// What was done.
    pub record: Record,
    /// What the users saw, from the moment at which all were there.
    pub figures: Figures,
    /// The same by seconds.
    pub seconds: Vec<Second>,
}

impl Size {
    /// Folder of the runs of this size.
    pub fn folder(&self) -> PathBuf {
        let Self { rows, users, seconds } = self;
        repository().join(format!("target/scenarios/{rows}-rows-{users}-users-{seconds}-s"))
    }
}

impl Record {
    /// How long the release took, in seconds.
    pub fn release_seconds(&self) -> f64 {
        self.end - self.begin
    }

    /// Each phase of the release with its seconds: until the next began.
    pub fn phases(&self) -> Vec<(&str, f64)> {
        let phases = &self.released.phases;
        let ends = phases.iter().skip(1).map(|(_, at)| *at).chain([self.end]);
        phases.iter().zip(ends).map(|((name, begin), end)| (name.as_str(), end - begin)).collect()
    }
}

impl Run {
    /// From the requests, which are in the order of time.
    pub fn of(record: Record, requests: &[Request]) -> Self {
        let figures = Figures::of(requests, record.begin, record.end);
        Self { figures, seconds: by_second(requests), record }
    }

    /// Writes the files. The record comes last: a run that has one is whole.
    pub fn write(&self, requests: &[Request]) -> Fallible {
        let file = path(&self.record.size, &self.record.scenario, self.record.way, self.record.repetition);
        fs::create_dir_all(file.parent().ok_or("a record has no folder")?)?;
        let mut lines = String::new();
        for request in requests {
            lines += &serde_json::to_string(request)?;
            lines.push('\n');
        }
        fs::write(file.with_extension("jsonl"), lines)?;
        fs::write(file.with_extension("csv"), self.csv()?)?;
        fs::write(&file, serde_json::to_string_pretty(&self.record)? + "\n")?;
        Ok(())
    }

    /// A line a second, counted from the begin of the release.
    fn csv(&self) -> Fallible<String> {
        let mut csv = "second,requests,hard,silent,p50_ms,p95_ms,p99_ms\n".to_owned();
        for second in &self.seconds {
            let (at, latency) = (second.at - self.record.begin, second.latency);
            writeln!(
                csv,
                "{at:.0},{},{},{},{},{},{}",
                latency.requests, second.hard, second.silent, latency.p50, latency.p95, latency.p99
            )?;
        }
        Ok(csv)
    }

    fn read(file: &Path) -> Fallible<Self> {
        let record = serde_json::from_str(&fs::read_to_string(file)?)?;
        let text = fs::read_to_string(file.with_extension("jsonl"))?;
        let requests: Result<Vec<Request>, _> = text.lines().map(serde_json::from_str).collect();
        Ok(Self::of(record, &requests?))
    }
}

/// The file of a record.
pub fn path(size: &Size, scenario: &str, way: Way, repetition: usize) -> PathBuf {
    size.folder().join(scenario).join(format!("{way}-{repetition}.json"))
}

/// All runs of a size that are there, by their file's name.
pub fn read_all(size: &Size) -> Fallible<Vec<Run>> {
    let mut files = Vec::new();
    for folder in entries(&size.folder())? {
        files.extend(entries(&folder)?.into_iter().filter(|file| file.extension() == Some("json".as_ref())));
    }
    let read = |file: &PathBuf| {
        Run::read(file)
            .map_err(|error| format!("{}: {error}; remove it to run it again", file.display()).into())
    };
    files.iter().map(read).collect()
}

/// What is in a folder, by name; nothing if there is none.
fn entries(folder: &Path) -> Fallible<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries: Result<Vec<PathBuf>, _> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let mut entries = entries.map_err(|error: std::io::Error| error)?;
    entries.sort();
    Ok(entries)
}
