//! What the Jobs of a release do, with the progress that they tell, and the queues that run out.

use k8s_openapi::api::batch::v1::Job;

use super::seen::Seen;
use super::standing::text;
use super::told::{self, Told};
use crate::api::FrappeRelease;
use crate::api::backlog::Backlog;
use crate::api::figures::{Figures, RelayFigures};
use crate::api::status::SiteStatus;
use crate::controller::seen;
use crate::release::{JobSeen, JobState, JobStep};
use crate::web::api::{LedgerLine, Queue, Work};

/// The work of a release: a line for each site, as the status has it, and for each other Job that runs or failed. What a Job's log
/// told is newer than what the operator has read.
pub(super) fn work(release: &FrappeRelease, seen: &Seen) -> Vec<Work> {
    let status = release.status.clone().unwrap_or_default();
    let revision = status.green.as_ref().map(|green| green.revision);
    let jobs: Vec<Line<'_>> = seen
        .jobs
        .iter()
        .filter(|job| revision.is_some() && seen::revision_of(*job) == revision)
        .filter_map(|job| Line::of(job, seen))
        .collect();
    // A Job that has begun is told by its watch before the operator writes it down.
    let of = |site: &SiteStatus| {
        let own = || jobs.iter().filter(|line| line.site() == site.name);
        let unfinished = own().find(|line| line.seen.state != JobState::Succeeded);
        unfinished.or_else(|| own().find(|line| line.seen.step.name() == site.step))
    };
    let mut all: Vec<Work> = status
        .sites
        .iter()
        .map(|site| of(site).map_or_else(|| of_status(site), |line| line.work(site)))
        .map(|work| Work { ledger: ledger(jobs.iter().filter(|line| line.site() == work.site)), ..work })
        .collect();
    let is_told = |line: &Line<'_>| status.sites.iter().any(|site| line.site() == site.name);
    let others = jobs.iter().filter(|line| line.seen.state != JobState::Succeeded && !is_told(line));
    all.extend(others.map(|line| Work { ledger: ledger([line]), ..line.work(&line.status()) }));
    all
}

/// What the Pods of these Jobs have told, oldest first.
fn ledger<'a>(jobs: impl IntoIterator<Item = &'a Line<'a>>) -> Vec<LedgerLine> {
    let line = |job: &Line<'_>, told: &told::Line| LedgerLine {
        at: told.at.clone(),
        step: job.seen.step.name().to_owned(),
        part: told.progress.step.clone(),
        done: told.progress.done,
        total: told.progress.total,
        message: told.progress.message.clone(),
    };
    let of_job = |job: &'a Line<'a>| {
        let told = job.told.iter().flat_map(|told| told.lines());
        told.map(move |told| line(job, told))
    };
    let mut all: Vec<_> = jobs.into_iter().flat_map(of_job).collect();
    // Of Jobs, and of the tries of one: each by itself is in order.
    all.sort_by(|a, b| a.at.cmp(&b.at));
    all
}

/// The queues of both colours: as the relay counts them, or as a Job tells that lets them run out.
pub(super) fn queues(work: &[Work], relay: &RelayFigures) -> Vec<Queue> {
    let mut queues = Vec::new();
    for (colour, figures) in [("blue", &relay.blue), ("green", &relay.green)] {
        let counted = figures.queues.iter().flatten();
        queues.extend(counted.map(|(name, backlog)| queue(colour, name, *backlog)));
    }
    for job in work.iter().filter(|job| job.state == "Running") {
        let colour = match job.step.as_str() {
            step if step == JobStep::Drain.name() => "blue",
            step if step == JobStep::DrainGreen.name() => "green",
            _ => continue,
        };
        if queues.iter().any(|queue| queue.colour == colour) {
            continue;
        }
        for told in job.message.split("; ") {
            let Some((name, counts)) = told.split_once(": ") else { continue };
            let Ok(backlog) = counts.parse() else { continue };
            queues.push(queue(colour, name, backlog));
        }
    }
    queues
}

fn queue(colour: &str, name: &str, backlog: Backlog) -> Queue {
    let Backlog { queued, running, scheduled, deferred } = backlog;
    Queue { colour: colour.to_owned(), name: name.to_owned(), queued, running, scheduled, deferred }
}

/// One Job with what its Pods have told, the oldest Pod first.
struct Line<'a> {
    job: &'a Job,
    seen: JobSeen,
    told: Vec<&'a Told>,
}

impl<'a> Line<'a> {
    /// None for a measurement: it is told by its analysis.
    fn of(job: &'a Job, seen: &'a Seen) -> Option<Self> {
        let pods = seen::pods_of_job(&seen.pods, job.metadata.name.as_deref()?);
        let told = pods.filter_map(|pod| seen.told.get(pod.metadata.name.as_ref()?)).collect();
        Some(Self { job, seen: seen::job(job)?, told })
    }

    fn site(&self) -> &str {
        self.seen.site.as_deref().unwrap_or_default()
    }

    fn status(&self) -> SiteStatus {
        SiteStatus {
            name: self.site().to_owned(),
            step: self.seen.step.name().to_owned(),
            state: self.seen.state.name().to_owned(),
            done: None,
            total: None,
            message: String::new(),
            figures: Figures::default(),
        }
    }

