//! The dashboard: releases as they run, and what is said to them with the rights of the user's own kubeconfig.
//!
//! | file | what it does |
//! |---|---|
//! | `routes` | the API: a function a route |
//! | `watch` | what the API server tells of one release, and of all |
//! | `logs` | the logs of Jobs and relays, line by line |
//! | `told` | what a Job has told so far (no IO) |
//! | `seen` | what was seen of one release so far (no IO) |
//! | `view`, `standing`, `work`, `offer` | what was seen, as the page shows it (no IO) |
//!
//! Nothing is asked for again and again: each stream has watches of its own, which end with it.

mod logs;
mod offer;
pub(super) mod routes;
mod seen;
mod standing;
mod told;
mod view;
mod watch;
mod work;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use kube::{Api, Client};
use tokio::sync::watch::Receiver;

use super::listen;
use super::page::Face;
use crate::api::FrappeRelease;

/// Whose releases are shown, and whether anything can be said to them.
#[derive(Clone)]
pub struct Settings {
    /// A client with the rights of the user.
    pub client: Client,
    /// The namespace to show; none for all.
    pub namespace: Option<String>,
    /// Only show.
    pub read_only: bool,
}

/// What every handler gets.
#[derive(Clone)]
pub(super) struct Server {
    settings: Arc<Settings>,
    /// Turns true when the server ends: streams end with it.
    ending: Receiver<bool>,
}

impl Server {
    /// The releases of a namespace.
    fn releases(&self, namespace: &str) -> Api<FrappeRelease> {
        Api::namespaced(self.settings.client.clone(), namespace)
    }
}

/// Serves the dashboard until `stop` ends. `announce` gets the address to open, with its key, once the server listens.
///
/// # Errors
/// If the port cannot be had.
pub async fn serve(
    settings: Settings,
    port: u16,
    announce: impl FnOnce(&str),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let api = |ending| router(Server { settings: Arc::new(settings), ending });
    listen::serve((Face::Dashboard, port), api, announce, stop).await
}

fn router(server: Server) -> Router {
    Router::new()
        .route("/api/releases/events", get(routes::releases))
        .route("/api/releases/{namespace}/{name}/events", get(routes::release))
        .route("/api/releases/{namespace}/{name}/plan", get(routes::plan))
        .route("/api/releases/{namespace}/{name}/say", post(routes::say))
        .with_state(server)
}
