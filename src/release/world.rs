//! A small world for tests: it does what actions ask for, one reconcile at a time, as a cluster would.

use std::collections::{BTreeMap, VecDeque};

use jiff::{Timestamp, ToSpan};

use super::gate::{Answer, Calls, Gates, Reading, Run, Value};
use super::{
    Action, AnalysisJobSeen, BridgeSeen, Decision, JobSeen, JobState, JobStep, Observed, Placement, PlanSeen,
    PodSeen, Record, Revision, RouteSeen, Running, SiteFacts, Split, Workload, decide, phase,
};
use crate::api::figures::Figures;
use crate::api::{Adopted, FrappeRelease, Phase};
use crate::plan::{AppRequests, Routing, Verdict};

/// A cluster with one release in it.
#[expect(clippy::struct_excessive_bools, reason = "each is a trouble of its own that a test switches on")]
pub(super) struct World {
    pub(super) seen: Observed,
    pub(super) now: Timestamp,
    /// What was asked for, a line each.
    pub(super) log: Vec<String>,
    /// The verdict that the planning Job comes to.
    pub(super) verdict: Verdict,
    /// Jobs that fail when they run.
    pub(super) broken: Vec<JobStep>,
    /// Whether green's Pods become ready.
    pub(super) is_green_healthy: bool,
    /// Whether blue's Pods are ready.
    pub(super) is_blue_healthy: bool,
    /// Whether the relay between the caches becomes ready.
    pub(super) is_relay_healthy: bool,
    /// What measurements give, one after the other; then 0.
    pub(super) readings: VecDeque<Reading>,
    /// Whether the Jobs of measurements never end.
    pub(super) are_measurements_stuck: bool,
    /// Webhooks that refuse.
    pub(super) refusing: Vec<String>,
    /// What webhooks were called with: name, point, phase.
    pub(super) told: Vec<(String, String, String)>,
    gates: BTreeMap<u32, BTreeMap<String, String>>,
    last: Option<(Phase, String)>,
    /// A scheduler has run.
    has_scheduler: bool,
}

/// A release as a user would write it.
pub(super) fn release(image: &str) -> FrappeRelease {
    let text = format!(
        "
apiVersion: crossfade.dev/v1alpha1
kind: FrappeRelease
metadata: {{name: erp, namespace: erp, generation: 1}}
spec:
  image: {image}
  sites: [{{name: erp.example.com, configSecret: {{name: site, key: site_config.json}}}}]
  bench: {{commonConfigSecret: {{name: common, key: common_site_config.json}}}}
  database: {{adminSecret: {{name: mariadb-admin}}}}
  web: {{replicas: 2}}
  workers: [{{name: all, queues: [short, default, long]}}]
  scheduler: {{}}
  traffic:
    gateways: [{{name: gw}}]
    apps: [{{name: '*', steps: [{{weight: 10}}, {{pause: {{seconds: 30}}}}, {{weight: 100}}]}}]
"
    );
    serde_yaml::from_str(&text).expect("the fixture is a release")
}

impl World {
    pub(super) fn new(image: &str) -> Self {
        let facts =
            SiteFacts { database: "erp".into(), user: "erp".into(), host: "mariadb".into(), port: 3306 };
        Self {
            seen: Observed {
                release: release(image),
                revisions: BTreeMap::new(),
                route: None,
                sites: BTreeMap::from([("erp.example.com".to_owned(), Ok(facts))]),
                common_config: Ok(()),
                history: Vec::new(),
                rival_routes: Vec::new(),
                bridge: None,
            },
            // No time of a real cluster is a whole second.
            now: Timestamp::UNIX_EPOCH.saturating_add(123.milliseconds()).expect("the clock goes on"),
            log: Vec::new(),
            verdict: Verdict::Additive,
            broken: Vec::new(),
            is_green_healthy: true,
            is_blue_healthy: true,
            is_relay_healthy: true,
            readings: VecDeque::new(),
            are_measurements_stuck: false,
            refusing: Vec::new(),
            told: Vec::new(),
            gates: BTreeMap::new(),
            last: None,
            has_scheduler: false,
        }
    }

    /// One reconcile: decides, does, and lets the clock and the cluster go on.
    pub(super) fn turn(&mut self) -> Decision {
        let decision = decide(&self.seen, self.now);
        let line = (decision.phase, decision.status.message.clone());
        if self.last.as_ref() != Some(&line) {
            self.log.push(format!("{}: {}", line.0.name(), line.1));
            self.last = Some(line);
        }
        self.go_on();
        for action in &decision.actions {
            if !matches!(action, Action::History { .. }) {
                self.log.push(format!("  {}", describe(action)));
            }
            self.act(action.clone());
        }
        // As the API server gives it back.
        let status = serde_json::to_value(&decision.status).expect("a status is JSON");
        self.seen.release.status = serde_json::from_value(status).expect("a status can be read back");
        self.now = self.now.saturating_add(5.seconds()).expect("the clock goes on");
        self.check();
        decision
    }

