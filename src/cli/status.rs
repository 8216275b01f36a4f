//! `crossfade status`: how a release stands, and waiting for it.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use kube::runtime::wait::await_condition;

use super::Output;
use super::target::{Target, exit_with};
use crate::api::condition::{READY, STALLED};
use crate::api::{FrappeRelease, Phase};

/// Exit code when a release stands still until a human acts.
const EXIT_HALTED: u8 = 3;

/// Show how a release stands; with --wait, wait for a phase.
///
/// Exit codes of --wait: 0 the phase is reached, 1 it was not in time, 3 the release stands still until somebody acts
/// (a Job failed, it was taken back).
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    target: Target,
    /// Wait for a phase.
    #[arg(long)]
    wait: bool,
    /// The phase that is waited for.
    #[arg(long = "for", value_name = "PHASE", default_value = "Complete", value_parser = phase)]
    wanted: Phase,
    /// Seconds to wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    timeout: u64,
}

fn phase(text: &str) -> Result<Phase, String> {
    let found = Phase::ALL.into_iter().find(|phase| phase.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("it is one of {}", Phase::ALL.map(Phase::name).join(", ")))
}

/// How waiting ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Reached,
    Halted,
}

impl Status {
    /// Runs the command.
    pub(super) fn run(self, output: Output) -> ExitCode {
        exit_with(async move {
            let api = self.target.api().await?;
            let mut code = ExitCode::SUCCESS;
            if self.wait {
                self.target.get(&api).await?;
                let wanted = self.wanted;
                let ended = await_condition(
                    api.clone(),
                    &self.target.name,
                    move |release: Option<&FrappeRelease>| {
                        release.is_none_or(|release| end(release, wanted).is_some())
                    },
                );
                match tokio::time::timeout(Duration::from_secs(self.timeout), ended).await {
                    Err(_) => {
                        eprintln!("error: not {} after {} s", wanted.name(), self.timeout);
                        code = ExitCode::FAILURE;
                    }
                    Ok(Err(error)) => return Err(format!("failed to wait: {error}")),
                    Ok(Ok(release)) => {
                        if release.is_some_and(|release| end(&release, wanted) == Some(End::Halted)) {
                            code = ExitCode::from(EXIT_HALTED);
                        }
                    }
                }
            }
            print!("{}", text(&self.target.get(&api).await?, output)?);
            Ok(code)
        })
    }
}

/// Whether waiting for a phase is over, by a status that is about the spec as it is now.
fn end(release: &FrappeRelease, wanted: Phase) -> Option<End> {
    let status = release.status.as_ref()?;
    if status.observed_generation < release.metadata.generation {
        return None;
    }
    let is_true = |kind: &str| {
        status.conditions.iter().any(|condition| condition.type_ == kind && condition.status == "True")
    };
    let phase = status.phase?;
    // Complete is shown from the first moment of being so; done is what is ready.
    if phase == wanted && (phase != Phase::Complete || is_true(READY)) {
        return Some(End::Reached);
    }
    (is_true(STALLED) || (phase == Phase::RolledBack)).then_some(End::Halted)
}

fn text(release: &FrappeRelease, output: Output) -> Result<String, String> {
    let status = release.status.clone().unwrap_or_default();
    match output {
        Output::Json => {
            let json = serde_json::to_string_pretty(&status);
            json.map(|json| format!("{json}\n")).map_err(|error| format!("failed to write JSON: {error}"))
        }
        Output::Human => human(release).map_err(|error| format!("failed to write: {error}")),
    }
}

