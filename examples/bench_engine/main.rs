//! What a rename and a type change cost on a table in use: Crossfade beside one plain UPDATE, pt-online-schema-change
//! and gh-ost, with a steady probe load beside each. All of it on a MariaDB that this program starts itself.
//!
//! `cargo run --release --example bench_engine -- --rows 1000000 --repetitions 3`; the last line is JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::unwrap_in_result,
    reason = "a measurement stops at what it does not expect"
)]

#[path = "bench.rs"]
mod bench;
#[path = "../../tests/mariadb/no_wait.rs"]
mod no_wait;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/mariadb/server.rs"]
mod server;

use clap::Parser;

/// Compares ways to rename a field and to change its type on a table in use.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the table.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3)]
    repetitions: u32,
    /// Operations a second of the probe.
    #[arg(long, default_value_t = 200)]
    probe: u32,
    /// Seconds of the probe without anything beside it, in each repetition.
    #[arg(long, default_value_t = 10)]
    idle_seconds: u64,
    /// Size of the buffer pool.
    #[arg(long, default_value = "4G")]
    buffer_pool: String,
    /// Measure only what is named here: changes (Rename, Retype) and who makes them (idle must be among them).
    #[arg(long, value_delimiter = ';')]
    only: Vec<String>,
}

fn main() {
    let given = Arguments::parse();
    let options = bench::Options {
        rows: given.rows,
        repetitions: given.repetitions,
        probe: given.probe,
        idle_seconds: given.idle_seconds,
        buffer_pool: given.buffer_pool,
        only: given.only,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let report = runtime.block_on(bench::run(&options));
    println!("{}", report.table());
    println!("{}", report.json());
}
