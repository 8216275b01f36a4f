//! `crossfade crds`: the manifest of the resource, as `crds/` holds it.

use std::process::ExitCode;

use kube::CustomResourceExt;

use crate::api::FrappeRelease;

/// The manifest of the `FrappeRelease` resource as YAML.
pub fn manifest() -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(&FrappeRelease::crd())
}

/// Prints the manifest.
pub(super) fn run() -> ExitCode {
    match manifest() {
        Ok(yaml) => {
            print!("{yaml}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed to write the manifest: {error}");
            ExitCode::FAILURE
        }
    }
}