fn human(release: &FrappeRelease) -> Result<String, std::fmt::Error> {
    let status = release.status.clone().unwrap_or_default();
    let mut text = String::new();
    let name = release.metadata.name.as_deref().unwrap_or_default();
    let phase = status.phase.map_or("not looked at yet", Phase::name);
    writeln!(text, "{name}: {phase}  {}", status.message)?;
    for (colour, seen) in [("blue", &status.blue), ("green", &status.green)] {
        if let Some(seen) = seen {
            writeln!(
                text,
                "  {colour:<6} revision {}  {}  {} Pods ready",
                seen.revision, seen.image, seen.ready
            )?;
        }
    }
    if let Some(plan) = &status.plan {
        let approved = if plan.approved { "" } else { "  waits for approval" };
        writeln!(text, "  plan   {}  {}  {}{approved}", plan.verdict, plan.summary, plan.hash)?;
    }
    for app in &status.apps {
        let waiting = if app.waiting.is_empty() { String::new() } else { format!("  {}", app.waiting) };
        writeln!(
            text,
            "  app    {}  {} % on green, step {} of {}{waiting}",
            app.name, app.weight, app.step, app.steps
        )?;
    }
    for site in &status.sites {
        let count = match (site.done, site.total) {
            (Some(done), Some(total)) => format!("  {done}/{total}"),
            (Some(done), None) => format!("  {done}"),
            (None, _) => String::new(),
        };
        writeln!(text, "  site   {}  {} {}{count}  {}", site.name, site.step, site.state, site.message)?;
    }
    for condition in &status.conditions {
        let since = condition.last_transition_time.0;
        writeln!(
            text,
            "  {:<15} {:<8} {since}  {}  {}",
            condition.type_, condition.status, condition.reason, condition.message
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(status: &str) -> FrappeRelease {
        serde_yaml::from_str(&format!(
            "{{apiVersion: crossfade.dev/v1alpha1, kind: FrappeRelease, metadata: {{name: erp, generation: 4}},
              spec: {{image: 'a:1', sites: [], bench: {{commonConfigSecret: {{name: c, key: k}}}},
                database: {{adminSecret: {{name: a}}}}, web: {{}}, traffic: {{}}}},
              status: {status}}}"
        ))
        .unwrap()
    }

    fn condition(kind: &str) -> String {
        format!(
            "{{type: {kind}, status: 'True', reason: R, message: m, lastTransitionTime: '2025-01-01T00:00:00Z'}}"
        )
    }

    #[test]
    fn a_status_about_an_older_spec_ends_no_wait() {
        let with = |generation: i64| {
            let status = format!(
                "{{observedGeneration: {generation}, phase: Complete, conditions: [{}]}}",
                condition("Ready")
            );
            end(&release(&status), Phase::Complete)
        };
        assert_eq!((with(3), with(4)), (None, Some(End::Reached)));
    }

    #[test]
    fn a_release_that_stands_still_ends_the_wait_as_halted() {
        let stalled =
            format!("{{observedGeneration: 4, phase: Expanding, conditions: [{}]}}", condition("Stalled"));
        assert_eq!(end(&release(&stalled), Phase::Complete), Some(End::Halted));
        let back = "{observedGeneration: 4, phase: RolledBack}";
        assert_eq!(end(&release(back), Phase::Complete), Some(End::Halted));
        assert_eq!(end(&release(back), Phase::RolledBack), Some(End::Reached));
        assert_eq!(end(&release("{observedGeneration: 4, phase: Shifting}"), Phase::Complete), None);
    }

    #[test]
    fn people_see_colours_plan_weights_and_sites() {
        let status = "{observedGeneration: 4, phase: Shifting, message: 50 % on green, weight: 50,
          blue: {revision: 1, image: 'a:1', ready: 2}, green: {revision: 2, image: 'a:2', ready: 2},
          plan: {hash: abc, verdict: Additive, summary: 2 fields are added, approved: true},
          apps: [{name: '*', weight: 50, step: 3, steps: 5, waiting: pauses until it is promoted}],
          sites: [{name: erp.example.com, step: verify, state: Running, done: 3, total: 9, message: tabUser}]}";
        insta::assert_snapshot!(human(&release(status)).unwrap());
    }
}
