//! What the API server tells of one release and what belongs to it, and of all releases.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use futures::stream::{BoxStream, SelectAll, Stream, StreamExt as _};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::logs;
use super::seen::Seen;
use super::standing::line;
use super::told::{self, Told};
use crate::api::FrappeRelease;
use crate::api::figures::RelayFigures;
use crate::controller::{people, seen};
use crate::manifest::{RELAY, selector};
use crate::release::JobStep;
use crate::web::api::Releases;

/// What comes within this time is shown at once.
const GATHER: Duration = Duration::from_millis(100);

/// One that cannot be read does not stop the watch of all others.
type Guarded = DeserializeGuard<FrappeRelease>;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Releases,
    Jobs,
    Pods,
    Events,
    Logs,
}

impl What {
    const fn words(self) -> &'static str {
        match self {
            Self::Releases => "the FrappeReleases",
            Self::Jobs => "the Jobs",
            Self::Pods => "the Pods",
            Self::Events => "the events",
            Self::Logs => "the progress of the Jobs",
        }
    }
}

/// One thing that was told.
pub(super) enum Step {
    /// Something is other than it was.
    Changed(What),
    /// All that there was is known.
    Ready(What),
    /// It cannot be watched for now, and why.
    Failed(What, String),
    /// A Job's Pod tells its progress.
    Told(String, told::Line),
    /// A relay's Pod tells what it counts.
    Counted(String, RelayFigures),
}

/// The next step, and what comes soon after it.
async fn gathered(steps: &mut (impl Stream<Item = Step> + Unpin)) -> Option<Vec<Step>> {
    let mut all = vec![steps.next().await?];
    let mut over = std::pin::pin!(tokio::time::sleep(GATHER));
    loop {
        tokio::select! {
            step = steps.next() => all.push(step?),
            () = &mut over => return Some(all),
        }
    }
}

/// A watch that keeps what it saw.
fn watched<K>(api: Api<K>, config: watcher::Config, what: What) -> (Store<K>, BoxStream<'static, Step>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let (store, writer) = reflector::store();
    // A watch that broke is begun anew by itself, later each time.
    let changes = reflector::reflector(writer, watcher(api, config).default_backoff());
    let steps = changes.map(move |change| match change {
        Ok(watcher::Event::InitDone) => Step::Ready(what),
        Ok(_) => Step::Changed(what),
        Err(error) => Step::Failed(what, words(&error)),
    });
    (store, steps.boxed())
}

