//! The Job of one measurement of an analysis: a container that is run to its end, once.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::schema::said;
use super::{CONTAINER, failure_policy};
use crate::api::analysis::Analysis;
use crate::api::names::{ANNOTATION_MEASUREMENT, ANNOTATION_RUN, part_name};
use crate::manifest::{Blueprint, Component, config, fit, pod};

/// Seconds that a Job stays after its end, for its log.
const KEPT_SECONDS: i32 = 3600;

/// Name of the Job.
pub fn name(release: &str, revision: u32, key: &str, number: u32) -> String {
    let hash = config::hash_of(key.as_bytes());
    fit(&part_name(release, revision, &format!("analysis-{}-{number}", &hash[..10])))
}

/// The Job of a measurement; `analysis` has its texts filled in.
pub fn job(green: &Blueprint<'_>, analysis: &Analysis, key: &str, number: u32) -> Job {
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
    let spec = pod::spec(green, vec![pod::empty("tmp")], vec![container]);
    let mut metadata =
        green.metadata(name(&green.release_name(), green.revision, key, number), Component::Analysis);
    metadata.annotations = Some(BTreeMap::from([
        (ANNOTATION_RUN.to_owned(), key.to_owned()),
        (ANNOTATION_MEASUREMENT.to_owned(), number.to_string()),
    ]));
    Job {
        spec: Some(JobSpec {
            // One measurement is one try: a failure is its result.
            backoff_limit: Some(0),
            active_deadline_seconds: Some(i64::from(analysis.timeout())),
            ttl_seconds_after_finished: Some(KEPT_SECONDS),
            pod_replacement_policy: Some("Failed".to_owned()),
            pod_failure_policy: Some(failure_policy()),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: metadata.labels.clone(), ..ObjectMeta::default() }),
                spec: Some(PodSpec { restart_policy: Some("Never".to_owned()), ..spec }),
            },
            ..JobSpec::default()
        }),
        metadata,
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;

    fn analysis(job: &str) -> Analysis {
        serde_yaml::from_str(&format!("{{name: smoke, job: {job}, timeoutSeconds: 60}}")).unwrap()
    }

    #[test]
    fn the_job_of_a_measurement_is_as_it_was_reviewed() {
        let release = sample::release();
        let template = release.spec.template();
        let analysis = analysis("{command: [bench, smoke], env: [{name: SITE, value: erp.example.com}]}");
        insta::assert_yaml_snapshot!(job(
            &sample::blueprint(&release, &template, 2),
            &analysis,
            "run.smoke.x",
            3
        ));
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
