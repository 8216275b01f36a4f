//! `crossfade schedule`: runs a colour's scheduler while it is its turn.

use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitCode, ExitStatus};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::Output;
use super::site::{self, Failure, Printer};
use super::stopped::stopped;
use crate::schema::progress::Progress;
use crate::schema::turn::Turn;

/// Waits until no other scheduler of the release runs, then runs COMMAND until it ends or is told to.
///
/// Whose turn it is stands in the Redis of the queues. SIGTERM ends COMMAND, and whoever waits begins within a tenth of a
/// second. COMMAND is also ended when Redis is away for longer than its turn lasts without it.
#[derive(Debug, Args)]
pub(crate) struct Schedule {
    /// Redis of the queues.
    #[arg(long, value_name = "URL")]
    redis_queue: Option<String>,
    /// A mounted `common_site_config.json`, read for `redis_queue`.
    #[arg(long, value_name = "FILE")]
    common_config: Option<PathBuf>,
    /// What has one scheduler, as NAMESPACE/NAME.
    #[arg(long)]
    release: String,
    /// Who this is, such as the name of a Pod: no two processes that may run at the same time have the same.
    #[arg(long)]
    holder: String,
    /// The scheduler with its arguments.
    #[arg(required = true, last = true)]
    command: Vec<String>,
}

/// Why a scheduler no longer runs.
enum End {
    Itself(ExitStatus),
    Told,
    Lost(String),
}

impl Schedule {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let (url, config) = (self.redis_queue.as_deref(), self.common_config.as_deref());
            let url = site::needed_setting(url, config, "redis_queue", "--redis-queue")?;
            self.in_turn(Turn::new(url, &self.release, self.holder.clone()), &printer).await
        })
    }

    async fn in_turn(&self, mut turn: Turn, printer: &Printer) -> Result<String, Failure> {
        let mut stopped = pin!(stopped()?);
        loop {
            tokio::select! {
                () = &mut stopped => {
                    // It may have been given in this moment.
                    turn.give_up().await;
                    return Ok("it was stopped before its turn".to_owned());
                }
                () = turn.take(printer) => {}
            }
            printer.report("schedule", 1, 1, &format!("it is the turn of {}", self.holder));
            let mut child = match self.start() {
                Ok(child) => child,
                Err(failure) => {
                    turn.give_up().await;
                    return Err(failure);
                }
            };
            let end = tokio::select! {
                status = child.wait() => End::Itself(status.map_err(|error| self.failed("wait for", &error))?),
                () = &mut stopped => End::Told,
                why = turn.lost() => End::Lost(why),
            };
            match end {
                End::Itself(status) => {
                    turn.give_up().await;
                    let ended = format!("{} ended by itself: {status}", self.command.join(" "));
                    return if status.success() { Ok(ended) } else { Err(Failure::Unmet(ended)) };
                }
                End::Told => {
                    self.end(&mut child, &mut turn).await?;
                    turn.give_up().await;
                    return Ok("it was stopped".to_owned());
                }
                End::Lost(why) => {
                    signal(&child, Signal::KILL);
                    child.wait().await.map_err(|error| self.failed("wait for", &error))?;
                    printer.report("schedule", 0, 1, &format!("the turn was lost: {why}"));
                }
            }
        }
    }

    /// In a process group of its own: `bench` may start what schedules as a child.
    fn start(&self) -> Result<Child, Failure> {
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().map_or("", String::as_str));
        command.args(words).process_group(0).kill_on_drop(true);
        command.spawn().map_err(|error| self.failed("start", &error))
    }

    /// Asks it to end; kills it if the turn is lost meanwhile. The Pod's grace bounds both.
    async fn end(&self, child: &mut Child, turn: &mut Turn) -> Result<(), Failure> {
        signal(child, Signal::TERM);
        let ended = tokio::select! {
            ended = child.wait() => ended,
            _ = turn.lost() => {
                signal(child, Signal::KILL);
                child.wait().await
            }
        };
        ended.map(|_| ()).map_err(|error| self.failed("wait for", &error))
    }

    fn failed(&self, act: &str, error: &std::io::Error) -> Failure {
        Failure::Unmet(format!("failed to {act} {}: {error}", self.command.join(" ")))
    }
}

/// To the process and all that it started; one that is gone hears nothing.
fn signal(child: &Child, signal: Signal) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(group) = id {
        let _ = kill_process_group(group, signal);
    }
}
