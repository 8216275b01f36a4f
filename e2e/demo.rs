//! `make demo`: one new version of a bench, released the usual way and by Crossfade, while 100 users work.
//!
//! It prints what the users saw, then one JSON object. Its exit code is 0 only if Crossfade lost nothing
//! over at least 10,000 requests and the usual way did. With `naive` or `crossfade` as argument it shows that way alone.

mod harness;

use std::process::ExitCode;
use std::time::Duration;

use harness::Fallible;
use harness::bench::{Bench, image};
use harness::figures::{Figures, Latency};
use harness::load::{Load, now};

const USERS: u32 = 100;
const BEFORE: Duration = Duration::from_secs(20);
const AFTER: Duration = Duration::from_secs(20);
const RELEASE: Duration = Duration::from_mins(15);
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
    let naive = if is_wanted("naive") { Some(naive()?) } else { None };
    let crossfade = if is_wanted("crossfade") { Some(crossfade()?) } else { None };
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

/// Migrate beside traffic, then roll the Pods.
fn naive() -> Fallible<Run> {
    say("usual way: a bench at v1 with MariaDB and Redis");
    let bench = Bench::new("demo-naive", "v1")?;
    bench.apply("naive.yaml", "v1")?;
    bench.namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=180s"])?;
    say(&format!("usual way: {USERS} users come, 10 a second"));
    let mut users = Load::start(&bench, USERS)?;
    users.run_for(BEFORE)?;
    let begin = now();
    say("usual way: `bench migrate` of v2 beside traffic");
    bench.apply("naive-migrate.yaml", "v2")?;
    bench.namespace.wait("job/migrate", "condition=Complete", RELEASE)?;
    let migrated = now();
    say("usual way: rolling the Pods to v2");
    let containers = format!("*={}", image("v2"));
    bench.namespace.kubectl(&["set", "image", "deployment/web", &containers])?;
    bench.namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"])?;
    let end = now();
    users.run_for(AFTER)?;
    let figures = Figures::of(&users.stop()?, begin, end);
    bench.namespace.delete()?;
    let phases = vec![("migrate".to_owned(), begin), ("roll".to_owned(), migrated), ("end".to_owned(), end)];
    Ok(Run { figures, phases, seconds: end - begin })
}

fn crossfade() -> Fallible<Run> {
    say("installing the operator by its chart");
    harness::operator::install()?;
    say("Crossfade: a bench at v1 with MariaDB and Redis");
    let bench = Bench::new("demo", "v1")?;
    bench.release("v1")?;
    bench.wait_for("Ready", RELEASE)?;
    say(&format!("Crossfade: {USERS} users come, 10 a second"));
    let mut users = Load::start(&bench, USERS)?;
    users.run_for(BEFORE)?;
    let begin = now();
    say("Crossfade: the FrappeRelease gets the image v2");
    bench.release("v2")?;
    watch(&bench)?;
    bench.wait_for("Ready", RELEASE)?;
    let end = now();
    users.run_for(AFTER)?;
    users.run_until(LEAST_REQUESTS, RELEASE)?;
    let figures = Figures::of(&users.stop()?, begin, end);
    let phases = bench.phases(2)?;
    bench.namespace.delete()?;
    Ok(Run { figures, phases, seconds: end - begin })
}

/// Shows each new word of the status until the release is over.
fn watch(bench: &Bench) -> Fallible {
    let mut last = String::new();
    harness::cluster::until("the end of the release", RELEASE, || {
        let status = bench.status()?["status"].clone();
        let phase = status["phase"].as_str().unwrap_or_default().to_owned();
        let line = format!("{phase}: {}", status["message"].as_str().unwrap_or_default());
        if line != last {
            say(&format!("Crossfade: {line}"));
            last.clone_from(&line);
        }
        Ok((phase == "Complete" && status["green"]["revision"] == 2).then_some(()))
    })
}

fn say(line: &str) {
    println!("{} {line}", jiff::Timestamp::now().strftime("%H:%M:%S"));
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