    /// Turns until nothing is going on (or waits for a human), at most 200 times.
    pub(super) fn settle(&mut self) -> Decision {
        for _ in 0..200 {
            let decision = self.turn();
            let is_halted =
                decision.status.conditions.iter().any(|c| c.type_ == "Stalled" && c.status == "True");
            if decision.actions.is_empty() && (is_halted || decision.phase.is_settled()) {
                return decision;
            }
        }
        panic!("the release does not settle:\n{}", self.log.join("\n"));
    }

    /// What must hold at every instant.
    fn check(&mut self) {
        // Of two one waits for its turn; once there is one there is never none, unless a site is closed for a release.
        let schedulers: i32 = self.seen.revisions.values().map(|revision| pods(revision, "scheduler")).sum();
        let may_close = self.verdict == Verdict::Blocking;
        self.has_scheduler |= schedulers > 0;
        // Another tool's waits for no turn: there it is one at most.
        let is_adopted =
            self.seen.revisions.values().any(|revision| revision.record.template.adopted.is_some());
        let is_right = if is_adopted {
            schedulers <= 1
        } else {
            schedulers <= 2 && (schedulers > 0 || !self.has_scheduler || may_close)
        };
        assert!(is_right, "{schedulers} schedulers at once:\n{}", self.log.join("\n"));
        if let Some(route) = &self.seen.route {
            let split = route.split.as_ref().expect("the route says how it splits the traffic");
            for number in [Some(split.green), split.blue].into_iter().flatten().filter(|n| split.serves(*n)) {
                let web = self.seen.revisions.get(&number).map_or(0, |revision| pods(revision, "web"));
                assert!(
                    web > 0,
                    "{split:?} leads to revision {number} without Pods:\n{}",
                    self.log.join("\n")
                );
            }
        }
    }

    /// The cluster goes on by itself: Jobs end, Pods become ready or go, the Gateway accepts.
    fn go_on(&mut self) {
        if let Some(route) = &mut self.seen.route {
            route.is_accepted = true;
        }
        for revision in self.seen.revisions.values_mut() {
            revision.jobs.retain(|job| !job.is_deleting);
            let is_stuck = self.are_measurements_stuck;
            let measuring = revision.analysis_jobs.iter_mut();
            for job in measuring.filter(|job| !is_stuck && job.state == JobState::Running) {
                job.state = match self.readings.pop_front() {
                    Some(Reading::Ended(Err(words))) => JobState::Failed(words),
                    Some(_) | None => JobState::Succeeded,
                };
            }
            for job in revision.jobs.iter_mut().filter(|job| job.state == JobState::Running) {
                let is_broken = self.broken.contains(&job.step);
                job.state = if is_broken { JobState::Failed("it broke".into()) } else { JobState::Succeeded };
            }
            if let Some(relay) = &mut revision.relay {
                relay.ready = i32::from(self.is_relay_healthy);
            }
            let is_blue = revision.record.blue.is_none();
            let is_healthy = if is_blue { self.is_blue_healthy } else { self.is_green_healthy };
            revision.pods.retain(|pod| !pod.is_ending);
            for pod in &mut revision.pods {
                pod.is_ready = is_healthy;
            }
            let pods = revision.pods.clone();
            for (component, workload) in &mut revision.workloads {
                let own = pods.iter().filter(|pod| pod.component == *component);
                workload.existing = i32::try_from(own.clone().count()).unwrap_or(0);
                workload.ready = i32::try_from(own.filter(|pod| pod.is_ready).count()).unwrap_or(0);
            }
        }
    }