    /// What the Job does; of the status only what it says of the same step.
    fn work(&self, site: &SiteStatus) -> Work {
        let status = self.job.status.as_ref();
        let told = if site.step == self.seen.step.name() { site } else { &self.status() };
        let mut work = Work { state: self.seen.state.name().to_owned(), ..of_status(told) };
        work.began = status.and_then(|status| status.start_time.as_ref()).map(text);
        work.ended = status.and_then(|status| status.completion_time.as_ref()).map(text);
        let last = self.told.last().and_then(|told| told.last());
        if let Some(progress) = last.filter(|_| self.seen.state == JobState::Running) {
            work.part.clone_from(&progress.step);
            work.message.clone_from(&progress.message);
            (work.done, work.total) = (progress.done, progress.total);
        }
        work
    }
}

fn of_status(site: &SiteStatus) -> Work {
    Work {
        site: site.name.clone(),
        step: site.step.clone(),
        state: site.state.clone(),
        part: String::new(),
        done: site.done,
        total: site.total,
        message: site.message.clone(),
        began: None,
        ended: None,
        ledger: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn seen(step: &str, site: &str, lines: &[&str]) -> (FrappeRelease, Seen) {
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        let job = format!(
            "{{metadata: {{name: j, labels: {{crossfade.dev/component: {step}, crossfade.dev/revision: '2'}},
               annotations: {{{site}}}}}, status: {{startTime: '2026-01-05T09:00:00Z'}}}}"
        );
        let mut told = Told::default();
        for line in lines {
            told.take(told::Line::of(line).unwrap());
        }
        let pod = "{metadata: {name: p, labels: {batch.kubernetes.io/job-name: j}}}";
        let seen = Seen {
            jobs: vec![serde_yaml::from_str(&job).unwrap()],
            pods: vec![serde_yaml::from_str(pod).unwrap()],
            told: [("p".to_owned(), told)].into(),
            ..Seen::default()
        };
        (states[if step == "drain" { "draining" } else { "expanding" }].clone(), seen)
    }

    #[test]
    fn what_a_job_told_is_newer_than_the_status() {
        let site = "crossfade.dev/site: erp.example.com";
        let step = "{\"at\":\"2026-01-05T09:00:01Z\",\"step\":\"steps\",\"done\":1,\"total\":3,\"message\":\"add a to tabItem (6 ms)\"}";
        let fill = "{\"at\":\"2026-01-05T09:00:03Z\",\"step\":\"backfill\",\"done\":500,\"total\":9000,\"message\":\"a of tabItem\"}";
        let (release, seen) = seen("expand", site, &[step, fill]);
        let all = work(&release, &seen);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].part.as_str(), all[0].done, all[0].total), ("backfill", Some(500), Some(9000)));
        assert_eq!((all[0].step.as_str(), all[0].state.as_str()), ("expand", "Running"));
        let ledger: Vec<_> = all[0]
            .ledger
            .iter()
            .map(|line| (line.step.as_str(), line.part.as_str(), line.done, line.message.as_str()))
            .collect();
        let expected = [
            ("expand", "steps", Some(1), "add a to tabItem (6 ms)"),
            ("expand", "backfill", Some(500), "a of tabItem"),
        ];
        assert_eq!(ledger, expected);
    }

    #[test]
    fn the_queues_of_blue_are_those_that_its_drain_tells() {
        let message = "short: 3 queued, 1 running, 0 scheduled, 0 deferred; long: 0 queued, 2 running, 0 scheduled, 1 deferred";
        let told = format!("{{\"step\":\"drain\",\"done\":1,\"total\":8,\"message\":\"{message}\"}}");
        let (release, seen) = seen("drain", "", &[&told]);
        let queues = queues(&work(&release, &seen), &RelayFigures::default());
        let shown: Vec<_> =
            queues.iter().map(|queue| (queue.colour.as_str(), queue.name.as_str(), queue.running)).collect();
        assert_eq!(shown, [("blue", "short", 1), ("blue", "long", 2)]);
    }

    #[test]
    fn the_queues_of_both_colours_are_those_that_the_relay_counts() {
        let message = "short: 3 queued, 1 running, 0 scheduled, 0 deferred";
        let told = format!("{{\"step\":\"drain\",\"done\":1,\"total\":8,\"message\":\"{message}\"}}");
        let (release, seen) = seen("drain", "", &[&told]);
        let counted = r#"{"relay":{"blue":{"queues":{"long":{"deferred":4},"short":{"running":7}}},"green":{"queues":{"short":{"queued":2}}}}}"#;
        let queues = queues(&work(&release, &seen), &RelayFigures::of_line(counted).unwrap());
        let shown: Vec<_> = queues
            .iter()
            .map(|queue| {
                (queue.colour.as_str(), queue.name.as_str(), queue.queued, queue.running, queue.deferred)
            })
            .collect();
        assert_eq!(
            shown,
            [("blue", "long", 0, 0, 4), ("blue", "short", 0, 7, 0), ("green", "short", 2, 0, 0)]
        );
    }
}
