//! The operator is upgraded, put back, uninstalled and installed again by the commands of
//! `docs/how-to/upgrade-the-operator.md`, while a release is in flight and users work: nobody notices.
//!
//! There is no published version yet. The one before is this tree's code under another tag of its image, in charts of
//! another version, with a resource that has a field less; so an upgrade replaces all Pods of the operator, its charts and
//! the stored resource's schema. `PREVIOUS` names the checkout of a real older version instead (`e2e/README.md`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::reader::Reader;
use super::{RELEASE, crossfade, must_be_clean, only_the_site_is_left};
use crate::harness::bench::Bench;
use crate::harness::cluster::{Namespace, kubectl, name_image, program, repository, run, until};
use crate::harness::load::Load;
use crate::harness::{Fallible, operator, turn};

/// Versions of the charts of the version before, and the tag of its image.
const PREVIOUS: &str = "0.0.1";
/// A field that the version before does not have.
const NEWER_FIELD: &str = "quietSeconds";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn the_operator_is_upgraded_and_uninstalled_with_a_release_in_flight() -> Fallible {
    let _turn = turn::alone();
    operator::forget()?;
    install_previous()?;
    let bench = Bench::new("upgrade", "v1")?;
    bench.release("v1")?;
    bench.wait_for("Ready", RELEASE)?;
    let blue = pods(&bench)?;
    let mut users = Load::start(&bench, 20)?;

    // Stands at 10 % until it is told to go on: what is done meanwhile is done in mid-flight.
    let manifest = bench.manifest("release.yaml", "v2")?;
    let held = manifest.replacen("{pause: {seconds: 5}}", "{approve: go}", 1);
    assert_ne!(held, manifest, "the manifest has no pause as this test expects");
    bench.namespace.apply(&held)?;
    bench.wait_for_phase("Expanding", RELEASE)?;
    let before = bench.status()?;
    knows_the_newer_field(&bench, false)?;
    let admin = Reader::of(&bench.namespace);
    println!("{}", admin.follow("docs/how-to/upgrade-the-operator.md", "helm upgrade")?);
    println!("{}", admin.follow("docs/how-to/upgrade-the-operator.md", "rollout status")?);
    rehearse(&bench)?;
    runs_image(&format!("localhost/crossfade:{}", env!("CARGO_PKG_VERSION")))?;
    is_read_as_written(&before, &bench.status()?)?;
    knows_the_newer_field(&bench, true)?;
    stands_at_the_approval(&bench)?;

    println!("{}", admin.follow("docs/how-to/upgrade-the-operator.md", "helm rollback")?);
    println!("{}", admin.follow("docs/how-to/upgrade-the-operator.md", "rollout status")?);
    runs_image(&format!("localhost/crossfade:{PREVIOUS}"))?;
    stands_at_the_approval(&bench)?;
    let both = pods(&bench)?;
    if !blue.is_subset(&both) {
        return Err(format!("Pods of blue were replaced: {blue:?}, now {both:?}").into());
    }

    println!("{}", admin.follow("docs/how-to/upgrade-the-operator.md", "helm uninstall")?);
    let namespace = operator::namespace();
    until("the operator's Pods gone", Duration::from_mins(1), || {
        Ok(namespace.list("pods", "app.kubernetes.io/name=crossfade")?.is_empty().then_some(()))
    })?;
    users.run_for(Duration::from_secs(5))?;
    is_read_as_written(&before, &bench.status()?)?;
    // As on an empty cluster, but the resource's chart is there: nothing is installed.
    let newcomer = Reader::of(&bench.namespace)
        .calls("helm install", "helm install --dry-run")
        .calls("image.repository=...", "image.repository=localhost/crossfade")
        .calls("image.tag=...", "image.tag=e2e");
    newcomer.follow("README.md", "helm install")?;
    newcomer.follow("docs/tutorial/first-release.md", "## 2. ")?;
    if pods(&bench)? != both {
        return Err("Pods of the bench changed without an operator".into());
    }
    by_manifests(&bench)?;

    operator::install()?;
    crossfade(&bench, &["approve", "shop", "go"])?;
    bench.wait_for("Ready", RELEASE)?;
    bench.wait_for_answer("v2")?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    if bench.phase()? != "Complete" {
        return Err(format!("the release ended {}", bench.phase()?).into());
    }
    only_the_site_is_left(&bench)?;
    println!("{} requests, none failed; {:?}", figures.requests, bench.phases(2)?);
    bench.namespace.leave()
}