    fn act(&mut self, action: Action) {
        let attempt =
            self.seen.release.annotated(crate::api::names::ANNOTATION_RETRY).unwrap_or("").to_owned();
        match action {
            Action::Record { revision, record } => self.record(revision, *record),
            Action::Config { revision, placement } => {
                self.of(revision).config = Some((placement, hash(revision, placement)));
            }
            Action::SchemaPassword { revision } => self.of(revision).has_schema_password = true,
            Action::TouchPods { revision, hash } => {
                for pod in &mut self.of(revision).pods {
                    pod.config_hash = Some(hash.clone());
                }
            }
            Action::Job { revision, step, site } => self.of(revision).jobs.push(JobSeen {
                step,
                site,
                attempt,
                is_deleting: false,
                state: JobState::Running,
                progress: None,
                figures: Figures::default(),
            }),
            Action::DeleteJob { revision, step, site } => {
                for job in
                    self.of(revision).jobs.iter_mut().filter(|job| job.step == step && job.site == site)
                {
                    job.is_deleting = true;
                }
            }
            Action::StorePlan { revision, site } => self.store_plan(revision, site),
            Action::Workloads { revision, running } => self.scale(revision, running),
            Action::Relay { revision, is_running } => {
                let relay = Workload { desired: 1, full: 1, ready: 0, existing: 1 };
                self.of(revision).relay = is_running.then_some(relay);
            }
            Action::Route { split } => {
                let message = "pending".into();
                self.seen.route =
                    Some(RouteSeen { split: Some(split), is_whole: true, is_accepted: false, message });
            }
            Action::NoRoute => self.seen.route = None,
            Action::Bridge { since } => self.seen.bridge = Some(BridgeSeen { since, is_whole: true }),
            Action::NoBridge => self.seen.bridge = None,
            Action::Remove { revision } => {
                let revision = self.of(revision);
                (revision.config, revision.jobs) = (None, Vec::new());
                (revision.workloads, revision.pods) = (BTreeMap::new(), Vec::new());
                revision.relay = None;
            }
            Action::Forget { revision } => {
                self.seen.revisions.remove(&revision);
                self.gates.remove(&revision);
            }
            Action::History { entries } => self.seen.history = entries,
            Action::Gate { .. }
            | Action::Measure { .. }
            | Action::Call { .. }
            | Action::AnalysisJob { .. }
            | Action::DeleteAnalysisJob { .. } => self.act_on_gates(action),
        }
    }

    fn record(&mut self, number: u32, record: Record) {
        // Another tool's bench runs if nothing else does; what it had before is remembered.
        let is_alone = self.seen.revisions.is_empty();
        let (mut workloads, mut running) = (BTreeMap::new(), Vec::new());
        for (component, _) in record.template.adopted.iter().flat_map(Adopted::components) {
            let pods = i32::from(is_alone);
            workloads
                .insert(component.clone(), Workload { desired: pods, full: 1, ready: pods, existing: pods });
            running.extend((0..pods).map(|_| pod(&component, 0, None)));
        }
        let new = Revision {
            record: record.clone(),
            config: None,
            plans: BTreeMap::new(),
            routing: Routing::default(),
            jobs: Vec::new(),
            workloads,
            pods: running,
            relay: None,
            relay_figures: None,
            has_schema_password: false,
            gates: Gates::default(),
            analysis_jobs: Vec::new(),
        };
        self.seen.revisions.entry(number).or_insert(new).record = record;
    }

    /// What the background of the operator does.
    fn act_on_gates(&mut self, action: Action) {
        #[expect(clippy::wildcard_enum_match_arm, reason = "`act` has parted them")]
        match action {
            Action::Gate { revision, entries } => self.keep(revision, entries),
            Action::Measure { revision, key, run, question } => {
                let reading = self.readings.pop_front().unwrap_or(Reading::Value(Value::Number(0.0)));
                let run: Run = run.take(&question.analysis, reading, self.now);
                self.keep(revision, BTreeMap::from([(key, serde_json::to_string(&run).ok())]));
            }
            Action::Call { revision, key, hook, calls, body } => {
                let word = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                self.told.push((hook.name.clone(), word("point"), word("phase")));
                let answer = if self.refusing.contains(&hook.name) {
                    Answer::Refused("403: closed".into())
                } else {
                    Answer::Agreed
                };
                let calls: Calls = calls.take(answer, self.now);
                self.keep(revision, BTreeMap::from([(key, serde_json::to_string(&calls).ok())]));
            }
            Action::AnalysisJob { revision, key, number, .. } => {
                let job = AnalysisJobSeen { key, number, state: JobState::Running };
                self.of(revision).analysis_jobs.push(job);
            }
            Action::DeleteAnalysisJob { revision, key, number } => {
                self.of(revision).analysis_jobs.retain(|job| (&job.key, job.number) != (&key, number));
            }
            other => panic!("{other:?} is no action of a gate"),
        }
    }

    /// Stores entries of runs and calls, as text and back.
    fn keep(&mut self, revision: u32, entries: BTreeMap<String, Option<String>>) {
        let kept = self.gates.entry(revision).or_default();
        for (key, text) in entries {
            match text {
                Some(text) => kept.insert(key, text),
                None => kept.remove(&key),
            };
        }
        let gates = Gates::read(kept);
        self.of(revision).gates = gates;
    }

