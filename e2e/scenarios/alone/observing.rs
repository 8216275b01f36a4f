//! What a platform team sees of the operator: health, metrics, one leader, events, conditions as kstatus reads them, traces,
//! the dashboard's panels as a Prometheus answers them, and what it uses of the machine.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::reader::Reader;
use super::{RELEASE, installed, must_be_clean};
use crate::experiment::filling;
use crate::harness::bench::{Bench, PHASES, image};
use crate::harness::cgroup::Used;
use crate::harness::cluster::{repository, run, until};
use crate::harness::load::{Load, Mix, now};
use crate::harness::prometheus::Prometheus;
use crate::harness::traces::{self, attribute, path};
use crate::harness::{Fallible, dashboard, operator, turn};

/// Rows that the release fills: enough to see it.
const ROWS: u64 = 100_000;
/// Phases that are stuck after a second already: alerts of the chart fire on what the operator tells.
const STUCK: [&str; 3] = ["Isolating", "Expanding", "Shifting"];
/// Panels of the dashboard that are empty when nothing is wrong, and when no table was busy.
const EMPTY: [&str; 4] = [
    "Releases that stand still",
    "Reconciles that failed",
    "Lock budget used",
    "Tries that found a table busy",
];

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn the_operator_can_be_watched() -> Fallible {
    let _turn = turn::alone();
    let bench = installed("observing")?;
    traces::begin(&bench)?;
    let prometheus = Prometheus::with_alerts(
        &bench,
        &STUCK.map(|phase| format!("metrics.prometheusRule.stuckSeconds.{phase}=1")),
    )?;
    filling::fill(&bench, "Sales Order", ROWS)?;
    let users = Load::of(&bench, 20, &Mix { template: "experiment".to_owned() })?;
    let begin = now();
    // As for a gateway without regular expressions.
    let plain = r#"{"spec": {"traffic": {"matching": "PathPrefix"}}}"#;
    bench.namespace.kubectl(&["patch", "frapperelease", "shop", "--type=merge", "-p", plain])?;
    // By its exit code the plan says that triggers keep both versions in step.
    let user = Reader::of(&bench.namespace)
        .calls("frappe/erpnext:v15.42.0", &image("rename"))
        .calls("crossfade plan shop", "crossfade plan shop || [ $? = 2 ]");
    user.follow("docs/tutorial/first-release.md", "## 7. ")?;
    println!("{}", user.follow("docs/how-to/steer-a-release.md", "## Watch")?);
    bench.wait_for("Ready", RELEASE)?;
    let operator = operator::namespace();
    let pods = operator.list("pods", "app.kubernetes.io/name=crossfade")?;
    let mut leaders = 0;
    for pod in &pods {
        let address = pod["status"]["podIP"].as_str().ok_or("a Pod has no address")?;
        for path in ["healthz", "readyz"] {
            get(address, path)?;
        }
        let metrics = get(address, "metrics")?;
        leaders += usize::from(metrics.contains("namespace=\"observing\""));
    }
    if (pods.len(), leaders) != (2, 1) {
        return Err(format!("{} operators, of which {leaders} know the release", pods.len()).into());
    }
    until("events of every phase and every weight", Duration::from_secs(30), || {
        let events = bench.namespace.kubectl(&[
            "get",
            "events",
            "-o",
            "jsonpath={range .items[*]}{.reason} {.message}{\"\\n\"}{end}",
        ])?;
        let is_told = |words: &str| events.contains(words);
        let phases =
            ["Isolating", "Expanding", "Migrating", "StartingGreen", "Shifting", "Draining", "Contracting"];
        let all = phases.iter().all(|phase| is_told(&format!("revision 2: {phase} after")));
        Ok((all && is_told("revision 2: 10 % -> 50 % of the traffic")).then_some(()))
    })?;
    // kstatus: neither Reconciling nor Stalled once it is Ready.
    for (kind, status) in
        [("Reconciling", "False"), ("Stalled", "False"), ("Contracted", "True"), ("Drained", "True")]
    {
        bench.namespace.wait(
            "frapperelease/shop",
            &format!("condition={kind}={status}"),
            Duration::from_secs(5),
        )?;
    }
    the_dashboard_shows_it(&prometheus, begin)?;
    the_alerts_fire(&prometheus, begin)?;
    println!("{} requests, none failed", must_be_clean(&users.stop()?)?.requests);
    the_release_is_traced(&bench)?;
    it_needs_what_the_chart_says()?;
    bench.namespace.leave()
}

/// The limit of the chart leaves each Pod of the operator as much again as it has had.
fn it_needs_what_the_chart_says() -> Fallible {
    const MIB: u64 = 1 << 20;
    for pod in operator::namespace().list("pods", "app.kubernetes.io/name=crossfade")? {
        let limit =
            pod["spec"]["containers"][0]["resources"]["limits"]["memory"].as_str().unwrap_or_default();
        let limit: u64 = limit.strip_suffix("Mi").ok_or("the memory's limit is not in Mi")?.parse()?;
        let used = Used::by(&pod)?;
        println!(
            "{}: {} MiB of {limit} MiB at most, {:.1} s of processors in {:.0} s",
            pod["metadata"]["name"],
            used.memory_peak / MIB,
            used.cpu.as_secs_f64(),
            used.age.as_secs_f64()
        );
        if used.memory_peak > limit * MIB / 2 {
            return Err("the operator has had more than half of the memory that the chart gives it".into());
        }
    }
    Ok(())
}

