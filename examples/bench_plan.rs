//! How long a whole plan takes beside only reading and parsing the same files, and how it grows with the DocTypes.
//!
//! `cargo run --release --example bench_plan -- BLUE.tar.gz GREEN.tar.gz` (`make bench-plan` takes a large pair of
//! releases from `$CROSSFADE_SHARED`). Exit code 1 if a bound is broken.

#![allow(clippy::unwrap_used, reason = "a benchmark ends at what it does not expect")]
#![allow(clippy::cast_precision_loss, reason = "no size here needs more than 52 bits")]

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crossfade::doctype::FrappeVersion;
use crossfade::plan::{Input, plan};
use crossfade::source::read_both;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A whole plan may take this many times as long as reading and parsing alone.
const MOST_TIME: f64 = 1.5;
/// It may hold this many times the bytes that were read, at its peak.
const MOST_MEMORY: f64 = 4.0;
/// Time per DocType may grow by this factor from 1x to 16x (noise, caches, a sort).
const MOST_GROWTH: f64 = 1.5;
/// Repetitions; the median counts.
const TIMES: usize = 15;

fn main() -> ExitCode {
    let places: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [blue, green] = places.as_slice() else {
        eprintln!("usage: bench_plan BLUE.tar.gz GREEN.tar.gz");
        return ExitCode::FAILURE;
    };
    let pair = [blue.clone(), green.clone()];
    let bytes = read_and_parse(&pair);
    // Taken in turns, so that a busy machine is as unfair to one as to the other.
    let (mut reading, mut planning) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        reading.push(timed(|| read_and_parse(&pair)));
        planning.push(timed(|| whole_plan(&pair)));
    }
    let (reading, planning) = (median(reading), median(planning));
    let ratio = planning.as_secs_f64() / reading.as_secs_f64();
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    whole_plan(&pair);
    let memory = (MEMORY.peak_usage() - before) as f64 / bytes as f64;
    println!("read and parse   {:8.1} ms  {bytes} bytes", millis(reading));
    println!("whole plan       {:8.1} ms", millis(planning));
    println!("ratio            {ratio:8.2}     at most {MOST_TIME}");
    println!("peak memory      {memory:8.2}     times the bytes read, at most {MOST_MEMORY}");
    let growth = growth(&pair);
    println!("growth           {growth:8.2}     time per DocType, 16x to 1x, at most {MOST_GROWTH}");
    let holds = ratio <= MOST_TIME && memory <= MOST_MEMORY && growth <= MOST_GROWTH;
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every file of both archives, unpacked and parsed: the least that any planner has to do.
fn read_and_parse(pair: &[PathBuf; 2]) -> usize {
    let mut read = 0;
    for path in pair {
        for (name, bytes) in files(path) {
            read += bytes.len();
            if is_json(&name) {
                black_box(serde_json::from_slice::<Value>(&bytes).unwrap());
            }
        }
    }
    read
}

fn is_json(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "json")
}

fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path).unwrap()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    });
    entries.filter(|(_, bytes)| !bytes.is_empty()).collect()
}

fn whole_plan(pair: &[PathBuf; 2]) {
    let [blue, green] = [&pair[0], &pair[1]].map(|path| [format!("app={}", path.display())]);
    let (blue, green) = read_both(&blue, &green);
    let (blue, green) = (blue.unwrap(), green.unwrap());
    let input = Input {
        blue_frappe: FrappeVersion::parse("15.62"),
        green_frappe: FrappeVersion::parse("16.0"),
        ..Input::new(&blue, &green)
    };
    black_box(plan(&input).unwrap());
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
