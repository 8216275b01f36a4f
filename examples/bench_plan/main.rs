//! How long a whole plan takes beside only reading and parsing the same files, and how it grows with the DocTypes.
//!
//! `cargo run --release --example bench_plan -- BLUE.tar.gz GREEN.tar.gz` (`make bench-plan` takes a large pair of
//! releases from `$CROSSFADE_SHARED`). Exit code 1 if a bound is broken. What it holds in memory is measured by
//! `bench_plan_memory`: to count it takes time, and more where it is counted on two threads.

#![allow(clippy::unwrap_used, reason = "a benchmark ends at what it does not expect")]
#![allow(clippy::cast_precision_loss, reason = "no size here needs more than 52 bits")]

mod pair;

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use pair::{files, read_and_parse, whole_plan};

/// A whole plan may take this many times as long as reading and parsing alone.
const MOST_TIME: f64 = 1.5;
/// Time per DocType may grow by this factor from 1x to 16x (noise, caches, a sort).
const MOST_GROWTH: f64 = 1.5;
/// Turns; the median counts.
const TIMES: usize = 31;

fn main() -> ExitCode {
    let Some(pair) = pair::arguments() else {
        eprintln!("usage: bench_plan BLUE.tar.gz GREEN.tar.gz");
        return ExitCode::FAILURE;
    };
    let bytes = read_and_parse(&pair);
    // Taken in turns, so that a busy machine is as unfair to one as to the other.
    let (mut reading, mut planning, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let (read, plan) = (timed(|| read_and_parse(&pair)), timed(|| whole_plan(&pair)));
        ratios.push(plan.as_secs_f64() / read.as_secs_f64());
        reading.push(read);
        planning.push(plan);
    }
    ratios.sort_by(f64::total_cmp);
    let (reading, planning, ratio) = (median(reading), median(planning), ratios[TIMES / 2]);
    println!("read and parse   {:8.1} ms  {bytes} bytes", millis(reading));
    println!("whole plan       {:8.1} ms", millis(planning));
    println!("ratio            {ratio:8.2}     at most {MOST_TIME}");
    let growth = growth(&pair);
    println!("growth           {growth:8.2}     time per DocType, 16x to 1x, at most {MOST_GROWTH}");
    let holds = ratio <= MOST_TIME && growth <= MOST_GROWTH;
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Time per DocType with 16 times the DocTypes, over that with as many as there are.
fn growth(pair: &[PathBuf; 2]) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut per_doctype = Vec::new();
    for copies in [1, 4, 16] {
        let paths = [0, 1].map(|at| folder.path().join(format!("{copies}-{at}.tar.gz")));
        let doctypes: usize = (0..2).map(|at| multiply(&pair[at], &paths[at], copies)).sum();
        let took = median((0..5).map(|_| timed(|| whole_plan(&paths))).collect());
        println!("  {copies:2}x {doctypes:6} DocTypes {:8.1} ms", millis(took));
        per_doctype.push(took.as_secs_f64() / doctypes as f64);
    }
    per_doctype[2] / per_doctype[0]
}

/// Writes an archive with every DocType so many times, each under another name; gives their number.
fn multiply(from: &Path, to: &Path, copies: usize) -> usize {
    let mut archive = tar::Builder::new(GzEncoder::new(File::create(to).unwrap(), Compression::fast()));
    let mut doctypes = 0;
    let mut append = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).unwrap();
    };
    for (name, bytes) in files(from) {
        if !name.contains("/doctype/") {
            append(&name, &bytes);
            continue;
        }
        for copy in 0..copies {
            let mut doctype: Value = serde_json::from_slice(&bytes).unwrap();
            doctype["name"] = json!(format!("{:.55} {copy}", doctype["name"].as_str().unwrap()));
            let stem = Path::new(&name).file_stem().unwrap().to_str().unwrap();
            let path = name.replace(&format!("{stem}/{stem}."), &format!("{stem}_{copy}/{stem}_{copy}."));
            append(&path, &serde_json::to_vec_pretty(&doctype).unwrap());
            doctypes += 1;
        }
    }
    archive.into_inner().unwrap().finish().unwrap();
    doctypes
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
