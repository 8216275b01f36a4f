//! The operator: watches every `FrappeRelease` and what belongs to it, and runs
//! `observe -> decide -> act -> status` for each.
//!
//! | file | step | client |
//! |---|---|---|
//! | `observe` | all that a decision may look at (`seen`, `job_log`, `secrets` read the parts) | reads |
//! | `crate::release::decide` | what to do now | none |
//! | `act` | does it, through `apply`; `adopted`: to Deployments of another tool | writes |
//! | `measure` | takes measurements and calls webhooks beside the reconciles | other servers |
//! | `status`, `event`, `finalizer` | tells | writes |
//! | `lease`, `server`, `metrics` (`figures_metrics`, `work_queue`) | the process around it | |
//! | `traces` | spans of all this, and the way to their collector | the collector |
//! | [`people`] | no step: what people do by the command line and the dashboard | their own |
//!
//! Nothing is remembered between two reconciles but waits, questions that were begun, and the progress lines of Jobs for
//! a few seconds.

mod act;
mod adopted;
mod apply;
mod context;
mod error;
mod event;
mod figures_metrics;
mod finalizer;
mod job_log;
mod lease;
mod measure;
mod metrics;
mod observe;
mod operator;
pub mod people;
mod secrets;
pub(crate) mod seen;
mod server;
mod status;
mod traces;
mod work_queue;

pub use operator::{OperatorError, Settings, run};
pub use traces::{Traces, TracesError};

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action as Next;
use kube::{Api, ResourceExt};
use tracing::{Span, debug_span};

use crate::api::FrappeRelease;
use crate::release::{Decision, Observed, decide, told};
use context::Context;
use error::Error;
use measure::Place;
use traces::span;

/// The resource as it is watched: one that cannot be read does not stop the watch of all others.
type Guarded = DeserializeGuard<FrappeRelease>;

/// Brings one release a step further.
async fn reconcile(guarded: Arc<Guarded>, ctx: Arc<Context>) -> Result<Next, Error> {
    let (started, release) = (Instant::now(), key(&guarded));
    ctx.metrics.queue.begun(&release);
    // On the heap: all that a reconcile holds while it waits would else be moved around with it.
    let result = span::within(span::reconcile(&guarded), Box::pin(step(&guarded, &ctx))).await;
    ctx.metrics.reconciled(started.elapsed());
    match result {
        Ok(next) => {
            ctx.backoff.succeeded(&release);
            ctx.metrics.queue.ended(&release, next.map(|wait| Instant::now() + wait));
            Ok(next.map_or_else(Next::await_change, Next::requeue))
        }
        Err(error) => {
            ctx.metrics.failed(error.label());
            Err(error)
        }
    }
}

/// When to try again after a failure: later for each failure of the same object.
#[expect(clippy::needless_pass_by_value, reason = "the signature is the runtime's")]
fn error_policy(guarded: Arc<Guarded>, error: &Error, ctx: Arc<Context>) -> Next {
    let release = key(&guarded);
    // The span of the reconcile has ended: this is the runtime's around it.
    span::failed(&Span::current(), error);
    let trace_id = span::trace_id();
    if let Error::Malformed(_) = error {
        tracing::warn!(
            release,
            trace_id,
            error = error.chain(),
            "waiting for the FrappeRelease to be corrected"
        );
        ctx.metrics.queue.ended(&release, None);
        return Next::await_change();
    }
    let wait = ctx.backoff.failed(&release);
    tracing::warn!(
        release,
        trace_id,
        error = error.chain(),
        seconds = wait.as_secs(),
        "failed, trying again"
    );
    ctx.metrics.queue.ended(&release, Some(Instant::now() + wait));
    Next::requeue(wait)
}

fn key(guarded: &Guarded) -> String {
    format!("{}/{}", guarded.namespace().unwrap_or_default(), guarded.name_any())
}

