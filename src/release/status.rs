//! The status of a release: what a decision found, put into phases, conditions and numbers.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sha2::{Digest, Sha256};

use super::{JobSeen, JobState, Observed, RecordState, Revision, audit, gate, shift};
use crate::api::condition::{self, Wanted};
use crate::api::figures::Figures;
use crate::api::status::{AppStatus, Colour, FrappeReleaseStatus, PlanStatus, SiteStatus};
use crate::api::{Phase, names};
use crate::plan::Verdict;

/// How things stand, in the words of the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Say {
    state: State,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Going,
    Paused,
    Halted(&'static str),
    Complete,
}

impl Say {
    pub(super) fn going(message: &str) -> Self {
        Self { state: State::Going, message: message.to_owned() }
    }

    pub(super) fn paused(message: &str) -> Self {
        Self { state: State::Paused, message: message.to_owned() }
    }

    pub(super) fn halted(reason: &'static str, message: &str) -> Self {
        Self { state: State::Halted(reason), message: message.to_owned() }
    }

    /// Says more after what is said.
    pub(super) fn add(&mut self, words: &str) {
        self.message.push_str(words);
    }

    pub(super) fn complete(message: &str) -> Self {
        Self { state: State::Complete, message: message.to_owned() }
    }
}

/// The plans of all sites as one: what a release as a whole does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasePlan {
    /// The plan's hash, or a hash over those of all sites.
    pub hash: String,
    /// The worst verdict.
    pub verdict: Verdict,
    /// What changes.
    pub summary: String,
}

/// The plan of a revision; `None` until that of every site is stored.
pub fn plan_of(revision: &Revision) -> Option<ReleasePlan> {
    let sites = &revision.record.template.sites;
    let plans: Option<Vec<_>> = sites.iter().map(|site| revision.plans.get(&site.name)).collect();
    let plans = plans?;
    let worst = plans.iter().max_by_key(|plan| plan.verdict)?;
    let hash = match plans.as_slice() {
        [one] => one.hash.clone(),
        several => {
            let joined: String = several.iter().map(|plan| plan.hash.as_str()).collect();
            format!("{:x}", Sha256::digest(joined.as_bytes()))
        }
    };
    Some(ReleasePlan { hash, verdict: worst.verdict, summary: worst.summary.clone() })
}

/// Writes the status that fits a decision.
pub(super) fn write(
    seen: &Observed,
    current: Option<u32>,
    phase: Phase,
    say: &Say,
    now: Timestamp,
) -> FrappeReleaseStatus {
    let before = seen.release.status.clone().unwrap_or_default();
    let green = current.and_then(|number| Some((number, seen.revisions.get(&number)?)));
    let blue = green.and_then(|(_, revision)| {
        let number = revision.record.blue?;
        Some((number, seen.revisions.get(&number)?))
    });
    let since = green.and_then(|(_, revision)| revision.record.entered.get(&phase).copied());
    let kept = before.phase_since.filter(|_| before.phase == Some(phase));
    let generation = seen.release.metadata.generation.unwrap_or_default();
    let same = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let is_same = before.phase == Some(phase) && same(&before.message) == same(&say.message);
    let (analyses, webhooks) =
        green.map(|(_, revision)| gate::statuses(seen, revision, now)).unwrap_or_default();
    let mut status = FrappeReleaseStatus {
        observed_generation: Some(generation),
        phase: Some(phase),
        phase_since: Some(since.map(second).or(kept).unwrap_or_else(|| second(now))),
        message: say.message.clone(),
        waiting_since: (say.state != State::Complete)
            .then(|| before.waiting_since.filter(|_| is_same).unwrap_or_else(|| second(now))),
        weight: green.map(|(number, _)| weight(seen, number)),
        blue: blue.map(|(number, revision)| colour(number, revision)),
        green: green.map(|(number, revision)| colour(number, revision)),
        plan: green.and_then(|(_, revision)| plan(seen, revision, phase)),
        apps: green.map(|(number, revision)| apps(seen, number, revision)).unwrap_or_default(),
        sites: green.map(|(_, revision)| sites(revision)).unwrap_or_default(),
        analyses,
        webhooks,
        audit: audit::written(seen, now),
        conditions: before.conditions,
    };
    let has_blue = green.is_some_and(|(_, revision)| revision.record.blue.is_some());
    for wanted in conditions(phase, has_blue, say) {
        condition::set(&mut status.conditions, wanted, generation, now);
    }
    status
}

