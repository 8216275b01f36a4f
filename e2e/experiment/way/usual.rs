//! What both ways without Crossfade do: Deployments, a Job that migrates, `kubectl set image`.

use std::time::Duration;

use serde_json::{Value, json};

use super::Migration;
use crate::harness::Fallible;
use crate::harness::bench::{Bench, image};
use crate::harness::cluster::until;
use crate::harness::load::now;

/// The longest that a migrate or a roll may take.
const LONGEST: Duration = Duration::from_hours(1);
/// Who fails twice does not get further by a third time.
const TRIES: usize = 2;
const DEPLOYMENTS: [&str; 3] = ["deployment/web", "deployment/worker", "deployment/schedule"];

pub(super) fn install(namespace: &str) -> Fallible<Bench> {
    let bench = Bench::new(namespace, "v1")?;
    bench.apply("naive.yaml", "v1")?;
    rolled(&bench)?;
    Ok(bench)
}

/// Migrates, and once more where that fails; gives both, and why the site is not migrated, if it is not.
pub(super) fn migrate(
    bench: &Bench,
    version: &str,
    say: &dyn Fn(&str),
) -> Fallible<(Vec<Migration>, Option<String>)> {
    let mut migrations = Vec::new();
    loop {
        say(&format!("`bench migrate` of {version}"));
        let migration = migrate_once(bench, version)?;
        let failure = migration.failure.clone();
        migrations.push(migration);
        if failure.is_none() || migrations.len() == TRIES {
            return Ok((migrations, failure));
        }
        say("it failed");
    }
}

fn migrate_once(bench: &Bench, version: &str) -> Fallible<Migration> {
    bench.namespace.kubectl(&["delete", "job", "migrate", "--ignore-not-found", "--wait"])?;
    let begun = now();
    bench.apply("naive-migrate.yaml", version)?;
    let is_done = until("the end of the migrate", LONGEST, || {
        let job = bench.namespace.get("job", "migrate")?.ok_or("the Job is gone")?;
        let is = |kind: &str| {
            let conditions = job["status"]["conditions"].as_array();
            conditions.is_some_and(|all| all.iter().any(|c| c["type"] == kind && c["status"] == "True"))
        };
        Ok(if is("Complete") { Some(true) } else { is("Failed").then_some(false) })
    })?;
    let seconds = now() - begun;
    let failure = if is_done { None } else { Some(last_words(bench)?) };
    Ok(Migration { seconds, failure })
}

/// The line that a traceback ends with.
fn last_words(bench: &Bench) -> Fallible<String> {
    let log = bench.namespace.kubectl(&["logs", "job/migrate", "--tail=20"])?;
    Ok(log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned())
}

/// Rolls all Pods to a version.
pub(super) fn roll(bench: &Bench, version: &str, say: &dyn Fn(&str)) -> Fallible {
    say(&format!("rolling the Pods to {version}"));
    let image = format!("*={}", image(version));
    bench.namespace.kubectl(&[&["set", "image"], &DEPLOYMENTS[..], &[&image]].concat())?;
    rolled(bench)
}

fn rolled(bench: &Bench) -> Fallible {
    for deployment in DEPLOYMENTS {
        bench.namespace.kubectl(&["rollout", "status", deployment, "--timeout=600s"])?;
    }
    Ok(())
}

/// Maintenance mode on, and seen by every Pod.
pub(super) fn close(bench: &Bench, say: &dyn Fn(&str)) -> Fallible {
    say("maintenance mode on");
    set_maintenance(bench, 1)
}

/// Maintenance mode off, and seen by every Pod.
pub(super) fn open(bench: &Bench, say: &dyn Fn(&str)) -> Fallible {
    say("maintenance mode off");
    set_maintenance(bench, 0)
}

/// The configuration is a Secret, and read at each request: what `bench set-maintenance-mode` writes on a disk is written there.
fn set_maintenance(bench: &Bench, mode: u8) -> Fallible {
    let config =
        bench.namespace.kubectl(&["exec", "deployment/web", "--", "cat", "/config/site_config.json"])?;
    let mut config: Value = serde_json::from_str(&config)?;
    config["maintenance_mode"] = json!(mode);
    let patch = json!({"stringData": {"site_config.json": config.to_string()}}).to_string();
    bench.namespace.kubectl(&["patch", "secret", "site-config", "-p", &patch])?;
    // A Pod that is touched has its Secrets at once, and not a minute later.
    let touch = format!("e2e.test/maintenance={mode}");
    bench.namespace.kubectl(&["annotate", "pods", "-l", "bench", &touch, "--overwrite"])?;
    until("maintenance mode in every Pod", Duration::from_mins(3), || {
        let pods = bench.namespace.list("pods", "bench")?;
        for pod in pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()) {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let seen = bench.namespace.kubectl(&["exec", name, "--", "cat", "/config/site_config.json"])?;
            if serde_json::from_str::<Value>(&seen)?["maintenance_mode"] != mode {
                return Ok(None);
            }
        }
        Ok((!pods.is_empty()).then_some(()))
    })
}
