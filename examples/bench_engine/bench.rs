//! The table, the contenders, and the order in which they run.

mod contender;
mod probe;
mod report;
mod steps;
mod table;
mod triggers;

use std::time::Duration;

use crate::server::{Server, Special};
use contender::{Change, Contender};
use probe::Probe;
pub(crate) use report::Report;
use report::{Measured, Share};

/// How much is measured.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Rows of the table.
    pub(crate) rows: u64,
    /// How often.
    pub(crate) repetitions: u32,
    /// Operations a second of the probe.
    pub(crate) probe: u32,
    /// Seconds of the probe alone.
    pub(crate) idle_seconds: u64,
    /// Size of the buffer pool.
    pub(crate) buffer_pool: String,
    /// What is measured: words of which the name of a change and of a contender has one each; all, if there are none.
    pub(crate) only: Vec<String>,
}

impl Options {
    fn wants(&self, change: Change, name: &str) -> bool {
        let all = [format!("{change:?}"), name.to_owned()];
        self.only.is_empty() || all.iter().all(|name| self.only.contains(name))
    }
}

/// Measures everything; says on standard error how far it is.
pub(crate) async fn run(options: &Options) -> Report {
    let pool = format!("--innodb-buffer-pool-size={}", options.buffer_pool);
    let server_options = [
        pool.as_str(),
        "--innodb-log-file-size=1G",
        "--sync-binlog=0",
        // A file is synced when it is full, which all commits wait for: one of a gigabyte held them for 0.4 s.
        "--max-binlog-size=64M",
        "--innodb-adaptive-hash-index=OFF",
        "--skip-innodb-doublewrite",
    ];
    let server = Server::start(&Special { options: &server_options, disk: None });
    let site = table::Site::new(&server, options.rows).await;
    eprintln!("{} rows are there", options.rows);
    let mut report = Report::new(options.rows);
    for repetition in 1..=options.repetitions {
        for change in [Change::Rename, Change::Retype] {
            if !options.wants(change, "idle") {
                continue;
            }
            site.reset().await;
            let probe = Probe::start(&site.url_of_old(), options, 0);
            tokio::time::sleep(Duration::from_secs(options.idle_seconds)).await;
            let idle = Measured::of(change, "idle", 0.0, probe.end().await);
            eprintln!("{repetition}: {idle}");
            report.enter(idle);
            for contender in Contender::all() {
                if !options.wants(change, contender.name()) {
                    continue;
                }
                if !contender.is_there() {
                    report.left_out(contender.name());
                    continue;
                }
                site.reset().await;
                let measured = contender.run(&site, options, change).await;
                eprintln!("{repetition}: {measured}");
                report.enter(measured);
                site.forget().await;
            }
        }
        if !options.only.is_empty() {
            continue;
        }
        site.reset().await;
        let (with, without) = triggers::updates_per_second(&site, options).await;
        eprintln!("{repetition}: {with:.0} updates/s with triggers, {without:.0} without");
        report.shares.push(Share { with, without });
    }
    report
}
