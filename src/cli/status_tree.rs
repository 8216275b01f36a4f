//! A release as a tree for people: phases, colours, apps, sites, gates, and what is waited for since when.

use std::fmt::{self, Write};

use jiff::Timestamp;

use crate::api::condition::{PHASES, READY, reason_of};
use crate::api::status::{AnalysisStatus, AuditStatus, FrappeReleaseStatus, WebhookStatus};
use crate::api::{FrappeRelease, Phase};

/// One line of the tree and what hangs below it.
struct Branch {
    line: String,
    below: Vec<Branch>,
}

impl Branch {
    fn leaf(line: String) -> Self {
        Self { line, below: Vec::new() }
    }
}

/// The tree of a release at an instant.
pub(super) fn tree(release: &FrappeRelease, now: Timestamp) -> Result<String, fmt::Error> {
    let status = release.status.clone().unwrap_or_default();
    let name = release.metadata.name.as_deref().unwrap_or_default();
    let phase = status.phase.map_or("not looked at yet", Phase::name);
    let mut text = String::new();
    let since = since(status.phase_since.as_ref().map(|time| time.0), now);
    writeln!(text, "{name}: {phase}{since}")?;
    let mut all = vec![phases(&status)];
    all.extend(waiting(&status, now));
    all.extend(colours(&status));
    if let Some(plan) = &status.plan {
        let approved = if plan.approved { "" } else { ", waits for approval" };
        all.push(Branch::leaf(format!("plan: {}, {} ({}){approved}", plan.verdict, plan.summary, plan.hash)));
    }
    all.extend(group("apps", apps(&status)));
    all.extend(group("sites", sites(&status)));
    all.extend(group("analyses", status.analyses.iter().map(|run| analysis(run, now)).collect()));
    all.extend(group("webhooks", status.webhooks.iter().map(|hook| webhook(hook, now)).collect()));
    all.extend(group("said", status.audit.iter().map(|said| audit(said, now)).collect()));
    write(&mut text, &all, "")?;
    Ok(text)
}

fn write(text: &mut String, branches: &[Branch], before: &str) -> fmt::Result {
    for (at, branch) in branches.iter().enumerate() {
        let is_last = at + 1 == branches.len();
        let (knot, rail) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        writeln!(text, "{before}{knot}{}", branch.line)?;
        write(text, &branch.below, &format!("{before}{rail}"))?;
    }
    Ok(())
}

fn group(name: &str, below: Vec<Branch>) -> Option<Branch> {
    (!below.is_empty()).then(|| Branch { line: name.to_owned(), below })
}

/// The way so far: `✔` done, `●` here, `○` to come, `✘` left for the way back.
fn phases(status: &FrappeReleaseStatus) -> Branch {
    let Some(now) = status.phase else { return Branch::leaf("phases".to_owned()) };
    let is_ready = reason_of(&status.conditions, READY).is_some();
    let mark = |phase: Phase| match phase.cmp(&now) {
        _ if now > Phase::Complete => "✘",
        std::cmp::Ordering::Less => "✔",
        std::cmp::Ordering::Equal if is_ready => "✔",
        std::cmp::Ordering::Equal => "●",
        std::cmp::Ordering::Greater => "○",
    };
    let forward = PHASES.into_iter().map(|(phase, _)| phase).chain([Phase::Complete]);
    let mut words: Vec<String> = forward.map(|phase| format!("{} {}", mark(phase), phase.name())).collect();
    if now > Phase::Complete {
        words.push(format!("● {}", now.name()));
    }
    Branch::leaf(words.join("  "))
}

fn waiting(status: &FrappeReleaseStatus, now: Timestamp) -> Option<Branch> {
    let since = since(status.waiting_since.as_ref().map(|time| time.0), now);
    (!status.message.is_empty()).then(|| Branch::leaf(format!("now: {}{since}", status.message)))
}

fn colours(status: &FrappeReleaseStatus) -> Vec<Branch> {
    let all = [("blue", &status.blue), ("green", &status.green)];
    let seen = all.into_iter().filter_map(|(name, colour)| Some((name, colour.as_ref()?)));
    seen.map(|(name, colour)| {
        let weight = match (name, status.weight) {
            ("green", Some(weight)) => format!(", {weight} % of the traffic"),
            _ => String::new(),
        };
        Branch::leaf(format!(
            "{name}: revision {}, {}, {} web Pods ready{weight}",
            colour.revision, colour.image, colour.ready
        ))
    })
    .collect()
}

fn apps(status: &FrappeReleaseStatus) -> Vec<Branch> {
    let line = |app: &crate::api::status::AppStatus| {
        let waiting = if app.waiting.is_empty() { String::new() } else { format!(", {}", app.waiting) };
        format!("{}: {} % on green, step {} of {}{waiting}", app.name, app.weight, app.step, app.steps)
    };
    status.apps.iter().map(|app| Branch::leaf(line(app))).collect()
}

