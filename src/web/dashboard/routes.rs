//! The API of the dashboard: a function a route.

use std::convert::Infallible;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde::Serialize;
use tokio::sync::watch::Receiver;

use super::Server;
use super::view::view;
use super::watch::{Watching, WatchingAll};
use crate::controller::people::{self, PersonError};
use crate::release::saying::offers;
use crate::web::api::{Release, Releases, Said, Say, SitePlan};
use crate::web::routes::{Refusal, read};
use crate::web::verdict;

/// A stream of events: `releases` with all of them as JSON, whenever one of them changed.
#[utoipa::path(
    get, path = "/api/releases/events",
    responses((status = 200, body = Releases, content_type = "text/event-stream"))
)]
pub(in crate::web) async fn releases(
    State(server): State<Server>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let settings = &server.settings;
    let watching = WatchingAll::new(&settings.client, settings.namespace.clone(), settings.read_only);
    let stream =
        futures::stream::unfold((watching, server.ending), |(mut watching, mut ending)| async move {
            let list = tokio::select! {
                () = ended(&mut ending) => return None,
                list = watching.next() => list?,
            };
            Some((Ok(event("releases", &list)), (watching, ending)))
        });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// A stream of events: `release` with all of it as JSON, whenever something of it changed; `gone` with the reason as text if there is
/// none of this name, or it cannot be seen.
#[utoipa::path(
    get, path = "/api/releases/{namespace}/{name}/events",
    params(
        ("namespace" = String, Path, description = "Its namespace"),
        ("name" = String, Path, description = "Its name")
    ),
    responses((status = 200, body = Release, content_type = "text/event-stream"))
)]
pub(in crate::web) async fn release(
    State(server): State<Server>,
    Path((namespace, name)): Path<(String, String)>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let read_only = server.settings.read_only;
    let watching = Watching::new(&server.settings.client, &namespace, &name);
    let state = (
        watching,
        server.ending,
        format!("there is no FrappeRelease '{name}' in the namespace '{namespace}'"),
    );
    let stream = futures::stream::unfold(state, move |(mut watching, mut ending, none)| async move {
        let seen = tokio::select! {
            () = ended(&mut ending) => return None,
            seen = watching.next() => seen?,
        };
        let event = match view(&seen, read_only) {
            Some(release) => event("release", &release),
            None => event("gone", seen.problems.first().unwrap_or(&none)),
        };
        Some((Ok(event), (watching, ending, none)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// The plans that the operator has stored for a release, one a site.
#[utoipa::path(
    get, path = "/api/releases/{namespace}/{name}/plan",
    params(
        ("namespace" = String, Path, description = "Its namespace"),
        ("name" = String, Path, description = "Its name")
    ),
    responses(
        (status = 200, body = Vec<SitePlan>),
        (status = 403, description = "The user may not read it; who may not do what as text", body = String),
        (status = 404, description = "There is no such release, or no plan yet; the reason as text", body = String),
        (status = 502, description = "The API server cannot be asked; the reason as text", body = String)
    )
)]
pub(in crate::web) async fn plan(
    State(server): State<Server>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Json<Vec<SitePlan>>, Refusal> {
    let release =
        people::release(&server.releases(&namespace), &name).await.map_err(|error| refusal(&error))?;
    let revision = people::current_revision(&release).map_err(|error| refusal(&error))?;
    let maps: Api<ConfigMap> = Api::namespaced(server.settings.client.clone(), &namespace);
    let plans = people::plans(&maps, &name, revision).await.map_err(|error| refusal(&error))?;
    Ok(Json(plans.iter().map(verdict::stored).collect()))
}

/// Says something to a release, with the rights of the user who started the dashboard.
#[utoipa::path(
    post, path = "/api/releases/{namespace}/{name}/say", request_body = Say,
    params(
        ("namespace" = String, Path, description = "Its namespace"),
        ("name" = String, Path, description = "Its name")
    ),
    responses(
        (status = 200, body = Said),
        (status = 403, description = "The dashboard is read-only, or the user may not; who may not do what as text", body = String),
        (status = 404, description = "There is no such release; the reason as text", body = String),
        (status = 409, description = "It cannot be said as the release stands now; the reason as text", body = String),
        (status = 502, description = "The API server cannot be asked; the reason as text", body = String)
    )
)]
pub(in crate::web) async fn say(
    State(server): State<Server>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Said>, Refusal> {
    if server.settings.read_only {
        let words = "this dashboard was started with --read-only: it says nothing to releases";
        return Err((StatusCode::FORBIDDEN, words.to_owned()));
    }
    let Say { command, mark } = read(&headers, &body)?;
    let api = server.releases(&namespace);
    let release = people::release(&api, &name).await.map_err(|error| refusal(&error))?;
    let not_now = |words: String| (StatusCode::CONFLICT, words);
    let offer = offers(&release).into_iter().find(|offer| offer.word.to_string() == command);
    let offer = offer.ok_or_else(|| not_now(format!("'{command}' is nothing that this release asks for")))?;
    offer.saying.map_err(&not_now)?;
    if offer.mark != mark {
        let words = "the release changed since the page showed it: look again, then decide";
        return Err(not_now(words.to_owned()));
    }
    let (said, fields) = offer.word.to(&release, Timestamp::now()).map_err(&not_now)?;
    people::say(&api, &name, &fields).await.map_err(|error| refusal(&error))?;
    Ok(Json(Said { words: format!("FrappeRelease '{name}' {said}") }))
}

async fn ended(ending: &mut Receiver<bool>) {
    // The server that is gone has ended too.
    let _ = ending.wait_for(|ending| *ending).await;
}

fn event(name: &str, document: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    // JSON has no line break outside of its strings, and none in them.
    event.json_data(document).unwrap_or_else(|error| Event::default().event("gone").data(error.to_string()))
}

fn refusal(error: &PersonError) -> Refusal {
    let status = match error {
        PersonError::Forbidden { .. } => StatusCode::FORBIDDEN,
        PersonError::NoRelease(_) | PersonError::NotBegun => StatusCode::NOT_FOUND,
        PersonError::Failed { .. } | PersonError::Plan(_) => StatusCode::BAD_GATEWAY,
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    (status, format!("{error}{cause}"))
}
