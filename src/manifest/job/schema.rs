//! The Jobs that work on a site's database: isolate, handover, expand, verify, contract, rollback.

use k8s_openapi::api::core::v1::{Container, PodSpec, Volume, VolumeMount};

use super::{JobError, Order};
use crate::api::names::schema_name;
use crate::manifest::pod::{self, env, words};
use crate::manifest::{config, plan_store, schema_password};
use crate::release::SiteFacts;

const CREDENTIALS_DIR: &str = "/crossfade/database";
const PLAN_DIR: &str = "/crossfade/plan";
const PASSWORD_DIR: &str = "/crossfade/schema";

/// Makes blue's schema of views and its user.
pub(super) fn isolate(order: &Order<'_>) -> Result<PodSpec, JobError> {
    let mut command = Command::new(order, "isolate")?.with_plan()?.with_schema()?;
    let file = format!("{PASSWORD_DIR}/{}", schema_password::KEY);
    command.args.extend(words(&["--schema-password-file", &file]));
    command.mounts.push(pod::read_only("schema", PASSWORD_DIR));
    let secret = schema_password::name(&order.green.release_name(), order.green.revision);
    command.volumes.push(pod::secret_volume("schema", &secret, &[schema_password::KEY]));
    Ok(command.pod())
}

/// Waits until nobody uses the tables' own user.
pub(super) fn handover(order: &Order<'_>) -> Result<PodSpec, JobError> {
    let mut command = Command::new(order, "handover")?;
    let seconds = order.green.release.spec.deadlines.quiet_seconds.to_string();
    command.args.extend(words(&["--quiet-seconds", &seconds]));
    Ok(command.pod())
}

/// Makes the tables serve both versions.
pub(super) fn expand(order: &Order<'_>) -> Result<PodSpec, JobError> {
    Ok(Command::new(order, "expand")?.with_plan()?.with_schema()?.pod())
}

/// Compares the live schema with the plan.
pub(super) fn verify(order: &Order<'_>) -> Result<PodSpec, JobError> {
    Ok(Command::new(order, "verify")?.with_plan()?.with_schema()?.pod())
}

/// Removes what only blue needed.
pub(super) fn contract(order: &Order<'_>) -> Result<PodSpec, JobError> {
    Ok(Command::new(order, "contract")?.with_plan()?.with_schema()?.with_blue_cache()?.pod())
}

/// Gives tables and metadata back to blue (`tables`), or removes the schema after blue has left it (`finish`).
pub(super) fn rollback(order: &Order<'_>, stage: &str) -> Result<PodSpec, JobError> {
    let mut command = Command::new(order, "rollback")?.with_plan()?.with_schema()?.with_blue_cache()?;
    command.args.extend(words(&["--stage", stage]));
    Ok(command.pod())
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
        self.mounts.push(pod::read_only("plan", PLAN_DIR));
        let stored = plan_store::name(&green.release_name(), green.revision, &site.name);
        self.volumes.push(pod::config_map_volume("plan", stored));
        Ok(self)
    }

    fn with_schema(mut self) -> Result<Self, JobError> {
        let (_, facts) = self.order.site()?;
        self.args.extend(words(&["--schema", &schema_name(&facts.database, self.order.green.revision)]));
        Ok(self)
    }

    /// The cache that blue uses: its keys are what these commands delete.
    fn with_blue_cache(mut self) -> Result<Self, JobError> {
        let blue = self.order.blue()?;
        self.args.extend(words(&["--common-config", &format!("{}/{}", pod::CONFIG_DIR, config::COMMON_KEY)]));
        self.mounts.push(pod::read_only("config", pod::CONFIG_DIR));
        let secret = config::name(&blue.release_name(), blue.revision);
        self.volumes.push(pod::secret_volume("config", &secret, &[config::COMMON_KEY]));
        Ok(self)
    }

    fn pod(self) -> PodSpec {
        let green = &self.order.green;
        let mut container = said(pod::operator_container(green, super::CONTAINER, self.args));
        container.volume_mounts = Some(self.mounts);
        let seconds = green.release.spec.deadlines.lock_seconds.to_string();
        container.env = Some(vec![env("CROSSFADE_LOCK_SECONDS", seconds)]);
        pod::spec(green, self.volumes, vec![container])
    }
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
        let facts = SiteFacts { database: "a/b?c#d@e".into(), host: "::1".into(), port: 3306 };
        assert_eq!(connection(&facts)[1], "mysql://[::1]:3306/a%2Fb%3Fc%23d%40e");
    }
}
