//! `crossfade operator`: the controller.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::Output;
use crate::controller::{self, Settings, Traces};

/// Run the operator: watch every FrappeRelease and release it.
///
/// Runs in a Pod with a service account, or from a terminal with a kubeconfig. `RUST_LOG` sets what is logged,
/// `--output json` logs one JSON object a line. With an OTLP endpoint, traces are sent there; what OpenTelemetry's SDKs
/// read from the environment (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and so on) holds here too.
#[derive(Debug, Args)]
pub(super) struct Operator {
    /// Look at this namespace only; may be given several times, in the environment parted by commas.
    #[arg(long, env = "CROSSFADE_NAMESPACE", value_delimiter = ',')]
    namespace: Vec<String>,
    /// Image with this program, for Jobs and init containers.
    #[arg(long, env = "CROSSFADE_IMAGE")]
    image: String,
    /// Address of /metrics, /healthz and /readyz.
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Act only while holding the Lease: for more than one replica.
    #[arg(long)]
    leader_elect: bool,
    /// Send traces to this collector, by OTLP over HTTP: a URL, to which /v1/traces is added. Default: no traces.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true, value_name = "URL")]
    otlp_endpoint: Option<String>,
}

impl Operator {
    /// Runs the command until it is stopped.
    pub(super) fn run(self, output: Output) -> ExitCode {
        let traces = match observed(output, self.otlp_endpoint.as_deref()) {
            Ok(traces) => traces,
            Err(error) => return super::target::block_on(async { Err(error) }),
        };
        let settings = Settings {
            namespaces: self.namespace.into_iter().filter(|namespace| !namespace.is_empty()).collect(),
            image: self.image,
            listen: self.listen,
            is_leader_elected: self.leader_elect,
        };
        let ended = super::target::block_on(async {
            controller::run(settings).await.map_err(|error| super::target::chain(&error))
        });
        // Nothing runs any more: what was in the middle of something has ended its spans too.
        if let Some(traces) = traces {
            traces.end();
        }
        ended
    }
}

/// Begins to log to stderr, and to send traces if somebody says where to.
fn observed(output: Output, endpoint: Option<&str>) -> Result<Option<Traces>, String> {
    // What the SDK complains of in its variables is logged as well.
    let begun = tracing::subscriber::with_default(tracing_subscriber::registry().with(log(output)), || {
        Traces::begin(endpoint)
    });
    let traces = begun.map_err(|error| super::target::chain(&error))?;
    let layer = traces.as_ref().map(Traces::layer);
    tracing_subscriber::registry().with(layer).with(log(output)).init();
    Ok(traces)
}

fn log<S>(output: Output) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    match output {
        Output::Human => log.with_filter(filter).boxed(),
        Output::Json => log.json().with_filter(filter).boxed(),
    }
}
