//! temporary
use utoipa;
use super::api::*;

/// The apps, their DocTypes and what they are compared with.
#[utoipa::path(get, path = "/api/workspace", responses((status = 200, body = Workspace)))]
pub async fn workspace() {}
/// One DocType's file as it is on disk.
#[utoipa::path(get, path = "/api/doctypes/{name}", params(("name" = String, Path, description = "Name of the DocType")), responses((status = 200, body = DocTypeFile), (status = 404, description = "No file has it; the reason as text", body = String)))]
pub async fn doctype() {}
/// What the drafts would do to a live site.
#[utoipa::path(post, path = "/api/verdict", request_body = Drafts, responses((status = 200, body = Verdict), (status = 400, description = "The drafts cannot be read; the reason as text", body = String)))]
pub async fn verdict() {}
/// Everything that names a field or a DocType which is about to be renamed.
#[utoipa::path(post, path = "/api/rename", request_body = RenameQuestion, responses((status = 200, body = Vec<Reference>)))]
pub async fn references() {}
/// Values that a unique index would refuse; needs a database.
#[utoipa::path(post, path = "/api/duplicates", request_body = DuplicatesQuestion, responses((status = 200, body = Duplicates), (status = 404, description = "There is no database, or no such column; the reason as text", body = String)))]
pub async fn duplicates() {}
/// Writes the drafts to their files, all or none.
#[utoipa::path(post, path = "/api/save", request_body = Drafts, responses((status = 200, body = Saved), (status = 409, description = "A file changed on disk since it was read: nothing is written", body = Conflict), (status = 422, description = "Frappe would refuse it; the reasons as text", body = String)))]
pub async fn save() {}
/// The plan of the drafts as text.
#[utoipa::path(post, path = "/api/output/{kind}", params(("kind" = OutputKind, Path, description = "Which text"), OutputQuery), request_body = Drafts, responses((status = 200, body = String, content_type = "text/plain"), (status = 422, description = "No plan can be made; the reason as text", body = String)))]
pub async fn output() {}
/// A stream of events: `changed` with the name of a DocType whose file changed on disk, empty if it is another file.
#[utoipa::path(get, path = "/api/events", responses((status = 200, body = String, content_type = "text/event-stream")))]
pub async fn events() {}
