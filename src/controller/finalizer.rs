//! The finalizer: a `FrappeRelease` goes only when no half-way release is left in the database.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::context::{Context, title};
use super::error::Error;
use crate::api::FrappeRelease;
use crate::api::names::{FINALIZER, MANAGER_FINALIZER};

/// Puts the finalizer on, unless it is there or the resource is on its way out.
pub(super) async fn ensure(ctx: &Context, release: &FrappeRelease) -> Result<(), Error> {
    if release.metadata.deletion_timestamp.is_some() || has(release) {
        return Ok(());
    }
    let mut finalizers = release.finalizers().to_vec();
    finalizers.push(FINALIZER.to_owned());
    set(ctx, release, &finalizers).await
}

/// Takes the finalizer off: the resource may go.
pub(super) async fn remove(ctx: &Context, release: &FrappeRelease) -> Result<(), Error> {
    if !has(release) {
        return Ok(());
    }
    let others: Vec<String> =
        release.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).cloned().collect();
    set(ctx, release, &others).await
}

fn has(release: &FrappeRelease) -> bool {
    release.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// The list as a whole, and only if nobody has changed the resource since it was read: another's finalizer is
/// never lost.
async fn set(ctx: &Context, release: &FrappeRelease, finalizers: &[String]) -> Result<(), Error> {
    let name = release.name_any();
    let body = json!({"metadata": {"finalizers": finalizers, "resourceVersion": release.resource_version()}});
    let params = PatchParams { field_manager: Some(MANAGER_FINALIZER.to_owned()), ..PatchParams::default() };
    match ctx.api::<FrappeRelease>(release).patch(&name, &params, &Patch::Merge(&body)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(source) => Err(Error::Write { what: title::<FrappeRelease>(&(), &name), source }),
    }
}