fn words(error: &watcher::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    let refused = causes.clone().find_map(|cause| cause.downcast_ref().and_then(people::refusal));
    if let watcher::Error::WatchError(status) = error
        && status.code == 403
    {
        return status.message.clone();
    }
    refused.unwrap_or_else(|| causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")))
}

fn problems(problems: &BTreeMap<What, String>) -> Vec<String> {
    problems.iter().map(|(what, why)| format!("{} cannot be seen: {why}", what.words())).collect()
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// One release, watched.
pub(super) struct Watching {
    steps: SelectAll<BoxStream<'static, Step>>,
    is_ready: bool,
    problems: BTreeMap<What, String>,
    releases: Store<Guarded>,
    jobs: Store<Job>,
    pods: Store<Pod>,
    events: Store<Event>,
    pod_api: Api<Pod>,
    followed: BTreeSet<String>,
    told: BTreeMap<String, Told>,
    counted: BTreeMap<String, RelayFigures>,
}

impl Watching {
    /// Begins to watch a release.
    pub(super) fn new(client: &Client, namespace: &str, name: &str) -> Self {
        let at = Some(namespace);
        let own = watcher::Config::default().labels(&selector(name));
        let this = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let pod_api: Api<Pod> = api(client, at);
        let (releases, of_releases) = watched(api(client, at), this, What::Releases);
        let (jobs, of_jobs) = watched(api(client, at), own.clone(), What::Jobs);
        let (pods, of_pods) = watched(pod_api.clone(), own, What::Pods);
        let (events, of_events) = watched(api(client, at), watcher::Config::default(), What::Events);
        Self {
            steps: futures::stream::select_all([of_releases, of_jobs, of_pods, of_events]),
            is_ready: false,
            problems: BTreeMap::new(),
            releases,
            jobs,
            pods,
            events,
            pod_api,
            followed: BTreeSet::new(),
            told: BTreeMap::new(),
            counted: BTreeMap::new(),
        }
    }

    /// What is seen once something is other than before.
    pub(super) async fn next(&mut self) -> Option<Seen> {
        loop {
            for step in gathered(&mut self.steps).await? {
                self.take(step);
            }
            self.follow();
            if self.is_ready || self.problems.contains_key(&What::Releases) {
                return Some(self.seen());
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Changed(what) => {
                self.problems.remove(&what);
            }
            Step::Ready(what) => {
                self.problems.remove(&what);
                self.is_ready |= what == What::Releases;
            }
            Step::Failed(what, why) => {
                self.problems.insert(what, why);
            }
            Step::Told(pod, line) => self.told.entry(pod).or_default().take(line),
            Step::Counted(pod, figures) => {
                self.counted.insert(pod, figures);
            }
        }
    }

    /// Follows the logs of Jobs and relays that have begun, each once; that of a Job that is over ends at once.
    fn follow(&mut self) {
        for pod in self.pods.state() {
            let component = seen::component_of(&*pod);
            let (is_job, is_relay) = (JobStep::from_name(component).is_some(), component == RELAY);
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            let has_log = match phase {
                Some("Running") => is_job || is_relay,
                Some("Succeeded" | "Failed") => is_job,
                _ => false,
            };
            let Some(name) = pod.metadata.name.clone().filter(|_| has_log) else {
                continue;
            };
            if self.followed.insert(name.clone()) {
                let follow = if is_relay { logs::counted } else { logs::told };
                self.steps.push(follow(self.pod_api.clone(), name));
            }
        }
    }

    fn seen(&self) -> Seen {
        let mut problems = problems(&self.problems);
        let release = self.releases.state().into_iter().next().and_then(|guarded| match &guarded.0 {
            Ok(release) => Some(release.clone()),
            Err(error) => {
                problems.push(format!("the FrappeRelease cannot be read: {}", error.error));
                None
            }
        });
        Seen {
            release,
            jobs: owned(&self.jobs),
            pods: owned(&self.pods),
            events: owned(&self.events),
            told: self.told.clone(),
            counted: self.counted.clone(),
            problems,
        }
    }
}

fn owned<K>(store: &Store<K>) -> Vec<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    store.state().iter().map(|object| K::clone(object)).collect()
}

/// All releases, watched.
pub(super) struct WatchingAll {
    namespace: Option<String>,
    read_only: bool,
    steps: BoxStream<'static, Step>,
    is_ready: bool,
    problem: Option<String>,
    releases: Store<Guarded>,
}

impl WatchingAll {
    /// Begins to watch the releases of a namespace, or of all.
    pub(super) fn new(client: &Client, namespace: Option<String>, read_only: bool) -> Self {
        let api = api(client, namespace.as_deref());
        let (releases, steps) = watched(api, watcher::Config::default(), What::Releases);
        Self { namespace, read_only, steps, is_ready: false, problem: None, releases }
    }

    /// The list once something is other than before.
    pub(super) async fn next(&mut self) -> Option<Releases> {
        loop {
            for step in gathered(&mut self.steps).await? {
                self.take(step);
            }
            if self.is_ready || self.problem.is_some() {
                return Some(self.list());
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Failed(what, why) => self.problem = Some(format!("{} cannot be seen: {why}", what.words())),
            Step::Ready(_) => (self.is_ready, self.problem) = (true, None),
            Step::Changed(_) | Step::Told(..) | Step::Counted(..) => self.problem = None,
        }
    }

    fn list(&self) -> Releases {
        let mut problems: Vec<String> = self.problem.clone().into_iter().collect();
        let mut releases = Vec::new();
        for guarded in self.releases.state() {
            match &guarded.0 {
                Ok(release) => releases.push(line(release)),
                Err(error) => problems.push(format!(
                    "FrappeRelease '{}' cannot be read: {}",
                    error.metadata.name.as_deref().unwrap_or_default(),
                    error.error
                )),
            }
        }
        releases.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        Releases { namespace: self.namespace.clone(), read_only: self.read_only, releases, problems }
    }
}
