//! Does what a decision asks for. Every action may be asked for again: its effect is the same.

use std::collections::BTreeMap;

use gateway_api::httproutes::HttpRoute;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use kube::ResourceExt;
use kube::api::{ListParams, LogParams};
use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::json;

use super::adopted;
use super::apply::{self, apply, create, delete};
use super::context::{Context, title};
use super::error::{Error, NoFacts, NoRevision};
use super::measure::{self, Place};
use super::observe::with_socketio;
use super::{secrets, seen};
use crate::api::names::{ANNOTATION_CONFIG, ANNOTATION_RETRY, MANAGER_OBJECTS, MANAGER_ROUTE, revision_name};
use crate::api::site::Site;
use crate::api::traffic::Provider;
use crate::api::{FrappeRelease, Template};
use crate::manifest::config::{self, Destination};
use crate::manifest::job::{self, Order};
use crate::manifest::{
    self, Blueprint, Component, gates, history, plan_store, record, relay, schema_password,
};
use crate::plan::Routing;
use crate::release::{Action, JobStep, Observed, Placement, Record, Running, SiteFacts, Split};
use crate::traffic;

/// Characters of the generated password of a view schema's user.
const PASSWORD_LENGTH: usize = 32;

/// One look at a release, with the means to change it.
#[derive(Clone, Copy)]
struct Doing<'a> {
    ctx: &'a Context,
    seen: &'a Observed,
}

/// Does one action.
pub(super) async fn act(ctx: &Context, seen: &Observed, action: &Action) -> Result<(), Error> {
    let doing = Doing { ctx, seen };
    match action {
        Action::Record { revision, record } => doing.record(*revision, record).await,
        Action::Config { revision, placement } => doing.config(*revision, *placement).await,
        Action::SchemaPassword { revision } => doing.schema_password(*revision).await,
        Action::TouchPods { revision, hash } => doing.touch_pods(*revision, hash).await,
        Action::Job { revision, step, site } => doing.job(*revision, *step, site.as_deref()).await,
        Action::DeleteJob { revision, step, site } => {
            let name = job::name(&doing.name(), *revision, *step, site.as_deref());
            delete::<Job>(ctx, doing.release(), &name).await
        }
        Action::StorePlan { revision, site } => doing.store_plan(*revision, site).await,
        Action::Workloads { revision, running } => doing.workloads(*revision, *running).await,
        Action::Relay { revision, is_running: true } => doing.relay(*revision).await,
        Action::Relay { revision, is_running: false } => {
            delete::<Deployment>(ctx, doing.release(), &relay::name(&doing.name(), *revision)).await
        }
        Action::Route { split } => doing.route(split).await,
        Action::NoRoute => doing.no_route().await,
        Action::Bridge { since } => doing.bridge(*since).await,
        Action::NoBridge => {
            delete::<HttpRoute>(ctx, doing.release(), &traffic::bridge::name(&doing.name())).await
        }
        Action::Remove { revision } => doing.remove(*revision).await,
        Action::Forget { revision } => {
            delete::<ConfigMap>(ctx, doing.release(), &gates::name(&doing.name(), *revision)).await?;
            delete::<ConfigMap>(ctx, doing.release(), &revision_name(&doing.name(), *revision)).await
        }
        Action::Gate { revision, entries } => doing.place(*revision).await?.store(entries).await,
        Action::Measure { revision, key, run, question } => {
            let place = doing.place(*revision).await?;
            measure::measure(ctx, place, key.clone(), (**run).clone(), (**question).clone());
            Ok(())
        }
        Action::Call { revision, key, hook, calls, body } => {
            let place = doing.place(*revision).await?;
            let (key, hook, calls, body) = (key.clone(), (**hook).clone(), calls.clone(), body.clone());
            measure::call(ctx, place, measure::Call { key, hook, calls, body });
            Ok(())
        }
        Action::AnalysisJob { revision, key, number, question } => {
            let green = doing.blueprint(*revision)?;
            let is_of_sites = question.analysis.verify.is_some();
            let sites =
                if is_of_sites { with_facts(&green.template.sites, &seen.sites)? } else { Vec::new() };
            let job = job::analysis::job(&green, &question.analysis, &sites, (key, *number))?;
            create(ctx, doing.release(), &job).await
        }
        Action::DeleteAnalysisJob { revision, key, number } => {
            let name = job::analysis::name(&doing.name(), *revision, key, *number);
            delete::<Job>(ctx, doing.release(), &name).await
        }
        Action::History { entries } => {
            let config_map = history::config_map(doing.release(), entries)?;
            apply(ctx, doing.release(), &config_map, MANAGER_OBJECTS).await
        }
    }
}

