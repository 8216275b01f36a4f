//! The page: what `make web` has built, or how to build it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

use super::guard::Guard;

/// The built front end. It is no part of the repository: `cargo build` and `cargo test` need no Node, and a program that was
/// built without it says how to come by it. A debug build reads the folder when it is asked, a release has it inside.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Built;

/// Stands in the page for the token.
const TOKEN_PLACE: &str = "<meta name=\"csrf-token\" content=\"\"";

/// Stands in the page for which of its two faces is shown.
const FACE_PLACE: &str = "<meta name=\"face\" content=\"editor\"";

/// What the page shows: it is one page with two faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Editor,
    Dashboard,
}

impl Face {
    fn name(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Dashboard => "dashboard",
        }
    }
}

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<meta name=\"csrf-token\" content=\"\"><title>Crossfade</title>\
<h1>This program was built without its page</h1>\
<p>Build it with <code>make web</code> (it needs Node.js), then build the program again with <code>cargo build</code>. \
The API answers already: <code>crossfade editor --openapi</code> describes it.</p></html>";

/// `/`, with the token and the face in it.
pub(super) async fn page(State((guard, face)): State<(Arc<Guard>, Face)>) -> Response {
    let built = Built::get("index.html");
    let text = built.as_ref().map_or(NOT_BUILT.into(), |file| String::from_utf8_lossy(&file.data));
    let with_token = format!("<meta name=\"csrf-token\" content=\"{}\"", guard.token());
    let with_face = format!("<meta name=\"face\" content=\"{}\"", face.name());
    Html(text.replacen(TOKEN_PLACE, &with_token, 1).replacen(FACE_PLACE, &with_face, 1)).into_response()
}

/// A file of the page.
pub(super) async fn file(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    // Debug builds read from the disk: no part of the path may lead up.
    let is_plain = path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let Some(file) = Built::get(path).filter(|_| is_plain && path != "index.html") else {
        return (StatusCode::NOT_FOUND, "there is nothing here").into_response();
    };
    // Their names have a hash of what is in them.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = file.metadata.mimetype().to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache.to_owned())], file.data).into_response()
}
