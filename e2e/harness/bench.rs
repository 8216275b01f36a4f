//! A bench in a namespace of its own: database, Redis, a site, and what runs it.
//!
//! `BLUE_IMAGE`, `GREEN_IMAGE` and `NEXT_IMAGE` replace the sample bench by any real bench's images, see
//! `e2e/README.md`.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::Fallible;
use super::cluster::{Namespace, gateway, kubectl, repository, run, until};

/// Prepares `sites/` of a container that nobody lays out: links into the mounted Secrets.
const LAYOUT: &str = r#"{name: layout, image: "${IMAGE}", securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}},
  command: [sh, -ec, "cp -r /home/frappe/frappe-bench/sites/. /sites/; mkdir -p /sites/${SITE}/locks /sites/${SITE}/logs /sites/logs; ln -sf /config/common_site_config.json /sites/common_site_config.json; ln -sf /config/site_config.json /sites/${SITE}/site_config.json"],
  volumeMounts: [{name: sites, mountPath: /sites}]}"#;

const VOLUMES: &str = r"[{name: sites, emptyDir: {}}, {name: config, projected: {sources: [{secret: {name: common-config}}, {secret: {name: site-config}}]}}]";

/// The image of the sample bench of this version, or what the environment says.
pub fn image(version: &str) -> String {
    let replaced = match version {
        "v1" => std::env::var("BLUE_IMAGE").ok(),
        "v2" => std::env::var("GREEN_IMAGE").ok(),
        "v3" => std::env::var("NEXT_IMAGE").ok(),
        _ => None,
    };
    replaced.unwrap_or_else(|| format!("localhost/sample-bench:{version}"))
}

/// What the environment says, or else the sample bench's own.
fn said(variable: &str, sample: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| sample.to_owned())
}

/// A bench with one site.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Where it lives.
    pub namespace: Namespace,
    /// Name of its site, and the host it is reached by.
    pub site: String,
}

impl Bench {
    /// Makes the namespace, starts the database and Redis, and makes the site with the code of `version`.
    pub fn new(name: &str, version: &str) -> Fallible<Self> {
        Self::made_by("bench.yaml", name, version)
    }

    /// The same with another manifest, which has the Job `new-site`.
    pub fn made_by(file: &str, name: &str, version: &str) -> Fallible<Self> {
        let namespace = Namespace::new(name)?;
        let bench = Self { site: format!("{name}.e2e.test"), namespace };
        for file in ["mariadb.yaml", "redis.yaml"] {
            let manifest = std::fs::read_to_string(repository().join("e2e/bed/manifests").join(file))?;
            bench.namespace.apply(&manifest)?;
        }
        // A real Frappe makes a site in minutes, not seconds.
        let limit = Duration::from_mins(10);
        for server in ["mariadb", "redis-cache", "redis-queue"] {
            let status = format!("statefulset/{server}");
            bench.namespace.kubectl(&["rollout", "status", &status, "--timeout=180s"])?;
        }
        bench.apply(file, version)?;
        bench.namespace.wait("job/new-site", "condition=Complete", limit)?;
        Ok(bench)
    }

    /// Applies a manifest of `e2e/manifests` for a version.
    pub fn apply(&self, file: &str, version: &str) -> Fallible {
        self.namespace.apply(&self.manifest(file, version)?)
    }

