//! How much memory a whole plan holds at its peak, beside the bytes that it reads.
//!
//! `cargo run --release --example bench_plan_memory -- BLUE.tar.gz GREEN.tar.gz` (`make bench-plan` runs it too). Exit
//! code 1 if the bound is broken.

#![allow(clippy::unwrap_used, reason = "a benchmark ends at what it does not expect")]
#![allow(clippy::cast_precision_loss, reason = "no size here needs more than 52 bits")]

#[path = "../bench_plan/pair.rs"]
mod pair;

use std::process::ExitCode;

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// It may hold this many times the bytes that were read, at its peak.
const MOST: f64 = 4.0;

fn main() -> ExitCode {
    let Some(pair) = pair::arguments() else {
        eprintln!("usage: bench_plan_memory BLUE.tar.gz GREEN.tar.gz");
        return ExitCode::FAILURE;
    };
    let bytes = pair::read_and_parse(&pair);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    pair::whole_plan(&pair);
    let memory = (MEMORY.peak_usage() - before) as f64 / bytes as f64;
    println!("peak memory      {memory:8.2}     times the {bytes} bytes read, at most {MOST}");
    if memory <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
