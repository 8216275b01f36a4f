//! What holds a release and what takes it back: a webhook that holds and lets go, an analysis that fails at 50 %, an
//! operator that is killed in the middle of one, the gateway's own counters and a real Prometheus.

use std::time::Duration;

use serde_json::Value;

use super::{RELEASE, must_be_clean};
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::load::Load;
use crate::harness::prometheus::Prometheus;
use crate::harness::{Fallible, operator, turn};

const STEPS: &str = "[{weight: 10}, {analysis: business}, {weight: 50}, {analysis: business}, {analysis: served}, {weight: 100}]";

/// The spec of release.yaml with gates.
const GATES: &str = r#"
  analysis:
  - name: business
    http: {url: "http://gate.gates:8080/value", pointer: /bad}
    pass: {atMost: "1"}
    count: 3
    intervalSeconds: 3
  - name: served
    prometheus:
      address: http://prometheus.gates:9090
      query: sum(rate(envoy_cluster_upstream_rq_xx{envoy_cluster_name="$(NAMESPACE)_$(GREEN_SERVICE)_80",envoy_response_code_class="2"}[10s]))
    pass: {atLeast: "0.5"}
    count: 2
    intervalSeconds: 2
    failureLimit: 1
  - name: colours
    gateway: {address: "http://envoy-stats.projectcontour:8002/stats/prometheus", maxErrorPercent: "1", maxLatencyRatio: "50", minRequests: 5}
    intervalSeconds: 2
  - {name: values, verify: {}, intervalSeconds: 2}
  webhooks:
  - name: hold
    at: ConfirmRollout
    url: http://gate.gates:8080/hold
    intervalSeconds: 1
    headers: [{name: Authorization, secret: {name: gate, key: authorization}}]
    metadata: {team: sales}
  - {name: at, at: Rollout, url: "http://gate.gates:8080/at"}
  - {name: back, at: Rollback, url: "http://gate.gates:8080/back"}
  - {name: done, at: PostRollout, url: "http://gate.gates:8080/done"}
  - {name: events, at: Event, url: "http://gate.gates:8080/events"}
  - {name: chat, at: Event, urlSecret: {name: gate, key: chat}, format: Slack}
"#;

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn gates_hold_let_go_and_take_back_without_a_lost_request() -> Fallible {
    let _turn = turn::beside_others();
    let bench = super::installed("gates")?;
    bench.apply("gate.yaml", "v1")?;
    bench.namespace.wait("pod/gate", "condition=Ready", Duration::from_mins(2))?;
    let _prometheus = Prometheus::start(&bench)?;
    let mut users = Load::start(&bench, 30)?;
    ask(&bench, "v2")?;

    a_webhook_holds(&bench)?;
    an_analysis_takes_back(&bench)?;
    users.run_for(Duration::from_secs(3))?;
    an_analysis_outlives_the_operator(&bench)?;
    bench.wait_for("Ready", RELEASE)?;
    told(&bench)?;
    users.run_for(Duration::from_secs(3))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    bench.namespace.leave()
}

/// It holds before anything is touched; the status says which, with what it answers, and the address nowhere.
fn a_webhook_holds(bench: &Bench) -> Fallible {
    let held = until("the webhook holds", RELEASE, || {
        let status = bench.status()?["status"].clone();
        let hook = status["webhooks"].as_array().and_then(|all| all.first()).cloned().unwrap_or_default();
        Ok((hook["state"] == "Holding" && hook["calls"].as_u64() > Some(2)).then_some(status))
    })?;
    must(&held, "/phase", "Planning")?;
    must(&held, "/webhooks/0/answer", "403: the gate is closed")?;
    let words = held.to_string();
    if words.contains("gate.gates") || words.contains("a-token-of-the-gate") || held["waitingSince"].is_null()
    {
        return Err(format!("the status shows what it must not, or not since when: {words}").into());
    }
    gate(bench, "touch /tmp/open").map(drop)
}

