//! `make demo`: one new version of a bench, released the usual way and by Crossfade, while 100 users work.
//!
//! It prints what the users saw, then one JSON object. Its exit code is 0 only if Crossfade lost nothing
//! over at least 10,000 requests and the usual way did. With `naive` or `crossfade` as argument it shows that way alone.

mod experiment;
mod harness;

use std::process::ExitCode;
use std::time::Duration;

use experiment::way::Way;
use harness::Fallible;
use harness::figures::{Figures, Latency};
use harness::load::{Load, now};

const USERS: u32 = 100;
const BEFORE: Duration = Duration::from_secs(20);
const AFTER: Duration = Duration::from_secs(20);
const LONGEST: Duration = Duration::from_mins(15);
const LEAST_REQUESTS: usize = 10_000;

/// One way and what came of it.
struct Run {
    figures: Figures,
    phases: Vec<(String, f64)>,
    seconds: f64,
}

fn main() -> ExitCode {
    match demo() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("the demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Fallible<ExitCode> {
    let only = std::env::args().nth(1);
    let is_wanted = |way: &str| only.as_deref().is_none_or(|only| only == way);
    let naive = if is_wanted("naive") { Some(shown(Way::Naive)?) } else { None };
    let crossfade = if is_wanted("crossfade") { Some(shown(Way::Crossfade)?) } else { None };
    print_table(&[("usual way", naive.as_ref()), ("Crossfade", crossfade.as_ref())]);
    let is_shown =
        crossfade.as_ref().is_none_or(|run| run.figures.is_clean() && run.figures.requests >= LEAST_REQUESTS);
    let is_needed = naive.as_ref().is_none_or(|run| !run.figures.is_clean());
    if !is_needed {
        eprintln!("the usual way lost nothing: the sample bench is too kind");
    }
    let runs = [("naive", &naive), ("crossfade", &crossfade)];
    let summary: serde_json::Map<String, serde_json::Value> =
        runs.into_iter().filter_map(|(name, run)| Some((name.to_owned(), summary(run.as_ref()?)))).collect();
    let summary = format!("{}\n", serde_json::Value::Object(summary));
    let folder = harness::cluster::repository().join("target/demo");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("summary.json"), &summary)?;
    print!("{summary}");
    Ok(if is_shown && is_needed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// v2 over v1, by one way, under load.
fn shown(way: Way) -> Fallible<Run> {
    let say = |line: &str| println!("{} {way}: {line}", jiff::Timestamp::now().strftime("%H:%M:%S"));
    say("a bench at v1 with MariaDB and Redis");
    let bench = way.install(&format!("demo-{way}"))?;
    bench.wait_for_answer("v1")?;
    say(&format!("{USERS} users come, 10 a second"));
    let mut users = Load::start(&bench, USERS)?;
    users.run_for(BEFORE)?;
    let begin = now();
    let released = way.release(&bench, "v2", &say)?;
    let end = now();
    if let Some(failure) = released.failure {
        return Err(format!("{way}: v2 was not released: {failure}").into());
    }
    users.run_for(AFTER)?;
    if way == Way::Crossfade {
        users.run_until(LEAST_REQUESTS, LONGEST)?;
    }
    let figures = Figures::of(&users.stop()?, begin, end);
    bench.namespace.delete()?;
    let mut phases = released.phases;
    phases.push(("end".to_owned(), end));
    Ok(Run { figures, phases, seconds: end - begin })
}

fn print_table(runs: &[(&str, Option<&Run>)]) {
    let runs: Vec<(&str, &Run)> = runs.iter().filter_map(|(name, run)| Some((*name, (*run)?))).collect();
    println!();
    println!(
        "{:<10} {:>8} {:>6} {:>7} {:>15} {:>15} {:>15} {:>8}",
        "", "requests", "hard", "silent", "before p50/p99", "during p50/p99", "after p50/p99", "seconds"
    );
    for (name, run) in &runs {
        let figures = &run.figures;
        let window = |latency: &Latency| format!("{:.0}/{:.0} ms", latency.p50, latency.p99);
        println!(
            "{name:<10} {:>8} {:>6} {:>7} {:>15} {:>15} {:>15} {:>8.0}",
            figures.requests,
            figures.hard,
            figures.silent,
            window(&figures.before),
            window(&figures.during),
            window(&figures.after),
            run.seconds
        );
    }
    for (name, run) in &runs {
        println!("\n{name}: phases {}", durations(&run.phases));
        if !run.figures.kinds.is_empty() {
            println!("{name}: failures {:?}", run.figures.kinds);
        }
    }
    println!();
}

/// How long each phase took: until the next was entered.
fn durations(phases: &[(String, f64)]) -> String {
    let pairs = phases.iter().zip(phases.iter().skip(1));
    let lines: Vec<String> =
        pairs.map(|((name, from), (_, to))| format!("{name} {:.1} s", to - from)).collect();
    lines.join(", ")
}

fn summary(run: &Run) -> serde_json::Value {
    let mut figures = serde_json::json!(run.figures);
    let phases: serde_json::Map<String, serde_json::Value> = run
        .phases
        .iter()
        .zip(run.phases.iter().skip(1))
        .map(|((name, from), (_, to))| (name.clone(), serde_json::json!(to - from)))
        .collect();
    figures["seconds"] = serde_json::json!(run.seconds);
    figures["phases"] = serde_json::Value::Object(phases);
    figures
}
