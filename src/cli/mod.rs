//! The command line: a file a command, a variant in `Command` and nothing else.

mod cache_clear;
mod completion;
mod contract;
pub mod crds;
mod dashboard;
mod doctor;
mod drain;
mod editor;
mod expand;
mod follow;
mod frame;
mod handover;
mod history;
mod install;
mod isolate;
mod layout;
mod operator;
mod plan;
pub mod plan_schema;
mod plan_stored;
mod probe;
mod relay;
mod restore;
mod rollback;
mod say;
mod schedule;
mod site;
mod site_config;
mod site_release;
mod snapshot;
mod status;
mod status_tree;
mod stopped;
mod target;
mod undo;
mod verify;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

/// Zero-downtime blue/green releases of Frappe on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "crossfade", version, about, propagate_version = true)]
struct Cli {
    /// How results are printed; markdown and sql are for `plan` alone.
    #[arg(long, global = true, value_enum, default_value_t = plan::Format::Human)]
    output: plan::Format,
    #[command(subcommand)]
    command: Command,
}

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Text for people.
    Human,
    /// One JSON document (or one JSON object a line, for progress).
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the manifest of the FrappeRelease resource.
    Crds,
    Operator(operator::Operator),
    Status(status::Status),
    Approve(say::Approve),
    Promote(say::Promote),
    Preview(say::PreviewValues),
    Abort(say::Abort),
    Undo(undo::Undo),
    History(history::History),
    Retry(say::Retry),
    Pause(say::Pause),
    Resume(say::Resume),
    Plan(plan::Plan),
    /// Print the JSON Schema of a plan.
    #[command(hide = true)]
    PlanSchema,
    Editor(editor::Editor),
    Dashboard(dashboard::Dashboard),
    Snapshot(snapshot::Snapshot),
    Isolate(isolate::Isolate),
    Handover(handover::Handover),
    Expand(expand::Expand),
    Verify(verify::Verify),
    Doctor(doctor::Doctor),
    Drain(drain::Drain),
    Contract(contract::Contract),
    Rollback(rollback::Rollback),
    CacheClear(cache_clear::CacheClear),
    Relay(relay::Relay),
    Schedule(schedule::Schedule),
    Restore(restore::Restore),
    Install(install::Install),
    Layout(layout::Layout),
    Follow(follow::Follow),
    Completion(completion::Completion),
    Probe(probe::Probe),
}

/// The command line as clap knows it: what its reference is made from, and what the commands of all pages are held to.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the arguments, runs the command and gives its exit code: 0 done, 1 failed, others as the command says.
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) => refuse(&error),
    }
}

/// Prints help, or what is wrong with the arguments. That is 1 and not clap's 2, which means something in a plan.
fn refuse(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run(cli: Cli) -> ExitCode {
    let output = match (&cli.command, cli.output) {
        (Command::Plan(command), format) => return command.run(format),
        (_, plan::Format::Human) => Output::Human,
        (_, plan::Format::Json) => Output::Json,
        (_, plan::Format::Markdown | plan::Format::Sql) => {
            let message = "--output markdown and --output sql are for `crossfade plan` alone";
            return refuse(&Cli::command().error(ErrorKind::InvalidValue, message));
        }
    };
    match cli.command {
        Command::Crds => crds::run(),
        Command::Operator(operator) => operator.run(output),
        Command::Status(status) => status.run(output),
        Command::Approve(approve) => approve.run(),
        Command::Promote(promote) => promote.run(),
        Command::Preview(preview) => preview.run(),
        Command::Abort(abort) => abort.run(),
        Command::Undo(undo) => undo.run(output),
        Command::History(history) => history.run(output),
        Command::Retry(retry) => retry.run(),
        Command::Pause(pause) => pause.run(),
        Command::Resume(resume) => resume.run(),
        Command::Plan(command) => command.run(cli.output),
        Command::PlanSchema => plan_schema::run(),
        Command::Editor(editor) => editor.run(),
        Command::Dashboard(dashboard) => dashboard.run(),
        Command::Snapshot(command) => command.run(),
        Command::Isolate(isolate) => isolate.run(output),
        Command::Handover(handover) => handover.run(output),
        Command::Expand(expand) => expand.run(output),
        Command::Verify(verify) => verify.run(output),
        Command::Doctor(doctor) => doctor.run(output),
        Command::Drain(drain) => drain.run(output),
        Command::Contract(contract) => contract.run(output),
        Command::Rollback(rollback) => rollback.run(output),
        Command::CacheClear(cache_clear) => cache_clear.run(output),
        Command::Relay(relay) => relay.run(output),
        Command::Schedule(schedule) => schedule.run(output),
        Command::Restore(restore) => restore.run(output),
        Command::Install(install) => install.run(output),
        Command::Layout(layout) => layout.run(output),
        Command::Follow(follow) => follow.run(output),
        Command::Completion(completion) => completion.run(),
        Command::Probe(probe) => probe.run(output),
    }
}
