//! `crossfade plan NAME`: the plan that the operator has stored for a release on the cluster.

use super::target::Target;
use crate::controller::people;
use crate::plan::Plan;

/// The plans of a release, one a site, in the order of their sites' names; with `site`, that alone.
pub(super) async fn plans(target: &Target, revision: Option<u32>, site: &str) -> Result<Vec<Plan>, String> {
    let release = target.get(&target.api().await?).await?;
    let revision = revision.map_or_else(|| people::current_revision(&release), Ok);
    let revision = revision.map_err(|error| super::target::chain(&error))?;
    let maps = target.config_maps(&release).await?;
    let mut plans =
        people::plans(&maps, &target.name, revision).await.map_err(|error| super::target::chain(&error))?;
    plans.retain(|plan| site.is_empty() || plan.site == site);
    if plans.is_empty() {
        let of = if site.is_empty() { String::new() } else { format!(" of site {site}") };
        return Err(format!(
            "there is no plan{of} of revision {revision}: it is not made yet, or it went with a revision that was taken back"
        ));
    }
    Ok(plans)
}
