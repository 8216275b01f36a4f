//! The spans of a reconcile. Those that the log does not need are of level DEBUG: with tracing off nothing makes them.
//!
//! What stands in no log line goes to the trace alone, by `set_attribute`.

use std::future::Future;

use hyper::Method;
use hyper::header::HeaderMap;
use kube::ResourceExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::controller::Guarded;
use crate::controller::error::Error;
use crate::release::{Action, Decision, Observed};

/// Does a part of a reconcile in its span, whose status is its result.
pub(in crate::controller) async fn within<T>(
    span: Span,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let result = work.instrument(span.clone()).await;
    if let Err(error) = &result {
        failed(&span, error);
    }
    result
}

/// Notes a failure on a span, in the words of the log.
pub(in crate::controller) fn failed(span: &Span, error: &Error) {
    span.set_attribute("error.type", error.label());
    span.set_status(Status::error(error.chain()));
}

/// The id of the trace that is made at the moment, for the log.
pub(in crate::controller) fn trace_id() -> Option<String> {
    let context = Span::current().context();
    let trace = context.span().span_context().clone();
    trace.is_sampled().then(|| trace.trace_id().to_string())
}

/// The span around a whole reconcile, which says the trace's id in every line of the log. There is none while no trace is
/// made.
pub(in crate::controller) fn reconcile(guarded: &Guarded) -> Span {
    let Some(trace_id) = trace_id() else { return Span::none() };
    let span = info_span!("reconcile", trace_id);
    span.set_attribute("k8s.namespace.name", guarded.namespace().unwrap_or_default());
    span.set_attribute("crossfade.release", guarded.name_any());
    span
}

/// Says what was decided, on the span of the decision and on that of the reconcile.
pub(in crate::controller) fn decided(span: Span, seen: &Observed, decision: &Decision) {
    let revision = seen.revisions.keys().next_back().copied();
    for span in [span, Span::current()] {
        span.set_attribute("crossfade.phase", decision.phase.name());
        if let Some(revision) = revision {
            span.set_attribute("crossfade.revision", i64::from(revision));
        }
    }
}

/// The span of an action.
pub(in crate::controller) fn action(action: &Action) -> Span {
    let span =
        debug_span!("act", otel.name = format!("act {}", action.name()), crossfade.action = action.name());
    if let Action::Job { step, site, .. } | Action::DeleteJob { step, site, .. } = action {
        span.set_attribute("crossfade.step", step.name());
        if let Some(site) = site {
            span.set_attribute("crossfade.site", site.clone());
        }
    }
    span
}

/// The span of what goes on beside a reconcile: of its trace, though its parent may end first.
pub(in crate::controller) fn beside(span: Span) -> Span {
    // Fails where no traces are made.
    let _ = span.set_parent(Span::current().context());
    span
}

/// The span of a request to another server. Its address is not in it: it may hold a token.
pub(in crate::controller) fn request(method: &Method) -> Span {
    debug_span!(
        "HTTP",
        otel.name = method.as_str(),
        otel.kind = "client",
        http.request.method = method.as_str(),
        http.response.status_code = Empty
    )
}

/// What became of a request.
pub(in crate::controller) fn answered(span: &Span, status: Result<u16, &String>) {
    match status {
        Ok(status) => {
            span.record("http.response.status_code", status);
            if status >= 400 {
                span.set_status(Status::error(""));
            }
        }
        Err(why) => span.set_status(Status::error(why.clone())),
    }
}

/// Lets the server that is asked go on with the trace.
pub(in crate::controller) fn propagate(headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut HeaderInjector(headers));
}