/// All sites with what is known of them: what is made of that is never made again, so a site that cannot be read now is
/// tried again.
fn with_facts<'a>(
    sites: &'a [Site],
    facts: &'a BTreeMap<String, Result<SiteFacts, String>>,
) -> Result<Vec<(&'a Site, &'a SiteFacts)>, NoFacts> {
    let of = |site: &'a Site| match facts.get(&site.name) {
        Some(Ok(facts)) => Ok((site, facts)),
        Some(Err(why)) => Err(NoFacts { site: site.name.clone(), why: why.clone() }),
        None => Err(NoFacts { site: site.name.clone(), why: "it is not in spec.sites".to_owned() }),
    };
    sites.iter().map(of).collect()
}

impl<'a> Doing<'a> {
    fn release(&self) -> &'a FrappeRelease {
        &self.seen.release
    }

    fn name(&self) -> String {
        self.seen.release.name_any()
    }

    fn template(&self, revision: u32) -> Result<&'a Template, NoRevision> {
        let found = self.seen.revisions.get(&revision).map(|seen| &seen.record.template);
        found.ok_or(NoRevision(revision))
    }

    fn cache_slot(&self, revision: u32) -> u32 {
        self.seen.revisions.get(&revision).map_or(0, |seen| seen.record.cache_slot)
    }

    fn with_template(&self, revision: u32, template: &'a Template) -> Blueprint<'a> {
        Blueprint { release: self.release(), revision, template, operator_image: &self.ctx.operator_image }
    }

    /// Where the analyses and webhooks of a revision are stored; the `ConfigMap` is made if it is not there.
    async fn place(&self, revision: u32) -> Result<Place, Error> {
        create(self.ctx, self.release(), &gates::config_map(&self.blueprint(revision)?)).await?;
        Ok(Place::new(self.ctx, self.release(), revision))
    }

    fn blueprint(&self, revision: u32) -> Result<Blueprint<'a>, NoRevision> {
        Ok(self.with_template(revision, self.template(revision)?))
    }

    async fn record(&self, revision: u32, record: &'a Record) -> Result<(), Error> {
        let blueprint = self.with_template(revision, &record.template);
        let config_map = record::config_map(&blueprint, record)?;
        apply(self.ctx, self.release(), &config_map, MANAGER_OBJECTS).await
    }

    async fn config(&self, revision: u32, placement: Placement) -> Result<(), Error> {
        let blueprint = self.blueprint(revision)?;
        let password = match placement {
            Placement::Tables | Placement::Closed => None,
            Placement::Views { green } => Some((green, self.password(green).await?)),
        };
        let destination = match &password {
            Some((green, password)) => Destination::Views { green: *green, password },
            None if placement == Placement::Closed => Destination::Closed,
            None => Destination::Tables,
        };
        let user = secrets::read(self.ctx, self.release(), blueprint.template).await?;
        let common = user.common?;
        let bench_id = config::bench_id(&blueprint, &common);
        let common = config::common(&common, &bench_id, self.cache_slot(revision));
        let mut files = BTreeMap::from([(config::COMMON_KEY.to_owned(), common)]);
        let mut sites = user.sites;
        for site in &blueprint.template.sites {
            let Some(file) = sites.remove(&site.name) else { continue };
            let file = config::site(&file?, destination)
                .map_err(|source| secrets::wrong(&site.config_secret, source))?;
            files.insert(config::site_key(&site.name), file);
        }
        let secret = config::secret(&blueprint, &files, placement);
        apply(self.ctx, self.release(), &secret, MANAGER_OBJECTS).await
    }

    async fn password(&self, green: u32) -> Result<String, Error> {
        let name = schema_password::name(&self.name(), green);
        let secret = apply::existing::<Secret>(self.ctx, self.release(), &name).await?;
        let data = secret.and_then(|secret| secret.data).unwrap_or_default();
        let bytes = data.get(schema_password::KEY).map(|value| value.0.clone());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or(Error::NoSecret { secret: name, key: schema_password::KEY.to_owned() })
    }

    async fn schema_password(&self, revision: u32) -> Result<(), Error> {
        let password = rand::rng().sample_iter(Alphanumeric).take(PASSWORD_LENGTH).map(char::from).collect();
        let secret = schema_password::secret(&self.blueprint(revision)?, password);
        create(self.ctx, self.release(), &secret).await
    }

    async fn touch_pods(&self, revision: u32, hash: &str) -> Result<(), Error> {
        let pods = self.seen.revisions.get(&revision).map(|seen| seen.pods.as_slice()).unwrap_or_default();
        let fields = json!({"metadata": {"annotations": {ANNOTATION_CONFIG: hash}}});
        let behind = pods.iter().filter(|pod| !pod.is_ending && pod.config_hash.as_deref() != Some(hash));
        for pod in behind {
            apply::merge::<Pod>(self.ctx, self.release(), &pod.name, &fields).await?;
        }
        Ok(())
    }

    async fn job(&self, revision: u32, step: JobStep, site: Option<&str>) -> Result<(), Error> {
        let green = self.blueprint(revision)?;
        let seen = self.seen.revisions.get(&revision).ok_or(NoRevision(revision))?;
        let blue = match seen.record.blue {
            Some(blue) => Some((blue, self.template(blue)?)),
            None => None,
        };
        let site = site.and_then(|name| {
            let facts = self.seen.sites.get(name)?.as_ref().ok()?;
            Some((green.template.sites.iter().find(|site| site.name == name)?, facts))
        });
        let attempt = self.release().annotated(ANNOTATION_RETRY).unwrap_or_default();
        let has_green_config = seen.config.is_some();
        let job = job::job(&Order { green, blue, step, site, has_green_config, attempt })?;
        create(self.ctx, self.release(), &job).await
    }

    async fn store_plan(&self, revision: u32, site: &str) -> Result<(), Error> {
        let green = self.blueprint(revision)?;
        let name = job::name(&self.name(), revision, JobStep::Plan, Some(site));
        let pods = self.ctx.api::<Pod>(self.release());
        let params = ListParams::default().labels(&manifest::selector(&self.name()));
        let read = |source| Error::Read { what: format!("the Pods of Job '{name}'"), source };
        let all = pods.list(&params).await.map_err(read)?.items;
        let Some(pod) = seen::newest_pod(&all, &name) else {
            // Its Pod went with its node, and the plan with it: a new Job makes the same plan again.
            tracing::warn!(job = name, "the planning Job has no Pod any more and is made again");
            return delete::<Job>(self.ctx, self.release(), &name).await;
        };
        let params = LogParams { container: Some(job::CONTAINER.to_owned()), ..LogParams::default() };
        let log = pods.logs(&pod.name_any(), &params).await;
        let log = log.map_err(|source| Error::Read {
            what: format!("the log of {}", title::<Pod>(&(), &pod.name_any())),
            source,
        })?;
        let config_map = plan_store::config_map(&green, plan_store::from_log(&log, site)?)?;
        create(self.ctx, self.release(), &config_map).await
    }

    async fn workloads(&self, revision: u32, running: Running) -> Result<(), Error> {
        let blueprint = self.blueprint(revision)?;
        if let Some(adopted) = &blueprint.template.adopted {
            let seen = self.seen.revisions.get(&revision).ok_or(NoRevision(revision))?;
            let wanted = crate::release::components(seen, running);
            return adopted::scale(self.ctx, self.release(), adopted, &seen.workloads, &wanted).await;
        }
        for service in manifest::services(&blueprint) {
            apply(self.ctx, self.release(), &service, MANAGER_OBJECTS).await?;
        }
        for wanted in manifest::deployments(&blueprint, running) {
            self.deployment(&wanted).await?;
        }
        Ok(())
    }

    /// Makes a Deployment once and only scales it from then on: a newer operator, whose image and manifests differ,
    /// must not restart what serves.
    async fn deployment(&self, wanted: &Deployment) -> Result<(), Error> {
        let name = wanted.name_any();
        let replicas = |deployment: &Deployment| deployment.spec.as_ref().and_then(|spec| spec.replicas);
        match apply::existing::<Deployment>(self.ctx, self.release(), &name).await? {
            None => create(self.ctx, self.release(), wanted).await,
            Some(found) if replicas(&found) == replicas(wanted) => Ok(()),
            Some(_) => {
                let fields = apply::replicas(replicas(wanted).unwrap_or_default());
                apply::merge::<Deployment>(self.ctx, self.release(), &name, &fields).await
            }
        }
    }

    async fn relay(&self, revision: u32) -> Result<(), Error> {
        let green = self.blueprint(revision)?;
        let seen = self.seen.revisions.get(&revision).ok_or(NoRevision(revision))?;
        let Some(blue) = seen.record.blue else { return Ok(()) };
        let sites = with_facts(&green.template.sites, &self.seen.sites)?;
        let databases: Vec<&str> = sites.into_iter().map(|(_, facts)| facts.database.as_str()).collect();
        let wanted = relay::deployment(&green, &self.blueprint(blue)?, &databases);
        create(self.ctx, self.release(), &wanted).await
    }

    /// Writes every part of a split, then deletes what is left of another split or another provider.
    async fn route(&self, split: &Split) -> Result<(), Error> {
        let release = self.release();
        for revision in split.blue.into_iter().chain([split.green]) {
            let blueprint = self.blueprint(revision)?;
            if let Some(adopted) = &blueprint.template.adopted {
                adopted::lead(self.ctx, &blueprint, adopted).await?;
            }
        }
        let nothing = Routing::default();
        let green = self.seen.revisions.get(&split.green);
        let wanted = traffic::Wanted {
            release,
            split,
            routing: green.map_or(&nothing, |green| &green.routing),
            with_socketio: &with_socketio(&self.seen.revisions),
        };
        let (routes, services) = match release.spec.traffic.provider {
            Provider::GatewayApi => (traffic::gateway_api::routes(&wanted), Vec::new()),
            Provider::Service => (Vec::new(), traffic::service::services(&wanted)),
        };
        for route in &routes {
            apply(self.ctx, release, route, MANAGER_ROUTE).await?;
        }
        for service in &services {
            apply(self.ctx, release, service, MANAGER_ROUTE).await?;
        }
        let is_kept = |name: String| {
            routes
                .iter()
                .map(ResourceExt::name_any)
                .chain(services.iter().map(ResourceExt::name_any))
                .any(|kept| kept == name)
        };
        for route in apply::routes(self.ctx, release).await?.split {
            if !is_kept(route.name_any()) {
                delete::<HttpRoute>(self.ctx, release, &route.name_any()).await?;
            }
        }
        for service in apply::entry_services(self.ctx, release).await? {
            if !is_kept(service.name_any()) {
                delete::<Service>(self.ctx, release, &service.name_any()).await?;
            }
        }
        Ok(())
    }

    /// Deletes what `route` writes for the Gateway API.
    async fn no_route(&self) -> Result<(), Error> {
        for route in apply::routes(self.ctx, self.release()).await?.split {
            delete::<HttpRoute>(self.ctx, self.release(), &route.name_any()).await?;
        }
        Ok(())
    }

    async fn bridge(&self, since: Timestamp) -> Result<(), Error> {
        let (own, rivals) = futures::try_join!(
            apply::routes(self.ctx, self.release()),
            adopted::rival_routes(self.ctx, self.release())
        )?;
        let wanted = traffic::bridge::bridge(self.release(), own.split.iter().chain(&rivals), since);
        apply(self.ctx, self.release(), &wanted, MANAGER_ROUTE).await
    }

    /// Deletes everything of a revision but its record and its runs and calls, in the order in which it is needed the least.
    async fn remove(&self, revision: u32) -> Result<(), Error> {
        let release = self.release();
        let blueprint = self.blueprint(revision)?;
        for deployment in manifest::deployments(&blueprint, Running::NONE) {
            delete::<Deployment>(self.ctx, release, &deployment.name_any()).await?;
        }
        delete::<Deployment>(self.ctx, release, &relay::name(&self.name(), revision)).await?;
        for service in manifest::services(&blueprint) {
            delete::<Service>(self.ctx, release, &service.name_any()).await?;
        }
        // By label, not by name: another version of the operator may have made what this one does not know.
        let own = ListParams::default().labels(&format!(
            "{},{}",
            manifest::selector(&self.name()),
            manifest::of_revision(revision)
        ));
        let jobs = self.ctx.api::<Job>(release).list_metadata(&own).await;
        let jobs = jobs.map_err(|source| Error::Read { what: "the Jobs".to_owned(), source })?;
        for job in jobs {
            delete::<Job>(self.ctx, release, &job.name_any()).await?;
        }
        let maps = self.ctx.api::<ConfigMap>(release).list_metadata(&own).await;
        let maps = maps.map_err(|source| Error::Read { what: "the ConfigMaps".to_owned(), source })?;
        let kept = [Component::Record.label(), Component::Gates.label()];
        for map in maps.iter().filter(|map| !kept.iter().any(|kept| kept == seen::component_of(*map))) {
            delete::<ConfigMap>(self.ctx, release, &map.name_any()).await?;
        }
        delete::<Secret>(self.ctx, release, &config::name(&self.name(), revision)).await?;
        delete::<Secret>(self.ctx, release, &schema_password::name(&self.name(), revision)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_that_cannot_be_read_now_is_an_error_and_not_left_out() {
        let site = |name: &str| -> Site {
            serde_yaml::from_str(&format!("{{name: {name}, configSecret: {{name: s, key: k}}}}")).unwrap()
        };
        let read = |database: &str| {
            Ok(SiteFacts { database: database.into(), user: "u".into(), host: "db".into(), port: 3306 })
        };
        let sites = [site("a"), site("b")];
        let mut facts = BTreeMap::from([("a".to_owned(), read("_a")), ("b".to_owned(), read("_b"))]);
        let databases: Vec<&str> = with_facts(&sites, &facts)
            .unwrap()
            .into_iter()
            .map(|(_, facts)| facts.database.as_str())
            .collect();
        assert_eq!(databases, ["_a", "_b"]);
        facts.insert("b".to_owned(), Err("no Secret 's'".to_owned()));
        let error = with_facts(&sites, &facts).unwrap_err().to_string();
        assert_eq!(error, "failed to read the configuration of site 'b': no Secret 's'");
        facts.remove("b");
        assert!(with_facts(&sites, &facts).is_err());
    }
}
