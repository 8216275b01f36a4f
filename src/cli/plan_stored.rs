//! `crossfade plan NAME`: the plan that the operator has stored for a release on the cluster.

use kube::api::ListParams;

use super::target::Target;
use crate::api::FrappeRelease;
use crate::manifest::{of_revision, plan_store, selector};
use crate::plan::Plan;

/// The plans of a release, one a site, in the order of their sites' names; with `site`, that alone.
pub(super) async fn plans(target: &Target, revision: Option<u32>, site: &str) -> Result<Vec<Plan>, String> {
    let release = target.get(&target.api().await?).await?;
    let revision = match revision {
        Some(revision) => revision,
        None => current(&release)?,
    };
    let labels = format!("{},{}", selector(&target.name), of_revision(revision));
    let found = target.config_maps(&release).await?.list(&ListParams::default().labels(&labels)).await;
    let found = found.map_err(|error| format!("failed to read the plans: {error}"))?;
    let mut plans = Vec::new();
    for map in found.items.iter().filter(|map| plan_store::read(map).is_some()) {
        plans.push(plan_store::plan(map).map_err(|error| super::target::chain(&error))?);
    }
    plans.retain(|plan| site.is_empty() || plan.site == site);
    plans.sort_by(|a, b| a.site.cmp(&b.site));
    if plans.is_empty() {
        let of = if site.is_empty() { String::new() } else { format!(" of site {site}") };
        return Err(format!(
            "there is no plan{of} of revision {revision}: it is not made yet, or it went with a revision that was taken back"
        ));
    }
    Ok(plans)
}

fn current(release: &FrappeRelease) -> Result<u32, String> {
    let green = release.status.as_ref().and_then(|status| status.green.as_ref());
    green.map(|green| green.revision).ok_or_else(|| "no release has begun yet".to_owned())
}
