//! `make bench`: each scenario of the experiment, released by each way, as often as asked; then the report.
//!
//! A run that has left a record is not made again, so that it can be interrupted and gone on with, over days.

mod experiment;
mod harness;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use experiment::record::{self, Record, Run, Size};
use experiment::report;
use experiment::run::Plan;
use experiment::scenario::{self, Scenario};
use experiment::way::Way;
use harness::Fallible;
use harness::load::Request;

/// Runs the experiment on the cluster of `e2e/bed`, and writes its report.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the table that is changed
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Users
    #[arg(long, default_value_t = 100)]
    users: u32,
    /// Seconds of load before the release, and after it
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How often each is run
    #[arg(long, default_value_t = 3)]
    repetitions: usize,
    /// Scenarios, parted by commas; all if none is named
    #[arg(long, value_delimiter = ',', value_parser = named)]
    scenarios: Vec<Scenario>,
    /// Ways, parted by commas; all if none is named
    #[arg(long, value_delimiter = ',')]
    ways: Vec<Way>,
    /// Begin no run after so many minutes
    #[arg(long)]
    minutes: Option<u64>,
    /// Write the report of what is there, and run nothing
    #[arg(long)]
    report: bool,
}

fn named(name: &str) -> Result<Scenario, String> {
    scenario::named(name).ok_or_else(|| {
        let names = scenario::ALL.map(|scenario| scenario.name).join(", ");
        format!("there is no scenario {name}: {names}")
    })
}

fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} runs failed; what they had left is not in the report");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the bench failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives how many runs failed.
fn bench(arguments: &Arguments) -> Fallible<usize> {
    let size = Size { rows: arguments.rows, users: arguments.users, seconds: arguments.seconds };
    let begun = Instant::now();
    let is_over = || arguments.minutes.is_some_and(|limit| begun.elapsed() > Duration::from_mins(limit));
    let mut failed = 0;
    let plans = if arguments.report { Vec::new() } else { plans(arguments, size) };
    let count = plans.len();
    for (number, plan) in (1..).zip(plans) {
        if is_over() {
            println!("the time is over: {} runs are left for the next call", count - number + 1);
            break;
        }
        let Plan { scenario, way, repetition, .. } = plan;
        let name = format!("{number}/{count} {} {way} {repetition}", scenario.name);
        let say = |line: &str| println!("{} {name}: {line}", jiff::Timestamp::now().strftime("%H:%M:%S"));
        // One that fails is no reason to lose the others' time.
        match plan.run(&say).and_then(kept) {
            Ok(run) => say(&words(&run)),
            Err(error) => {
                say(&format!("failed: {error}"));
                failed += 1;
            }
        }
    }
    let report = report::write(&size)?;
    println!("docs/scenarios.md, {} pictures, target/scenarios/summary.json", report.pictures.len());
    Ok(failed)
}

fn kept((record, requests): (Record, Vec<Request>)) -> Fallible<Run> {
    let run = Run::of(record, &requests);
    run.write(&requests)?;
    Ok(run)
}

/// What has no record yet: first each once, then each again.
fn plans(arguments: &Arguments, size: Size) -> Vec<Plan> {
    let scenarios =
        if arguments.scenarios.is_empty() { scenario::ALL.to_vec() } else { arguments.scenarios.clone() };
    let ways = if arguments.ways.is_empty() { Way::ALL.to_vec() } else { arguments.ways.clone() };
    let mut plans = Vec::new();
    for repetition in 1..=arguments.repetitions {
        for &scenario in &scenarios {
            plans.extend(ways.iter().map(|&way| Plan { scenario, way, repetition, size }));
        }
    }
    plans.retain(|plan| !record::path(&size, plan.scenario.name, plan.way, plan.repetition).exists());
    plans
}

fn words(run: &Run) -> String {
    let (figures, jobs) = (&run.figures, &run.record.jobs);
    format!(
        "{:.0} s; {} requests, {} hard, {} silent, {} s without service, p99 {:.0}/{:.0}/{:.0} ms, {} of {} jobs lost, {} doubled, {:.0} ticks missed",
        run.record.release_seconds(),
        figures.requests,
        figures.hard,
        figures.silent,
        figures.seconds_without_service,
        figures.before.p99,
        figures.during.p99,
        figures.after.p99,
        jobs.lost,
        jobs.enqueued,
        jobs.doubled,
        jobs.ticks.missed
    )
}
