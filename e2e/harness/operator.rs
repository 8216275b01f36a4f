//! The operator, installed as a user would: by its charts.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::Fallible;
use super::cluster::{Namespace, fault, kubectl, program, repository, run, until};

/// Namespace of the operator.
pub const NAMESPACE: &str = "crossfade-system";

/// The operator's namespace.
pub fn namespace() -> Namespace {
    Namespace { name: NAMESPACE.to_owned() }
}

static INSTALLED: Mutex<bool> = Mutex::new(false);

/// Installs (or upgrades to) the charts of this tree, once a run, and waits until the operator is available.
pub fn install() -> Fallible<Namespace> {
    let namespace = namespace();
    let mut installed = INSTALLED.lock().map_err(|error| error.to_string())?;
    if !*installed {
        let charts = repository().join("charts");
        install_chart("crossfade-crds", &charts.join("crossfade-crds"), &[])?;
        install_chart("crossfade", &charts.join("crossfade"), &settings())?;
        // The image's tag is the same for every build of the tree: Pods of an earlier run are replaced.
        namespace.kubectl(&["rollout", "restart", "deployment/crossfade"])?;
        namespace.kubectl(&["rollout", "status", "deployment/crossfade", "--timeout=120s"])?;
        *installed = true;
    }
    Ok(namespace)
}

fn settings() -> [&'static str; 4] {
    ["--set", "image.repository=localhost/crossfade", "--set", "image.tag=e2e"]
}

/// Installs a chart (a folder or a package), or upgrades to it, and waits until what it makes is available.
pub fn install_chart(name: &str, chart: &Path, settings: &[&str]) -> Fallible {
    namespace().make()?;
    let mut helm = program("helm");
    helm.args(["upgrade", "--install", name]).arg(chart);
    helm.args(["--namespace", NAMESPACE, "--wait", "--timeout", "120s"]).args(settings);
    run(&mut helm, None).map(drop)
}

/// Has the operator send its traces to a collector, with these headers from a Secret. `install` ends it.
pub fn trace_to(endpoint: &str, headers: &str) -> Fallible {
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: collector}}\nstringData: {{headers: '{headers}'}}"
    );
    namespace().apply(&secret)?;
    let endpoint = format!("tracing.endpoint={endpoint}");
    let traced = ["--set", &endpoint, "--set", "tracing.headersSecret.name=collector"];
    forget()?;
    install_chart("crossfade", &repository().join("charts/crossfade"), &[&settings()[..], &traced].concat())
}

/// Has the operator watch one namespace and no other. `install` ends it.
pub fn watch_only(watched: &Namespace) -> Fallible {
    let charts = repository().join("charts");
    let namespaces = format!("namespaces={{{}}}", watched.name);
    let scope = ["--set", "scope=namespace", "--set", &namespaces];
    uninstall()?;
    install_chart("crossfade-crds", &charts.join("crossfade-crds"), &[])?;
    install_chart("crossfade", &charts.join("crossfade"), &[&settings()[..], &scope].concat())
}

/// Leaves the cluster as if there had never been an operator: neither that, nor its namespace, nor the resource, nor an
/// object of it. `install` installs it again.
pub fn uninstall() -> Fallible {
    forget()?;
    for name in ["crossfade", "crossfade-crds"] {
        let mut helm = program("helm");
        helm.args(["uninstall", name, "--namespace", NAMESPACE, "--ignore-not-found", "--wait"]);
        run(&mut helm, None)?;
    }
    // What a scenario that failed has left: nobody takes it back any more.
    let crd = "frappereleases.crossfade.dev";
    if !kubectl(&["get", "crd", crd, "--ignore-not-found", "-o", "name"], None)?.is_empty() {
        let each = "jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{\"\\n\"}{end}";
        for release in kubectl(&["get", "frappereleases", "-A", "-o", each], None)?.lines() {
            let (namespace, name) = release.split_once(' ').ok_or("a release has no namespace")?;
            let without = r#"{"metadata": {"finalizers": null}}"#;
            kubectl(&["-n", namespace, "patch", "frapperelease", name, "--type=merge", "-p", without], None)?;
        }
        // It outlives its chart.
        kubectl(&["delete", "crd", crd, "--timeout=60s"], None)?;
    }
    namespace().delete()
}

/// Forgets that the operator is installed: a scenario is about to take it away. `install` installs it again.
pub fn forget() -> Fallible {
    *INSTALLED.lock().map_err(|error| error.to_string())? = false;
    Ok(())
}

/// Kills the operator's Pods without grace.
pub fn kill() -> Fallible {
    let namespace = namespace();
    namespace
        .kubectl(&["delete", "pod", "-l", "app.kubernetes.io/name=crossfade", "--force", "--grace-period=0"])
        .map(drop)
}

/// Stops the operator's Pods and waits until they are gone, or (with a number) starts them.
pub fn scale(replicas: u32) -> Fallible {
    let namespace = namespace();
    let replicas = format!("--replicas={replicas}");
    namespace.kubectl(&["scale", "deployment/crossfade", &replicas])?;
    namespace.kubectl(&["rollout", "status", "deployment/crossfade", "--timeout=120s"])?;
    until("the operator's Pods as told", Duration::from_mins(1), || {
        let pods = namespace.list("pods", "app.kubernetes.io/name=crossfade")?;
        Ok((format!("--replicas={}", pods.len()) == replicas).then_some(()))
    })
}

/// The Pod that leads, by its lease.
pub fn leader() -> Fallible<String> {
    let namespace = namespace();
    let lease = namespace.get("lease", "crossfade")?.ok_or("there is no lease")?;
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
    let (pod, _) = holder.rsplit_once('_').ok_or_else(|| format!("the lease is held by {holder:?}"))?;
    Ok(pod.to_owned())
}

/// A Pod of the operator that the API server does not hear; it does again when this is dropped.
pub struct CutOff {
    address: String,
}

impl CutOff {
    /// Cuts the Pod off.
    pub fn new(pod: &str) -> Fallible<Self> {
        let namespace = namespace();
        let pod = namespace.get("pod", pod)?.ok_or("the leader has no Pod")?;
        let address = pod["status"]["podIP"].as_str().ok_or("the leader's Pod has no address")?.to_owned();
        fault(&["cut", &address])?;
        Ok(Self { address })
    }
}

impl Drop for CutOff {
    fn drop(&mut self) {
        if let Err(error) = fault(&["mend", &self.address]) {
            println!("{error}");
        }
    }
}

/// Waits until the operator is available again.
pub fn wait() -> Fallible {
    let namespace = namespace();
    namespace.wait("deployment/crossfade", "condition=Available", Duration::from_mins(1))
}
