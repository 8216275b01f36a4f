//! Writes the status, and only when something in it changed.

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde_json::json;

use super::context::{Context, title};
use super::error::Error;
use crate::api::FrappeRelease;
use crate::api::condition::{self, Wanted};
use crate::api::names::MANAGER_STATUS;
use crate::api::status::FrappeReleaseStatus;

/// Reason of the Ready condition while reconciles fail.
const FAILING: &str = "ReconcileFailed";

/// Writes a status by server-side apply: fields that it does not have any more go away.
pub(super) async fn write(
    ctx: &Context,
    release: &FrappeRelease,
    status: &FrappeReleaseStatus,
) -> Result<(), Error> {
    if release.status.as_ref() == Some(status) {
        return Ok(());
    }
    let name = release.name_any();
    let body = json!({
        "apiVersion": FrappeRelease::api_version(&()),
        "kind": FrappeRelease::kind(&()),
        "metadata": {"name": name},
        "status": status,
    });
    let params = PatchParams::apply(MANAGER_STATUS).force();
    match ctx.api::<FrappeRelease>(release).patch_status(&name, &params, &Patch::Apply(&body)).await {
        Ok(_) => Ok(()),
        // Deleted meanwhile: there is nobody to tell.
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(source) => Err(Error::Write { what: title::<FrappeRelease>(&(), &name), source }),
    }
}

/// A status that says what went wrong in this reconcile, on top of what is known.
pub(super) fn failing(
    mut status: FrappeReleaseStatus,
    error: &Error,
    generation: i64,
    now: Timestamp,
) -> FrappeReleaseStatus {
    let message = format!("{}; it is tried again by itself", error.chain());
    let ready = |value| Wanted {
        kind: condition::READY,
        value,
        reason: FAILING.to_owned(),
        message: message.clone(),
    };
    condition::set(&mut status.conditions, ready(Some(false)), generation, now);
    status.observed_generation = Some(generation);
    status.message = message;
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::error::NoRevision;

    #[test]
    fn a_failure_is_said_without_losing_what_is_known() {
        let known = FrappeReleaseStatus { weight: Some(50), ..FrappeReleaseStatus::default() };
        let said = failing(known, &NoRevision(7).into(), 3, Timestamp::UNIX_EPOCH);
        assert_eq!((said.weight, said.observed_generation), (Some(50), Some(3)));
        assert!(said.message.contains("revision 7"), "{}", said.message);
        assert_eq!(
            (said.conditions[0].type_.as_str(), said.conditions[0].status.as_str()),
            ("Ready", "False")
        );
    }
}
