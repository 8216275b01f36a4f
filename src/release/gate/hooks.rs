//! The webhooks of a release: which are called now, and whether they hold it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::calls::{Calls, Next};
use super::kept::calls_key;
use super::template;
use crate::api::names::reason;
use crate::api::webhook::{BodyFormat, HookPoint, Webhook};
use crate::api::{FrappeRelease, Phase, Template};
use crate::release::phase::{Going, Outcome};
use crate::release::{Action, Event, Observed, Revision};

/// Holds the release until every webhook of a point has agreed; `None` when they have, or there is none.
///
/// `detail` parts the occasions of a point that has several: each is told once.
pub(super) fn hold(going: &Going<'_>, at: HookPoint, phase: Phase, detail: &str) -> Option<Outcome> {
    let mut actions = Vec::new();
    let mut waiting = Vec::new();
    let mut recheck = Duration::from_secs(5);
    for hook in of(&going.seen.release, at) {
        let key = calls_key(at, &hook.name, detail);
        let calls = going.green.gates.calls.get(&key).cloned().unwrap_or_else(|| Calls::new(&hook.name));
        let about = format!("webhook '{}' ({})", hook.name, at.name());
        match calls.next(hook, going.now) {
            Next::Agreed => continue,
            Next::GivenUp => {
                let because = format!("{about} failed {} times: {}", calls.calls, calls.answer);
                return Some(Outcome::RollBack { because });
            }
            Next::Call => {
                actions.push(call(going.seen, (going.number, going.green), (hook, key), &calls, phase));
            }
            Next::Wait(seconds) => recheck = recheck.min(Duration::from_secs(seconds)),
        }
        waiting.push(match calls.began {
            Some(began) => format!("{about} holds since {began}: {}", calls.answer),
            None => format!("calling {about}"),
        });
    }
    (!waiting.is_empty()).then(|| Outcome::Stay { actions, because: waiting.join("; "), recheck })
}

/// The calls that a point whose answer changes nothing still wants. Only with `is_now` are webhooks called that
/// were not yet: later, a webhook that was added to the spec has nothing to be told.
pub(in crate::release) fn pending(
    seen: &Observed,
    (number, revision): (u32, &Revision),
    (at, phase): (HookPoint, Phase),
    is_now: bool,
    now: Timestamp,
) -> Vec<Action> {
    let mut actions = Vec::new();
    for hook in of(&seen.release, at) {
        let key = calls_key(at, &hook.name, "");
        let calls = revision.gates.calls.get(&key);
        let is_known = is_now || calls.is_some();
        let calls = calls.cloned().unwrap_or_else(|| Calls::new(&hook.name));
        if is_known && calls.next(hook, now) == Next::Call {
            actions.push(call(seen, (number, revision), (hook, key), &calls, phase));
        }
    }
    actions
}

/// Writes down that the webhooks of a point are to be called, before the state that calls for them is gone.
pub(super) fn remember(going: &Going<'_>, at: HookPoint) -> Option<Action> {
    let entries: BTreeMap<String, Option<String>> = of(&going.seen.release, at)
        .map(|hook| (calls_key(at, &hook.name, ""), Calls::new(&hook.name)))
        .filter(|(key, _)| !going.green.gates.calls.contains_key(key))
        .map(|(key, calls)| (key, serde_json::to_string(&calls).ok()))
        .collect();
    (!entries.is_empty()).then_some(Action::Gate { revision: going.number, entries })
}

fn of(release: &FrappeRelease, at: HookPoint) -> impl Iterator<Item = &Webhook> {
    release.spec.webhooks.iter().filter(move |hook| hook.at == at)
}

fn call(
    seen: &Observed,
    (number, revision): (u32, &Revision),
    (hook, key): (&Webhook, String),
    calls: &Calls,
    phase: Phase,
) -> Action {
    let body = body(&seen.release, (number, &revision.record.template), hook, phase, None);
    Action::Call { revision: number, key, hook: Box::new(hook.clone()), calls: calls.clone(), body }
}

