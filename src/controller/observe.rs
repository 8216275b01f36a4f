//! Looks at everything of one release. Reads only, and always from the API server itself: an old view would let a
//! step be taken twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use kube::api::ListParams;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::context::{Context, title};
use super::error::{Error, NoRevision};
use super::job_log::Words;
use super::{adopted, apply, secrets, seen};
use crate::api::figures::FailureKind;
use crate::api::traffic::Provider;
use crate::api::{FrappeRelease, Template};
use crate::manifest::job::CONTAINER;
use crate::manifest::{self, Component, config, gates, history, plan_store, record, schema_password};
use crate::plan::Routing;
use crate::release::{JobSeen, JobState, Observed, RecordState, Revision, RouteSeen, SiteFacts, Split};
use crate::traffic;

/// The objects of a release by kind.
struct Lists {
    config_maps: Vec<ConfigMap>,
    deployments: Vec<Deployment>,
    jobs: Vec<Job>,
    pods: Vec<Pod>,
}

/// Sees one release.
pub(super) async fn observe(ctx: &Context, release: FrappeRelease) -> Result<Observed, Error> {
    let template = release.spec.template();
    let (lists, entries, files) = futures::try_join!(
        lists(ctx, &release),
        entries(ctx, &release),
        secrets::read(ctx, &release, &template)
    )?;
    let hidden = files.secrets();
    let mut revisions = BTreeMap::new();
    for number in numbers(&lists.config_maps) {
        revisions.insert(number, revision(ctx, &release, &lists, number, &hidden).await?);
    }
    let route = route_seen(&release, &entries, &revisions);
    let common_config = files.common.as_ref().map(|_| ()).map_err(Error::chain);
    let rivals = if revisions.values().any(|revision| revision.record.template.adopted.is_some()) {
        adopted::rival_routes(ctx, &release).await?
    } else {
        Vec::new()
    };
    let between = (!rivals.is_empty()).then(|| entries.routes.split.iter().chain(&rivals));
    let bridge = entries.routes.bridge.as_ref().map(|there| traffic::bridge::seen(&release, there, between));
    let rival_routes = rivals.iter().map(ResourceExt::name_any).collect();
    let sites = site_facts(&release, &files);
    let is_history = |map: &&ConfigMap| seen::component_of(*map) == Component::History.label();
    let history = lists.config_maps.iter().find(is_history).map(history::read).unwrap_or_default();
    Ok(Observed { release, revisions, route, sites, common_config, history, rival_routes, bridge })
}

fn site_facts(
    release: &FrappeRelease,
    files: &secrets::UserFiles,
) -> BTreeMap<String, Result<SiteFacts, String>> {
    let empty = serde_json::Map::new();
    let common = files.common.as_ref().unwrap_or(&empty);
    let sites = release.spec.sites.iter().filter_map(|site| Some((site, files.sites.get(&site.name)?)));
    sites
        .map(|(site, file)| {
            let facts = match file {
                Ok(file) => config::facts(file, common, &release.spec.database)
                    .map_err(|source| secrets::wrong(&site.config_secret, source).chain()),
                Err(error) => Err(error.chain()),
            };
            (site.name.clone(), facts)
        })
        .collect()
}

async fn lists(ctx: &Context, release: &FrappeRelease) -> Result<Lists, Error> {
    let (config_maps, deployments, jobs, pods) = futures::try_join!(
        list::<ConfigMap>(ctx, release),
        list::<Deployment>(ctx, release),
        list::<Job>(ctx, release),
        list::<Pod>(ctx, release)
    )?;
    Ok(Lists { config_maps, deployments, jobs, pods })
}

async fn list<K>(ctx: &Context, release: &FrappeRelease) -> Result<Vec<K>, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let params = ListParams::default().labels(&manifest::selector(&release.name_any()));
    let found = ctx.api::<K>(release).list(&params).await;
    let found = found.map_err(|source| Error::Read { what: K::plural(&()).into_owned(), source })?;
    let uid = release.uid();
    // What an earlier release of the same name left is on its way out and none of ours.
    Ok(found.items.into_iter().filter(|object| is_ours(object, uid.as_deref())).collect())
}

