//! Traces as a receiver of OTLP gets them, and collectors that do not answer. The receiver is not what is tested: it takes
//! requests apart by the messages of the protocol itself.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use opentelemetry::trace::{Span as _, Tracer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::{common::v1::KeyValue, common::v1::any_value::Value, trace::v1::Span};
use prost::Message;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::controller::Guarded;
use crate::controller::context::Context;
use crate::controller::metrics::Metrics;
use crate::release::{Action, JobStep};

type Taken = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

/// A receiver of traces, on threads of its own.
struct Receiver {
    address: SocketAddr,
    taken: Taken,
    _runtime: tokio::runtime::Runtime,
}

impl Receiver {
    fn at(address: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).unwrap();
        let (address, taken) = (listener.local_addr().unwrap(), Taken::default());
        let take = |State(taken): State<Taken>, headers: HeaderMap, body: Bytes| async move {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            taken.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
        };
        let router = axum::Router::new().route("/v1/traces", axum::routing::post(take));
        let router = router.with_state(taken.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, taken, _runtime: runtime }
    }

    fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        let resources = taken.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn settings(address: SocketAddr) -> Settings {
    Settings::read(Some(&format!("http://{address}")), |_| None).unwrap().unwrap()
}

fn traces(settings: Settings) -> Traces {
    let known = |name: &str| (name == "POD_NAME").then(|| "crossfade-0".to_owned());
    Traces::to(settings, resource(known)).unwrap()
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    if let Value::StringValue(text) = found.value.as_ref()?.value.as_ref()? {
        Some(text.clone())
    } else {
        None
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span '{name}' in {names:?}"))
}

/// A reconcile that does not get as far as the API server, as the runtime begins and ends it.
fn reconcile_in_vain() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = kube::Config::new(format!("http://{}", nobody()).parse().unwrap());
        let client = kube::Client::try_from(config).unwrap();
        let ctx = Arc::new(Context::new(client, "image".to_owned(), Metrics::default()));
        let release = serde_json::json!({"metadata": {"name": "erp", "namespace": "shop"}, "spec": {}});
        let release: Arc<Guarded> = Arc::new(serde_json::from_value(release).unwrap());
        let span = tracing::info_span!(target: "kube_runtime::controller", "reconciling object");
        let again = release.clone();
        let work = async {
            let error = crate::controller::reconcile(again, ctx.clone()).await.unwrap_err();
            crate::controller::error_policy(release, &error, ctx);
        };
        tracing::Instrument::instrument(work, span).await;
        // Of nothing: no part of any trace.
        let lease = kube::Config::new(format!("http://{}", nobody()).parse().unwrap());
        let _ = kube::Client::try_from(lease).unwrap().apiserver_version().await;
    });
}

#[test]
fn a_reconcile_is_a_trace_with_its_requests_and_its_failure() {
    let receiver = Receiver::at("127.0.0.1:0");
    let traces = traces(settings(receiver.address));
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(traces.layer()).with(log.layer());
    tracing::subscriber::with_default(subscriber, reconcile_in_vain);
    traces.end();

    let spans = receiver.spans();
    let (root, reconcile) = (named(&spans, "reconciling object"), named(&spans, "reconcile"));
    let get = spans.iter().find(|span| span.kind == SpanKind::Client as i32).unwrap();
    assert!(root.parent_span_id.is_empty());
    assert_eq!(reconcile.parent_span_id, root.span_id);
    assert_eq!(get.parent_span_id, reconcile.span_id);
    assert!(spans.iter().all(|span| span.trace_id == root.trace_id), "{spans:#?}");
    assert_eq!(text(&get.attributes, "http.method").as_deref(), Some("GET"));
    let path = "/apis/crossfade.dev/v1alpha1/namespaces/shop/frappereleases/erp";
    assert!(text(&get.attributes, "http.url").is_some_and(|url| url.contains(path)));
    assert_eq!(text(&reconcile.attributes, "crossfade.release").as_deref(), Some("erp"));
    assert_eq!(text(&reconcile.attributes, "k8s.namespace.name").as_deref(), Some("shop"));
    for span in [root, reconcile] {
        let status = span.status.as_ref().unwrap();
        assert_eq!(status.code, StatusCode::Error as i32, "{span:?}");
        assert!(status.message.contains("failed to read FrappeRelease 'erp'"), "{}", status.message);
        assert_eq!(text(&span.attributes, "error.type").as_deref(), Some("read"));
    }

    let taken = receiver.taken.lock().unwrap();
    let resource = &taken[0].resource_spans[0].resource.as_ref().unwrap().attributes;
    assert_eq!(text(resource, "service.name").as_deref(), Some("crossfade"));
    assert_eq!(text(resource, "k8s.pod.name").as_deref(), Some("crossfade-0"));
    let id = hex::encode(&root.trace_id);
    let line = log.lines().into_iter().find(|line| line.contains("failed, trying again")).unwrap();
    assert!(line.contains(&format!("trace_id=\"{id}\"")), "{line}");
}

