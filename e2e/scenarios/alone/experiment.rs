//! The experiment in short: two of its scenarios with a tenth of its users and few rows. Its long form is `make bench`.

use super::must_be_clean;
use crate::experiment::record::{Run, Size};
use crate::experiment::report::Report;
use crate::experiment::run::Plan;
use crate::experiment::scenario;
use crate::experiment::way::Way;
use crate::harness::load::Request;
use crate::harness::{Fallible, turn};

const SIZE: Size = Size { rows: 20_000, users: 20, seconds: 10 };

fn run(name: &str, way: Way) -> Fallible<(Run, Vec<Request>)> {
    let scenario = scenario::named(name).ok_or("there is no such scenario")?;
    let say = |line: &str| println!("{name} {way}: {line}");
    let (record, requests) = Plan { scenario, way, repetition: 1, size: SIZE }.run(&say)?;
    Ok((Run::of(record, &requests), requests))
}

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn crossfade_loses_nothing_where_the_naive_way_does() -> Fallible {
    // It counts the seconds without service.
    let _turn = turn::alone();
    let mut runs = Vec::new();
    for name in ["field-renamed", "child-table-added"] {
        let (run, requests) = run(name, Way::Crossfade)?;
        loses_nothing(&run, &requests).map_err(|error| format!("{name}: {error}"))?;
        runs.push(run);
    }
    let (run, _) = run("child-table-added", Way::Naive)?;
    if run.figures.is_clean() {
        return Err("nobody lost anything by the naive way, so this shows nothing".into());
    }
    if let Some(failure) = &run.record.released.failure {
        return Err(format!("the naive way: {failure}").into());
    }
    runs.push(run);
    println!("{}", Report::of(&SIZE, &runs)?.page);
    Ok(())
}

fn loses_nothing(run: &Run, requests: &[Request]) -> Fallible {
    if let Some(failure) = &run.record.released.failure {
        return Err(format!("not released: {failure}").into());
    }
    let figures = must_be_clean(requests)?;
    let back: Vec<_> = requests.iter().filter(|request| request.name == "read back").collect();
    let jobs = &run.record.jobs;
    let blue = back.iter().filter(|request| request.version.as_deref() == Some("v1")).count();
    println!(
        "{} requests, {} read back by a colour, {blue} of them by v1, {} jobs, {} ticks",
        figures.requests,
        back.len(),
        jobs.enqueued,
        jobs.ticks.runs
    );
    if blue == 0 || blue == back.len() {
        return Err("one colour read nothing of what was written while both served".into());
    }
    if jobs.enqueued == 0 || jobs.lost + jobs.doubled + jobs.ticks.doubled > 0 {
        return Err(format!("{jobs:?}").into());
    }
    if figures.seconds_without_service > 0 {
        return Err(format!("{} s without service", figures.seconds_without_service).into());
    }
    Ok(())
}
