//! The `crossfade` command: operator, Jobs and command line in one static binary.
use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A plan is some hundred thousand short texts, made on all cores: the C library's allocator takes half as long again.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    crossfade::cli::main()
}