/// What a webhook is told of its point, or of an event. A template that fails is told of in the body that there is without
/// one: whoever waits for it learns of the release all the same.
fn body(
    release: &FrappeRelease,
    (number, template): (u32, &Template),
    hook: &Webhook,
    phase: Phase,
    event: Option<(&Event, Timestamp)>,
) -> Value {
    let sentence = sentence(release, number, hook, phase, event.map(|(event, _)| event));
    let facts = facts(release, (number, template), hook, phase, event);
    let wrong = match by_template(hook, &facts, &sentence) {
        None => None,
        Some(Ok(body)) => return body,
        Some(Err(wrong)) => Some(wrong),
    };
    let mut body = match hook.format {
        BodyFormat::Slack => json!({"text": template::plain(&sentence)}),
        BodyFormat::Flagger | BodyFormat::Template => facts,
    };
    if let Some(wrong) = wrong {
        body["templateError"] = Value::String(wrong);
    }
    body
}

/// The body that the webhook's template gives; `None` if it has none.
fn by_template(hook: &Webhook, facts: &Value, sentence: &str) -> Option<Result<Value, String>> {
    let mut facts = facts.clone();
    facts["text"] = Value::String(sentence.to_owned());
    Some(template::body(hook.format, hook.template.as_ref()?, &facts))
}

/// The first template that cannot be used, and what is wrong with it.
pub(in crate::release) fn wrong_template(
    release: &FrappeRelease,
    number: u32,
    revision: &Revision,
    now: Timestamp,
) -> Option<String> {
    let event = Event { reason: reason::PHASE, note: "Planning".to_owned(), is_warning: false };
    release.spec.webhooks.iter().find_map(|hook| {
        let event = (hook.at == HookPoint::Event).then_some((&event, now));
        let facts = facts(release, (number, &revision.record.template), hook, Phase::Planning, event);
        let sentence = sentence(release, number, hook, Phase::Planning, event.map(|(event, _)| event));
        let wrong = by_template(hook, &facts, &sentence)?.err()?;
        Some(format!("the template of webhook '{}' in spec.webhooks cannot be used: {wrong}", hook.name))
    })
}

/// Flagger's payload, the number of the revision and the point.
fn facts(
    release: &FrappeRelease,
    (number, template): (u32, &Template),
    hook: &Webhook,
    phase: Phase,
    event: Option<(&Event, Timestamp)>,
) -> Value {
    let mut metadata = event.map_or_else(BTreeMap::new, |(event, now)| {
        let kind = if event.is_warning { "Warning" } else { "Normal" };
        BTreeMap::from([
            ("eventMessage".to_owned(), event.note.clone()),
            ("eventType".to_owned(), kind.to_owned()),
            ("eventReason".to_owned(), event.reason.to_owned()),
            ("timestamp".to_owned(), now.as_millisecond().to_string()),
        ])
    });
    for (key, value) in &hook.metadata {
        metadata.entry(key.clone()).or_insert_with(|| value.clone());
    }
    json!({
        "name": release.metadata.name,
        "namespace": release.metadata.namespace,
        "phase": phase.name(),
        "checksum": checksum(template),
        "revision": number,
        "point": hook.at.name(),
        "metadata": metadata,
    })
}

/// A line for people, with the webhook's own metadata behind it.
fn sentence(
    release: &FrappeRelease,
    number: u32,
    hook: &Webhook,
    phase: Phase,
    event: Option<&Event>,
) -> String {
    let of = release.metadata.namespace.as_deref().unwrap_or_default();
    let name = release.metadata.name.as_deref().unwrap_or_default();
    let sign = if event.is_some_and(|event| event.is_warning) { ":warning: " } else { "" };
    let what = event.map_or_else(
        || format!("revision {number} is at {} ({})", hook.at.name(), phase.name()),
        |event| format!("{}: {}", event.reason, event.note),
    );
    let mut words = vec![what];
    words.extend(hook.metadata.iter().map(|(key, value)| format!("{key}={value}")));
    format!("{sign}*{of}/{name}* {}", words.join(" "))
}

/// A hash of all that a revision runs: the same as long as the same is released.
fn checksum(template: &Template) -> String {
    let text = serde_json::to_string(template).unwrap_or_default();
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

/// The webhooks that are told of an event, each with the body it gets.
pub(in crate::release) fn of_event(
    seen: &Observed,
    (number, phase): (u32, Phase),
    event: &Event,
    now: Timestamp,
) -> Vec<(Webhook, Value)> {
    let template = seen.revisions.get(&number).map(|revision| &revision.record.template);
    let wanted = seen.release.spec.template();
    let template = template.unwrap_or(&wanted);
    of(&seen.release, HookPoint::Event)
        .map(|hook| {
            let body = body(&seen.release, (number, template), hook, phase, Some((event, now)));
            (hook.clone(), body)
        })
        .collect()
}
