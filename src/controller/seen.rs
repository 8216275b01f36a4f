//! Objects of the cluster read as what a decision looks at. No client in here.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

use crate::api::figures::{Figures, RelayFigures};
use crate::api::names::{
    ANNOTATION_ATTEMPT, ANNOTATION_CONFIG, ANNOTATION_MEASUREMENT, ANNOTATION_REPLICAS, ANNOTATION_RUN,
    ANNOTATION_SITE, LABEL_COMPONENT, LABEL_REVISION,
};
use crate::manifest::Component;
use crate::release::{AnalysisJobSeen, JobSeen, JobState, JobStep, PodSeen, Progress, Workload};

/// Label that Kubernetes puts on the Pods of a Job.
const LABEL_JOB: &str = "batch.kubernetes.io/job-name";
/// Characters of a Job's last words that go into status and events.
const MAX_WORDS: usize = 400;

/// The revision that an object belongs to.
pub(crate) fn revision_of(object: &impl ResourceExt) -> Option<u32> {
    object.labels().get(LABEL_REVISION)?.parse().ok()
}

/// The component of an object, or nothing.
pub(crate) fn component_of(object: &impl ResourceExt) -> &str {
    object.labels().get(LABEL_COMPONENT).map_or("", String::as_str)
}

/// The Pods of a Deployment, not those of a Job.
pub(crate) fn is_of_deployment(pod: &Pod) -> bool {
    !pod.labels().contains_key(LABEL_JOB)
}

/// The Pods of a revision that exist, also those that are ending; not those that have ended for good (an evicted
/// Pod is kept for its log alone).
pub(super) fn pods(all: &[Pod], revision: u32) -> Vec<PodSeen> {
    let own = all.iter().filter(|pod| revision_of(*pod) == Some(revision) && is_of_deployment(pod));
    own.filter(|pod| !has_ended(pod)).map(|pod| pod_seen(pod, component_of(pod))).collect()
}

fn pod_seen(pod: &Pod, component: &str) -> PodSeen {
    PodSeen {
        name: pod.name_any(),
        component: component.to_owned(),
        config_hash: pod.annotations().get(ANNOTATION_CONFIG).cloned(),
        is_ready: is_ready(pod),
        is_ending: pod.metadata.deletion_timestamp.is_some(),
    }
}

fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether a Pod answers.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The Deployments of a revision by component.
pub(super) fn workloads(all: &[Deployment], pods: &[PodSeen], revision: u32) -> BTreeMap<String, Workload> {
    let own = all.iter().filter(|deployment| revision_of(*deployment) == Some(revision));
    own.map(|deployment| {
        let component = component_of(deployment).to_owned();
        let existing = pods.iter().filter(|pod| pod.component == component).count();
        let workload = Workload {
            desired: desired(deployment),
            full: desired(deployment),
            ready: ready(deployment),
            existing: i32::try_from(existing).unwrap_or(i32::MAX),
        };
        (component, workload)
    })
    .collect()
}

