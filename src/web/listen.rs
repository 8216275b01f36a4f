//! Listening: the socket on loopback, the guard before everything, the page, and an end that waits for nobody.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::guard::{self, Guard};
use super::page::{self, Face};

/// Bytes of one request: ten thousand fields with all that can be said of them.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Serves a face of the page and its API until `stop` ends; streams of the API end when what `api` gets turns true. `announce` gets
/// the address to open, with its key, once the server listens.
pub(super) async fn serve(
    (face, port): (Face, u16),
    api: impl FnOnce(watch::Receiver<bool>) -> Router,
    announce: impl FnOnce(&str),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let failed =
        |error: std::io::Error| format!("failed to listen on port {port} of 127.0.0.1: {error} (--port)");
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(failed)?;
    let guard = Arc::new(Guard::new(listener.local_addr().map_err(failed)?));
    let (end, ending) = watch::channel(false);
    let page = Router::new()
        .route("/", get(page::page))
        .fallback(get(page::file))
        .with_state((Arc::clone(&guard), face));
    let all = api(ending)
        .merge(page)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&guard), guard::watch));
    announce(&guard.invitation());
    let stopped = async move {
        stop.await;
        // There may be no stream to hear it.
        let _ = end.send(true);
    };
    let ended = axum::serve(listener, all).with_graceful_shutdown(stopped).await;
    ended.map_err(|error| format!("failed to serve the page: {error}"))
}
