//! The process around the reconciles: leader election, watches, the HTTP server, the way down.

use std::fmt::Debug;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use gateway_api::httproutes::HttpRoute;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::ListParams;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{Controller, controller, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tokio::sync::watch;

use super::context::Context;
use super::lease::Contender;
use super::metrics::Metrics;
use super::server::{self, Pages};
use super::{Guarded, error_policy, key, reconcile};
use crate::api::FrappeRelease;
use crate::api::names::{LABEL_MANAGED_BY, LABEL_RELEASE, MANAGED_BY};

/// Name of the Lease that the acting replica holds.
const LEASE: &str = "crossfade";
/// Releases that are looked at in the same moment.
const CONCURRENCY: u16 = 16;
/// Time between two tries to reach the API server at the start.
const START_PERIOD: Duration = Duration::from_secs(2);

/// How the operator runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespaces it looks at; none for all.
    pub namespaces: Vec<String>,
    /// Image of its Jobs and init containers.
    pub image: String,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub listen: SocketAddr,
    /// Whether only the replica that holds the Lease acts.
    pub is_leader_elected: bool,
}

impl Settings {
    /// What it watches: `None` stands for all namespaces at once.
    fn places(&self) -> Vec<Option<&str>> {
        if self.namespaces.is_empty() {
            return vec![None];
        }
        self.namespaces.iter().map(|namespace| Some(namespace.as_str())).collect()
    }
}

