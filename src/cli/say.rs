//! What people say to a release: `approve`, `promote`, `abort`, `retry`, `pause`, `resume`. Each changes one field, but
//! `promote`, which speaks to several apps at once.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;

use super::target::{Target, block_on};
use crate::api::FrappeRelease;
use crate::release::saying::{Gate, Word, going};
use crate::traffic::{PREVIEW_HEADER, Preview, cookie_name};

/// Agree to the next step of a release that waits for it.
#[derive(Debug, Args)]
pub(super) struct Approve {
    #[command(flatten)]
    target: Target,
    /// What is agreed to: `plan` (as it stands now, by its hash: a plan that changes must be approved again), `window` (a
    /// maintenance window for a plan that is Blocking: users are shut out, and there is no way back), `promote`
    /// (the first traffic to green), `contract` (the point of no return), or the name of an `approve` step of
    /// spec.traffic.apps.
    what: Gate,
}

/// Let traffic go on that stands at a pause without an end.
#[derive(Debug, Args)]
pub(super) struct Promote {
    #[command(flatten)]
    target: Target,
    /// Only this app (`*` is everything that spec.traffic.apps does not name). Default: all that pause.
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Go to 100 % without any pause. What an `approve` step asks for is still asked for.
    #[arg(long)]
    full: bool,
}

/// Print the header and the cookie that choose a colour, to look at green before it has traffic.
#[derive(Debug, Args)]
pub(super) struct PreviewValues {
    #[command(flatten)]
    target: Target,
}

/// Take a release back to blue.
#[derive(Debug, Args)]
pub(super) struct Abort {
    #[command(flatten)]
    target: Target,
}

/// Run failed Jobs again, or release again what was taken back.
#[derive(Debug, Args)]
pub(super) struct Retry {
    #[command(flatten)]
    target: Target,
}

/// Hold a release where it is.
#[derive(Debug, Args)]
pub(super) struct Pause {
    #[command(flatten)]
    target: Target,
}

/// Let a paused release go on.
#[derive(Debug, Args)]
pub(super) struct Resume {
    #[command(flatten)]
    target: Target,
}

impl Approve {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, Word::Approve(self.what)))
    }
}

impl Promote {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, Word::Promote { app: self.app, full: self.full }))
    }
}

impl PreviewValues {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(async move {
            let api = self.target.api().await?;
            print!("{}", preview(&self.target.get(&api).await?)?);
            Ok(())
        })
    }
}

impl Abort {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, Word::Abort))
    }
}

impl Retry {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, Word::Retry))
    }
}

impl Pause {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, Word::Pause))
    }
}

impl Resume {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, Word::Resume))
    }
}

async fn say(target: Target, word: Word) -> Result<(), String> {
    let api = target.api().await?;
    let release = target.get(&api).await?;
    let (said, fields) = word.to(&release, Timestamp::now())?;
    target.say(&api, &fields).await?;
    println!("FrappeRelease '{}' {said}", target.name);
    Ok(())
}

fn preview(release: &FrappeRelease) -> Result<String, String> {
    let revision = going(release)?;
    let values = Preview::of(release, revision);
    let name = release.metadata.name.as_deref().unwrap_or_default();
    let cookie = cookie_name(name, revision);
    let lines = [("green", &values.green), ("blue", &values.blue)].map(|(colour, value)| {
        format!("{colour}:\n  {PREVIEW_HEADER}: {value}\n  Cookie: {cookie}={value}\n")
    });
    Ok(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shifting() -> FrappeRelease {
        let mut release: FrappeRelease = serde_yaml::from_str(
            "{apiVersion: crossfade.dev/v1alpha1, kind: FrappeRelease, metadata: {name: erp},
              spec: {image: 'a:1', sites: [], bench: {commonConfigSecret: {name: c, key: k}},
                database: {adminSecret: {name: a}}, web: {}, traffic: {}},
              status: {phase: Shifting, green: {revision: 3, image: 'a:1', ready: 0}}}",
        )
        .unwrap();
        release.metadata.uid = Some("u".into());
        release
    }

    #[test]
    fn a_preview_prints_what_the_routes_ask_for() {
        let text = preview(&shifting()).unwrap();
        let value = Preview::of(&shifting(), 3).green;
        assert!(value.len() > 20 && text.contains(&format!("X-Crossfade-Colour: {value}")), "{text}");
        assert!(text.contains(&format!("Cookie: crossfade-erp-r3={value}")), "{text}");
    }
}
