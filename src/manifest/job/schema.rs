//! The Jobs that work on a site's database: isolate, handover, expand, verify, contract, rollback.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Container, PersistentVolumeClaimVolumeSource, PodSpec, Volume, VolumeMount,
};

use super::{JobError, Order};
use crate::api::names::schema_name;
use crate::api::site::Site;
use crate::manifest::pod::{self, words};
use crate::manifest::{Blueprint, config, plan_store, schema_password};
use crate::release::{JobStep, SiteFacts};

/// The volume of the plan.
const PLAN: &str = "plan";
const CREDENTIALS_DIR: &str = "/run/crossfade/database";
/// Where the plan is.
pub(super) const PLAN_DIR: &str = "/run/crossfade/plan";
const PASSWORD_DIR: &str = "/run/crossfade/schema";
const BACKUP_DIR: &str = "/run/crossfade/backup";
/// Folder of blue's common configuration.
const BLUE_CONFIG_DIR: &str = "/run/crossfade/config";
/// Folder of green's, where both are needed.
const GREEN_CONFIG_DIR: &str = "/run/crossfade/green-config";

/// Makes blue's schema of views and its user.
pub(super) fn isolate(order: &Order<'_>) -> Result<PodSpec, JobError> {
    let mut command = Command::new(order, "isolate")?.with_plan()?.with_schema()?.with_bounds();
    let file = format!("{PASSWORD_DIR}/{}", schema_password::KEY);
    command.args.extend(words(&["--schema-password-file", &file]));
    command.mounts.push(pod::read_only("schema", PASSWORD_DIR));
    let secret = schema_password::name(&order.green.release_name(), order.green.revision);
    command.volumes.push(pod::secret_volume("schema", &secret, &[schema_password::KEY]));
    Ok(command.pod())
}

/// Waits until nobody uses the tables' own user, and clears what blue's Pods cached while some of them had moved.
pub(super) fn handover(order: &Order<'_>) -> Result<PodSpec, JobError> {
    Ok(Command::new(order, "handover")?.with_schema()?.with_quiet().with_blue_config()?.pod())
}

/// Makes the tables serve both versions.
pub(super) fn expand(order: &Order<'_>) -> Result<PodSpec, JobError> {
    Ok(Command::new(order, "expand")?.with_plan()?.with_schema()?.with_bounds().pod())
}

/// Compares the live schema with the plan.
pub(super) fn verify(order: &Order<'_>) -> Result<PodSpec, JobError> {
    Ok(Command::new(order, "verify")?.with_plan()?.with_schema()?.with_bounds().pod())
}

/// The same for all sites, one after the other in one Pod: the last is its main container.
pub(super) fn verify_all(green: &Blueprint<'_>, sites: &[(&Site, &SiteFacts)]) -> Result<PodSpec, JobError> {
    let step = JobStep::Verify;
    let (mut containers, mut volumes) = (Vec::new(), BTreeMap::new());
    for (at, &(site, facts)) in sites.iter().enumerate() {
        let site = Some((site, facts));
        let order = Order { green: *green, blue: None, step, site, has_green_config: true, attempt: "" };
        let pod = verify(&order)?;
        // Each site has a plan of its own; all else is the same.
        let own = |name: &str| if name == PLAN { format!("{PLAN}-{at}") } else { name.to_owned() };
        for mut volume in pod.volumes.into_iter().flatten() {
            volume.name = own(&volume.name);
            volumes.insert(volume.name.clone(), volume);
        }
        for mut container in pod.containers {
            for mount in container.volume_mounts.iter_mut().flatten() {
                mount.name = own(&mount.name);
            }
            containers.push(container);
        }
    }
    let main = containers.pop().ok_or(JobError::NoSite(step.name()))?;
    for (at, container) in containers.iter_mut().enumerate() {
        container.name = format!("{}-{at}", super::CONTAINER);
    }
    let init_containers = Some(containers).filter(|containers| !containers.is_empty());
    let volumes = volumes.into_values().collect();
    Ok(PodSpec { init_containers, ..with_short_end(pod::spec(green, volumes, vec![main])) })
}

