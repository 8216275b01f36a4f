//! `crossfade status`: how a release stands, watching it, and waiting for it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use futures::TryStreamExt;
use jiff::Timestamp;
use kube::runtime::{WatchStreamExt, watcher};

use super::Output;
use super::status_tree::tree;
use super::target::{Target, exit_with};
use crate::api::condition::{READY, STALLED, reason_of};
use crate::api::{FrappeRelease, Phase, Template};

/// Exit code when a release stands still until a human acts.
const EXIT_HALTED: u8 = 3;
/// Exit code when another version was asked for meanwhile.
const EXIT_SUPERSEDED: u8 = 4;
/// Time after which a terminal is drawn anew though nothing happened: durations go on.
const REDRAW: Duration = Duration::from_secs(1);

/// Show how a release stands; with --watch, again and again; with --wait, until a phase is reached.
///
/// Exit codes of --wait: 0 the phase (or a later one) is reached, 1 it was not in time, 3 the release stands still until
/// somebody acts (a Job failed, an approval is asked for, it was taken back), 4 another version was asked for meanwhile.
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    target: Target,
    /// Show every change until it is interrupted, or with --wait until that ends.
    #[arg(short, long)]
    watch: bool,
    /// Wait for a phase.
    #[arg(long)]
    wait: bool,
    /// The phase that is waited for.
    #[arg(long = "for", value_name = "PHASE", default_value = "Complete", value_parser = phase)]
    wanted: Phase,
    /// Wait for the release of this generation of the manifest (metadata.generation, as `kubectl apply -o
    /// jsonpath={.metadata.generation}` prints it) and of no other.
    #[arg(long, value_name = "N")]
    generation: Option<i64>,
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
    Superseded,
}

impl Status {
    /// Runs the command.
    pub(super) fn run(self, output: Output) -> ExitCode {
        exit_with(async move {
            let api = self.target.api().await?;
            let release = self.target.get(&api).await?;
            if !self.wait && !self.watch {
                print!("{}", text(&release, output)?);
                return Ok(ExitCode::SUCCESS);
            }
            let limit = if self.wait { Duration::from_secs(self.timeout) } else { Duration::MAX };
            if let Ok(code) = tokio::time::timeout(limit, self.follow(&api, output)).await {
                return code;
            }
            eprintln!("error: not {} after {} s", self.wanted.name(), self.timeout);
            print!("{}", text(&self.target.get(&api).await?, output)?);
            Ok(ExitCode::FAILURE)
        })
    }

    /// Follows the release until the wait ends (without --wait: for ever).
    async fn follow(&self, api: &kube::Api<FrappeRelease>, output: Output) -> Result<ExitCode, String> {
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.target.name));
        let changes = watcher(api.clone(), config).default_backoff().applied_objects();
        let mut changes = std::pin::pin!(changes);
        let mut screen = Screen::new(output);
        let mut wait = Wait { wanted: self.wanted, generation: self.generation, asked: None };
        let mut known: Option<FrappeRelease> = None;
        loop {
            let change = tokio::time::timeout(REDRAW, changes.try_next()).await;
            match change {
                // The watch is begun anew by itself; what stands in its way for long ends the time limit.
                Ok(Err(error)) => tracing::debug!(%error, "the watch broke"),
                Ok(Ok(None)) => return Err("the watch ended".to_owned()),
                Ok(Ok(Some(release))) => {
                    let end = wait.end(&release).filter(|_| self.wait);
                    if self.watch || end.is_some() {
                        screen.show(&release, true)?;
                    }
                    if let Some(end) = end {
                        return Ok(end.code());
                    }
                    known = Some(release);
                }
                Err(_) => {
                    if let Some(release) = known.as_ref().filter(|_| self.watch) {
                        screen.show(release, false)?;
                    }
                }
            }
        }
    }
}

impl End {
    fn code(self) -> ExitCode {
        match self {
            Self::Reached => ExitCode::SUCCESS,
            Self::Halted => ExitCode::from(EXIT_HALTED),
            Self::Superseded => ExitCode::from(EXIT_SUPERSEDED),
        }
    }
}

/// What is waited for.
struct Wait {
    wanted: Phase,
    generation: Option<i64>,
    /// What the generation that is waited for asks for, once it was seen: `paused` and the like may change after it.
    asked: Option<Template>,
}

impl Wait {
    /// Whether waiting is over, by a status that is about the spec as it is now.
    fn end(&mut self, release: &FrappeRelease) -> Option<End> {
        if let Some(wanted) = self.generation {
            let now = release.metadata.generation.unwrap_or_default();
            if now < wanted {
                return None;
            }
            let template = release.spec.template();
            if self.asked.is_none() && now > wanted {
                return Some(End::Superseded);
            }
            if *self.asked.get_or_insert_with(|| template.clone()) != template {
                return Some(End::Superseded);
            }
        }
        let status = release.status.as_ref()?;
        if status.observed_generation < release.metadata.generation {
            return None;
        }
        let is_true = |kind: &str| reason_of(&status.conditions, kind).is_some();
        let phase = status.phase?;
        // A phase that passed unseen was reached; the way back is on no way forward.
        let is_later = self.wanted < phase && phase <= Phase::Complete;
        // Complete is shown from the first moment of being so; done is what is ready.
        if is_later || (phase == self.wanted && (phase != Phase::Complete || is_true(READY))) {
            return Some(End::Reached);
        }
        (is_true(STALLED) || (phase == Phase::RolledBack)).then_some(End::Halted)
    }
}