/// It passes at 10 % and fails at 50 %.
fn an_analysis_takes_back(bench: &Bench) -> Fallible {
    bench.wait_for_half(RELEASE)?;
    gate(bench, r#"echo '{"bad": 7.5}' > /tmp/value"#)?;
    bench.wait_for_rolled_back(RELEASE)?;
    let back = bench.status()?["status"].clone();
    let message = back["message"].as_str().unwrap_or_default();
    if !message.contains("analysis 'business' at step 4 of '*' failed") || !message.contains("7.5") {
        return Err(format!("the message does not say why: {message}").into());
    }
    println!("{message}");
    println!("beside it: {}", last_of(&back, "colours")?);
    let events = bench.namespace.kubectl(&[
        "get",
        "events",
        "-o",
        "jsonpath={range .items[*]}{.message}{\"\\n\"}{end}",
    ])?;
    if !events.contains("analysis 'business' at step 4 of '*': measurement") {
        return Err(format!("no event tells the measurement: {events}").into());
    }
    Ok(())
}

/// The same again, with good values; the operator is killed between two measurements and goes on counting.
fn an_analysis_outlives_the_operator(bench: &Bench) -> Fallible {
    gate(bench, "rm /tmp/value")?;
    bench.annotate("crossfade.dev/retry=again")?;
    until("a measurement of the second try", RELEASE, || {
        let status = bench.status()?["status"].clone();
        let is_there = status["green"]["revision"] == 3
            && run_of(&status, "business").is_some_and(|run| run["measured"] == 1);
        Ok(is_there.then_some(()))
    })?;
    let began = run_of(&bench.status()?["status"], "business").map(|run| run["since"].clone());
    operator::kill()?;
    operator::wait()?;
    let done = until("Complete", RELEASE, || {
        let status = bench.status()?["status"].clone();
        Ok((status["phase"] == "Complete").then_some(status))
    })?;
    let run = run_of(&done, "business").ok_or("the analysis is not shown")?;
    if Some(run["since"].clone()) != began || run["measured"] != 3 || run["result"] != "Passed" {
        return Err(format!("the analysis did not go on after the operator was killed: {run}").into());
    }
    println!("Prometheus: {}", last_of(&done, "served")?);
    println!("the gateway: {}", last_of(&done, "colours")?);
    println!("the values of both versions: {}", last_of(&done, "values")?);
    Ok(())
}

/// Asks for a version with gates.
fn ask(bench: &Bench, version: &str) -> Fallible {
    bench.release_by_steps(version, &format!("{STEPS}\n    analysis: [colours, values]{GATES}"))
}

/// Every webhook was told of its point, in Flagger's form, with the header of the Secret.
fn told(bench: &Bench) -> Fallible {
    let told = until("PostRollout is told", Duration::from_mins(1), || {
        let told = gate(bench, "cat /tmp/told")?;
        Ok(told.contains("PostRollout").then_some(told))
    })?;
    let told: Vec<Value> = told.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let of = |point: &str| told.iter().filter(|body| body["point"] == point).collect::<Vec<_>>();
    let first = of("ConfirmRollout");
    let first = first.first().ok_or("ConfirmRollout was not told")?;
    for (at, expected) in [
        ("/name", "shop"),
        ("/namespace", "gates"),
        ("/phase", "Planning"),
        ("/metadata/team", "sales"),
        ("/token", "Bearer a-token-of-the-gate"),
    ] {
        must(first, at, expected)?;
    }
    let sentences: Vec<&str> =
        told.iter().filter(|body| body["path"] == "/chat").filter_map(|body| body["text"].as_str()).collect();
    if !sentences.iter().any(|text| text.contains("*gates/shop* Aborted: revision 2 goes back")) {
        return Err(format!("people were not told of the abort: {sentences:?}").into());
    }
    let counts = ["ConfirmRollout", "Rollout", "Rollback", "PostRollout", "Event"]
        .map(|point| (point, of(point).len()));
    println!("told: {counts:?}");
    // An event that is told at each look at the release comes a thousand times.
    if of("Event").len() > 200 {
        return Err(format!("events are told again and again: {counts:?}").into());
    }
    if counts.iter().any(|(_, count)| *count == 0) || of("Rollback").iter().any(|body| body["revision"] != 2)
    {
        return Err(format!("a point was not told: {counts:?}").into());
    }
    Ok(())
}

fn must(value: &Value, at: &str, expected: &str) -> Fallible {
    match value.pointer(at) {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("{at} is {found:?}, not {expected}, in {value}").into()),
    }
}

/// The first run of an analysis in a status.
fn run_of(status: &Value, analysis: &str) -> Option<Value> {
    status["analyses"].as_array()?.iter().find(|run| run["name"] == analysis).cloned()
}

/// The last measurement of an analysis; an error if there is none or it did not pass.
fn last_of(status: &Value, analysis: &str) -> Fallible<String> {
    let run = run_of(status, analysis).ok_or_else(|| format!("{analysis} did not run: {status}"))?;
    let passed = run["measurements"]
        .as_array()
        .and_then(|all| all.iter().rev().find(|one| one["outcome"] == "Passed"));
    let passed = passed.ok_or_else(|| format!("{analysis} has not passed: {run}"))?;
    Ok(passed["value"].as_str().unwrap_or_default().to_owned())
}

fn gate(bench: &Bench, command: &str) -> Fallible<String> {
    bench.namespace.kubectl(&["exec", "gate", "--", "sh", "-c", command])
}
