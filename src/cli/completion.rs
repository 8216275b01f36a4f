//! `crossfade completion`: what a shell needs to complete the commands.

use std::io::{self, Write};
use std::process::ExitCode;

use clap_complete::Shell;

/// Print a script that completes this program's commands and flags in a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Completion {
    /// The shell; e.g. `source <(crossfade completion bash)`.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(super) fn run(&self) -> ExitCode {
        // A reader that has seen enough (`| head`) is no failure.
        let _ = io::stdout().write_all(&script(self.shell));
        ExitCode::SUCCESS
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "crossfade", &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let script = String::from_utf8(script(shell)).unwrap();
            for command in super::super::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }
}
