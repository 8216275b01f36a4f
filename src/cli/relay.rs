//! `crossfade relay`: keeps the caches of both colours in step.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;

use super::Output;
use super::site::{self, Failure, Printer};
use super::stopped::stopped;
use crate::schema::progress::Progress;
use crate::schema::queue;
use crate::schema::relay::{self, Settings, Watch};

/// How often the figures are printed.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Deletes from each colour's cache what the other one's code invalidates, until it is stopped.
///
/// Start it before blue is handed over to its schema, and stop it when one colour is gone. It answers /readyz with 200
/// while both caches are in step, /healthz while it runs, and tells its lag under /metrics. SIGTERM ends it.
#[derive(Debug, Args)]
pub(crate) struct Relay {
    /// A site as DATABASE=SCHEMA: the site's database and blue's schema of this release. Once for each site.
    #[arg(long, value_name = "DATABASE=SCHEMA", required = true, value_parser = site_of)]
    site: Vec<relay::Site>,
    /// Redis of blue's cache (its logical database in the path): redis:// or rediss:// (TLS).
    #[arg(long, env = "CROSSFADE_BLUE_REDIS_CACHE", value_name = "URL", hide_env_values = true)]
    blue_redis_cache: Option<String>,
    /// Blue's `common_site_config.json`, read for `redis_cache`.
    #[arg(long, value_name = "FILE")]
    blue_common_config: Option<PathBuf>,
    /// Redis of green's cache.
    #[arg(long, env = "CROSSFADE_GREEN_REDIS_CACHE", value_name = "URL", hide_env_values = true)]
    green_redis_cache: Option<String>,
    /// Green's `common_site_config.json`, read for `redis_cache`.
    #[arg(long, value_name = "FILE")]
    green_common_config: Option<PathBuf>,
    /// Queues of blue without its `bench_id`, to tell how many jobs they have; needs --blue-common-config.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    blue_queues: Vec<String>,
    /// Queues of green, likewise.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    green_queues: Vec<String>,
    /// Address of /readyz, /healthz and /metrics.
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
}

impl Relay {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let settings =
                Settings { blue: self.url(true)?, green: self.url(false)?, sites: self.site.clone() };
            let watch = Arc::new(Watch::default());
            let listener = tokio::net::TcpListener::bind(self.listen).await;
            let listener = listener
                .map_err(|error| Failure::Unmet(format!("failed to listen at {}: {error}", self.listen)))?;
            tokio::spawn(axum::serve(listener, pages(Arc::clone(&watch))).into_future());
            let queues = [self.queues(true)?, self.queues(false)?];
            if output == Output::Json {
                tokio::spawn(count(queues, Arc::clone(&watch), printer.clone()));
            }
            relay::run(&settings, &watch, &printer, stopped()?).await?;
            Ok("the relay was stopped".to_owned())
        })
    }

    /// The queues of a colour that are to be counted.
    fn queues(&self, is_blue: bool) -> Result<Option<Queues>, Failure> {
        let (names, config) = if is_blue {
            (&self.blue_queues, &self.blue_common_config)
        } else {
            (&self.green_queues, &self.green_common_config)
        };
        let (false, Some(config)) = (names.is_empty(), config.as_deref()) else { return Ok(None) };
        let of = |key| site::setting(None, Some(config), key);
        let (Some(url), Some(bench_id)) = (of("redis_queue")?, of("bench_id")?) else { return Ok(None) };
        Ok(Some(Queues { url, bench_id, names: names.clone() }))
    }

    fn url(&self, is_blue: bool) -> Result<String, Failure> {
        let (url, config, flag) = if is_blue {
            (&self.blue_redis_cache, &self.blue_common_config, "--blue-redis-cache or --blue-common-config")
        } else {
            (
                &self.green_redis_cache,
                &self.green_common_config,
                "--green-redis-cache or --green-common-config",
            )
        };
        site::setting(url.as_deref(), config.as_deref(), "redis_cache")?
            .ok_or_else(|| Failure::Unmet(format!("failed to find a cache: give {flag}")))
    }
}

/// The queues of a colour.
struct Queues {
    url: String,
    bench_id: String,
    names: Vec<String>,
}

/// Prints from time to time what the operator shows as metrics. Queues that cannot be seen are no reason to end.
async fn count(queues: [Option<Queues>; 2], watch: Arc<Watch>, printer: Printer) {
    let mut said = None;
    loop {
        let mut figures = watch.figures();
        let mut failed = None;
        for (queues, colour) in queues.iter().zip([&mut figures.blue, &mut figures.green]) {
            let Some(Queues { url, bench_id, names }) = queues else { continue };
            match queue::backlogs(url, bench_id, names).await {
                Ok(counted) => colour.queues = Some(counted),
                Err(error) => failed = Some(error.to_string()),
            }
        }
        if let Some(words) = failed.as_ref().filter(|_| failed != said) {
            printer.report("queues", 0, 1, words);
        }
        said = failed;
        printer.json(serde_json::json!({"relay": figures}));
        tokio::time::sleep(COUNT_EVERY).await;
    }
}

fn pages(watch: Arc<Watch>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(watch)
}

async fn metrics(State(watch): State<Arc<Watch>>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match watch.metrics() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn ready(State(watch): State<Arc<Watch>>) -> (StatusCode, &'static str) {
    if watch.is_ready() {
        (StatusCode::OK, "ok")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the caches are not in step: a Redis is away, or its prefixes are being cleared",
        )
    }
}

fn site_of(text: &str) -> Result<relay::Site, String> {
    match text.split_once('=') {
        Some((database, schema)) if !database.is_empty() && !schema.is_empty() && database != schema => {
            Ok(relay::Site { database: database.to_owned(), schema: schema.to_owned() })
        }
        Some(_) | None => Err("it must be DATABASE=SCHEMA, two different names".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_two_names() {
        let site = relay::Site { database: "_abc".into(), schema: "_abc__r2".into() };
        assert_eq!(site_of("_abc=_abc__r2"), Ok(site));
        for wrong in ["", "_abc", "_abc=", "=x", "_abc=_abc"] {
            assert!(site_of(wrong).is_err(), "{wrong}");
        }
    }
}
