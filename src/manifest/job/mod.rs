//! The Jobs of a release, one function a step. They run the commands of the same names and green's own migrate.
//!
//! A Job has no right on the API server. Credentials reach it as mounted files, never as arguments.

pub mod analysis;
pub(super) mod drain;
mod migrate;
mod plan;
mod schema;

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Blueprint, Component, fit};
use crate::api::Template;
use crate::api::names::{ANNOTATION_ATTEMPT, ANNOTATION_SITE, LABEL_SITE, part_name, site_slug};
use crate::api::site::Site;
use crate::release::{JobStep, SiteFacts};

/// Tries before a Job counts as failed (the first and six more, with growing pauses).
const BACKOFF_LIMIT: i32 = 6;
/// Exit codes of `crossfade` that no retry can mend: wrong usage, and refused because a human must act.
const FINAL_EXIT_CODES: [i32; 2] = [2, 3];

/// Name of the container whose log is a Job's word.
pub const CONTAINER: &str = "job";

/// A Job that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// The step works on one site and none was named.
    #[error("failed to make the Job '{0}': it needs a site that the revision has")]
    NoSite(&'static str),
    /// The step needs blue and the release has none.
    #[error("failed to make the Job '{0}': the release has no blue revision")]
    NoBlue(&'static str),
}

/// What a Job is made from.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Green: all Jobs of a release belong to it.
    pub green: Blueprint<'a>,
    /// Blue's number and what it runs; `None` for the first revision of a bench.
    pub blue: Option<(u32, &'a Template)>,
    /// What the Job does.
    pub step: JobStep,
    /// The site it does it to, and where its database is.
    pub site: Option<(&'a Site, &'a SiteFacts)>,
    /// Whether green's configuration Secret exists.
    pub has_green_config: bool,
    /// Value of the retry annotation.
    pub attempt: &'a str,
}

impl<'a> Order<'a> {
    fn site(&self) -> Result<(&'a Site, &'a SiteFacts), JobError> {
        self.site.ok_or(JobError::NoSite(self.step.name()))
    }

    fn blue(&self) -> Result<Blueprint<'a>, JobError> {
        let (revision, template) = self.blue.ok_or(JobError::NoBlue(self.step.name()))?;
        Ok(Blueprint { revision, template, ..self.green })
    }
}

/// Name of a Job; it fits into a label, because Kubernetes puts it into one.
pub fn name(release: &str, revision: u32, step: JobStep, site: Option<&str>) -> String {
    let slug = site.map(|site| format!("-{}", site_slug(site))).unwrap_or_default();
    fit(&part_name(release, revision, &format!("{}{slug}", step.name())))
}

/// The Job of an order.
pub fn job(order: &Order<'_>) -> Result<Job, JobError> {
    let mut seconds = None;
    let mut tries = BACKOFF_LIMIT;
    let pod = match order.step {
        JobStep::Plan => plan::pod(order)?,
        JobStep::Isolate => schema::isolate(order)?,
        JobStep::Handover => schema::handover(order)?,
        JobStep::Expand => schema::expand(order)?,
        JobStep::Migrate => {
            seconds = Some(i64::from(order.green.release.spec.migrate.timeout_seconds));
            tries = migrate::BACKOFF_LIMIT;
            migrate::pod(order)?
        }
        JobStep::Verify => schema::verify(order)?,
        JobStep::Drain => drain::pod(order, &order.blue()?),
        JobStep::Contract => schema::contract(order)?,
        JobStep::DrainGreen => drain::pod(order, &order.green),
        JobStep::RollbackTables => schema::rollback(order, "tables")?,
        JobStep::RollbackFinish => schema::rollback(order, "finish")?,
    };
    let metadata = metadata(order);
    Ok(Job {
        spec: Some(JobSpec {
            backoff_limit: Some(tries),
            active_deadline_seconds: seconds,
            completions: Some(1),
            parallelism: Some(1),
            // Never two Pods of one Job at work: the next is made when the last has ended.
            pod_replacement_policy: Some("Failed".to_owned()),
            pod_failure_policy: Some(failure_policy(Some(CONTAINER))),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: metadata.labels.clone(), ..ObjectMeta::default() }),
                spec: Some(PodSpec { restart_policy: Some("Never".to_owned()), ..pod }),
            },
            ..JobSpec::default()
        }),
        metadata,
        status: None,
    })
}

fn metadata(order: &Order<'_>) -> ObjectMeta {
    let site = order.site.map(|(site, _)| site.name.as_str());
    let name = name(&order.green.release_name(), order.green.revision, order.step, site);
    let mut metadata = order.green.metadata(name, Component::Job(order.step.name()));
    let mut annotations = BTreeMap::from([(ANNOTATION_ATTEMPT.to_owned(), order.attempt.to_owned())]);
    if let Some(site) = site {
        metadata.labels.get_or_insert_default().insert(LABEL_SITE.to_owned(), site_slug(site));
        annotations.insert(ANNOTATION_SITE.to_owned(), site.to_owned());
    }
    metadata.annotations = Some(annotations);
    metadata
}