/// A phase that takes longer than the chart's values allow fires, by the operator's own series; nothing else does.
fn the_alerts_fire(prometheus: &Prometheus, begin: f64) -> Fallible {
    let fired = prometheus.ask("ALERTS{alertstate=\"firing\"}", [begin, now()])?;
    let fired: BTreeSet<(&str, &str)> = fired
        .iter()
        .map(|series| {
            ["alertname", "phase"].map(|label| series.labels.get(label).map_or("", String::as_str)).into()
        })
        .collect();
    println!("alerts that fired: {fired:?}");
    let expected = STUCK.map(|phase| ("CrossfadeReleaseStuck", phase)).into();
    if fired == expected { Ok(()) } else { Err(format!("they should be {expected:?}").into()) }
}

/// Every panel has something to show of the release; what it is goes to `target/dashboard.svg`.
fn the_dashboard_shows_it(prometheus: &Prometheus, begin: f64) -> Fallible {
    let panels = dashboard::ask(prometheus, [begin - 10.0, now()])?;
    let picture = repository().join("target/dashboard.svg");
    std::fs::write(&picture, dashboard::picture::svg(&panels, begin)?)?;
    let empty = panels.iter().filter(|panel| panel.series.is_empty()).map(|panel| panel.title.as_str());
    let empty: Vec<&str> = empty.filter(|title| !EMPTY.contains(title)).collect();
    println!("{} panels, {}", panels.len(), picture.display());
    if empty.is_empty() { Ok(()) } else { Err(format!("the dashboard shows nothing in {empty:?}").into()) }
}

/// Each phase is in a trace, an action is under its reconcile and its requests under it; the log says which trace it is.
fn the_release_is_traced(bench: &Bench) -> Fallible {
    let spans = until("the trace of the last phase", Duration::from_mins(1), || {
        let spans = traces::taken(bench)?;
        let is_there = spans.iter().any(|span| {
            span.name == "decide"
                && attribute(span, "crossfade.phase") == "Complete"
                && attribute(span, "crossfade.revision") == "2"
        });
        Ok(is_there.then_some(spans))
    })?;
    for phase in PHASES {
        let wanted = [("crossfade.phase", phase), ("crossfade.revision", "2"), ("crossfade.release", "shop")];
        let mut reconciles = spans.iter().filter(|span| span.name == "reconcile");
        if !reconciles.any(|span| wanted.iter().all(|(key, value)| attribute(span, key) == *value)) {
            return Err(format!("no trace is of {phase}").into());
        }
    }
    let expand =
        spans.iter().find(|span| span.name == "act Job" && attribute(span, "crossfade.step") == "expand");
    let expand = expand.ok_or("no span is of the Job that expands")?;
    let requests: Vec<String> = spans
        .iter()
        .filter(|span| span.parent_span_id == expand.span_id)
        .map(|span| path(&spans, span))
        .collect();
    println!("{} spans; {requests:?}", spans.len());
    if attribute(expand, "crossfade.site") != bench.site
        || !requests.contains(&"reconciling object > reconcile > act Job > create".to_owned())
    {
        return Err(format!("the Job that expands is not traced as it is: {expand:?} {requests:?}").into());
    }
    let id = hex::encode(&expand.trace_id);
    println!("a trace: {id}");
    let logs = &["logs", "-l", "app.kubernetes.io/name=crossfade", "--tail=-1"];
    let logs = operator::namespace().kubectl(logs)?;
    let is_traced = |line: &str| line.contains("the phase changed") && line.contains("trace_id=");
    if !logs.lines().any(is_traced) {
        return Err(format!("no line of the log names its trace: {logs}").into());
    }
    no_credential_is_in(&spans, bench)
}

/// No span holds what stands in a Secret of the bench.
fn no_credential_is_in(spans: &[Span], bench: &Bench) -> Fallible {
    let words = format!("{spans:?}");
    let secrets = bench.namespace.list("secrets", "")?;
    let values = secrets.iter().flat_map(|secret| secret["data"].as_object().into_iter().flatten());
    let mut looked_for = 0;
    for (key, value) in values {
        let value = STANDARD.decode(value.as_str().unwrap_or_default())?;
        for secret in credentials(key, &String::from_utf8_lossy(&value)) {
            looked_for += 1;
            if words.contains(&secret) {
                return Err(format!("a span holds what the key {key} of a Secret holds").into());
            }
        }
    }
    println!("none of {looked_for} credentials is in a span");
    if looked_for < 3 { Err("too few credentials were looked for".into()) } else { Ok(()) }
}

/// What must not be shown of the value of a Secret: a password, and the passwords and keys of a site's configuration.
fn credentials(key: &str, value: &str) -> Vec<String> {
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(serde_json::Value::Object(config)) => {
            let hidden =
                ["db_password", "encryption_key"].iter().filter_map(|key| config.get(*key)?.as_str());
            hidden.map(str::to_owned).collect()
        }
        _ if key.ends_with("password") => vec![value.trim().to_owned()],
        _ => Vec::new(),
    }
}

fn get(address: &str, path: &str) -> Fallible<String> {
    run(Command::new("curl").args(["-sf", "--max-time", "5", &format!("http://{address}:8080/{path}")]), None)
}