/// Why the operator stopped.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No cluster is configured.
    #[error("failed to find a cluster: run in a Pod with a service account, or set KUBECONFIG")]
    Client(#[source] kube::Error),
    /// The HTTP server cannot listen.
    #[error("failed to serve on {0}")]
    Serve(SocketAddr, #[source] std::io::Error),
    /// Signals cannot be received.
    #[error("failed to wait for signals")]
    Signal(#[source] std::io::Error),
    /// Another replica has the lease: to go on would let two act.
    #[error("lost the lease '{LEASE}': stopping, so that no two replicas act")]
    LostLease,
}

/// Runs the operator until it is told to stop (SIGTERM, ctrl-c) or loses the lease.
pub async fn run(settings: Settings) -> Result<(), OperatorError> {
    let client = Client::try_default().await.map_err(OperatorError::Client)?;
    let stop = stop_signal()?;
    let ctx = Arc::new(Context::new(client.clone(), settings.image.clone(), Metrics::default()));
    let pages = Pages { ctx: ctx.clone(), is_ready: Arc::new(AtomicBool::new(false)) };
    let is_ready = pages.is_ready.clone();

    let serving = async {
        match server::serve(settings.listen, pages, told(stop.clone())).await {
            Err(error) => OperatorError::Serve(settings.listen, error),
            // It ended because of the signal: the reconciles that run are still waited for.
            Ok(()) => std::future::pending().await,
        }
    };
    let acting = async {
        if !until(told(stop.clone()), reach(&client, &settings, &is_ready)).await {
            return Ok(());
        }
        if settings.is_leader_elected {
            act_as_leader(&ctx, &settings, stop.clone()).await
        } else {
            ctx.metrics.set_leader(true);
            watch_each(&ctx, &settings, stop.clone()).await;
            Ok(())
        }
    };
    tokio::select! {
        result = acting => result,
        error = serving => Err(error),
    }
}

async fn act_as_leader(
    ctx: &Arc<Context>,
    settings: &Settings,
    stop: watch::Receiver<bool>,
) -> Result<(), OperatorError> {
    let mut contender = Contender::new(ctx.client.clone(), LEASE);
    if !until(told(stop.clone()), contender.acquire()).await {
        return Ok(());
    }
    ctx.metrics.set_leader(true);
    let result = tokio::select! {
        () = watch_each(ctx, settings, stop) => Ok(()),
        () = contender.keep() => Err(OperatorError::LostLease),
    };
    ctx.metrics.set_leader(false);
    if result.is_ok() {
        contender.release().await;
    }
    result
}

/// Watches and reconciles until told to stop and the reconciles that run have ended. Rights in some namespaces are no
/// right to watch all of them: each has a controller of its own.
async fn watch_each(ctx: &Arc<Context>, settings: &Settings, stop: watch::Receiver<bool>) {
    let controllers = settings.places().into_iter().map(|place| watch(ctx.clone(), place, stop.clone()));
    futures::future::join_all(controllers).await;
    tracing::info!("no reconcile runs any more");
}

async fn watch(ctx: Arc<Context>, namespace: Option<&str>, stop: watch::Receiver<bool>) {
    let client = &ctx.client;
    let ours = watcher::Config::default().labels(&format!("{LABEL_MANAGED_BY}={MANAGED_BY}"));
    let mut controller = Controller::new(api::<Guarded>(client, namespace), watcher::Config::default())
        .with_config(controller::Config::default().concurrency(CONCURRENCY))
        .owns(api::<Deployment>(client, namespace), ours.clone())
        .owns(api::<Job>(client, namespace), ours.clone())
        .owns(api::<ConfigMap>(client, namespace), ours.clone())
        // Pods belong to Deployments and Jobs: their label names the release.
        .watches(api::<Pod>(client, namespace), ours.clone(), |pod| release_of(&pod));
    if has_gateway_api(client).await {
        controller = controller.owns(api::<HttpRoute>(client, namespace), ours);
    }
    let store = controller.store();
    ctx.metrics.queue.ask(move || store.state().iter().map(|release| key(release)).collect());
    tracing::info!(namespace = namespace.unwrap_or("all"), "watching FrappeReleases");
    controller
        .graceful_shutdown_on(told(stop))
        .run(reconcile, error_policy, ctx)
        .for_each(|result| async {
            // Failures of reconciles are logged where the wait is chosen; what is left are watches that broke.
            if let Err(controller::Error::QueueError(error)) = result {
                tracing::warn!(%error, "a watch broke and is begun again");
            }
        })
        .await;
}

/// A watch for a kind that the cluster does not know fails for ever and slows all others down.
async fn has_gateway_api(client: &Client) -> bool {
    match client.list_api_group_resources(&HttpRoute::api_version(&())).await {
        Ok(list) => list.resources.iter().any(|resource| resource.kind == HttpRoute::kind(&())),
        Err(error) => {
            tracing::warn!(%error, "the cluster has no HTTPRoute: the provider GatewayAPI cannot be used");
            false
        }
    }
}

fn release_of(pod: &Pod) -> Option<ObjectRef<Guarded>> {
    let name = pod.labels().get(LABEL_RELEASE)?;
    Some(ObjectRef::new(name).within(&pod.namespace()?))
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope>,
    K::DynamicType: Default + Debug,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Waits until the API server answers and knows the resource.
async fn reach(client: &Client, settings: &Settings, is_ready: &AtomicBool) {
    for place in settings.places() {
        let releases = api::<Guarded>(client, place);
        while let Err(error) = releases.list_metadata(&ListParams::default().limit(1)).await {
            let namespace = place.unwrap_or("all");
            tracing::warn!(%error, namespace, "cannot list {} yet", FrappeRelease::plural(&()));
            tokio::time::sleep(START_PERIOD).await;
        }
    }
    is_ready.store(true, Ordering::Relaxed);
}

/// Whether `work` ended before `stop` did.
async fn until(stop: impl Future<Output = ()>, work: impl Future<Output = ()>) -> bool {
    tokio::select! {
        () = stop => false,
        () = work => true,
    }
}

/// Turns true with the first SIGTERM or ctrl-c.
fn stop_signal() -> Result<watch::Receiver<bool>, OperatorError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(OperatorError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(OperatorError::Signal)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: the reconciles that run are ended first");
        // Nobody left to tell is fine.
        let _ = sender.send(true);
        // Kept open: a receiver takes a closed channel for a stop as well.
        sender.closed().await;
    });
    Ok(receiver)
}

async fn told(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone: then there is nothing to wait for either.
    let _ = stop.wait_for(|is_told| *is_told).await;
}
