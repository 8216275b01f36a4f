//! The Job of one measurement of an analysis: a container that is run to its end once, or the comparison of both versions'
//! values.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::schema::{self, said};
use super::{BACKOFF_LIMIT, CONTAINER, JobError, failure_policy};
use crate::api::analysis::Analysis;
use crate::api::names::{ANNOTATION_MEASUREMENT, ANNOTATION_RUN, part_name};
use crate::api::site::Site;
use crate::manifest::{Blueprint, Component, config, fit, pod};
use crate::release::SiteFacts;

/// Seconds that a Job stays after its end, for its log.
const KEPT_SECONDS: i32 = 3600;

/// Name of the Job.
pub fn name(release: &str, revision: u32, key: &str, number: u32) -> String {
    let hash = config::hash_of(key.as_bytes());
    fit(&part_name(release, revision, &format!("analysis-{}-{number}", &hash[..10])))
}

/// The Job of a measurement by its run's key and its number; `analysis` has its texts filled in.
pub fn job(
    green: &Blueprint<'_>,
    analysis: &Analysis,
    sites: &[(&Site, &SiteFacts)],
    (key, number): (&str, u32),
) -> Result<Job, JobError> {
    // A container of the user's is tried once: a failure is its result. A server that is away for a moment is no difference.
    let (pod, tries, judged) = if analysis.verify.is_some() {
        (schema::verify_all(green, sites)?, BACKOFF_LIMIT, None)
    } else {
        (own(green, analysis), 0, Some(CONTAINER))
    };
    let mut metadata =
        green.metadata(name(&green.release_name(), green.revision, key, number), Component::Analysis);
    metadata.annotations = Some(BTreeMap::from([
        (ANNOTATION_RUN.to_owned(), key.to_owned()),
        (ANNOTATION_MEASUREMENT.to_owned(), number.to_string()),
    ]));
    Ok(Job {
        spec: Some(JobSpec {
            backoff_limit: Some(tries),
            active_deadline_seconds: Some(i64::from(analysis.timeout())),
            ttl_seconds_after_finished: Some(KEPT_SECONDS),
            pod_replacement_policy: Some("Failed".to_owned()),
            pod_failure_policy: Some(failure_policy(judged)),
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

/// The user's own container.
fn own(green: &Blueprint<'_>, analysis: &Analysis) -> PodSpec {
    let asked = analysis.job.clone().unwrap_or_default();
    let own_image = green.template.image.clone();
    let container = Container {
        name: CONTAINER.to_owned(),
        image: Some(asked.image.unwrap_or(own_image)),
        image_pull_policy: green.release.spec.image_pull_policy.clone(),
        env: (!asked.env.is_empty()).then_some(asked.env),
        volume_mounts: Some(vec![pod::mount("tmp", "/tmp")]),
        security_context: Some(pod::confined()),
        ..Container::default()
    };
    let container = said(pod::run(container, &asked.program, &[]));
    pod::spec(green, vec![pod::empty("tmp")], vec![container])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;

    fn made(provider: &str, sites: &[&str]) -> Job {
        let release = sample::release();
        let mut template = release.spec.template();
        template.sites =
            sites.iter().map(|name| Site { name: (*name).to_owned(), ..template.sites[0].clone() }).collect();
        let facts = SiteFacts {
            database: "_abc".into(),
            user: "_abc".into(),
            host: "db.shop.svc".into(),
            port: 3306,
        };
        let sites: Vec<_> = template.sites.iter().map(|site| (site, &facts)).collect();
        let analysis: Analysis =
            serde_yaml::from_str(&format!("{{name: smoke, {provider}, timeoutSeconds: 60}}")).unwrap();
        job(&sample::blueprint(&release, &template, 2), &analysis, &sites, ("run.smoke.x", 3)).unwrap()
    }

    #[test]
    fn the_job_of_a_measurement_is_as_it_was_reviewed() {
        let own = "job: {command: [bench, smoke], env: [{name: SITE, value: erp.example.com}]}";
        insta::assert_yaml_snapshot!(made(own, &["erp.example.com"]));
    }

    #[test]
    fn the_job_that_compares_the_values_of_two_sites_is_as_it_was_reviewed() {
        insta::assert_yaml_snapshot!(made("verify: {}", &["erp.example.com", "crm.example.com"]));
    }

    #[test]
    fn names_differ_by_run_and_number_and_fit_a_label() {
        let release = "x".repeat(40);
        let all =
            [("run.a", 1), ("run.a", 2), ("run.b", 1)].map(|(key, number)| name(&release, 1234, key, number));
        assert!(all.iter().all(|name| name.len() <= 63), "{all:?}");
        assert!(all[0] != all[1] && all[0] != all[2]);
    }
}
