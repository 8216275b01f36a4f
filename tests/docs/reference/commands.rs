//! What `crossfade --help` says, of every command that is shown.

use std::fmt::Write;

/// The page.
pub(super) fn page() -> String {
    let mut page = "# Commands\n\n\
        Generated: what `--help` says of each command. Those with a `NAME` speak of a `FrappeRelease` in a cluster, by your kubeconfig, and are\n\
        also there as `kubectl crossfade ...`, if the binary is on the PATH under the name `kubectl-crossfade`. The others are what the operator's Jobs run.\n"
        .to_owned();
    let mut whole = crossfade::cli::command().term_width(100);
    whole.build();
    section(&mut page, &whole);
    for command in
        whole.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        section(&mut page, command);
    }
    page
}

fn section(page: &mut String, command: &clap::Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let help = command.clone().term_width(100).render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(page, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()).unwrap();
}