/// Removes what only blue needed.
pub(super) fn contract(order: &Order<'_>) -> Result<PodSpec, JobError> {
    let mut command = Command::new(order, "contract")?.with_plan()?.with_schema()?.with_bounds();
    let policy = &order.green.release.spec.contract;
    match &policy.backup_claim {
        Some(claim) => command.keep_backup(claim)?,
        // A Job has no volume of its own that outlives it.
        None => command.args.push("--without-backup".to_owned()),
    }
    if policy.drop_removed {
        command.args.push("--drop-removed".to_owned());
    }
    Ok(command.with_quiet().with_blue_config()?.with_green_config("--live-common-config").pod())
}

/// Gives tables and metadata back to blue (`tables`), or removes the schema after blue has left it (`finish`).
pub(super) fn rollback(order: &Order<'_>, stage: &str) -> Result<PodSpec, JobError> {
    let command = Command::new(order, "rollback")?.with_plan()?.with_schema()?.with_bounds();
    let mut command = command.with_blue_config()?;
    // A release that goes back early has none of green yet.
    if order.has_green_config {
        command = command.with_green_config("--common-config");
    }
    command.args.extend(words(&["--stage", stage]));
    Ok(command.with_quiet().pod())
}

/// The database and the admin's credentials, as every command takes them.
pub(super) fn connection(facts: &SiteFacts) -> Vec<String> {
    let host = if facts.host.contains(':') { format!("[{}]", facts.host) } else { facts.host.clone() };
    let url = format!("mysql://{host}:{}/{}", facts.port, percent_encoded(&facts.database));
    words(&["--database", &url, "--credentials", CREDENTIALS_DIR])
}

pub(super) fn credentials_mount() -> VolumeMount {
    pod::read_only("database", CREDENTIALS_DIR)
}

pub(super) fn credentials_volume(order: &Order<'_>) -> Volume {
    let secret = &order.green.release.spec.database.admin_secret.name;
    pod::secret_volume("database", secret, &["username", "password"])
}

/// Lets the last lines of the log stand in the Pod's status, where they outlive the container.
pub(super) fn said(mut container: Container) -> Container {
    container.termination_message_policy = Some("FallbackToLogsOnError".to_owned());
    container
}

/// A `crossfade` command on one site's database, with what it needs mounted.
struct Command<'a> {
    order: &'a Order<'a>,
    args: Vec<String>,
    mounts: Vec<VolumeMount>,
    volumes: Vec<Volume>,
}

impl<'a> Command<'a> {
    fn new(order: &'a Order<'a>, name: &str) -> Result<Self, JobError> {
        let (_, facts) = order.site()?;
        let mut args = words(&[name, "--output", "json"]);
        args.extend(connection(facts));
        Ok(Self {
            order,
            args,
            mounts: vec![credentials_mount(), pod::mount("tmp", "/tmp")],
            volumes: vec![credentials_volume(order), pod::empty("tmp")],
        })
    }

    fn with_plan(mut self) -> Result<Self, JobError> {
        let (site, _) = self.order.site()?;
        let green = &self.order.green;
        self.args.extend(words(&["--plan", &format!("{PLAN_DIR}/{}", plan_store::KEY)]));
        self.mounts.push(pod::read_only(PLAN, PLAN_DIR));
        let stored = plan_store::name(&green.release_name(), green.revision, &site.name);
        self.volumes.push(pod::config_map_volume(PLAN, stored));
        Ok(self)
    }

    /// Blue's schema and the tables' own user, which a site of Frappe 16 may have by another name than its database.
    fn with_schema(mut self) -> Result<Self, JobError> {
        let (_, facts) = self.order.site()?;
        self.args.extend(words(&["--schema", &schema_name(&facts.database, self.order.green.revision)]));
        self.args.extend(words(&["--user", &facts.user]));
        Ok(self)
    }

