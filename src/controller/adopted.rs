//! Deployments of another tool that run the bench: seen, and stopped and started when the bench changes hands.

use std::collections::BTreeMap;

use gateway_api::httproutes::HttpRoute;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use kube::core::Selector;
use serde_json::json;

use super::apply;
use super::context::{Context, title};
use super::error::Error;
use super::seen;
use crate::api::names::{ANNOTATION_REPLICAS, MANAGER_OBJECTS};
use crate::api::traffic::Provider;
use crate::api::{Adopted, FrappeRelease};
use crate::manifest::{self, Blueprint};
use crate::release::{PodSeen, Workload};
use crate::traffic::gateway_api::hostnames;

/// The workloads by component, and the Pods of all of them. A Deployment that is not there is left out.
pub(super) async fn observe(
    ctx: &Context,
    release: &FrappeRelease,
    adopted: &Adopted,
) -> Result<(BTreeMap<String, Workload>, Vec<PodSeen>), Error> {
    let (mut workloads, mut pods) = (BTreeMap::new(), Vec::new());
    for (component, name) in adopted.components() {
        let Some(deployment) = deployment(ctx, release, name).await? else { continue };
        let (workload, own) =
            seen::adopted(&component, &deployment, &own_pods(ctx, release, &deployment).await?);
        workloads.insert(component, workload);
        pods.extend(own);
    }
    Ok((workloads, pods))
}

/// The Deployment of this name; an error if another controller has made it and would undo what is written.
async fn deployment(ctx: &Context, release: &FrappeRelease, name: &str) -> Result<Option<Deployment>, Error> {
    let what = title::<Deployment>(&(), name);
    let found = ctx.api::<Deployment>(release).get_opt(name).await;
    let found = found.map_err(|source| Error::Read { what: what.clone(), source })?;
    match found {
        Some(deployment) if is_owned(&deployment) => Err(Error::Owned(what)),
        found => Ok(found),
    }
}

fn is_owned(deployment: &Deployment) -> bool {
    deployment.owner_references().iter().any(|owner| owner.controller == Some(true))
}

async fn own_pods(
    ctx: &Context,
    release: &FrappeRelease,
    deployment: &Deployment,
) -> Result<Vec<Pod>, Error> {
    let what = || format!("the Pods of {}", title::<Deployment>(&(), &deployment.name_any()));
    let selector = deployment.spec.as_ref().map(|spec| spec.selector.clone()).unwrap_or_default();
    let selector = Selector::try_from(selector).map_err(|source| Error::Selector { what: what(), source })?;
    // An empty selector would be all Pods of the namespace.
    if selector.selects_all() {
        return Ok(Vec::new());
    }
    let found = ctx.api::<Pod>(release).list(&ListParams::default().labels_from(&selector)).await;
    Ok(found.map_err(|source| Error::Read { what: what(), source })?.items)
}

/// Makes the Service that leads to the entry's Pods: the route needs it.
pub(super) async fn lead(ctx: &Context, blueprint: &Blueprint<'_>, adopted: &Adopted) -> Result<(), Error> {
    let release = blueprint.release;
    let Some(entry) = deployment(ctx, release, &adopted.entry.deployment).await? else { return Ok(()) };
    let labels = entry.spec.and_then(|spec| spec.selector.match_labels).unwrap_or_default();
    for service in manifest::services(blueprint) {
        let service = manifest::leading_to(service, labels.clone());
        apply::apply(ctx, release, &service, MANAGER_OBJECTS).await?;
    }
    Ok(())
}

/// Stops and starts Deployments, so that each component has the Pods that are `wanted`.
pub(super) async fn scale(
    ctx: &Context,
    release: &FrappeRelease,
    adopted: &Adopted,
    workloads: &BTreeMap<String, Workload>,
    wanted: &[(String, i32)],
) -> Result<(), Error> {
    for (component, name) in adopted.components() {
        let now = workloads.get(&component).map(|workload| workload.desired);
        let wanted = wanted.iter().find(|(part, _)| *part == component).map(|(_, pods)| *pods);
        let (Some(now), Some(wanted)) = (now, wanted) else { continue };
        if now != wanted {
            let fields = if wanted == 0 {
                json!({"metadata": {"annotations": {ANNOTATION_REPLICAS: now.to_string()}}, "spec": {"replicas": 0}})
            } else {
                json!({"metadata": {"annotations": {ANNOTATION_REPLICAS: null}}, "spec": {"replicas": wanted}})
            };
            apply::merge::<Deployment>(ctx, release, name, &fields).await?;
        }
    }
    Ok(())
}

/// The routes that are not the release's own and take a hostname of its sites; none where the release has no routes.
pub(super) async fn rival_routes(ctx: &Context, release: &FrappeRelease) -> Result<Vec<HttpRoute>, Error> {
    if release.spec.traffic.provider != Provider::GatewayApi {
        return Ok(Vec::new());
    }
    let found = ctx.api::<HttpRoute>(release).list(&ListParams::default()).await;
    let found = found.map_err(|source| Error::Read { what: "the HTTPRoutes".to_owned(), source })?;
    let hosts = hostnames(release);
    let takes = |route: &HttpRoute| route.spec.hostnames.iter().flatten().any(|name| hosts.contains(name));
    let is_rival = |route: &HttpRoute| takes(route) && !apply::is_controlled_by(route, release);
    Ok(found.into_iter().filter(is_rival).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_that_a_controller_owns_is_not_adopted() {
        let owned_by = |owners: &str| -> bool {
            is_owned(&serde_yaml::from_str(&format!("metadata: {{ownerReferences: [{owners}]}}")).unwrap())
        };
        assert!(owned_by("{apiVersion: v1, kind: Bench, name: b, uid: u, controller: true}"));
        assert!(!owned_by("{apiVersion: v1, kind: Bench, name: b, uid: u}") && !owned_by(""));
    }
}
