//! The `crossfade` command: operator, Jobs and command line in one static binary.
use std::process::ExitCode;

fn main() -> ExitCode {
    crossfade::cli::main()
}
