//! Traces by OpenTelemetry: spans of the reconciles, sent by OTLP over HTTP when, and only when, somebody says where to.
//!
//! | file | what |
//! |---|---|
//! | here | the layer that turns `tracing`'s spans into traces, and the end of it |
//! | `settings` | where to and how, by the command line and OpenTelemetry's own variables |
//! | `collector` | sends: on a thread and a runtime of its own, so that a collector which hangs holds nothing |
//! | `span` | the spans of a reconcile and what they say |
//!
//! Spans hold names, numbers and the errors that the log shows as well: no credential, and no address of a webhook.

mod collector;
mod settings;
pub(super) mod span;
#[cfg(test)]
mod tests;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use settings::Settings;

/// What the service is called unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say otherwise.
const SERVICE: &str = "crossfade";
/// How long the end of the process waits for the collector to take the last spans.
const FLUSH: Duration = Duration::from_secs(3);

/// Why no trace can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The endpoint is no address of a collector.
    #[error(
        "failed to read {place}: give the collector's address as a URL, for example http://collector:4318"
    )]
    Endpoint {
        /// The option or variable.
        place: &'static str,
    },
    /// A protocol that is not spoken here.
    #[error(
        "failed to export traces by '{0}' (OTEL_EXPORTER_OTLP_PROTOCOL): only http/protobuf is spoken, on a collector's port 4318"
    )]
    Protocol(String),
    /// The certificates to trust cannot be used.
    #[error("failed to use the certificates of OTEL_EXPORTER_OTLP_CERTIFICATE: {0}")]
    Certificates(String),
    /// The client cannot be made.
    #[error("failed to start the client of the collector: {0}")]
    Client(String),
}

/// The traces of this process, while they are sent.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send to this address, or to what OpenTelemetry's variables name; `None` if neither says where to.
    pub fn begin(endpoint: Option<&str>) -> Result<Option<Self>, TracesError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let settings = Settings::read(endpoint, variable)?;
        settings.map(|settings| Self::to(settings, resource(variable))).transpose()
    }

    fn to(settings: Settings, resource: Resource) -> Result<Self, TracesError> {
        let (client, last_words) = collector::Client::new(&settings)?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(settings.endpoint)
            .with_timeout(settings.timeout)
            .with_protocol(Protocol::HttpBinary)
            .build()
            .map_err(|error| TracesError::Client(error.to_string()))?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(collector::Exporter::new(exporter, last_words))
            .build();
        Ok(Self { provider })
    }

    /// The layer that makes traces of spans.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let filter = dynamic_filter_fn(is_traced).with_callsite_filter(|metadata| {
            if may_be_traced(metadata) {
                tracing::subscriber::Interest::sometimes()
            } else {
                tracing::subscriber::Interest::never()
            }
        });
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter.with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Sends what is left, and waits no longer than 3 s for it. Not from within an async runtime: it blocks.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH) {
            tracing::warn!(%error, "the collector did not take the last traces");
        }
    }
}

/// Our own spans and events, the runtime's span of a reconcile, and the requests to the API server.
fn may_be_traced(metadata: &Metadata<'_>) -> bool {
    let is_from = |name: &str| {
        metadata.target().strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    if metadata.is_event() {
        return is_from("crossfade") && *metadata.level() <= Level::INFO;
    }
    is_from("crossfade") || is_from("kube_runtime::controller") || is_from("kube_client")
}

/// A request to the API server counts as a part of something: watches and the lease would be a trace each, for ever.
fn is_traced<S>(metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    may_be_traced(metadata)
        && (!metadata.target().starts_with("kube_client") || context.lookup_current().is_some())
}

/// Who sends: what the variables say goes before what is known here.
fn resource(variable: impl Fn(&str) -> Option<String>) -> Resource {
    let known = [
        ("service.name", Some(SERVICE.to_owned())),
        ("service.version", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("k8s.namespace.name", variable("POD_NAMESPACE")),
        ("k8s.pod.name", variable("POD_NAME")),
    ];
    let known = known.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?)));
    let detectors: [Box<dyn ResourceDetector>; 2] =
        [Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())];
    let resource = Resource::builder_empty().with_attributes(known).with_detectors(&detectors);
    match variable("OTEL_SERVICE_NAME") {
        Some(name) => resource.with_service_name(name).build(),
        None => resource.build(),
    }
}
