//! The command line: a file a command, a variant in `Command` and nothing else.

mod cache_clear;
mod contract;
pub mod crds;
mod drain;
mod expand;
mod frame;
mod handover;
mod install;
mod isolate;
mod layout;
mod operator;
mod plan;
mod probe;
mod report;
mod rollback;
mod say;
mod site;
mod site_release;
mod snapshot;
mod status;
mod target;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Zero-downtime blue/green releases of Frappe on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "crossfade", version, about, propagate_version = true)]
struct Cli {
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Output::Human)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
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
    Abort(say::Abort),
    Retry(say::Retry),
    Pause(say::Pause),
    Resume(say::Resume),
    Plan(plan::Plan),
    Snapshot(snapshot::Snapshot),
    Isolate(isolate::Isolate),
    Handover(handover::Handover),
    Expand(expand::Expand),
    Verify(verify::Verify),
    Drain(drain::Drain),
    Contract(contract::Contract),
    Rollback(rollback::Rollback),
    CacheClear(cache_clear::CacheClear),
    Install(install::Install),
    Layout(layout::Layout),
    Probe(probe::Probe),
}

/// Parses the arguments, runs the command and gives its exit code: 0 done, 1 failed, others as the command says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Crds => crds::run(),
        Command::Operator(operator) => operator.run(cli.output),
        Command::Status(status) => status.run(cli.output),
        Command::Approve(approve) => approve.run(),
        Command::Abort(abort) => abort.run(),
        Command::Retry(retry) => retry.run(),
        Command::Pause(pause) => pause.run(),
        Command::Resume(resume) => resume.run(),
        Command::Plan(command) => command.run(cli.output),
        Command::Snapshot(command) => command.run(),
        Command::Isolate(isolate) => isolate.run(cli.output),
        Command::Handover(handover) => handover.run(cli.output),
        Command::Expand(expand) => expand.run(cli.output),
        Command::Verify(verify) => verify.run(cli.output),
        Command::Drain(drain) => drain.run(cli.output),
        Command::Contract(contract) => contract.run(cli.output),
        Command::Rollback(rollback) => rollback.run(cli.output),
        Command::CacheClear(cache_clear) => cache_clear.run(cli.output),
        Command::Install(install) => install.run(cli.output),
        Command::Layout(layout) => layout.run(cli.output),
        Command::Probe(probe) => probe.run(cli.output),
    }
}