    /// How long one DDL statement may find its table busy, who may be ended, and which replicas are not to be outrun.
    fn with_bounds(mut self) -> Self {
        let seconds = self.order.green.release.spec.deadlines.lock_seconds.to_string();
        self.args.extend(words(&["--ddl-budget", &seconds]));
        let database = &self.order.green.release.spec.database;
        if let Some(seconds) = database.kill_blockers_after_seconds {
            self.args.extend(words(&["--kill-blockers-after", &seconds.to_string()]));
        }
        for replica in &database.replicas {
            self.args.extend(words(&["--replica", replica]));
        }
        self
    }

    /// How long nobody may have been seen before those who leave count as gone.
    fn with_quiet(mut self) -> Self {
        let seconds = self.order.green.release.spec.deadlines.quiet_seconds.to_string();
        self.args.extend(words(&["--quiet-seconds", &seconds]));
        self
    }

    /// Where blue's cache is: keys are deleted in it.
    fn with_blue_config(mut self) -> Result<Self, JobError> {
        let blue = self.order.blue()?;
        self.add_config("config", BLUE_CONFIG_DIR, &blue, "--common-config");
        Ok(self)
    }

    /// Mounts the claim for backups and names the file: each site and revision has its own.
    fn keep_backup(&mut self, claim: &str) -> Result<(), JobError> {
        let (_, facts) = self.order.site()?;
        let schema = schema_name(&facts.database, self.order.green.revision);
        self.args.extend(words(&["--backup", &format!("{BACKUP_DIR}/{schema}.gz")]));
        self.mounts.push(VolumeMount {
            name: "backup".into(),
            mount_path: BACKUP_DIR.into(),
            ..VolumeMount::default()
        });
        let source = PersistentVolumeClaimVolumeSource { claim_name: claim.to_owned(), read_only: None };
        let persistent_volume_claim = Some(source);
        self.volumes.push(Volume { name: "backup".into(), persistent_volume_claim, ..Volume::default() });
        Ok(())
    }

    /// Where green's cache is.
    fn with_green_config(mut self, flag: &str) -> Self {
        let green = self.order.green;
        self.add_config("green-config", GREEN_CONFIG_DIR, &green, flag);
        self
    }

    /// Mounts a colour's common configuration alone: its sites' passwords stay out.
    fn add_config(&mut self, volume: &str, dir: &str, colour: &Blueprint<'_>, flag: &str) {
        self.args.extend(words(&[flag, &format!("{dir}/{}", config::COMMON_KEY)]));
        self.mounts.push(pod::read_only(volume, dir));
        let secret = config::name(&colour.release_name(), colour.revision);
        self.volumes.push(pod::secret_volume(volume, &secret, &[config::COMMON_KEY]));
    }

    fn pod(self) -> PodSpec {
        let green = &self.order.green;
        let mut container = said(pod::operator_container(green, super::CONTAINER, &self.args));
        container.volume_mounts = Some(self.mounts);
        with_short_end(pod::spec(green, self.volumes, vec![container]))
    }
}

/// A command may be killed at any moment, and as the first process of its namespace it does not hear SIGTERM.
fn with_short_end(pod: PodSpec) -> PodSpec {
    PodSpec { termination_grace_period_seconds: Some(1), ..pod }
}

/// A database's name within a URL.
fn percent_encoded(name: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.~".contains(byte);
    name.bytes()
        .map(|byte| if is_plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_database_name_stays_within_the_path_of_the_url() {
        let facts =
            SiteFacts { database: "a/b?c#d@e".into(), user: "u".into(), host: "::1".into(), port: 3306 };
        assert_eq!(connection(&facts)[1], "mysql://[::1]:3306/a%2Fb%3Fc%23d%40e");
    }
}
