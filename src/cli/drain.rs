//! `crossfade drain`: waits until a colour's queues have run out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Output;
use super::site;
use crate::schema::queue;

/// Waits until the queues of one `bench_id` are empty: queued, running, scheduled and deferred jobs.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Redis of the queues.
    #[arg(long, value_name = "URL")]
    redis_queue: Option<String>,
    /// A mounted `common_site_config.json`, read for `redis_queue`.
    #[arg(long, value_name = "FILE")]
    common_config: Option<PathBuf>,
    /// The colour's `bench_id`: part of the queues' names. Default: what --common-config says.
    #[arg(long)]
    bench_id: Option<String>,
    /// Queue names without the `bench_id`.
    #[arg(long, value_delimiter = ',', default_value = "short,default,long")]
    queues: Vec<String>,
    /// How long to wait at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    wait: u64,
}

impl Drain {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let (url, config) = (self.redis_queue.as_deref(), self.common_config.as_deref());
            let url = site::needed_setting(url, config, "redis_queue", "--redis-queue")?;
            let bench_id = site::needed_setting(self.bench_id.as_deref(), config, "bench_id", "--bench-id")?;
            queue::drain(&url, &bench_id, &self.queues, Duration::from_secs(self.wait), &printer).await?;
            Ok(format!("the queues of {bench_id} are empty"))
        })
    }
}