/// Where a release is shown: a terminal is drawn over, anything else gets each change below the last.
struct Screen {
    output: Output,
    is_terminal: bool,
    lines: usize,
}

impl Screen {
    fn new(output: Output) -> Self {
        Self { output, is_terminal: output == Output::Human && std::io::stdout().is_terminal(), lines: 0 }
    }

    /// Shows a release; without news only a terminal is drawn anew.
    fn show(&mut self, release: &FrappeRelease, is_news: bool) -> Result<(), String> {
        if !is_news && !self.is_terminal {
            return Ok(());
        }
        let text = match self.output {
            Output::Human => text(release, self.output)?,
            // One line a change, for programs.
            Output::Json => {
                format!("{}\n", serde_json::to_string(&release.status).map_err(|error| error.to_string())?)
            }
        };
        let mut out = std::io::stdout().lock();
        if self.is_terminal && self.lines > 0 {
            // Up to the first line, and everything below it away.
            write!(out, "\x1b[{}A\x1b[J", self.lines).map_err(|error| error.to_string())?;
        }
        self.lines = text.lines().count();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| error.to_string())
    }
}

fn text(release: &FrappeRelease, output: Output) -> Result<String, String> {
    let status = release.status.clone().unwrap_or_default();
    match output {
        Output::Json => {
            let json = serde_json::to_string_pretty(&status);
            json.map(|json| format!("{json}\n")).map_err(|error| format!("failed to write JSON: {error}"))
        }
        Output::Human => tree(release, Timestamp::now()).map_err(|error| format!("failed to write: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(generation: i64, image: &str, status: &str) -> FrappeRelease {
        serde_yaml::from_str(&format!(
            "{{apiVersion: crossfade.dev/v1alpha1, kind: FrappeRelease, metadata: {{name: erp, generation: {generation}}},
              spec: {{image: '{image}', sites: [], bench: {{commonConfigSecret: {{name: c, key: k}}}},
                database: {{adminSecret: {{name: a}}}}, web: {{}}, traffic: {{}}}},
              status: {status}}}"
        ))
        .unwrap()
    }

    fn end(status: &str, wanted: Phase) -> Option<End> {
        Wait { wanted, generation: None, asked: None }.end(&release(4, "a:1", status))
    }

    fn condition(kind: &str) -> String {
        format!(
            "{{type: {kind}, status: 'True', reason: R, message: m, lastTransitionTime: '2025-01-01T00:00:00Z'}}"
        )
    }

    fn complete(generation: i64) -> String {
        format!("{{observedGeneration: {generation}, phase: Complete, conditions: [{}]}}", condition("Ready"))
    }

    #[test]
    fn a_status_about_an_older_spec_ends_no_wait() {
        assert_eq!(end(&complete(3), Phase::Complete), None);
        assert_eq!(end(&complete(4), Phase::Complete), Some(End::Reached));
    }

    #[test]
    fn a_release_that_stands_still_ends_the_wait_as_halted() {
        let stalled =
            format!("{{observedGeneration: 4, phase: Expanding, conditions: [{}]}}", condition("Stalled"));
        assert_eq!(end(&stalled, Phase::Complete), Some(End::Halted));
        let back = "{observedGeneration: 4, phase: RolledBack}";
        assert_eq!(end(back, Phase::Complete), Some(End::Halted));
        assert_eq!(end(back, Phase::RolledBack), Some(End::Reached));
        assert_eq!(end("{observedGeneration: 4, phase: Shifting}", Phase::Complete), None);
    }

    #[test]
    fn a_phase_that_passed_unseen_was_reached_and_the_way_back_reaches_nothing() {
        assert_eq!(end("{observedGeneration: 4, phase: Draining}", Phase::Shifting), Some(End::Reached));
        assert_eq!(end("{observedGeneration: 4, phase: Migrating}", Phase::Shifting), None);
        assert_eq!(end("{observedGeneration: 4, phase: RollingBack}", Phase::Shifting), None);
    }

    #[test]
    fn a_wait_for_a_generation_is_for_what_that_one_asked_for() {
        let mut wait = Wait { wanted: Phase::Complete, generation: Some(4), asked: None };
        // Not seen yet by the API server's cache, then seen, then paused (which is a generation too), then complete.
        assert_eq!(wait.end(&release(3, "a:1", &complete(3))), None);
        assert_eq!(wait.end(&release(4, "a:2", "{observedGeneration: 3, phase: Complete}")), None);
        assert_eq!(wait.end(&release(5, "a:2", "{observedGeneration: 5, phase: Shifting}")), None);
        assert_eq!(wait.end(&release(5, "a:2", &complete(5))), Some(End::Reached));
        assert_eq!(wait.end(&release(6, "a:3", &complete(5))), Some(End::Superseded));
        let mut late = Wait { wanted: Phase::Complete, generation: Some(4), asked: None };
        assert_eq!(late.end(&release(5, "a:3", &complete(5))), Some(End::Superseded));
    }
}
