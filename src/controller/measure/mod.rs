//! Takes measurements and calls webhooks, in the background: an answer that is slow holds neither a reconcile nor an
//! abort. What comes back is folded into the run or the calls by `release::gate` and stored; the watch of the
//! `ConfigMap` then begins the next reconcile.
//!
//! | file | what |
//! |---|---|
//! | `client` | HTTP with time limits, TLS, headers from Secrets |
//! | `prometheus`, `http`, `gateway` | a question to a reading |
//! | `webhook` | a body to an answer |
//! | `in_flight` | which questions were begun by this process |

pub(super) mod client;
mod gateway;
mod http;
mod in_flight;
mod prometheus;
mod webhook;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};

pub(super) use in_flight::InFlight;

use super::context::{Context, title};
use super::error::Error;
use super::seen::redacted;
use super::traces::span;
use crate::api::FrappeRelease;
use crate::api::names::MANAGER_OBJECTS;
use crate::api::webhook::Webhook;
use crate::manifest::gates;
use crate::release::gate::{Calls, Question, Reading, Run};
use client::Wire;

/// Where the answers of one release are asked from and stored.
#[derive(Clone)]
pub(super) struct Place {
    client: Client,
    namespace: String,
    release: String,
    uid: String,
    revision: u32,
}

impl Place {
    /// The place of a revision's release.
    pub(super) fn new(ctx: &Context, release: &FrappeRelease, revision: u32) -> Self {
        Self {
            client: ctx.client.clone(),
            namespace: release.namespace().unwrap_or_default(),
            release: release.name_any(),
            uid: release.uid().unwrap_or_default(),
            revision,
        }
    }

    fn wire(&self) -> Wire {
        Wire::new(self.client.clone(), &self.namespace)
    }

    /// Writes entries of the runs and calls of the revision, each by itself: what others write stays.
    pub(super) async fn store(&self, entries: &BTreeMap<String, Option<String>>) -> Result<(), Error> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let name = gates::name(&self.release, self.revision);
        let params =
            PatchParams { field_manager: Some(MANAGER_OBJECTS.to_owned()), ..PatchParams::default() };
        match api.patch(&name, &params, &Patch::Merge(&json!({"data": entries}))).await {
            Ok(_) => Ok(()),
            Err(source) => Err(Error::Write { what: title::<ConfigMap>(&(), &name), source }),
        }
    }
}

/// Takes a measurement, unless that very one was begun already.
pub(super) fn measure(ctx: &Context, place: Place, key: String, run: Run, question: Question) {
    let Some(ticket) = ctx.in_flight.begin(&place.uid, place.revision, &key, (run.began, run.asked + 1))
    else {
        return;
    };
    let span = span::beside(debug_span!(
        parent: None,
        "analysis",
        k8s.namespace.name = place.namespace,
        crossfade.release = place.release,
        crossfade.revision = place.revision,
        crossfade.analysis = run.analysis,
        crossfade.outcome = Empty
    ));
    let work = async move {
        let wire = place.wire();
        let (reading, hidden) = ask(&wire, &question).await;
        let reading = match reading {
            Reading::Broken(words) => Reading::Broken(redacted(&words, &hidden)),
            other @ (Reading::Value(_) | Reading::Ended(_) | Reading::Counters(_) | Reading::Nothing(_)) => {
                other
            }
        };
        let run = run.take(&question.analysis, reading, Timestamp::now());
        let last = run.measurements.last().map(|last| (last.outcome.name(), last.value.as_str()));
        Span::current().record("crossfade.outcome", last.map(|(outcome, _)| outcome));
        tracing::info!(
            release = place.release,
            trace_id = span::trace_id(),
            analysis = run.analysis,
            place = run.place,
            ?last,
            "measured"
        );
        ticket.end(place.store(&BTreeMap::from([(key, serde_json::to_string(&run).ok())])).await);
    };
    tokio::spawn(work.instrument(span));
}

/// Asks a question; the second part must not be shown.
async fn ask(wire: &Wire, question: &Question) -> (Reading, Vec<String>) {
    let analysis = &question.analysis;
    let timeout = std::time::Duration::from_secs(analysis.timeout().into());
    if let Some(prometheus) = &analysis.prometheus {
        return prometheus::ask(wire, prometheus, timeout).await;
    }
    if let Some(http) = &analysis.http {
        return http::ask(wire, http, timeout).await;
    }
    if let Some(gateway) = &analysis.gateway {
        return (gateway::ask(wire, gateway, question, timeout).await, Vec::new());
    }
    (Reading::Broken("the analysis has nothing that can be asked".to_owned()), Vec::new())
}

/// One call of a webhook.
pub(super) struct Call {
    /// Key of the calls.
    pub(super) key: String,
    /// The webhook.
    pub(super) hook: Webhook,
    /// The calls so far.
    pub(super) calls: Calls,
    /// What it is told.
    pub(super) body: Value,
}

/// Calls a webhook, unless that very call was begun already.
pub(super) fn call(ctx: &Context, place: Place, call: Call) {
    let Call { key, hook, calls, body } = call;
    let number = (Timestamp::UNIX_EPOCH, calls.calls + 1);
    let Some(ticket) = ctx.in_flight.begin(&place.uid, place.revision, &key, number) else { return };
    let span = webhook_span(&place, &hook);
    let work = async move {
        let answer = webhook::post(&place.wire(), &hook, &body).await;
        tracing::info!(
            release = place.release,
            trace_id = span::trace_id(),
            webhook = hook.name,
            point = hook.at.name(),
            ?answer,
            "called"
        );
        let calls = calls.take(answer, Timestamp::now());
        ticket.end(place.store(&BTreeMap::from([(key, serde_json::to_string(&calls).ok())])).await);
    };
    tokio::spawn(work.instrument(span));
}

/// Tells a webhook of an event, with its retries. Nothing waits for it and nothing is stored.
pub(super) fn tell(place: Place, hook: Webhook, body: Value) {
    let span = webhook_span(&place, &hook);
    tokio::spawn(async move { webhook::tell(&place.wire(), &hook, &body).await }.instrument(span));
}

fn webhook_span(place: &Place, hook: &Webhook) -> Span {
    span::beside(debug_span!(
        parent: None,
        "webhook",
        k8s.namespace.name = place.namespace,
        crossfade.release = place.release,
        crossfade.webhook = hook.name,
        crossfade.point = hook.at.name(),
        crossfade.outcome = Empty
    ))
}