    fn store_plan(&mut self, revision: u32, site: String) {
        let plan = PlanSeen { hash: "h1".into(), verdict: self.verdict, summary: "1 field added".into() };
        let requests = ["shop", "crm"].map(|app| (app.to_owned(), AppRequests::default()));
        let green = self.of(revision);
        green.routing = Routing { apps: requests.into(), ..Routing::default() };
        green.plans.insert(site, plan);
    }

    fn of(&mut self, revision: u32) -> &mut Revision {
        self.seen.revisions.get_mut(&revision).expect("the revision has a record")
    }

    fn scale(&mut self, number: u32, running: Running) {
        let hash = self.of(number).config.clone().map(|(_, hash)| hash);
        let revision = self.of(number);
        for (component, replicas) in phase::components(revision, running) {
            let existing = pods(revision, &component);
            for index in existing..replicas {
                revision.pods.push(pod(&component, index, hash.clone()));
            }
            let surplus = usize::try_from(existing - replicas).unwrap_or(0);
            for pod in revision.pods.iter_mut().filter(|pod| pod.component == component).take(surplus) {
                pod.is_ending = true;
            }
            let ready = revision
                .pods
                .iter()
                .filter(|pod| pod.component == component && pod.is_ready && !pod.is_ending);
            let ready = i32::try_from(ready.count()).unwrap_or(0);
            let full =
                revision.workloads.get(&component).map_or(replicas, |workload| workload.full.max(replicas));
            let workload = Workload { desired: replicas, full, ready, existing: existing.max(replicas) };
            revision.workloads.insert(component, workload);
        }
    }
}

fn pod(component: &str, index: i32, config_hash: Option<String>) -> PodSeen {
    let (name, component) = (format!("{component}-{index}"), component.to_owned());
    PodSeen { name, component, config_hash, is_ready: false, is_ending: false }
}

fn pods(revision: &Revision, component: &str) -> i32 {
    let count = revision.pods.iter().filter(|pod| pod.component == component).count();
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn hash(revision: u32, placement: Placement) -> String {
    format!("{revision}-{placement:?}")
}

fn describe(action: &Action) -> String {
    match action {
        Action::Record { revision, record } => {
            let last = record.entered.keys().max().map_or("", |phase| phase.name());
            format!("record r{revision} {:?} {last}", record.state)
        }
        Action::Config { revision, placement } => format!("config r{revision} {placement:?}"),
        Action::SchemaPassword { revision } => format!("password r{revision}"),
        Action::TouchPods { revision, .. } => format!("touch pods of r{revision}"),
        Action::Job { step, site, .. } => format!("job {} {}", step.name(), site.as_deref().unwrap_or("-")),
        Action::DeleteJob { step, .. } => format!("delete job {}", step.name()),
        Action::StorePlan { site, .. } => format!("store plan of {site}"),
        Action::Workloads { revision, running } => {
            let parts =
                [(running.web, "web"), (running.workers, "workers"), (running.scheduler, "scheduler")];
            let on: Vec<&str> = parts.iter().filter(|(is_on, _)| *is_on).map(|(_, name)| *name).collect();
            format!("run r{revision}: {}", if on.is_empty() { "nothing".to_owned() } else { on.join(", ") })
        }
        Action::Relay { revision, is_running } => {
            format!("relay of r{revision}: {}", if *is_running { "on" } else { "off" })
        }
        Action::Route { split: Split { blue: None, green, .. } } => format!("route r{green}"),
        Action::Route { split: Split { blue: Some(blue), green, apps } } => {
            format!("route r{blue} to r{green}: {apps:?}")
        }
        Action::NoRoute => "no route".to_owned(),
        Action::Bridge { .. } => "bridge".to_owned(),
        Action::NoBridge => "no bridge".to_owned(),
        Action::Remove { revision } => format!("remove r{revision}"),
        Action::Forget { revision } => format!("forget r{revision}"),
        Action::Gate { entries, .. } => {
            let keys: Vec<String> = entries.keys().map(|key| named(key)).collect();
            format!("write {}", keys.join(", "))
        }
        Action::Measure { key, run, .. } => format!("measure {} {}", named(key), run.asked + 1),
        Action::AnalysisJob { key, number, .. } => format!("analysis job {} {number}", named(key)),
        Action::DeleteAnalysisJob { key, number, .. } => {
            format!("delete analysis job {} {number}", named(key))
        }
        Action::Call { key, .. } => format!("call {}", named(key)),
        Action::History { entries } => format!("history of {} releases", entries.len()),
    }
}

/// A key without its hash.
fn named(key: &str) -> String {
    let is_hash = |part: &&str| part.len() == 10 && part.chars().all(|c| c.is_ascii_hexdigit());
    key.split('.').filter(|part| !is_hash(part)).collect::<Vec<_>>().join(" ")
}
