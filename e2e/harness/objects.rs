//! Objects of the cluster, read by one client in this process. Tests look at them again and again, and a `kubectl` for each
//! look was a quarter of all that the suite used of the processor.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::discovery::{Discovery, Scope};
use kube::{Api, Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::Fallible;
use super::cluster::bed;

struct Reader {
    runtime: Runtime,
    client: Client,
    /// By the words for them: `pod` and `pods`.
    kinds: Mutex<BTreeMap<String, (ApiResource, Scope)>>,
}

static READER: LazyLock<Result<Reader, String>> =
    LazyLock::new(|| Reader::new().map_err(|error| format!("no client of the API server: {error}")));

/// Reads one object, `None` if it is not there.
pub(super) fn get(namespace: &str, kind: &str, name: &str) -> Fallible<Option<Value>> {
    let reader = READER.as_ref().map_err(Clone::clone)?;
    let api = reader.api(namespace, kind)?;
    let object = reader.runtime.block_on(api.get_opt(name))?;
    Ok(object.map(serde_json::to_value).transpose()?)
}

/// Lists objects by a label selector.
pub(super) fn list(namespace: &str, kind: &str, selector: &str) -> Fallible<Vec<Value>> {
    let reader = READER.as_ref().map_err(Clone::clone)?;
    let api = reader.api(namespace, kind)?;
    let list = reader.runtime.block_on(api.list(&ListParams::default().labels(selector)))?;
    let values: Result<Vec<Value>, _> = list.items.into_iter().map(serde_json::to_value).collect();
    Ok(values?)
}

impl Reader {
    fn new() -> Fallible<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let kubeconfig = Kubeconfig::read_from(bed().join("pki/admin.kubeconfig"))?;
        let client = runtime.block_on(async {
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
            Fallible::Ok(Client::try_from(config)?)
        })?;
        Ok(Self { runtime, client, kinds: Mutex::default() })
    }

    fn api(&self, namespace: &str, kind: &str) -> Fallible<Api<DynamicObject>> {
        let (resource, scope) = self.kind(kind)?;
        Ok(match scope {
            Scope::Namespaced => Api::namespaced_with(self.client.clone(), namespace, &resource),
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
        })
    }

    /// Asks the API server what it has only for a word that is new: a resource may come while the tests run.
    fn kind(&self, word: &str) -> Fallible<(ApiResource, Scope)> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if !kinds.contains_key(word) {
            let found = self.runtime.block_on(Discovery::new(self.client.clone()).run())?;
            for group in found.groups() {
                for (resource, capabilities) in group.recommended_resources() {
                    for word in [resource.kind.to_lowercase(), resource.plural.clone()] {
                        let known = (resource.clone(), capabilities.scope.clone());
                        kinds.entry(word).or_insert(known);
                    }
                }
            }
        }
        Ok(kinds.get(word).cloned().ok_or_else(|| format!("the API server knows no '{word}'"))?)
    }
}
