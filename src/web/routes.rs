//! The API: a function a route.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::de::DeserializeOwned;
use tokio::sync::broadcast::error::RecvError;

use super::api::{
    Conflict, DocTypeFile, Drafts, Duplicates, DuplicatesQuestion, OutputKind, OutputQuery, Reference,
    RenameQuestion, Saved, Verdict, Workspace,
};
use super::save::{Outcome, SaveError};
use super::server::Server;
use super::{answer, output as texts, save as saving, verdict as verdicts};

/// What went wrong, as a status and a sentence.
pub(super) type Refusal = (StatusCode, String);

/// The apps, their DocTypes and what they are compared with.
#[utoipa::path(get, path = "/api/workspace", responses((status = 200, body = Workspace)))]
pub(super) async fn workspace(State(server): State<Server>) -> Json<Workspace> {
    Json(answer::workspace(&server.editor))
}

/// One DocType's file as it is on disk.
#[utoipa::path(
    get, path = "/api/doctypes/{name}",
    params(("name" = String, Path, description = "Name of the DocType")),
    responses(
        (status = 200, body = DocTypeFile),
        (status = 404, description = "No file has it; the reason as text", body = String)
    )
)]
pub(super) async fn doctype(
    State(server): State<Server>,
    Path(name): Path<String>,
) -> Result<Json<DocTypeFile>, Refusal> {
    let found = answer::doctype(&server.editor, &name);
    found
        .map(Json)
        .ok_or_else(|| (StatusCode::NOT_FOUND, format!("no file of these apps has the DocType {name:?}")))
}

/// What the drafts would do to a live site.
#[utoipa::path(
    post, path = "/api/verdict", request_body = Drafts,
    responses(
        (status = 200, body = Verdict),
        (status = 400, description = "The drafts cannot be read; the reason as text", body = String)
    )
)]
pub(super) async fn verdict(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Verdict>, Refusal> {
    let planned = server.editor.plan(read(&headers, &body)?).await.map_err(failed)?;
    Ok(Json(verdicts::verdict(&planned, &server.editor.blue.snapshot)))
}

/// Everything that names a field or a DocType which is about to be renamed.
#[utoipa::path(post, path = "/api/rename", request_body = RenameQuestion, responses((status = 200, body = Vec<Reference>)))]
pub(super) async fn references(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Vec<Reference>>, Refusal> {
    let question: RenameQuestion = read(&headers, &body)?;
    Ok(Json(answer::references(&server.editor, &question)))
}

/// Values that a unique index would refuse; needs a database.
#[utoipa::path(
    post, path = "/api/duplicates", request_body = DuplicatesQuestion,
    responses(
        (status = 200, body = Duplicates),
        (status = 404, description = "There is no database, or no such column; the reason as text", body = String)
    )
)]
pub(super) async fn duplicates(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Duplicates>, Refusal> {
    let question: DuplicatesQuestion = read(&headers, &body)?;
    let Some(question) = answer::duplicates_question(&server.editor, &question) else {
        let words =
            "no live site has this column: start the editor with --database, or save after the release";
        return Err((StatusCode::NOT_FOUND, words.to_owned()));
    };
    let found = server.editor.ask(question).await.map_err(failed)?;
    let found = found.ok_or_else(|| (StatusCode::NOT_FOUND, "there is no database".to_owned()))?;
    Ok(Json(answer::duplicates(found)))
}

/// Writes the drafts to their files, all or none.
#[utoipa::path(
    post, path = "/api/save", request_body = Drafts,
    responses(
        (status = 200, body = Saved),
        (status = 409, description = "A file changed on disk since it was read: nothing is written", body = Conflict),
        (status = 422, description = "Frappe would refuse it; the reasons as text", body = String)
    )
)]
pub(super) async fn save(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let drafts: Drafts = read(&headers, &body)?;
    let _one = server.editor.saving.lock().await;
    let editor = Arc::clone(&server.editor);
    let saved = tokio::task::spawn_blocking(move || saving::save(&editor, &drafts)).await.map_err(failed)?;
    match saved {
        Ok(Outcome::Saved(saved)) => Ok(Json(saved).into_response()),
        Ok(Outcome::Conflict(conflict)) => Ok((StatusCode::CONFLICT, Json(conflict)).into_response()),
        Err(error @ SaveError::Refused(_)) => Err((StatusCode::UNPROCESSABLE_ENTITY, error.to_string())),
        Err(error @ (SaveError::Read(_) | SaveError::Write(_))) => Err(failed(error)),
    }
}

/// The plan of the drafts as text.
#[utoipa::path(
    post, path = "/api/output/{kind}",
    params(("kind" = OutputKind, Path, description = "Which text"), OutputQuery), request_body = Drafts,
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 422, description = "No plan can be made; the reason as text", body = String)
    )
)]
pub(super) async fn output(
    State(server): State<Server>,
    Path(kind): Path<OutputKind>,
    Query(query): Query<OutputQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<String, Refusal> {
    let drafts: Drafts = read(&headers, &body)?;
    let accepted = drafts.accepted_patches.clone();
    let planned = server.editor.plan(drafts).await.map_err(failed)?;
    let plan = planned.plan.map_err(|error| (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    texts::text(&plan, planned.site.as_deref(), (kind, query.part), accepted).map_err(failed)
}

/// A stream of events: `changed` with the name of a DocType whose file changed on disk, empty if it is another file.
#[utoipa::path(get, path = "/api/events", responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(super) async fn events(
    State(server): State<Server>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let state = (server.editor.events.subscribe(), server.ending.clone());
    let stream = futures::stream::unfold(state, |(mut changes, mut ending)| async move {
        let name = tokio::select! {
            _ = ending.wait_for(|ending| *ending) => return None,
            change = changes.recv() => match change {
                // A name of a DocType may hold what ends a line of the stream: then the page looks at everything.
                Ok(name) if !name.contains(['\n', '\r']) => name,
                Ok(_) | Err(RecvError::Lagged(_)) => String::new(),
                Err(RecvError::Closed) => return None,
            },
        };
        Some((Ok(Event::default().event("changed").data(name)), (changes, ending)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// Reads a body. It must say that it is JSON: a form of another site cannot.
pub(super) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next() != Some("application/json") {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json".to_owned()));
    }
    serde_json::from_slice(body)
        .map_err(|error| (StatusCode::BAD_REQUEST, format!("failed to read the body: {error}")))
}

fn failed(error: impl std::error::Error) -> Refusal {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
