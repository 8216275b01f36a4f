//! The cluster of the bed, through kubectl: the same door that users have. Only what is looked at again and again is not.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Fallible, objects};

/// The label by which the API server holds a namespace's Pods to a Pod Security Standard.
const RESTRICTED: &str = "pod-security.kubernetes.io/enforce";

/// Folder of the bed (`CROSSFADE_BED`).
pub fn bed() -> PathBuf {
    let temp = std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    std::env::var_os("CROSSFADE_BED").map_or_else(|| temp.join("crossfade-bed"), PathBuf::from)
}

/// Folder of this repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Address of the gateway, as users see it.
pub fn gateway() -> String {
    std::env::var("GATEWAY_URL").unwrap_or_else(|_| "http://10.200.0.2:30080".to_owned())
}

/// A program of the bed (`kubectl`, `helm`) with the bed's kubeconfig.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(bed().join("bin").join(name));
    command.env("KUBECONFIG", bed().join("pki/admin.kubeconfig"));
    command
}

/// Runs kubectl; gives what it prints, or fails with what it says.
pub fn kubectl(arguments: &[&str], input: Option<&str>) -> Fallible<String> {
    run(program("kubectl").args(arguments), input)
}

/// Runs a command to its end; gives what it prints, or fails with what it says.
pub fn run(command: &mut Command, input: Option<&str>) -> Fallible<String> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some((text, mut stdin)) = input.zip(child.stdin.take()) {
        stdin.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed: {words}{}", String::from_utf8_lossy(&output.stdout)).into())
}

/// Breaks something of the node, or mends it: see `e2e/bed/fault.sh`.
pub fn fault(arguments: &[&str]) -> Fallible {
    run(Command::new(repository().join("e2e/bed/fault.sh")).args(arguments), None).map(drop)
}

/// Gives an image of the node another name, as if it had been pulled under it.
pub fn name_image(image: &str, other: &str) -> Fallible {
    let mut nx = Command::new(repository().join("e2e/bed/nx"));
    run(nx.args(["ctr", "-n", "k8s.io", "images", "tag", "--force", image, other]), None).map(drop)
}

/// A namespace of one test, made new.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// Its name.
    pub name: String,
}

impl Namespace {
    /// Makes the namespace; one that an earlier run left is deleted first.
    pub fn new(name: &str) -> Fallible<Self> {
        let namespace = Self { name: name.to_owned() };
        namespace.delete()?;
        namespace.make()?;
        Ok(namespace)
    }

    /// Makes it, or has it as it is made: the API server refuses what is not restricted (`deploy/base/namespace.yaml`). The
    /// servers beside a bench keep to it too; the gateway, in `projectcontour`, is the bed's and does not.
    pub fn make(&self) -> Fallible {
        let manifest = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {}, labels: {{{RESTRICTED}: restricted}}}}",
            self.name
        );
        kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], Some(&manifest)).map(drop)
    }

    /// Deletes it and waits until it is gone.
    pub fn delete(&self) -> Fallible {
        self.leave()?;
        kubectl(&["delete", "namespace", &self.name, "--ignore-not-found", "--timeout=180s"], None).map(drop)
    }

    /// Deletes its releases and has the rest deleted; its Pods end while the next scenario begins.
    pub fn leave(&self) -> Fallible {
        // The operator's finalizer needs the objects in order: releases first.
        let _ = kubectl(&["-n", &self.name, "delete", "frappereleases", "--all", "--timeout=120s"], None);
        kubectl(&["delete", "namespace", &self.name, "--ignore-not-found", "--wait=false"], None).map(drop)
    }

    /// Runs kubectl in it.
    pub fn kubectl(&self, arguments: &[&str]) -> Fallible<String> {
        kubectl(&[&["-n", self.name.as_str()], arguments].concat(), None)
    }

    /// Applies a manifest.
    pub fn apply(&self, manifest: &str) -> Fallible {
        kubectl(&["-n", &self.name, "apply", "--server-side", "--force-conflicts", "-f", "-"], Some(manifest))
            .map(drop)
    }

    /// Reads one object, `None` if it is not there.
    pub fn get(&self, kind: &str, name: &str) -> Fallible<Option<Value>> {
        objects::get(&self.name, kind, name)
    }

    /// Lists objects by a label selector.
    pub fn list(&self, kind: &str, selector: &str) -> Fallible<Vec<Value>> {
        objects::list(&self.name, kind, selector)
    }

    /// Waits for a condition by `kubectl wait`.
    pub fn wait(&self, object: &str, condition: &str, limit: Duration) -> Fallible {
        let (what, limit) = (format!("--for={condition}"), format!("--timeout={}s", limit.as_secs()));
        self.kubectl(&["wait", object, &what, &limit]).map(drop)
    }
}

/// Looks again and again until `look` gives something; fails after `limit` with what was waited for.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Fallible<Option<T>>) -> Fallible<T> {
    let start = Instant::now();
    let mut trouble = String::new();
    while start.elapsed() < limit {
        match look() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => trouble.clear(),
            Err(error) => trouble = format!(" (last: {error})"),
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    Err(format!("not within {} s: {what}{trouble}", limit.as_secs()).into())
}