/// The operator comes by the manifests of `deploy/base` for once, over which `deploy/example` sets the image: it leads, and it
/// goes again.
fn by_manifests(bench: &Bench) -> Fallible {
    let folder = repository().join("target/e2e-deploy");
    fs::create_dir_all(&folder)?;
    let example = fs::read_to_string(repository().join("deploy/example/kustomization.yaml"))?;
    let ours = example.replace("../base", "../../deploy/base").replace("registry.example.com", "localhost");
    let tagged = ours.lines().map(|line| if line.contains("digest: ") { "  newTag: e2e" } else { line });
    fs::write(folder.join("kustomization.yaml"), tagged.collect::<Vec<_>>().join("\n"))?;
    let reader = Reader::of(&bench.namespace).calls("-k deploy/base", "-k target/e2e-deploy");
    reader.follow("README.md", "kubectl apply --server-side -k")?;
    let namespace = Namespace { name: "crossfade".to_owned() };
    namespace.kubectl(&["rollout", "status", "deployment/crossfade", "--timeout=120s"])?;
    runs_image_in(&namespace, "localhost/crossfade:e2e")?;
    until("an operator that leads", Duration::from_mins(1), || {
        let lease = namespace.get("lease", "crossfade")?.unwrap_or_default();
        let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
        Ok((!holder.is_empty()).then_some(()))
    })?;
    stands_at_the_approval(bench)?;
    // The resource stays: the release is of it.
    let operator = repository().join("deploy/base/operator.yaml").display().to_string();
    kubectl(&["delete", "-f", &operator, "--timeout=60s"], None)?;
    namespace.delete()
}

/// What other pages say to set in the chart, without setting it.
fn rehearse(bench: &Bench) -> Fallible {
    // The cluster has no Prometheus operator, so helm only says whether it takes the line.
    let asks = Reader::of(&bench.namespace).calls("helm upgrade", "helm upgrade --help");
    asks.follow("docs/reference/metrics.md", "helm upgrade")?;
    let rehearses = Reader::of(&bench.namespace)
        .calls("helm upgrade", "helm upgrade --dry-run")
        .calls("create secret", "create --dry-run=client secret");
    rehearses.follow("docs/how-to/traces.md", "").map(drop)
}

/// Puts the version before into the cluster, in the place of what is there.
fn install_previous() -> Fallible {
    let namespace = Namespace { name: operator::NAMESPACE.to_owned() };
    if namespace.get("deployment", "crossfade")?.is_some() {
        let mut helm = program("helm");
        run(helm.args(["uninstall", "crossfade", "--wait", "--namespace", operator::NAMESPACE]), None)?;
    }
    name_image("localhost/crossfade:e2e", &format!("localhost/crossfade:{}", env!("CARGO_PKG_VERSION")))?;
    let folder = tempfile::tempdir()?;
    let real = std::env::var_os("PREVIOUS").map(PathBuf::from);
    let charts = if let Some(checkout) = &real {
        checkout.join("charts")
    } else {
        name_image("localhost/crossfade:e2e", &format!("localhost/crossfade:{PREVIOUS}"))?;
        let charts = folder.path().join("charts");
        let mut copy = std::process::Command::new("cp");
        run(copy.arg("-r").arg(repository().join("charts")).arg(&charts), None)?;
        without_the_newer_field(&charts)?;
        charts
    };
    for name in ["crossfade-crds", "crossfade"] {
        let mut helm = program("helm");
        helm.args(["package", "--version", PREVIOUS, "--app-version", PREVIOUS, "--destination"]);
        run(helm.arg(folder.path()).arg(charts.join(name)), None)?;
        let package = folder.path().join(format!("{name}-{PREVIOUS}.tgz"));
        let settings: &[&str] =
            if name == "crossfade" { &["--set", "image.repository=localhost/crossfade"] } else { &[] };
        operator::install_chart(name, &package, settings)?;
    }
    runs_image(&format!("localhost/crossfade:{PREVIOUS}"))
}

