//! Which release a command is about, and how it is reached.

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;

use clap::Args;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, Config};
use serde_json::Value;

use crate::api::FrappeRelease;
use crate::controller::people;

/// The release that a command is about.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// Name of the FrappeRelease.
    pub(super) name: String,
    /// Its namespace. Default: that of the kubeconfig's current context.
    #[arg(short, long)]
    pub(super) namespace: Option<String>,
}

impl Target {
    /// The API of the release's namespace, by the kubeconfig or the service account.
    pub(super) async fn api(&self) -> Result<Api<FrappeRelease>, String> {
        let client = client().await?;
        Ok(match &self.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::default_namespaced(client),
        })
    }

    /// The `ConfigMaps` of a release's namespace.
    pub(super) async fn config_maps(&self, release: &FrappeRelease) -> Result<Api<ConfigMap>, String> {
        Ok(Api::namespaced(client().await?, release.metadata.namespace.as_deref().unwrap_or("default")))
    }

    /// The release.
    pub(super) async fn get(&self, api: &Api<FrappeRelease>) -> Result<FrappeRelease, String> {
        people::release(api, &self.name).await.map_err(|error| chain(&error))
    }

    /// Says something to the release: merges the fields of a word into it.
    pub(super) async fn say(&self, api: &Api<FrappeRelease>, fields: &Value) -> Result<(), String> {
        people::say(api, &self.name, fields).await.map_err(|error| chain(&error))
    }
}

/// A client by the kubeconfig or the service account, whose default namespace is that of the current context.
pub(super) async fn client() -> Result<Client, String> {
    let config = Config::infer().await.map_err(|error| format!("failed to find a cluster: {error}"))?;
    Client::try_from(config).map_err(|error| format!("failed to find a cluster: {error}"))
}

/// Runs a command to its end; an error is printed and gives exit code 1.
pub(super) fn block_on(command: impl Future<Output = Result<(), String>>) -> ExitCode {
    exit_with(async { command.await.map(|()| ExitCode::SUCCESS) })
}

/// Runs a command that chooses its own exit code.
pub(super) fn exit_with(command: impl Future<Output = Result<ExitCode, String>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => Err(format!("failed to start: {error}")),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