/// Pods that a Deployment asks for.
fn desired(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

/// A Deployment of another tool, as the workload of this component, and its Pods.
pub(super) fn adopted(component: &str, deployment: &Deployment, pods: &[Pod]) -> (Workload, Vec<PodSeen>) {
    let pods: Vec<PodSeen> =
        pods.iter().filter(|pod| !has_ended(pod)).map(|pod| pod_seen(pod, component)).collect();
    let desired = desired(deployment);
    let had = deployment.annotations().get(ANNOTATION_REPLICAS).and_then(|had| had.parse().ok());
    // A bench that serves has at least one Pod of each part of its web server.
    let least = i32::from(component.starts_with("web"));
    let full = if desired > 0 { desired } else { had.unwrap_or(0).max(least) };
    let existing = i32::try_from(pods.len()).unwrap_or(i32::MAX);
    (Workload { desired, full, ready: ready(deployment), existing }, pods)
}

/// Ready Pods of a Deployment; 0 while its controller has not seen the last change.
fn ready(deployment: &Deployment) -> i32 {
    let Some(status) = &deployment.status else { return 0 };
    if status.observed_generation < deployment.metadata.generation {
        return 0;
    }
    status.ready_replicas.unwrap_or(0)
}

/// A Job without its last words; `None` for one whose step is not known.
pub(crate) fn job(job: &Job) -> Option<JobSeen> {
    Some(JobSeen {
        step: JobStep::from_name(component_of(job))?,
        site: job.annotations().get(ANNOTATION_SITE).cloned(),
        attempt: job.annotations().get(ANNOTATION_ATTEMPT).cloned().unwrap_or_default(),
        is_deleting: job.metadata.deletion_timestamp.is_some(),
        state: job_state(job),
        progress: None,
        figures: Figures::default(),
    })
}

/// The Jobs of a revision that take measurements; one that failed with its last words.
pub(super) fn analysis_jobs(jobs: &[Job], pods: &[Pod], revision: u32) -> Vec<AnalysisJobSeen> {
    let label = Component::Analysis.label();
    let own = jobs.iter().filter(|job| revision_of(*job) == Some(revision) && component_of(*job) == label);
    own.filter_map(|job| {
        let annotation = |name: &str| job.annotations().get(name);
        let state = match job_state(job) {
            JobState::Failed(why) => {
                let words = newest_pod(pods, &job.name_any()).and_then(last_words);
                JobState::Failed(words.unwrap_or(why))
            }
            other @ (JobState::Running | JobState::Succeeded) => other,
        };
        Some(AnalysisJobSeen {
            key: annotation(ANNOTATION_RUN)?.clone(),
            number: annotation(ANNOTATION_MEASUREMENT)?.parse().ok()?,
            state,
        })
    })
    .collect()
}

fn job_state(job: &Job) -> JobState {
    let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut state = JobState::Running;
    for condition in conditions.filter(|condition| condition.status == "True") {
        match condition.type_.as_str() {
            "Complete" => state = JobState::Succeeded,
            "Failed" => {
                let message = condition.message.clone().or_else(|| condition.reason.clone());
                state = JobState::Failed(message.unwrap_or_else(|| "the Job failed".to_owned()));
            }
            _ => {}
        }
    }
    state
}

/// The Pods of a Job.
pub(crate) fn pods_of_job<'a>(pods: &'a [Pod], job: &str) -> impl DoubleEndedIterator<Item = &'a Pod> {
    pods.iter().filter(move |pod| pod.labels().get(LABEL_JOB).is_some_and(|name| name == job))
}

/// The newest Pod of a Job.
pub(super) fn newest_pod<'a>(pods: &'a [Pod], job: &str) -> Option<&'a Pod> {
    pods_of_job(pods, job).max_by_key(|pod| pod.metadata.creation_timestamp.clone())
}

/// Why a Pod of a Job has not begun, if something stands in its way: no node, or an image that cannot be pulled.
pub(super) fn obstacle(pod: &Pod) -> Option<Progress> {
    let status = pod.status.as_ref()?;
    let unscheduled = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    });
    if let Some(condition) = unscheduled {
        return Some(waiting("Unschedulable", condition.message.as_deref()));
    }
    held_up(pod).map(|(_, reason, message)| waiting(reason, message))
}

/// Why the last try of a Job that is not given up yet failed: Kubernetes makes the next one after a pause that grows.
pub(super) fn failed_try(pod: &Pod) -> Option<Progress> {
    let message = format!("{}; it is tried again", last_words(pod)?);
    Some(Progress { step: "failed:".to_owned(), done: None, total: None, message })
}

/// The container of a Pod that does not come up, with the reason and the message of it; one that is only being made is not meant.
pub(crate) fn held_up(pod: &Pod) -> Option<(&ContainerStatus, &str, Option<&str>)> {
    containers(pod).find_map(|container| {
        let state = container.state.as_ref()?.waiting.as_ref()?;
        let reason = state.reason.as_deref()?;
        let is_begun = ["PodInitializing", "ContainerCreating"].contains(&reason);
        (!is_begun).then_some((container, reason, state.message.as_deref()))
    })
}

fn waiting(reason: &str, message: Option<&str>) -> Progress {
    Progress { step: reason.to_owned(), done: None, total: None, message: cut(message.unwrap_or_default()) }
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.iter();
    status.flat_map(|status| {
        status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
    })
}

/// What the container that failed said last, as the kubelet keeps it (the end of its log).
pub(super) fn last_words(pod: &Pod) -> Option<String> {
    containers(pod).find_map(|container| {
        let ended = container.state.as_ref()?.terminated.as_ref()?;
        if ended.exit_code == 0 {
            return None;
        }
        let words = ended.message.as_deref().and_then(last_message);
        let words = words.or_else(|| ended.reason.clone()).unwrap_or_default();
        Some(format!("{words} (container '{}', exit code {})", container.name, ended.exit_code))
    })
}

