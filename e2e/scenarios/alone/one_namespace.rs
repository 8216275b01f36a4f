//! The operator for one namespace: there a bench is released to its end, and in another one it sees nothing and may nothing.

use super::rights::{MAY, ask};
use super::{RELEASE, only_the_site_is_left};
use crate::harness::bench::Bench;
use crate::harness::cluster::{Namespace, kubectl};
use crate::harness::{Fallible, operator, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn an_operator_of_one_namespace_releases_there_and_may_do_nothing_elsewhere() -> Fallible {
    let _turn = turn::alone();
    let bench = Bench::new("one-namespace", "v1")?;
    operator::watch_only(&bench.namespace)?;
    let other = Bench { namespace: Namespace::new("another-namespace")?, ..bench.clone() };
    // An operator that saw it would say at once that its Secrets are missing.
    other.release("v1")?;
    for version in ["v1", "v2"] {
        bench.release(version)?;
        bench.wait_for("Ready", RELEASE)?;
        bench.wait_for_answer(version)?;
    }
    only_the_site_is_left(&bench)?;
    is_untouched(&other)?;

    for (verb, resource, namespace) in MAY {
        if namespace == operator::NAMESPACE {
            ask(verb, resource, namespace, true)?;
        } else {
            ask(verb, resource, &bench.namespace.name, true)?;
            ask(verb, resource, &other.namespace.name, false)?;
        }
    }
    for (verb, resource) in
        [("list", "frappereleases.crossfade.dev"), ("get", "secrets"), ("create", "deployments.apps")]
    {
        ask(verb, resource, &other.namespace.name, false)?;
        ask(verb, resource, operator::NAMESPACE, false)?;
    }
    let everywhere =
        kubectl(&["get", "clusterroles", "-l", "app.kubernetes.io/name=crossfade", "-o", "name"], None)?;
    if !everywhere.is_empty() {
        return Err(format!("rights in the whole cluster are left: {everywhere}").into());
    }
    other.namespace.leave()?;
    bench.namespace.leave()
}

/// The operator has written nothing of a release, nor made anything for it.
fn is_untouched(bench: &Bench) -> Fallible {
    let release = bench.status()?;
    // The resource's default: no operator has seen any generation of it.
    let is_seen = release["status"]["observedGeneration"] != -1;
    if is_seen || !release["metadata"]["finalizers"].is_null() {
        return Err(format!("the other release was touched: {release}").into());
    }
    for kind in ["secrets", "configmaps", "jobs", "deployments", "httproutes"] {
        let made = bench.namespace.list(kind, "crossfade.dev/release=shop")?;
        if !made.is_empty() {
            return Err(format!("{kind} were made for the other release: {made:?}").into());
        }
    }
    Ok(())
}
