//! The bed's Gateway, which lets every namespace join with any hostname, restricted for a while.

use std::time::Duration;

use serde_json::{Value, json};

use super::Fallible;
use super::bench::Bench;
use super::cluster::{Namespace, until};

const NAME: &str = "gw";

/// Listeners that a platform team has set up, until this is dropped: one for the hostname of each bench, for its namespace
/// alone. Nobody else is reached meanwhile.
pub struct Listeners {
    before: Value,
}

impl Listeners {
    /// Restricts the Gateway to these benches, and waits until it says so.
    pub fn restricted(benches: &[&Bench]) -> Fallible<Self> {
        let before = get()?["spec"]["listeners"].clone();
        let of = |bench: &&Bench| {
            let mut listener = before[0].clone();
            let owner = json!({"matchLabels": {"kubernetes.io/metadata.name": bench.namespace.name}});
            listener["name"] = bench.namespace.name.as_str().into();
            listener["hostname"] = bench.site.as_str().into();
            listener["allowedRoutes"] = json!({"namespaces": {"from": "Selector", "selector": owner}});
            listener
        };
        let listeners = benches.iter().map(of).collect();
        let restricted = Self { before };
        set(&listeners)?;
        Ok(restricted)
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if let Err(error) = set(&self.before) {
            println!("{error}");
        }
    }
}

fn namespace() -> Namespace {
    Namespace { name: "projectcontour".to_owned() }
}

fn get() -> Fallible<Value> {
    namespace().get("gateway", NAME)?.ok_or_else(|| format!("there is no Gateway '{NAME}'").into())
}

fn set(listeners: &Value) -> Fallible {
    let patch = json!({"spec": {"listeners": listeners}}).to_string();
    namespace().kubectl(&["patch", "gateway", NAME, "--type=merge", "-p", &patch])?;
    until("listeners as told", Duration::from_mins(1), || {
        let gateway = get()?;
        let told = |said: &Value| said["observedGeneration"] == gateway["metadata"]["generation"];
        let is_at_work =
            |said: &Value| said["type"] == "Programmed" && said["status"] == "True" && told(said);
        let conditions =
            |of: &Value| of["conditions"].as_array().is_some_and(|all| all.iter().any(is_at_work));
        let all = gateway["status"]["listeners"].as_array().cloned().unwrap_or_default();
        let wanted = listeners.as_array().map_or(0, Vec::len);
        Ok((all.len() == wanted && all.iter().all(conditions) && conditions(&gateway["status"]))
            .then_some(()))
    })
}
