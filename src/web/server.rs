//! Serving: the socket on loopback, the routes, what changes on disk, and an end that waits for nobody.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::source::{SourceError, Stamps};

use super::editor::{Editor, Settings};
use super::guard::Guard;
use super::{guard, page, routes};

/// Bytes of one request: ten thousand fields with all that can be said of them.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// How often the files are looked at. No watch of the kernel's: there may be fewer of those than an app has folders, and none on
/// a network's file system.
const LOOK: Duration = Duration::from_secs(1);

/// What every handler gets.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) editor: Arc<Editor>,
    pub(super) guard: Arc<Guard>,
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
    let failed =
        |error: std::io::Error| format!("failed to listen on port {port} of 127.0.0.1: {error} (--port)");
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(failed)?;
    let guard = Arc::new(Guard::new(listener.local_addr().map_err(failed)?));
    let (end, ending) = watch::channel(false);
    let server = Server { editor: Arc::clone(&editor), guard: Arc::clone(&guard), ending };
    let looking = tokio::spawn(look(Arc::clone(&editor), stamps));
    announce(&guard.invitation());
    let stopped = async move {
        stop.await;
        // There may be no stream to hear it.
        let _ = end.send(true);
    };
    let ended = axum::serve(listener, router(server)).with_graceful_shutdown(stopped).await;
    looking.abort();
    ended.map_err(|error| format!("failed to serve the editor: {error}"))
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
        .route("/", get(page::page))
        .fallback(get(page::file))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(server.clone(), guard::watch))
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
