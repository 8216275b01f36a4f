//! The operator's traces, as the collector of `e2e/manifests/collector.yaml` has taken them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::bench::Bench;
use super::{Fallible, operator};

/// What the operator sends along, from a Secret.
const AUTHORIZATION: &str = "Bearer a-token-of-the-collector";

/// Starts a collector beside a bench, and has the operator send its traces there until the next `operator::install`.
pub fn begin(bench: &Bench) -> Fallible {
    bench.apply("collector.yaml", "v1")?;
    bench.namespace.wait("pod/collector", "condition=Ready", Duration::from_mins(1))?;
    operator::trace_to(
        &format!("http://collector.{}:4318", bench.namespace.name),
        &format!("authorization={}", AUTHORIZATION.replace(' ', "%20")),
    )
}

/// All spans that it has taken. An error if a request went elsewhere or came without the token.
pub fn taken(bench: &Bench) -> Fallible<Vec<Span>> {
    let log = bench.namespace.kubectl(&[
        "exec",
        "collector",
        "--",
        "sh",
        "-c",
        "touch /tmp/taken; cat /tmp/taken",
    ])?;
    let mut spans = Vec::new();
    // The last line may be half written.
    for line in log.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let (head, body) = line.trim_end().split_once('\t').ok_or("a line of the collector has no body")?;
        if head != format!("/v1/traces {AUTHORIZATION}") {
            return Err(format!("the collector was asked for {head}").into());
        }
        let request = ExportTraceServiceRequest::decode(STANDARD.decode(body)?.as_slice())?;
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        spans.extend(scopes.flat_map(|scope| scope.spans));
    }
    Ok(spans)
}

/// An attribute of a span as text; empty if it has none of this name.
pub fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()).and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The names of a span and of those above it, the outermost first.
pub fn path(spans: &[Span], span: &Span) -> String {
    let parent = |span: &&Span| {
        let id = span.parent_span_id.clone();
        spans.iter().find(|other| other.span_id == id)
    };
    let mut names: Vec<&str> =
        std::iter::successors(Some(span), parent).map(|span| span.name.as_str()).collect();
    names.reverse();
    names.join(" > ")
}