    /// A manifest of `e2e/manifests`, filled for this bench and a version.
    pub fn manifest(&self, file: &str, version: &str) -> Fallible<String> {
        let text = std::fs::read_to_string(repository().join("e2e/manifests").join(file))?;
        let text = text.replace("${LAYOUT}", LAYOUT).replace("${VOLUMES}", VOLUMES);
        let new_site = r#"[bench, new-site, "${SITE}", --db-root-username, crossfade_admin]"#;
        let text = text.replace("${NEW_SITE}", &said("NEW_SITE_COMMAND", new_site));
        let text = text.replace("${WEB}", &said("WEB_COMMAND", r#"[bench, serve, --port, "8000"]"#));
        let text = text.replace("${ACCEPT}", &said("ACCEPT_PATCHES", "[]"));
        Ok(text.replace("${IMAGE}", &image(version)).replace("${SITE}", &self.site))
    }

    /// Asks Crossfade for a version.
    pub fn release(&self, version: &str) -> Fallible {
        self.apply("release.yaml", version)
    }

    /// The same, with this from its traffic's steps on.
    pub fn release_by_steps(&self, version: &str, steps: &str) -> Fallible {
        let manifest = self.manifest("release.yaml", version)?;
        let (before, _) = manifest.split_once("      steps:").ok_or("release.yaml has no steps")?;
        self.namespace.apply(&format!("{before}      steps: {steps}\n"))
    }

    /// The FrappeRelease as it is.
    pub fn status(&self) -> Fallible<Value> {
        let release = self.namespace.get("frapperelease", "shop")?.ok_or("there is no FrappeRelease")?;
        Ok(release)
    }

    /// Its phase; empty before the operator has seen it.
    pub fn phase(&self) -> Fallible<String> {
        Ok(self.status()?["status"]["phase"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the operator has seen the last manifest and a condition is true. Fails at once when it stalls.
    pub fn wait_for(&self, condition: &str, limit: Duration) -> Fallible {
        until(&format!("condition {condition} of {}", self.namespace.name), limit, || {
            let release = self.status()?;
            Ok(holds(&release, condition).then_some(()))
        })
        .map_err(|error| format!("{error}; status: {}", self.words()).into())
    }

    /// Annotates the FrappeRelease, e.g. `crossfade.dev/abort=2`.
    pub fn annotate(&self, annotation: &str) -> Fallible {
        self.namespace.kubectl(&["annotate", "frapperelease", "shop", annotation, "--overwrite"]).map(drop)
    }

    /// Waits until half of the traffic, or more, is on green.
    pub fn wait_for_half(&self, limit: Duration) -> Fallible {
        until("half of the traffic on green", limit, || {
            let release = self.status()?;
            // Before the operator has seen the last manifest, the weight is that of the release before.
            let is_half = release["status"]["weight"].as_u64() >= Some(50);
            Ok((is_seen(&release) && is_half).then_some(()))
        })
    }

    /// Waits until a release that was aborted is taken back.
    pub fn wait_for_rolled_back(&self, limit: Duration) -> Fallible {
        until("phase RolledBack", limit, || Ok((self.phase()? == "RolledBack").then_some(())))
    }

    /// Waits until a phase is seen (or one after it, when it passed unseen).
    pub fn wait_for_phase(&self, phase: &str, limit: Duration) -> Fallible {
        until(&format!("phase {phase}"), limit, || {
            let now = self.phase()?;
            Ok((order(&now) >= order(phase) && now != "Complete" || now == phase).then_some(()))
        })
        .map_err(|error| format!("{error}; status: {}", self.words()).into())
    }

    /// The version that answers a request through the gateway, as the sample bench says it.
    pub fn answering(&self) -> Fallible<String> {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--max-time", "10", "-o", "/dev/null", "-w", "%header{x-bench-version}"]);
        curl.args(["-H", &format!("Host: {}", self.site)]);
        run(curl.arg(format!("{}/api/method/ping", gateway())), None)
    }

    /// Runs statements on the database server as its admin; gives the rows, columns parted by tabs.
    pub fn sql(&self, statements: &str) -> Fallible<String> {
        let client = "mariadb -N -ucrossfade_admin -p\"$(cat /run/secrets/mariadb/password)\"";
        let exec = ["-n", &self.namespace.name, "exec", "-i", "mariadb-0", "--", "sh", "-c", client];
        kubectl(&exec, Some(statements))
    }

    /// Waits until the gateway leads to a version of the bench.
    pub fn wait_for_answer(&self, version: &str) -> Fallible {
        until(&format!("an answer of {version}"), Duration::from_mins(1), || {
            Ok((self.answering()? == version).then_some(()))
        })
    }

    /// What the status says, for failures.
    pub fn words(&self) -> String {
        self.status()
            .map_or_else(|error| error.to_string(), |release| release["status"]["message"].to_string())
    }

    /// When each phase of a revision was entered: (phase, seconds since 1970), in order.
    pub fn phases(&self, revision: u32) -> Fallible<Vec<(String, f64)>> {
        let record =
            self.namespace.get("configmap", &format!("shop-r{revision}"))?.ok_or("there is no record")?;
        let record: Value = serde_json::from_str(record["data"]["record"].as_str().unwrap_or("{}"))?;
        let entered = record["entered"].as_object().cloned().unwrap_or_default();
        let mut phases: Vec<(String, f64)> =
            entered.into_iter().filter_map(|(phase, at)| Some((phase, seconds(at.as_str()?)?))).collect();
        phases.sort_by(|a, b| a.1.total_cmp(&b.1));
        Ok(phases)
    }
}

/// Whether the operator has seen the manifest as it is.
fn is_seen(release: &Value) -> bool {
    release["status"]["observedGeneration"] == release["metadata"]["generation"]
}

/// Whether a condition of a FrappeRelease is true of its last manifest.
pub fn holds(release: &Value, condition: &str) -> bool {
    let generation = &release["metadata"]["generation"];
    let is_true =
        |c: &Value| c["type"] == condition && c["status"] == "True" && &c["observedGeneration"] == generation;
    release["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(is_true))
}

/// The phases in which something is going on, in their order.
pub const PHASES: [&str; 8] = [
    "Planning",
    "Isolating",
    "Expanding",
    "Migrating",
    "StartingGreen",
    "Shifting",
    "Draining",
    "Contracting",
];

fn order(phase: &str) -> usize {
    let all = PHASES.iter().chain(&["Complete"]);
    all.zip(1..).find(|(each, _)| **each == phase).map_or(0, |(_, order)| order)
}

/// Seconds since 1970 of an RFC 3339 time.
fn seconds(at: &str) -> Option<f64> {
    let at: jiff::Timestamp = at.parse().ok()?;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of this century fit a double")]
    Some(at.as_millisecond() as f64 / 1000.0)
}