/// A time as Kubernetes keeps it, without a fraction: with one, a status that was read back would be another.
pub(super) fn second(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

fn weight(seen: &Observed, number: u32) -> u8 {
    let split = seen.route.as_ref().and_then(|route| route.split.as_ref());
    split.map_or(0, |split| split.least(number))
}

fn colour(number: u32, revision: &Revision) -> Colour {
    let ready = revision.workloads.get("web").map_or(0, |web| web.ready);
    Colour { revision: number, image: revision.record.template.image.clone(), ready }
}

fn plan(seen: &Observed, revision: &Revision, phase: Phase) -> Option<PlanStatus> {
    let plan = plan_of(revision)?;
    let asked = seen.release.spec.approvals.plan.as_ref();
    let approved = phase > Phase::Planning
        || asked.is_none_or(|approval| {
            let said = [approval.approved.as_deref(), seen.release.annotated(names::ANNOTATION_APPROVE_PLAN)];
            said.contains(&Some(plan.hash.as_str()))
        });
    Some(PlanStatus {
        hash: plan.hash,
        verdict: plan.verdict.name().to_owned(),
        summary: plan.summary,
        approved,
    })
}

fn apps(seen: &Observed, number: u32, revision: &Revision) -> Vec<AppStatus> {
    let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let is_shifting = revision.record.state == RecordState::Releasing
        && revision.record.entered.keys().max() == Some(&Phase::Shifting);
    let apps = seen.release.spec.traffic.apps.iter();
    apps.map(|app| {
        let at = revision.record.traffic.get(&app.name).map_or(0, |at| at.step);
        let steps = app.steps.len();
        let hold = shift::hold(&seen.release, number, app, at).filter(|_| is_shifting);
        AppStatus {
            name: app.name.clone(),
            weight: seen.route.as_ref().map_or(0, |route| route.weight(number, &app.name)),
            step: count((at + 1).min(steps)),
            steps: count(steps),
            waiting: hold.map(|hold| hold.words()).unwrap_or_default(),
        }
    })
    .collect()
}

fn sites(revision: &Revision) -> Vec<SiteStatus> {
    let sites = revision.record.template.sites.iter();
    sites
        .filter_map(|site| {
            let jobs = revision.jobs.iter().filter(|job| job.site.as_deref() == Some(site.name.as_str()));
            let mut jobs: Vec<_> = jobs.collect();
            jobs.sort_by_key(|job| job.step);
            let mut figures = Figures::default();
            for job in &jobs {
                figures.add(&job.figures);
            }
            jobs.last().map(|job| SiteStatus { figures, ..site_status(&site.name, job) })
        })
        .collect()
}

fn site_status(name: &str, job: &JobSeen) -> SiteStatus {
    let words = match &job.state {
        JobState::Running => job.progress.as_ref().map(|progress| progress.message.clone()),
        JobState::Succeeded => None,
        JobState::Failed(why) => Some(why.clone()),
    };
    let progress = job.progress.as_ref().filter(|_| job.state == JobState::Running);
    SiteStatus {
        name: name.to_owned(),
        step: job.step.name().to_owned(),
        state: job.state.name().to_owned(),
        done: progress.and_then(|progress| progress.done),
        total: progress.and_then(|progress| progress.total),
        message: words.unwrap_or_default(),
        figures: job.figures,
    }
}

fn conditions(phase: Phase, has_blue: bool, say: &Say) -> Vec<Wanted> {
    let mut all: Vec<Wanted> =
        condition::PHASES.map(|(end, kind)| phase_condition(end, kind, phase, has_blue, say)).into();
    all.extend(kstatus(phase, say));
    all
}

fn phase_condition(end: Phase, kind: &'static str, phase: Phase, has_blue: bool, say: &Say) -> Wanted {
    let needs_blue =
        matches!(end, Phase::Isolating | Phase::Expanding | Phase::Migrating | Phase::Contracting);
    let (value, reason, message) = match phase {
        Phase::RollingBack | Phase::RolledBack => (false, phase.name(), say.message.as_str()),
        Phase::Planning
        | Phase::Isolating
        | Phase::Expanding
        | Phase::Migrating
        | Phase::StartingGreen
        | Phase::Shifting
        | Phase::Draining
        | Phase::Contracting
        | Phase::Complete => match end.cmp(&phase) {
            std::cmp::Ordering::Less if needs_blue && !has_blue => {
                (true, "NoBlue", "the first revision of a bench")
            }
            std::cmp::Ordering::Less => (true, "Done", ""),
            std::cmp::Ordering::Equal => (false, "InProgress", say.message.as_str()),
            std::cmp::Ordering::Greater => (false, "Pending", ""),
        },
    };
    Wanted { kind, value: Some(value), reason: reason.to_owned(), message: message.to_owned() }
}

/// Ready, Reconciling, Stalled as kstatus reads them (sigs.k8s.io/cli-utils, "The kstatus spec").
fn kstatus(phase: Phase, say: &Say) -> [Wanted; 3] {
    let wanted = |kind, value, reason: &str| Wanted {
        kind,
        value: Some(value),
        reason: reason.to_owned(),
        message: say.message.clone(),
    };
    let (ready, reconciling, stalled, reason) = match say.state {
        State::Complete => (true, false, false, "Complete"),
        State::Going => (false, true, false, phase.name()),
        State::Paused => (false, true, false, "Paused"),
        State::Halted(reason) => (false, false, true, reason),
    };
    [
        wanted(condition::READY, ready, reason),
        wanted(condition::RECONCILING, reconciling, reason),
        wanted(condition::STALLED, stalled, reason),
    ]
}