/// Takes a field out of the resource of these charts.
fn without_the_newer_field(charts: &Path) -> Fallible {
    let file = charts.join("crossfade-crds/templates/frappereleases.crossfade.dev.yaml");
    let mut crd: Value = serde_yaml::from_str(&fs::read_to_string(&file)?)?;
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let deadlines = &mut schema["properties"]["spec"]["properties"]["deadlines"];
    for part in ["default", "properties"] {
        let fields = deadlines[part].as_object_mut().ok_or("the resource has no deadlines")?;
        fields.remove(NEWER_FIELD).ok_or("the resource has no such field")?;
    }
    Ok(fs::write(file, serde_yaml::to_string(&crd)?)?)
}

/// Whether the API server keeps the field that the version before does not have.
fn knows_the_newer_field(bench: &Bench, is_known: bool) -> Fallible {
    let patch = json!({"spec": {"deadlines": {NEWER_FIELD: 7}}}).to_string();
    let patch =
        ["patch", "frapperelease", "shop", "--type=merge", "--dry-run=server", "-o", "json", "-p", &patch];
    let patched: Value = serde_json::from_str(&bench.namespace.kubectl(&patch)?)?;
    let kept = patched["spec"]["deadlines"][NEWER_FIELD] == 7;
    // A real older version may have it.
    if kept == is_known || std::env::var_os("PREVIOUS").is_some() {
        Ok(())
    } else {
        Err(format!("spec.deadlines.{NEWER_FIELD}: kept is {kept}").into())
    }
}

/// What was written under one schema is read under the next, and needs no conversion: it is stored as v1alpha1.
fn is_read_as_written(before: &Value, after: &Value) -> Fallible {
    let (mut written, mut read) = (before["spec"].clone(), after["spec"].clone());
    for spec in [&mut written, &mut read] {
        // A newer schema fills in what it has a default for.
        spec["deadlines"].as_object_mut().map(|deadlines| deadlines.remove(NEWER_FIELD));
    }
    if written != read || before["metadata"]["uid"] != after["metadata"]["uid"] {
        return Err(format!("written {written}, read {read}").into());
    }
    let name = "crd/frappereleases.crossfade.dev";
    let stored = kubectl(&["get", name, "-o", "jsonpath={.status.storedVersions}"], None)?;
    if stored == r#"["v1alpha1"]"# { Ok(()) } else { Err(format!("stored as {stored}").into()) }
}

/// Waits until the release waits for its approval, as the operator that leads now says.
fn stands_at_the_approval(bench: &Bench) -> Fallible {
    until("the step `approve: go`", RELEASE, || {
        let status = &bench.status()?["status"];
        Ok((status["weight"] == 10 && bench.words().contains("go")).then_some(()))
    })
    .map_err(|error| format!("{error}; status: {}", bench.words()).into())
}

/// Fails unless the operator's Pods, and no others, run this image.
fn runs_image(image: &str) -> Fallible {
    runs_image_in(&operator::namespace(), image)
}

fn runs_image_in(namespace: &Namespace, image: &str) -> Fallible {
    until(&format!("operators of {image} alone"), Duration::from_mins(1), || {
        let pods = namespace.list("pods", "app.kubernetes.io/name=crossfade")?;
        let is_of_it = |pod: &Value| pod["spec"]["containers"][0]["image"] == image;
        Ok((!pods.is_empty() && pods.iter().all(is_of_it)).then_some(()))
    })
}

/// The UIDs of the bench's Pods that run a revision.
fn pods(bench: &Bench) -> Fallible<BTreeSet<String>> {
    let pods = bench.namespace.list("pods", "crossfade.dev/release=shop,!batch.kubernetes.io/job-name")?;
    Ok(pods.iter().filter_map(|pod| pod["metadata"]["uid"].as_str().map(str::to_owned)).collect())
}