pub(super) fn is_ours<K: Resource>(object: &K, release: Option<&str>) -> bool {
    let owners = object.meta().owner_references.iter().flatten();
    let mut controllers = owners.filter(|owner| owner.controller == Some(true));
    controllers.all(|owner| owner.kind != "FrappeRelease" || Some(owner.uid.as_str()) == release)
}

/// What splits the traffic, as it is there.
struct Entries {
    routes: apply::Routes,
    services: Vec<Service>,
}

async fn entries(ctx: &Context, release: &FrappeRelease) -> Result<Entries, Error> {
    let (routes, services) =
        futures::try_join!(apply::routes(ctx, release), apply::entry_services(ctx, release))?;
    Ok(Entries { routes, services })
}

/// How the traffic is split; nothing before the first revision.
fn route_seen(
    release: &FrappeRelease,
    entries: &Entries,
    revisions: &BTreeMap<u32, Revision>,
) -> Option<RouteSeen> {
    let with_socketio = with_socketio(revisions);
    let nothing = Routing::default();
    let routing = |split: &Split| revisions.get(&split.green).map_or(&nothing, |green| &green.routing);
    let with_socketio = &with_socketio;
    let seen = match release.spec.traffic.provider {
        Provider::GatewayApi => {
            let (routes, others) = (&entries.routes.split, entries.services.is_empty());
            let seen = (!routes.is_empty()).then(|| {
                traffic::gateway_api::seen(routes, |split| {
                    traffic::gateway_api::routes(&traffic::Wanted {
                        release,
                        split,
                        routing: routing(split),
                        with_socketio,
                    })
                })
            });
            (seen, others)
        }
        Provider::Service => {
            let (services, others) = (&entries.services, entries.routes.split.is_empty());
            let seen = (!services.is_empty()).then(|| {
                traffic::service::seen(services, |split| {
                    traffic::service::services(&traffic::Wanted {
                        release,
                        split,
                        routing: routing(split),
                        with_socketio,
                    })
                })
            });
            (seen, others)
        }
    };
    // What another provider has left is to go.
    let (seen, is_clear) = seen;
    seen.map(|seen| RouteSeen { is_whole: seen.is_whole && is_clear, ..seen })
}

/// The revisions that have a socket.io server.
pub(super) fn with_socketio(revisions: &BTreeMap<u32, Revision>) -> BTreeSet<u32> {
    // Another tool's entry leads to its own.
    let has = |template: &Template| template.adopted.is_none() && template.socketio.is_some();
    let with = revisions.iter().filter(|(_, revision)| has(&revision.record.template));
    with.map(|(number, _)| *number).collect()
}

/// The revisions that have a record.
fn numbers(config_maps: &[ConfigMap]) -> BTreeSet<u32> {
    let label = Component::Record.label();
    let records = config_maps.iter().filter(|map| seen::component_of(*map) == label);
    records.filter_map(seen::revision_of).collect()
}

async fn revision(
    ctx: &Context,
    release: &FrappeRelease,
    lists: &Lists,
    number: u32,
    hidden: &[String],
) -> Result<Revision, Error> {
    let own = || lists.config_maps.iter().filter(move |map| seen::revision_of(*map) == Some(number));
    let record = own().find(|map| seen::component_of(*map) == Component::Record.label());
    let record = record::read(record.ok_or(NoRevision(number))?)?;
    let name = release.name_any();
    let (config, password) = futures::try_join!(
        secret(ctx, release, config::name(&name, number)),
        secret(ctx, release, schema_password::name(&name, number))
    )?;
    let (relays, own_pods): (Vec<_>, Vec<_>) =
        seen::pods(&lists.pods, number).into_iter().partition(|pod| pod.component == manifest::RELAY);
    let relay = seen::workloads(&lists.deployments, &relays, number).remove(manifest::RELAY);
    let (workloads, pods) = if let Some(adopted) = &record.template.adopted {
        adopted::observe(ctx, release, adopted).await?
    } else {
        let mut workloads = seen::workloads(&lists.deployments, &own_pods, number);
        workloads.remove(manifest::RELAY);
        (workloads, own_pods)
    };
    let is_under_way = matches!(record.state, RecordState::Releasing | RecordState::Aborting { .. });
    let relay_figures = match relay_pod(&lists.pods, number).filter(|_| relay.is_some()) {
        Some(pod) => ctx.logs.words(&ctx.api::<Pod>(release), pod, manifest::RELAY, false).await.relay,
        None => None,
    };
    Ok(Revision {
        record,
        config: config.as_ref().and_then(config::read),
        plans: own().filter_map(plan_store::read).collect(),
        // Both images are the same for all sites.
        routing: own().find_map(plan_store::routing).unwrap_or_default(),
        jobs: jobs(ctx, release, lists, (number, is_under_way), hidden).await,
        workloads,
        pods,
        relay,
        relay_figures,
        has_schema_password: password.is_some(),
        gates: own()
            .find(|map| seen::component_of(*map) == Component::Gates.label())
            .map(gates::read)
            .unwrap_or_default(),
        analysis_jobs: seen::analysis_jobs(&lists.jobs, &lists.pods, number),
    })
}