/// The last progress line of a log.
pub(super) fn last_progress(log: &str) -> Option<Progress> {
    let mut lines = log.lines().rev().filter(|line| line.starts_with('{'));
    lines.find_map(Progress::of_line).map(|progress| Progress { message: cut(&progress.message), ..progress })
}

/// What the end of a log says was counted. Any program may have written it: what does not read as numbers and known
/// words is passed over.
pub(super) fn last_figures(log: &str) -> Option<Figures> {
    #[derive(serde::Deserialize)]
    struct Line {
        figures: Figures,
    }
    log.lines().rev().find_map(|line| serde_json::from_str::<Line>(line).ok()).map(|line| line.figures)
}

/// The same of a relay.
pub(super) fn last_relay_figures(log: &str) -> Option<RelayFigures> {
    log.lines().rev().find_map(RelayFigures::of_line)
}

/// The message of the last line of a log: of its JSON, or the line itself.
pub(super) fn last_message(log: &str) -> Option<String> {
    let line = log.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    let said = serde_json::from_str::<Progress>(line).ok().map(|progress| progress.message);
    Some(cut(&said.filter(|message| !message.is_empty()).unwrap_or_else(|| line.to_owned())))
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_WORDS).collect()
}

/// A text without any of these secrets.
pub(super) fn redacted(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<K: serde::de::DeserializeOwned>(yaml: &str) -> K {
        serde_yaml::from_str(yaml).unwrap()
    }

    fn pod(name: &str, rest: &str) -> Pod {
        read(&format!(
            "metadata:\n  name: {name}\n  labels: {{crossfade.dev/revision: '2', crossfade.dev/component: web}}\n{rest}"
        ))
    }

    #[test]
    fn pods_that_end_are_seen_and_pods_that_have_ended_are_not() {
        let all = [
            pod("serving", "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}"),
            pod("ending", "  deletionTimestamp: 2025-01-01T00:00:00Z\nstatus: {phase: Running}"),
            pod("evicted", "status: {phase: Failed}"),
        ];
        let seen = pods(&all, 2);
        let view: Vec<_> = seen.iter().map(|pod| (pod.name.as_str(), pod.is_ready, pod.is_ending)).collect();
        assert_eq!(view, [("serving", true, false), ("ending", false, true)]);
        assert!(pods(&all, 3).is_empty());
    }

    #[test]
    fn readiness_of_an_older_spec_does_not_count() {
        let deployment = |observed: i64| -> Deployment {
            read(&format!(
                "metadata: {{generation: 3, labels: {{crossfade.dev/revision: '2', crossfade.dev/component: web}}}}
spec: {{replicas: 2, selector: {{}}, template: {{}}}}
status: {{observedGeneration: {observed}, readyReplicas: 2}}"
            ))
        };
        assert_eq!(
            workloads(&[deployment(3)], &[], 2)["web"],
            Workload { desired: 2, full: 2, ready: 2, existing: 0 }
        );
        assert_eq!(workloads(&[deployment(2)], &[], 2)["web"].ready, 0);
    }

    #[test]
    fn a_job_says_its_step_its_site_and_how_it_ended() {
        let made = |conditions: &str| -> JobSeen {
            let text = format!(
                "metadata:
  labels: {{crossfade.dev/component: expand}}
  annotations: {{crossfade.dev/site: erp.example.com, crossfade.dev/attempt: again}}
status: {{conditions: [{conditions}]}}"
            );
            job(&read(&text)).unwrap()
        };
        let running = made("{type: FailureTarget, status: 'True'}");
        assert_eq!((running.step, running.site.as_deref()), (JobStep::Expand, Some("erp.example.com")));
        assert_eq!((running.attempt.as_str(), running.state), ("again", JobState::Running));
        assert_eq!(made("{type: Complete, status: 'True'}").state, JobState::Succeeded);
        let failed = made("{type: Failed, status: 'True', message: gone wrong}");
        assert_eq!(failed.state, JobState::Failed("gone wrong".into()));
    }

    #[test]
    fn the_job_of_a_measurement_says_which_and_why_it_failed() {
        let job: Job = read(
            "metadata:
  name: m
  labels: {crossfade.dev/revision: '2', crossfade.dev/component: analysis}
  annotations: {crossfade.dev/run: run.smoke.x, crossfade.dev/measurement: '3'}
status: {conditions: [{type: Failed, status: 'True', message: BackoffLimitExceeded}]}",
        );
        let pod: Pod = read(
            "metadata: {name: p, labels: {batch.kubernetes.io/job-name: m}}
status:
  containerStatuses:
    - {name: job, image: x, imageID: x, ready: false, restartCount: 0, state: {terminated: {exitCode: 1, message: no orders}}}",
        );
        let seen = analysis_jobs(&[job], &[pod], 2);
        assert_eq!((seen[0].key.as_str(), seen[0].number), ("run.smoke.x", 3));
        assert_eq!(seen[0].state, JobState::Failed("no orders (container 'job', exit code 1)".into()));
    }

    #[test]
    fn progress_is_the_last_line_that_is_progress() {
        let log = "noise\n{\"step\":\"view\",\"done\":3,\"total\":9,\"message\":\"tabUser\"}\n{\"result\":\"done\"}\n";
        let progress = last_progress(log).unwrap();
        assert_eq!((progress.step.as_str(), progress.done, progress.total), ("view", Some(3), Some(9)));
        assert_eq!(last_progress("Migrating site\nUpdating DocTypes"), None);
    }

    #[test]
    fn what_was_counted_is_the_last_that_reads_as_such() {
        let log = r#"{"step":"lock","figures":{"lockWaits":3,"lockBudgetUsedPercent":80}}
{"figures":{"lockWaits":"many"}}
{"figures":{"failure":"a word of the image's own"}}
{"crossfade":"ddl","tries":1}
{"relay":{"blue":{"lagMilliseconds":4,"queues":{"short":{"queued":5,"running":2,"scheduled":0,"deferred":0}}}}}
"#;
        let figures = last_figures(log).unwrap();
        assert_eq!((figures.lock_waits, figures.lock_budget_used_percent), (Some(3), Some(80)));
        let relay = last_relay_figures(log).unwrap();
        assert_eq!(
            (relay.blue.lag_milliseconds, relay.blue.jobs(), relay.green.jobs()),
            (Some(4), Some(7), None)
        );
        assert_eq!(last_figures("Migrating"), None);
    }

    #[test]
    fn the_last_words_of_a_failed_container_name_it_and_its_exit_code() {
        let failed = pod(
            "p",
            r#"status:
  containerStatuses:
    - name: job
      image: x
      imageID: x
      ready: false
      restartCount: 0
      state: {terminated: {exitCode: 3, message: "{\"step\":\"a\"}\n{\"result\":\"failed\",\"message\":\"table in use\"}\n"}}"#,
        );
        assert_eq!(last_words(&failed).unwrap(), "table in use (container 'job', exit code 3)");
        let told = failed_try(&failed).unwrap();
        assert_eq!(
            (told.step.as_str(), told.message.as_str()),
            ("failed:", "table in use (container 'job', exit code 3); it is tried again")
        );
        let ended = serde_json::to_string(&failed).unwrap().replace("\"exitCode\":3", "\"exitCode\":0");
        assert_eq!(failed_try(&serde_json::from_str(&ended).unwrap()), None);
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_said() {
        let stuck = pod(
            "p",
            "status:
  initContainerStatuses:
    - {name: snapshot-green, image: x, imageID: x, ready: false, restartCount: 0,
       state: {waiting: {reason: ImagePullBackOff, message: no such image}}}",
        );
        let progress = obstacle(&stuck).unwrap();
        assert_eq!(
            (progress.step.as_str(), progress.message.as_str()),
            ("ImagePullBackOff", "no such image")
        );
    }

    #[test]
    fn no_secret_passes_into_a_message() {
        let secrets = ["hunter22".to_owned()];
        assert_eq!(redacted("user x with hunter22 refused", &secrets), "user x with *** refused");
    }

    #[test]
    fn another_tools_deployment_has_the_pods_that_it_had_before_it_was_stopped() {
        let full = |component: &str, annotations: &str, replicas: i32| {
            let text = format!(
                "metadata: {{annotations: {{{annotations}}}}}\nspec: {{replicas: {replicas}, selector: {{}}, template: {{}}}}"
            );
            adopted(component, &read(&text), &[pod("p", "status: {phase: Running}")])
        };
        let (workload, pods) = full("worker-long", "crossfade.dev/replicas: '3'", 0);
        assert_eq!(workload, Workload { desired: 0, full: 3, ready: 0, existing: 1 });
        assert_eq!(pods[0].component, "worker-long");
        // Somebody has scaled it since, or stopped it himself.
        assert_eq!(full("worker-long", "crossfade.dev/replicas: '3'", 2).0.full, 2);
        assert_eq!((full("worker-long", "", 0).0.full, full("web", "", 0).0.full), (0, 1));
    }
}