#[test]
fn without_a_collector_no_span_is_made_and_the_log_is_as_it_was() {
    let log = Log::default();
    let none: Option<Traces> = Traces::begin(None).unwrap();
    assert!(none.is_none(), "the test itself runs with OTEL_EXPORTER_OTLP_ENDPOINT");
    let layer = none.as_ref().map(Traces::layer);
    let subscriber = tracing_subscriber::registry().with(layer).with(log.layer());
    tracing::subscriber::with_default(subscriber, reconcile_in_vain);
    let line = log.lines().into_iter().find(|line| line.contains("failed, trying again")).unwrap();
    assert!(!line.contains("trace_id") && !line.contains(":reconcile"), "{line}");
}

#[test]
fn an_action_says_its_kind_and_what_a_job_does() {
    let receiver = Receiver::at("127.0.0.1:0");
    let traces = traces(settings(receiver.address));
    let subscriber = tracing_subscriber::registry().with(traces.layer());
    tracing::subscriber::with_default(subscriber, || {
        let site = Some("erp.example.com".to_owned());
        drop(span::action(&Action::Job { revision: 2, step: JobStep::Expand, site }));
        drop(span::action(&Action::NoRoute));
    });
    traces.end();
    let spans = receiver.spans();
    let job = named(&spans, "act Job");
    assert_eq!(text(&job.attributes, "crossfade.action").as_deref(), Some("Job"));
    assert_eq!(text(&job.attributes, "crossfade.step").as_deref(), Some("expand"));
    assert_eq!(text(&job.attributes, "crossfade.site").as_deref(), Some("erp.example.com"));
    assert_eq!(text(&named(&spans, "act NoRoute").attributes, "crossfade.step"), None);
}

#[test]
fn a_collector_that_hangs_holds_neither_the_spans_nor_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hour = Duration::from_hours(1);
    let settings = Settings { timeout: hour, ..settings(listener.local_addr().unwrap()) };
    let traces = traces(settings);
    let make = |count: usize| (0..count).for_each(|_| drop(tracing::info_span!("reconcile").entered()));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(traces.layer()), || {
        // A batch, which somebody takes and does not answer.
        make(600);
        let _held = listener.accept().unwrap();
        // More than the queue holds: what does not fit is dropped at once.
        let began = Instant::now();
        make(10_000);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        let began = Instant::now();
        traces.end();
        let took = began.elapsed();
        assert!(took >= FLUSH && took < FLUSH + Duration::from_secs(2), "{took:?}");
    });
}

#[test]
fn a_collector_that_is_away_is_said_once_and_so_is_its_return() {
    let address = nobody();
    let (client, last_words) = collector::Client::new(&settings(address)).unwrap();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(settings(address).endpoint)
        .build()
        .unwrap();
    // Exports on the thread that ends a span, where the log is seen.
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(collector::Exporter::new(exporter, last_words))
        .build();
    let log = Log::default();
    // While a process has one subscriber, whether an event is wanted is asked of the thread that meets it first: of
    // another test's, which has none. With two, all are asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(log.layer()), || {
        let span = || provider.tracer("test").start("span").end();
        span();
        span();
        let _receiver = Receiver::at(&address.to_string());
        span();
        span();
    });
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let away = "the collector takes no traces";
    assert!(lines[0].contains(away) && lines[0].contains("Connection refused"), "{}", lines[0]);
    assert!(!lines[0].contains(&address.to_string()), "{}", lines[0]);
    assert!(lines[1].contains("takes traces again") && lines[1].contains("lost=2"), "{}", lines[1]);
}

/// What is logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(self.clone());
        layer.with_filter(LevelFilter::INFO)
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