/// The Pod of a revision's relay that runs.
fn relay_pod(pods: &[Pod], revision: u32) -> Option<&Pod> {
    let own = pods.iter().filter(|pod| seen::component_of(*pod) == manifest::RELAY);
    let own = own.filter(|pod| seen::revision_of(*pod) == Some(revision) && seen::is_of_deployment(pod));
    own.max_by_key(|pod| pod.metadata.creation_timestamp.clone())
}

async fn secret(ctx: &Context, release: &FrappeRelease, name: String) -> Result<Option<Secret>, Error> {
    let found = ctx.api::<Secret>(release).get_opt(&name).await;
    let found = found.map_err(|source| Error::Read { what: title::<Secret>(&(), &name), source })?;
    Ok(found.filter(|secret| is_ours(secret, release.uid().as_deref())))
}

/// The Jobs of a revision, with what they say; those that have ended only while the release is under way.
async fn jobs(
    ctx: &Context,
    release: &FrappeRelease,
    lists: &Lists,
    (number, is_under_way): (u32, bool),
    hidden: &[String],
) -> Vec<JobSeen> {
    let mut all = Vec::new();
    let own = lists.jobs.iter().filter(|job| seen::revision_of(*job) == Some(number));
    for job in own.filter(|job| seen::component_of(*job) != Component::Analysis.label()) {
        let Some(mut view) = seen::job(job) else {
            tracing::warn!(job = job.name_any(), "a Job of this release has a step that is not known");
            continue;
        };
        if let Some(pod) = seen::newest_pod(&lists.pods, &job.name_any()) {
            let is_read = view.state == JobState::Running || is_under_way;
            let words = if is_read { words(ctx, release, &view, pod).await } else { Words::default() };
            add_words(&mut view, words, pod, hidden);
        }
        all.push(view);
    }
    all
}

/// What the Pod of a Job says, or what is in its way, or why its try failed while there are more to come.
async fn words(ctx: &Context, release: &FrappeRelease, job: &JobSeen, pod: &Pod) -> Words {
    let has_ended = job.state != JobState::Running;
    if let Some(obstacle) = seen::obstacle(pod).filter(|_| !has_ended) {
        return Words { progress: Some(obstacle), ..Words::default() };
    }
    let words = ctx.logs.words(&ctx.api::<Pod>(release), pod, CONTAINER, has_ended).await;
    let failed = seen::failed_try(pod).filter(|_| !has_ended);
    Words { progress: failed.or(words.progress), ..words }
}

fn add_words(job: &mut JobSeen, words: Words, pod: &Pod, hidden: &[String]) {
    job.figures = words.figures.unwrap_or_default();
    match &mut job.state {
        JobState::Running => {
            job.progress = words.progress.map(|mut progress| {
                progress.message = seen::redacted(&progress.message, hidden);
                progress
            });
        }
        JobState::Failed(why) => {
            job.figures.failure.get_or_insert(FailureKind::Pod);
            let words = seen::last_words(pod).unwrap_or_else(|| why.clone());
            *why = seen::redacted(&words, hidden);
        }
        JobState::Succeeded => {}
    }
}