fn sites(status: &FrappeReleaseStatus) -> Vec<Branch> {
    let line = |site: &crate::api::status::SiteStatus| {
        let count = match (site.done, site.total) {
            (Some(done), Some(total)) => format!(" {done}/{total}"),
            (Some(done), None) => format!(" {done}"),
            (None, _) => String::new(),
        };
        let message = if site.message.is_empty() { String::new() } else { format!(": {}", site.message) };
        format!("{}: {} {}{count}{message}", site.name, site.step, site.state)
    };
    status.sites.iter().map(|site| Branch::leaf(line(site))).collect()
}

fn analysis(run: &AnalysisStatus, now: Timestamp) -> Branch {
    let count = run.count.map(|count| format!(" of {count}")).unwrap_or_default();
    let dry = if run.dry_run { ", dry run" } else { "" };
    let why = if run.message.is_empty() { String::new() } else { format!(": {}", run.message) };
    let since = since(Some(run.since.0), now);
    let line = format!(
        "{} at {}: {}, {}{count} measured, {} failed{dry}{since}{why}",
        run.name, run.place, run.result, run.measured, run.failed
    );
    let below = run.measurements.iter().map(|measurement| {
        let ago = ago(measurement.at.0, now);
        Branch::leaf(format!(
            "{} {}: {} ({ago} ago)",
            measurement.number, measurement.outcome, measurement.value
        ))
    });
    Branch { line, below: below.collect() }
}

fn webhook(hook: &WebhookStatus, now: Timestamp) -> Branch {
    let answer = if hook.answer.is_empty() { String::new() } else { format!(": {}", hook.answer) };
    let since = since(Some(hook.since.0), now);
    let plural = if hook.calls == 1 { "" } else { "s" };
    Branch::leaf(format!(
        "{} ({}): {}, {} call{plural}{since}{answer}",
        hook.name,
        hook.at.name(),
        hook.state,
        hook.calls
    ))
}

fn audit(said: &AuditStatus, now: Timestamp) -> Branch {
    Branch::leaf(format!("{said}, {} ago", ago(said.at.0, now)))
}

fn since(from: Option<Timestamp>, now: Timestamp) -> String {
    from.map(|from| format!(", since {}", ago(from, now))).unwrap_or_default()
}

/// A duration for people: the two largest units.
fn ago(from: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_second() - from.as_second()).max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(status: &str) -> String {
        let release: FrappeRelease = serde_yaml::from_str(&format!(
            "{{apiVersion: crossfade.dev/v1alpha1, kind: FrappeRelease, metadata: {{name: erp, generation: 4}},
              spec: {{image: 'a:1', sites: [], bench: {{commonConfigSecret: {{name: c, key: k}}}},
                database: {{adminSecret: {{name: a}}}}, web: {{}}, traffic: {{}}}},
              status: {status}}}"
        ))
        .unwrap();
        tree(&release, "2025-01-01T10:10:30Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn people_see_everything_that_goes_on_and_since_when() {
        insta::assert_snapshot!(shown(
            "{observedGeneration: 4, phase: Shifting, phaseSince: '2025-01-01T10:00:00Z', waitingSince: '2025-01-01T10:10:00Z',
              message: \"webhook 'gate' (ConfirmTrafficIncrease) holds since 2025-01-01T10:10:00Z: 403: closed\", weight: 50,
              blue: {revision: 1, image: 'a:1', ready: 2}, green: {revision: 2, image: 'a:2', ready: 2},
              plan: {hash: abc, verdict: Additive, summary: 2 fields are added, approved: true},
              apps: [{name: crm, weight: 100, step: 5, steps: 5}, {name: '*', weight: 50, step: 3, steps: 5, waiting: pauses until it is promoted}],
              sites: [{name: erp.example.com, step: verify, state: Running, done: 3, total: 9, message: tabUser}],
              analyses: [{name: errors, place: step 2 of '*', result: Failed, since: '2025-01-01T10:05:00Z', measured: 2, count: 6,
                failed: 1, message: '1 of 2 measurements failed: 7.5', measurements: [
                  {number: 1, at: '2025-01-01T10:05:10Z', outcome: Passed, value: '0.2'},
                  {number: 2, at: '2025-01-01T10:05:20Z', outcome: Failed, value: '7.5'}]}],
              webhooks: [{name: gate, at: ConfirmTrafficIncrease, state: Holding, since: '2025-01-01T10:10:00Z', calls: 3, answer: '403: closed'}],
              audit: [{action: Approved, what: plan, value: abc, by: ann, manager: crossfade/cli, at: '2025-01-01T10:01:00Z'},
                {action: Promoted, what: crm, value: 2/full, manager: argocd-server, at: '2025-01-01T10:06:00Z'},
                {action: Paused, at: '2025-01-01T10:10:00Z'}]}"
        ));
    }

    #[test]
    fn a_release_that_was_taken_back_shows_where_it_is() {
        let text = shown("{observedGeneration: 4, phase: RolledBack, message: aborted by hand}");
        assert!(text.contains("✘ Complete  ● RolledBack"), "{text}");
    }

    #[test]
    fn durations_have_two_units() {
        let from = Timestamp::UNIX_EPOCH;
        let all = [5, 65, 3661, 90_061].map(|seconds| ago(from, Timestamp::from_second(seconds).unwrap()));
        assert_eq!(all, ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
        assert_eq!(ago(Timestamp::from_second(9).unwrap(), from), "0 s");
    }
}
