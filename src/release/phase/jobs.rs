//! Running one Job a site (or one for the bench) to its end: the same in every phase that has Jobs.

use super::{Going, Outcome};
use crate::api::condition::stalled;
use crate::api::names::{self, ANNOTATION_RETRY};
use crate::release::{Action, JobSeen, JobState, JobStep};

/// Runs a step's Job for every site, as many at once as `spec.database.parallelSites` says.
pub(super) fn for_every_site(going: &Going<'_>, step: JobStep) -> Outcome {
    let sites: Vec<Option<&str>> = going.sites().map(Some).collect();
    run(going, step, &sites)
}

/// Runs a step's Job for the bench as a whole.
pub(super) fn for_the_bench(going: &Going<'_>, step: JobStep) -> Outcome {
    run(going, step, &[None])
}

/// Whether a step's Job has succeeded for every site.
pub(super) fn have_succeeded(going: &Going<'_>, step: JobStep) -> bool {
    going
        .sites()
        .all(|site| matches!(find(going, step, Some(site)), Some(job) if job.state == JobState::Succeeded))
}

/// The Job of a step and a site.
pub(super) fn find<'a>(going: &'a Going<'_>, step: JobStep, site: Option<&str>) -> Option<&'a JobSeen> {
    going.green.jobs.iter().find(|job| job.step == step && job.site.as_deref() == site)
}

/// Deletes the Jobs of a step that run.
pub(super) fn stop(going: &Going<'_>, step: JobStep) -> Vec<Action> {
    let running = going.green.jobs.iter().filter(|job| job.step == step && job.state == JobState::Running);
    running
        .filter(|job| !job.is_deleting)
        .map(|job| Action::DeleteJob { revision: going.number, step, site: job.site.clone() })
        .collect()
}

/// Deletes the Jobs that still measure something for an analysis.
pub(super) fn stop_measuring(going: &Going<'_>) -> Vec<Action> {
    let running = going.green.analysis_jobs.iter().filter(|job| job.state == JobState::Running);
    running
        .map(|job| Action::DeleteAnalysisJob {
            revision: going.number,
            key: job.key.clone(),
            number: job.number,
        })
        .collect()
}

fn run(going: &Going<'_>, step: JobStep, sites: &[Option<&str>]) -> Outcome {
    let attempt = going.seen.release.annotated(ANNOTATION_RETRY).unwrap_or_default();
    let revision = going.number;
    let (mut actions, mut running, mut failed, mut done) = (Vec::new(), Vec::new(), Vec::new(), 0_usize);
    let mut missing = Vec::new();
    for &site in sites {
        let target = site.map(str::to_owned);
        let label = site.unwrap_or("the bench");
        match find(going, step, site) {
            None => missing.push(Action::Job { revision, step, site: target }),
            Some(job) if job.is_deleting => running.push(format!("{label}: the last try is being removed")),
            Some(job) => match &job.state {
                JobState::Succeeded => done += 1,
                JobState::Running => running.push(describe(label, job)),
                JobState::Failed(_) if job.attempt != attempt => {
                    actions.push(Action::DeleteJob { revision, step, site: target });
                }
                JobState::Failed(why) => failed.push(format!("{label}: {why}")),
            },
        }
    }
    if done == sites.len() {
        return Outcome::Done;
    }
    // One that failed holds the release in its phase, and does not hold the others.
    let at_once = usize::from(going.seen.release.spec.database.parallel_sites);
    missing.truncate(at_once.saturating_sub(running.len()));
    actions.extend(missing);
    if !failed.is_empty() && actions.is_empty() && running.is_empty() {
        let what =
            names::revision_name(&going.seen.release.metadata.name.clone().unwrap_or_default(), revision);
        let because = format!(
            "{} of {what} failed: {}; mend the cause and run `kubectl crossfade retry`, or abort",
            step.name(),
            failed.join("; ")
        );
        return Outcome::Halt { because, reason: stalled::JOB_FAILED };
    }
    let waiting = if running.is_empty() { String::new() } else { format!(" ({})", running.join("; ")) };
    Outcome::act(actions, format!("{}: {done} of {} done{waiting}", step.name(), sites.len()))
}

fn describe(label: &str, job: &JobSeen) -> String {
    let Some(progress) = &job.progress else { return format!("{label}: running") };
    let count = match (progress.done, progress.total) {
        (Some(done), Some(total)) => format!(" {done}/{total}"),
        (Some(done), None) => format!(" {done}"),
        (None, _) => String::new(),
    };
    format!("{label}: {}{count} {}", progress.step, progress.message).trim_end().to_owned()
}
