//! One file a behaviour that users rely on.

mod abort;
mod abort_in_every_phase;
mod adoption;
mod alone;
mod changes;
mod crashes;
mod dashboard;
mod deletion;
mod editor;
mod gates;
mod many_doctypes;
mod newer;
mod reader;
mod release;
mod rights;
mod service;
mod traffic_per_app;
mod two_benches;
mod two_sites;
mod validation;
mod versions;
mod window;

/// The command lines of a page, as `tests/docs` reads them.
#[path = "../../tests/docs/shell.rs"]
#[allow(dead_code, reason = "tests/docs needs the lines' numbers")]
mod shell;

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::Fallible;
use crate::harness::beats::{BUSY, Beats};
use crate::harness::bench::{Bench, PHASES};
use crate::harness::cluster::{bed, run};
use crate::harness::figures::Figures;
use crate::harness::load::Request;
use crate::harness::operator;

/// The longest that one release of the sample bench may take in a test.
const RELEASE: Duration = Duration::from_mins(10);

/// A bench that Crossfade runs at version v1, in a namespace of this name.
fn installed(name: &str) -> Fallible<Bench> {
    operator::install()?;
    let bench = Bench::new(name, "v1")?;
    bench.release("v1")?;
    bench.wait_for("Ready", RELEASE)?;
    Ok(bench)
}

/// Runs `crossfade` as a user would; gives what it prints.
fn crossfade(bench: &Bench, arguments: &[&str]) -> Fallible<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossfade"));
    command.env("KUBECONFIG", bed().join("pki/admin.kubeconfig"));
    run(command.args(arguments).args(["-n", &bench.namespace.name]), None)
}

/// What a page says for those without the plugin: the annotations are those that the plugin has set.
fn says_the_same(bench: &Bench, without_plugin: impl FnOnce() -> Fallible<String>) -> Fallible {
    let annotations = || -> Fallible<Value> { Ok(bench.status()?["metadata"]["annotations"].clone()) };
    let before = annotations()?;
    without_plugin()?;
    let after = annotations()?;
    if before == after { Ok(()) } else { Err(format!("said {before}, without the plugin {after}").into()) }
}

/// Whether the scenarios that have a long form run it.
fn is_long() -> bool {
    std::env::var_os("CROSSFADE_LONG").is_some()
}

/// Does harm in every phase of the release that has been asked for.
fn in_every_phase(bench: &Bench, mut harm: impl FnMut(&'static str) -> Fallible) -> Fallible {
    for phase in PHASES {
        bench.wait_for_phase(phase, RELEASE)?;
        let seen = bench.phase()?;
        if seen != phase {
            return Err(format!("{phase} passed before harm could be done in it: it is {seen}").into());
        }
        harm(phase)?;
    }
    Ok(())
}

/// Fails with the kinds of failures and the first of them, unless there were none.
fn must_be_clean(requests: &[Request]) -> Fallible<Figures> {
    let figures = Figures::of(requests, 0.0, f64::INFINITY);
    if figures.requests == 0 {
        return Err("no request was sent".into());
    }
    if figures.is_clean() {
        return Ok(figures);
    }
    let first: Vec<&Request> = requests.iter().filter(|request| request.failure.is_some()).take(3).collect();
    Err(format!("of {} requests failed {:?}; the first: {first:#?}", figures.requests, figures.kinds).into())
}

/// The scheduler went from blue to green in the release of this revision, at its drain, and blue gave its turn up.
fn must_change_hands(bench: &Bench, revision: u32) -> Fallible {
    must_change_hands_within(bench, revision, BUSY)
}

/// The same, with another pause (seconds) between two runs of the scheduled job.
fn must_change_hands_within(bench: &Bench, revision: u32, pause: f64) -> Fallible {
    let Some(beats) = Beats::of(bench)? else { return Ok(()) };
    let phases = bench.phases(revision)?;
    let draining = phases.iter().find(|(phase, _)| phase == "Draining");
    beats.must_change_hands(draining.ok_or("the release has not drained blue")?.1, pause)
}

/// Only the site's own database and user are left on the server, and no trigger.
fn only_the_site_is_left(bench: &Bench) -> Fallible {
    only_these_sites_are_left(bench, &["shop"])
}

/// The same for several sites.
fn only_these_sites_are_left(bench: &Bench, databases: &[&str]) -> Fallible {
    let left = bench.sql(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'shop%' \
         UNION ALL SELECT User FROM mysql.user WHERE User LIKE 'shop%' \
         UNION ALL SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA LIKE 'shop%'",
    )?;
    let mut wanted: Vec<&str> = databases.iter().chain(databases).copied().collect();
    let mut found: Vec<&str> = left.split_whitespace().collect();
    wanted.sort_unstable();
    found.sort_unstable();
    if found == wanted {
        Ok(())
    } else {
        Err(format!("the server holds other than the sites' databases and users: {left}").into())
    }
}
