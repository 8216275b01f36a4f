//! A new version of the resource takes the place of the old one, by the steps of `docs/how-to/upgrade-the-operator.md`: served
//! beside it, written anew, and the old one dropped. On a copy of the resource under other names: there is one version so far.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::reader::Reader;
use crate::harness::Fallible;
use crate::harness::cluster::{Namespace, kubectl, repository, until};
use crate::harness::turn;

/// The name of the copy: neither kubectl nor another scenario takes it for the resource.
const COPY: &str = "releasecopies.crossfade.test";
const GROUP: &str = "crossfade.test";
const OLD: &str = "v1alpha1";
const NEW: &str = "v1beta1";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_new_version_of_the_resource_takes_the_place_of_the_old_one() -> Fallible {
    let _turn = turn::beside_others();
    kubectl(&["delete", "crd", COPY, "--ignore-not-found"], None)?;
    let namespace = Namespace::new("versions")?;
    let mut definition = definition()?;
    define(&definition)?;
    is_served(OLD)?;
    let written = write(&namespace, OLD)?;
    let before = read(&namespace, OLD)?;
    if before.len() != written || written < 5 {
        return Err(format!("{written} releases were written, {} are there", before.len()).into());
    }

    // As a chart with a new version would have it.
    let versions = definition["spec"]["versions"].as_array_mut().ok_or("the resource has no versions")?;
    let mut new = versions[0].clone();
    new["name"] = NEW.into();
    versions[0]["storage"] = false.into();
    versions.push(new);
    define(&definition)?;
    is_served(NEW)?;
    stored_are(&[OLD, NEW])?;
    is_the_same("through the new version", &before, &read(&namespace, NEW)?)?;
    let versions = definition["spec"]["versions"].as_array_mut().ok_or("the resource has no versions")?;
    versions.remove(0);
    match define(&definition) {
        Err(error) if error.to_string().contains("must remain in spec.versions") => {}
        other => return Err(format!("the old version went while objects are stored in it: {other:?}").into()),
    }

    let admin = Reader::of(&namespace)
        .calls("frappereleases.crossfade.dev", COPY)
        .calls("crossfade.dev/v", "crossfade.test/v");
    println!("{}", admin.follow("docs/how-to/upgrade-the-operator.md", "## Versions of the resource")?);
    stored_are(&[NEW])?;
    define(&definition)?;
    until("the old version gone", Duration::from_mins(1), || {
        Ok(read(&namespace, OLD).is_err().then_some(()))
    })?;
    is_the_same("without the old version", &before, &read(&namespace, NEW)?)?;

    // Who wrote through the old version writes on: the API server refuses that as long as managedFields name it.
    if write(&namespace, NEW)? != written {
        return Err("not every release was taken again".into());
    }
    is_the_same("written once more", &before, &read(&namespace, NEW)?)?;
    kubectl(&["delete", "crd", COPY], None)?;
    namespace.leave()
}

/// The resource under other names.
fn definition() -> Fallible<Value> {
    let file = repository().join("crds/frappereleases.crossfade.dev.yaml");
    let mut definition: Value = serde_yaml::from_str(&fs::read_to_string(file)?)?;
    definition["metadata"] = json!({"name": COPY});
    definition["spec"]["group"] = GROUP.into();
    definition["spec"]["names"] = json!({
        "plural": "releasecopies", "singular": "releasecopy", "kind": "ReleaseCopy", "listKind": "ReleaseCopyList",
    });
    Ok(definition)
}

fn define(definition: &Value) -> Fallible {
    kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], Some(&definition.to_string()))
        .map(drop)
}

/// Waits until the API server serves a version of the copy.
fn is_served(version: &str) -> Fallible {
    until(&format!("{COPY} as {version}"), Duration::from_mins(1), || {
        let path = format!("/apis/{GROUP}/{version}");
        let found: Value = serde_json::from_str(&kubectl(&["get", "--raw", &path], None)?)?;
        Ok(found["resources"].as_array().is_some_and(|resources| !resources.is_empty()).then_some(()))
    })
}

/// Writes every manifest of `e2e/manifests/valid` as this version, as Git and the operator would: spec and status, each by
/// server-side apply. Gives how many there are.
fn write(namespace: &Namespace, version: &str) -> Fallible<usize> {
    let folder = repository().join("e2e/manifests/valid");
    let files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    for file in &files {
        let mut release: Value = serde_yaml::from_str(&fs::read_to_string(file)?)?;
        // Some have the same name.
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        release["metadata"] = json!({"name": name});
        (release["apiVersion"], release["kind"]) =
            (format!("{GROUP}/{version}").into(), "ReleaseCopy".into());
        namespace.apply(&release.to_string())?;
        let status = json!({
            "apiVersion": release["apiVersion"], "kind": release["kind"], "metadata": {"name": name},
            "status": {"observedGeneration": 1, "phase": "Shifting", "message": "10 % of the traffic is on green"},
        });
        let by =
            ["apply", "--server-side", "--subresource=status", "--field-manager=crossfade/status", "-f", "-"];
        let by = [&["-n", namespace.name.as_str()][..], &by].concat();
        kubectl(&by, Some(&status.to_string()))?;
    }
    Ok(files.len())
}

/// All releases as this version gives them.
fn read(namespace: &Namespace, version: &str) -> Fallible<Vec<Value>> {
    let path = format!("/apis/{GROUP}/{version}/namespaces/{}/releasecopies", namespace.name);
    let list: Value = serde_json::from_str(&kubectl(&["get", "--raw", &path], None)?)?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

/// Fails unless releases are the same but for the version by which they are read, and who has written them when.
fn is_the_same(when: &str, before: &[Value], after: &[Value]) -> Fallible {
    let bare = |releases: &[Value]| -> Vec<Value> {
        let mut releases = releases.to_vec();
        for release in &mut releases {
            release["apiVersion"].take();
            for field in ["managedFields", "resourceVersion"] {
                release["metadata"][field].take();
            }
        }
        releases
    };
    let (before, after) = (bare(before), bare(after));
    if before == after { Ok(()) } else { Err(format!("{when}: written {before:?}, read {after:?}").into()) }
}

/// Waits until the API server says that objects may be stored in just these versions.
fn stored_are(versions: &[&str]) -> Fallible {
    until(&format!("stored as {versions:?}"), Duration::from_mins(1), || {
        let stored = kubectl(&["get", "crd", COPY, "-o", "jsonpath={.status.storedVersions}"], None)?;
        let stored: Vec<String> = serde_json::from_str(&stored)?;
        Ok((stored == versions).then_some(()))
    })
}
