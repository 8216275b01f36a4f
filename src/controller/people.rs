//! What people do by the command line and the dashboard, with the rights of their own kubeconfig: read a release and its
//! plans, and say something to it.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::Value;

use crate::api::FrappeRelease;
use crate::manifest::plan_store::{self, PlanStoreError};
use crate::manifest::{of_revision, selector};
use crate::plan::Plan;
use crate::release::saying::signed;

/// Field manager of what people change.
const MANAGER: &str = "crossfade/cli";

/// What a person could not do.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The API server does not let this user.
    #[error("{what}: your kubeconfig's user may not do that. {message}")]
    Forbidden {
        /// What failed.
        what: String,
        /// Who may not do what where, in the API server's words.
        message: String,
    },
    /// There is no such release.
    #[error("there is no FrappeRelease '{0}' in this namespace (-n names another)")]
    NoRelease(String),
    /// The API server cannot be reached, or refuses for another reason.
    #[error("{what}")]
    Failed {
        /// What failed.
        what: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// Nothing was released yet, so there is no plan.
    #[error("no release has begun yet")]
    NotBegun,
    /// A stored plan cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanStoreError),
}

impl PersonError {
    fn of(what: String, error: kube::Error) -> Self {
        match refusal(&error) {
            Some(message) => Self::Forbidden { what, message },
            None => Self::Failed { what, source: Box::new(error) },
        }
    }
}

/// Who may not do what where, in the API server's words, if an error is that.
pub fn refusal(error: &kube::Error) -> Option<String> {
    let kube::Error::Api(status) = error else { return None };
    // The resource's name stands before: `frappereleases.crossfade.dev "erp" is forbidden: User "x" cannot ...`.
    let words = status.message.split_once("is forbidden: ").map_or(status.message.as_str(), |(_, why)| why);
    (status.code == 403).then(|| words.to_owned())
}

/// A release.
///
/// # Errors
/// If it is not there, or cannot be read.
pub async fn release(api: &Api<FrappeRelease>, name: &str) -> Result<FrappeRelease, PersonError> {
    let found = api.get_opt(name).await;
    let found =
        found.map_err(|error| PersonError::of(format!("failed to read FrappeRelease '{name}'"), error))?;
    found.ok_or_else(|| PersonError::NoRelease(name.to_owned()))
}

/// Says something to a release: merges the fields of a word into it, with the name of the user beside them.
///
/// # Errors
/// If the API server refuses it or cannot be reached.
pub async fn say(api: &Api<FrappeRelease>, name: &str, fields: &Value) -> Result<(), PersonError> {
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let fields = signed(fields, user(api.clone().into_client()).await.as_deref());
    let written = api.patch(name, &params, &Patch::Merge(&fields)).await;
    let failed = |error| PersonError::of(format!("failed to change FrappeRelease '{name}'"), error);
    written.map(|_| ()).map_err(failed)
}

/// The user as whom the API server knows this client; none if it does not say.
async fn user(client: Client) -> Option<String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client);
    match reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await {
        Ok(review) => review.status?.user_info?.username,
        Err(error) => {
            tracing::debug!(%error, "the API server does not say who this user is");
            None
        }
    }
}

/// The revision whose plan is the release's.
///
/// # Errors
/// If nothing was released yet.
pub fn current_revision(release: &FrappeRelease) -> Result<u32, PersonError> {
    let green = release.status.as_ref().and_then(|status| status.green.as_ref());
    green.map(|green| green.revision).ok_or(PersonError::NotBegun)
}

/// The stored plans of a revision, one a site, in the order of their sites' names.
///
/// # Errors
/// If they cannot be read.
pub async fn plans(maps: &Api<ConfigMap>, name: &str, revision: u32) -> Result<Vec<Plan>, PersonError> {
    let labels = format!("{},{}", selector(name), of_revision(revision));
    let found = maps.list(&ListParams::default().labels(&labels)).await;
    let found = found.map_err(|error| PersonError::of("failed to read the plans".to_owned(), error))?;
    let stored = found.items.iter().filter(|map| plan_store::read(map).is_some());
    let mut plans = stored.map(plan_store::plan).collect::<Result<Vec<_>, _>>()?;
    plans.sort_by(|a, b| a.site.cmp(&b.site));
    Ok(plans)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn a_refusal_says_who_may_not_do_what() {
        let words = "frappereleases.crossfade.dev \"erp\" is forbidden: User \"ann\" cannot patch resource \
                     \"frappereleases\" in API group \"crossfade.dev\" in the namespace \"erp\"";
        let error = kube::Error::Api(Status::failure(words, "Forbidden").with_code(403).boxed());
        let text = PersonError::of("failed to change FrappeRelease 'erp'".to_owned(), error).to_string();
        assert_eq!(
            text,
            "failed to change FrappeRelease 'erp': your kubeconfig's user may not do that. User \"ann\" cannot patch resource \
             \"frappereleases\" in API group \"crossfade.dev\" in the namespace \"erp\""
        );
    }
}
