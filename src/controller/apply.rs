//! The one door through which objects reach the API server.
//!
//! Server-side apply with `force`, and only on objects that this very `FrappeRelease` controls: an object of
//! somebody else that happens to have the name is left alone and reported.

use std::fmt::Debug;

use gateway_api::httproutes::HttpRoute;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Service;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, PropagationPolicy};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::context::{Context, title};
use super::error::Error;
use crate::api::FrappeRelease;
use crate::api::names::{LABEL_COMPONENT, MANAGER_OBJECTS};
use crate::manifest;
use crate::traffic::{bridge, service};

/// A kind of object that a release may own.
pub(super) trait Owned:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug
{
}

impl<K> Owned for K where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + Serialize
        + Debug
{
}

/// The object of this name if it is there; an error if it belongs to somebody else.
pub(super) async fn existing<K: Owned>(
    ctx: &Context,
    release: &FrappeRelease,
    name: &str,
) -> Result<Option<K>, Error> {
    let what = title::<K>(&(), name);
    let found = ctx.api::<K>(release).get_opt(name).await;
    let found = found.map_err(|source| Error::Read { what: what.clone(), source })?;
    match found {
        Some(object) if !is_controlled_by(&object, release) => Err(Error::Foreign(what)),
        found => Ok(found),
    }
}

/// The routes of a release.
pub(super) struct Routes {
    /// The parts of its split.
    pub(super) split: Vec<HttpRoute>,
    /// The bridge to its rivals.
    pub(super) bridge: Option<HttpRoute>,
}

/// The routes of a release; none where the cluster does not know the kind.
pub(super) async fn routes(ctx: &Context, release: &FrappeRelease) -> Result<Routes, Error> {
    let all = match owned(ctx, release, &manifest::selector(&release.name_any())).await {
        Err(Error::Read { source: kube::Error::Api(status), .. }) if status.is_not_found() => Vec::new(),
        found => found?,
    };
    let (bridges, split): (Vec<_>, Vec<_>) = all.into_iter().partition(bridge::is_bridge);
    Ok(Routes { split, bridge: bridges.into_iter().next() })
}

/// The Services of the provider `Service`.
pub(super) async fn entry_services(ctx: &Context, release: &FrappeRelease) -> Result<Vec<Service>, Error> {
    let entry =
        format!("{},{LABEL_COMPONENT}={}", manifest::selector(&release.name_any()), service::COMPONENT);
    owned(ctx, release, &entry).await
}

async fn owned<K: Owned>(ctx: &Context, release: &FrappeRelease, labels: &str) -> Result<Vec<K>, Error> {
    let found = ctx.api::<K>(release).list(&ListParams::default().labels(labels)).await;
    let found = found.map_err(|source| Error::Read { what: K::plural(&()).into_owned(), source })?;
    Ok(found.items.into_iter().filter(|object| is_controlled_by(object, release)).collect())
}

/// Whether an object is this very release's own.
pub(super) fn is_controlled_by<K: Resource>(object: &K, release: &FrappeRelease) -> bool {
    let owners = object.meta().owner_references.iter().flatten();
    let uid = release.uid();
    owners.into_iter().any(|owner| owner.controller == Some(true) && Some(&owner.uid) == uid.as_ref())
}

/// Makes an object what it should be, or makes it.
pub(super) async fn apply<K: Owned>(
    ctx: &Context,
    release: &FrappeRelease,
    object: &K,
    manager: &str,
) -> Result<(), Error> {
    let name = object.name_any();
    existing::<K>(ctx, release, &name).await?;
    let params = PatchParams::apply(manager).force();
    let written = ctx.api::<K>(release).patch(&name, &params, &Patch::Apply(object)).await;
    written.map(|_| ()).map_err(|source| Error::Write { what: title::<K>(&(), &name), source })
}

/// Makes an object unless one of ours is there: for what must not change once it is made.
pub(super) async fn create<K: Owned>(
    ctx: &Context,
    release: &FrappeRelease,
    object: &K,
) -> Result<(), Error> {
    let name = object.name_any();
    if existing::<K>(ctx, release, &name).await?.is_some() {
        return Ok(());
    }
    let params = PostParams { field_manager: Some(MANAGER_OBJECTS.to_owned()), ..PostParams::default() };
    match ctx.api::<K>(release).create(&params, object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(source) => Err(Error::Write { what: title::<K>(&(), &name), source }),
    }
}

/// Merges a few fields into an object; nothing happens if it is gone.
pub(super) async fn merge<K: Owned>(
    ctx: &Context,
    release: &FrappeRelease,
    name: &str,
    fields: &serde_json::Value,
) -> Result<(), Error> {
    let params = PatchParams { field_manager: Some(MANAGER_OBJECTS.to_owned()), ..PatchParams::default() };
    match ctx.api::<K>(release).patch(name, &params, &Patch::Merge(fields)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(source) => Err(Error::Write { what: title::<K>(&(), name), source }),
    }
}

/// Scales a Deployment if it is not scaled so already.
pub(super) fn replicas(count: i32) -> serde_json::Value {
    json!({"spec": {"replicas": count}})
}

/// Deletes an object of ours and waits (through the API server) for what it owns; nothing happens if it is gone.
///
/// In the foreground: a Job stays, marked as being deleted, until its last Pod has ended. So a second Job of the
/// same work never runs beside the first one's Pod.
pub(super) async fn delete<K: Owned>(
    ctx: &Context,
    release: &FrappeRelease,
    name: &str,
) -> Result<(), Error> {
    let found = existing::<K>(ctx, release, name).await?;
    if found.is_none_or(|object| object.meta().deletion_timestamp.is_some()) {
        return Ok(());
    }
    let params =
        DeleteParams { propagation_policy: Some(PropagationPolicy::Foreground), ..DeleteParams::default() };
    match ctx.api::<K>(release).delete(name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(source) => Err(Error::Delete { what: title::<K>(&(), name), source }),
    }
}
