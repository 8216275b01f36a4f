//! Serving the editor: its routes, and what changes on disk.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::source::{SourceError, Stamps};

use super::editor::{Editor, Settings};
use super::page::Face;
use super::{listen, routes};

/// How often the files are looked at. No watch of the kernel's: there may be fewer of those than an app has folders, and none on
/// a network's file system.
const LOOK: Duration = Duration::from_secs(1);

/// What every handler gets.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) editor: Arc<Editor>,
    /// Turns true when the server ends: streams end with it.
    pub(super) ending: watch::Receiver<bool>,
}

/// Serves the editor until `stop` ends. `announce` gets the address to open, with its key, once the server listens.
///
/// # Errors
/// If the apps, what they are compared with or the database cannot be read, or the port cannot be had.
pub async fn serve(
    settings: Settings,
    port: u16,
    announce: impl FnOnce(&str),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let (editor, stamps) = Editor::open(settings).await?;
    let editor = Arc::new(editor);
    let looking = tokio::spawn(look(Arc::clone(&editor), stamps));
    let api = |ending| router(Server { editor, ending });
    let ended = listen::serve((Face::Editor, port), api, announce, stop).await;
    looking.abort();
    ended
}

fn router(server: Server) -> Router {
    Router::new()
        .route("/api/workspace", get(routes::workspace))
        .route("/api/doctypes/{name}", get(routes::doctype))
        .route("/api/verdict", post(routes::verdict))
        .route("/api/rename", post(routes::references))
        .route("/api/duplicates", post(routes::duplicates))
        .route("/api/save", post(routes::save))
        .route("/api/output/{kind}", post(routes::output))
        .route("/api/events", get(routes::events))
        .with_state(server)
}

/// Reads the apps again whenever a file of theirs changed.
async fn look(editor: Arc<Editor>, mut known: Stamps) {
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = String::new();
    loop {
        every.tick().await;
        let (editor, before) = (Arc::clone(&editor), known.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let now = editor.stamps()?;
            if now != before {
                editor.reload()?;
            }
            Ok::<_, SourceError>(now)
        });
        match looked.await {
            Ok(Ok(now)) => known = now,
            // A file that went while it was read is looked for again.
            Ok(Err(error)) => {
                let words = error.to_string();
                if words != said {
                    eprintln!("warning: {words}");
                    said = words;
                }
            }
            Err(_) => return,
        }
    }
}