/// One look; gives the time until the next, or none if only a change asks for it.
async fn step(guarded: &Guarded, ctx: &Context) -> Result<Option<Duration>, Error> {
    // read (client): the watch's own copy may be older than what was written a moment ago
    let Some(release) = current(guarded, ctx).await? else {
        if let Ok(release) = &guarded.0 {
            ctx.metrics.forget(release);
            ctx.in_flight.forget(&release.uid().unwrap_or_default());
        }
        return Ok(None);
    };
    finalizer::ensure(ctx, &release).await?;

    // observe (client)
    let observing = Box::pin(observe::observe(ctx, release.clone()));
    let seen = match span::within(debug_span!("observe"), observing).await {
        Ok(seen) => seen,
        Err(error) => {
            tell_failure(ctx, &release, &error).await;
            return Err(error);
        }
    };
    // decide (no client)
    let deciding = debug_span!("decide");
    let decision = deciding.in_scope(|| decide(&seen, Timestamp::now()));
    span::decided(deciding, &seen, &decision);
    if decision.is_finalized {
        return let_go(ctx, &seen.release).await;
    }
    // act, then tell (client)
    let done = act_all(ctx, &seen, &decision).await;
    if let Err(error) = &done
        && seen.release.metadata.deletion_timestamp.is_some()
        && error.is_of_a_namespace_that_goes()
    {
        // No Job can take the release back any more, and the namespace waits for the finalizer alone.
        tracing::warn!(
            release = seen.release.name_any(),
            namespace = seen.release.namespace(),
            phase = decision.phase.name(),
            "the namespace is being deleted: the database is left as it is"
        );
        return let_go(ctx, &seen.release).await;
    }
    let telling = Box::pin(tell(ctx, &seen, &decision, done.as_ref().err()));
    span::within(debug_span!("tell"), telling).await?;
    done.map(|()| Some(decision.recheck))
}

/// The resource may go, and what is remembered of it goes too.
async fn let_go(ctx: &Context, release: &FrappeRelease) -> Result<Option<Duration>, Error> {
    finalizer::remove(ctx, release).await?;
    ctx.metrics.forget(release);
    ctx.in_flight.forget(&release.uid().unwrap_or_default());
    Ok(None)
}

async fn current(guarded: &Guarded, ctx: &Context) -> Result<Option<FrappeRelease>, Error> {
    let (namespace, name) = (guarded.namespace().unwrap_or_default(), guarded.name_any());
    let api: Api<Guarded> = Api::namespaced(ctx.client.clone(), &namespace);
    let found = api.get_opt(&name).await;
    let found = found.map_err(|source| Error::Read { what: format!("FrappeRelease '{name}'"), source })?;
    match found {
        None => Ok(None),
        Some(DeserializeGuard(Ok(release))) => Ok(Some(release)),
        Some(DeserializeGuard(Err(invalid))) => Err(Error::Malformed(invalid.error)),
    }
}

/// Does the actions in their order and stops at the first that fails: a later one may rest on an earlier.
async fn act_all(ctx: &Context, seen: &Observed, decision: &Decision) -> Result<(), Error> {
    for action in &decision.actions {
        tracing::debug!(release = seen.release.name_any(), phase = decision.phase.name(), ?action, "acting");
        match span::within(span::action(action), Box::pin(act::act(ctx, seen, action))).await {
            Err(error) if action.only_tells() => {
                tracing::warn!(release = seen.release.name_any(), error = error.chain(), "failed to tell");
            }
            done => done?,
        }
    }
    Ok(())
}

/// Writes the status, publishes the event, notes the metrics.
async fn tell(
    ctx: &Context,
    seen: &Observed,
    decision: &Decision,
    error: Option<&Error>,
) -> Result<(), Error> {
    let release = &seen.release;
    let before = release.status.as_ref().and_then(|status| status.phase);
    if before != Some(decision.phase) {
        tracing::info!(
            release = release.name_any(),
            namespace = release.namespace(),
            phase = decision.phase.name(),
            before = before.map(crate::api::Phase::name),
            "the phase changed"
        );
    }
    let status = match error {
        None => decision.status.clone(),
        Some(error) => {
            let generation = release.metadata.generation.unwrap_or_default();
            let mut known = decision.status.clone();
            // What is new in it is told below, once nothing fails.
            known.audit = release.status.as_ref().map(|status| status.audit.clone()).unwrap_or_default();
            status::failing(known, error, generation, Timestamp::now())
        }
    };
    let relay = seen.revisions.values().rev().find_map(|revision| revision.relay_figures.as_ref());
    ctx.metrics.set_release(release, &status, relay);
    status::write(ctx, release, &status).await?;
    if error.is_none() {
        for event in &decision.events {
            event::publish(ctx, release, event).await;
            for (hook, body) in told(seen, decision, event, Timestamp::now()) {
                measure::tell(Place::new(ctx, release, 0), hook, body);
            }
        }
    }
    Ok(())
}

/// Says in the status that a release cannot even be looked at. Failing in that as well changes nothing.
async fn tell_failure(ctx: &Context, release: &FrappeRelease, error: &Error) {
    let generation = release.metadata.generation.unwrap_or_default();
    let known = release.status.clone().unwrap_or_default();
    let status = status::failing(known, error, generation, Timestamp::now());
    if let Err(error) = status::write(ctx, release, &status).await {
        tracing::debug!(error = error.chain(), "failed to tell of a failure");
    }
}
