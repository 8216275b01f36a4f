//! `crossfade history`: what a bench ran, when, and how each release ended.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use k8s_openapi::api::core::v1::ConfigMap;

use super::Output;
use super::target::{Target, exit_with};
use crate::manifest::history;
use crate::release::history::Entry;

/// Show the releases of a bench, the newest first: when, what, by whom as far as it is known, and how they ended.
///
/// Who is the tool that wrote the image into the spec (the API server knows no more); why is what the annotation
/// kubernetes.io/change-cause said.
#[derive(Debug, Args)]
pub(super) struct History {
    #[command(flatten)]
    target: Target,
}

impl History {
    /// Runs the command.
    pub(super) fn run(self, output: Output) -> ExitCode {
        exit_with(async move {
            let api = self.target.api().await?;
            let release = self.target.get(&api).await?;
            let name = history::name(&self.target.name);
            let found = self.target.config_maps(&release).await?.get_opt(&name).await;
            let found: Option<ConfigMap> =
                found.map_err(|error| format!("failed to read ConfigMap '{name}': {error}"))?;
            let entries = found.as_ref().map(history::read).unwrap_or_default();
            print!("{}", text(&entries, output)?);
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn text(entries: &[Entry], output: Output) -> Result<String, String> {
    match output {
        Output::Json => {
            let json = serde_json::to_string_pretty(entries);
            json.map(|json| format!("{json}\n")).map_err(|error| format!("failed to write JSON: {error}"))
        }
        Output::Human => human(entries).map_err(|error| format!("failed to write: {error}")),
    }
}

fn human(entries: &[Entry]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    if entries.is_empty() {
        writeln!(text, "nothing was released yet")?;
    }
    for entry in entries.iter().rev() {
        let began = entry.began.map_or_else(|| "?".to_owned(), |began| began.to_string());
        let took = entry.began.zip(entry.ended).map(|(began, ended)| ended.as_second() - began.as_second());
        let took = took.map(|seconds| format!(" in {seconds} s")).unwrap_or_default();
        writeln!(
            text,
            "revision {:<4} {:<10} {began}{took}  {}",
            entry.revision, entry.outcome, entry.image
        )?;
        let plan = entry.verdict.as_ref().zip(entry.plan.as_ref());
        let plan = plan.map(|(verdict, hash)| format!("{verdict} ({hash})"));
        for (what, words) in [
            ("plan", plan.as_ref()),
            ("by", entry.by.as_ref()),
            ("why", entry.cause.as_ref()),
            ("taken back", Some(&entry.reason).filter(|reason| !reason.is_empty())),
        ] {
            if let Some(words) = words {
                writeln!(text, "  {what}: {words}")?;
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_the_newest_first_with_when_who_and_why() {
        let entries: Vec<Entry> = serde_yaml::from_str(
            "[{revision: 1, image: 'erp:v1', began: '2025-01-01T10:00:00Z', ended: '2025-01-01T10:01:00Z', outcome: Replaced},
              {revision: 2, image: 'erp:v2', began: '2025-01-02T10:00:00Z', ended: '2025-01-02T10:05:00Z', outcome: Active,
               plan: abc, verdict: Additive, by: argocd-controller, cause: spring},
              {revision: 3, image: 'erp:v3', began: '2025-01-03T10:00:00Z', outcome: RolledBack, reason: aborted by hand}]",
        )
        .unwrap();
        insta::assert_snapshot!(human(&entries).unwrap());
        assert_eq!(human(&[]).unwrap(), "nothing was released yet\n");
        assert!(text(&entries, Output::Json).unwrap().contains("\"revision\": 3"));
    }
}