/// What ends a Job at once; exit codes count of one container, or of all.
fn failure_policy(container: Option<&str>) -> PodFailurePolicy {
    PodFailurePolicy {
        rules: vec![
            // A node that is drained is no fault of the Job.
            PodFailurePolicyRule {
                action: "Ignore".to_owned(),
                on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
                    type_: "DisruptionTarget".to_owned(),
                    status: "True".to_owned(),
                }]),
                on_exit_codes: None,
            },
            PodFailurePolicyRule {
                action: "FailJob".to_owned(),
                on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
                    container_name: container.map(str::to_owned),
                    operator: "In".to_owned(),
                    values: FINAL_EXIT_CODES.to_vec(),
                }),
                on_pod_conditions: None,
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::FrappeRelease;
    use crate::manifest::sample;

    fn made(release: &FrappeRelease, step: JobStep, with_blue: bool) -> Result<Job, JobError> {
        let template = release.spec.template();
        let mut blue = template.clone();
        blue.image = "registry.example.com/erp:v1".into();
        let facts = SiteFacts {
            database: "_abc".into(),
            user: "_abc".into(),
            host: "db.shop.svc".into(),
            port: 3306,
        };
        let is_for_the_bench = matches!(step, JobStep::Drain | JobStep::DrainGreen);
        let order = Order {
            green: sample::blueprint(release, &template, 2),
            blue: with_blue.then_some((1, &blue)),
            step,
            site: (!is_for_the_bench).then(|| (&template.sites[0], &facts)),
            has_green_config: true,
            attempt: "first",
        };
        job(&order)
    }

    #[test]
    fn the_job_of_every_step_is_as_it_was_reviewed() {
        for step in JobStep::ALL {
            insta::assert_yaml_snapshot!(step.name(), made(&sample::release(), step, true).unwrap());
        }
    }

    #[test]
    fn the_first_revision_is_planned_against_itself() {
        insta::assert_yaml_snapshot!(made(&sample::release(), JobStep::Plan, false).unwrap());
    }

    #[test]
    fn who_may_be_ended_and_which_replicas_count_reaches_every_step_on_the_tables() {
        let mut release = sample::release();
        release.spec.database.kill_blockers_after_seconds = Some(90);
        release.spec.database.replicas = vec!["replica.db:3307".into()];
        for step in [JobStep::Isolate, JobStep::Expand, JobStep::Contract] {
            let job = made(&release, step, true).unwrap();
            let args = job.spec.unwrap().template.spec.unwrap().containers[0].args.clone().unwrap().join(" ");
            assert!(args.contains("--kill-blockers-after 90 --replica replica.db:3307"), "{args}");
        }
    }

    #[test]
    fn what_needs_blue_is_refused_without_it() {
        assert_eq!(made(&sample::release(), JobStep::Drain, false), Err(JobError::NoBlue("drain")));
    }

    #[test]
    fn every_name_fits_into_a_label_and_differs_by_site() {
        let release = "x".repeat(40);
        for step in JobStep::ALL {
            let one = name(&release, 1234, step, Some("one.a-long-site-name.example.com"));
            let two = name(&release, 1234, step, Some("two.a-long-site-name.example.com"));
            assert!(one.len() <= 63 && one != two, "{one} {two}");
        }
    }

    #[test]
    fn a_contract_keeps_what_it_drops_on_the_claim_that_the_spec_names() {
        let mut release = sample::release();
        release.spec.contract.backup_claim = Some("backups".into());
        release.spec.contract.drop_removed = true;
        let pod = made(&release, JobStep::Contract, true).unwrap().spec.unwrap().template.spec.unwrap();
        let args = pod.containers[0].args.clone().unwrap().join(" ");
        assert!(args.contains("--backup /run/crossfade/backup/_abc__r2.gz --drop-removed"), "{args}");
        assert!(!args.contains("--without-backup"), "{args}");
        let claims = pod.volumes.unwrap().into_iter().filter_map(|volume| volume.persistent_volume_claim);
        assert!(claims.map(|claim| claim.claim_name).any(|name| name == "backups"));
    }

    #[test]
    fn a_patch_line_cannot_reach_the_environment() {
        let mut release = sample::release();
        release.spec.planning.accept_patches = vec!["execute:print('$(HOME)')".into(), "--frame".into()];
        let job = made(&release, JobStep::Plan, true).unwrap();
        let args = job.spec.unwrap().template.spec.unwrap().containers[0].args.clone().unwrap();
        assert!(args.contains(&"--accept-patch=execute:print('$$(HOME)')".to_owned()), "{args:?}");
        assert!(args.contains(&"--accept-patch=--frame".to_owned()), "{args:?}");
    }
}
