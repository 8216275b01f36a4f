//! What the operator may do is what it needs: asked of the API server, as its service account. And the Pods of all scenarios,
//! the operator's and the benches', are let in by the API server's own judgement of what is restricted.

use std::time::Duration;

use crate::harness::cluster::{Namespace, kubectl};
use crate::harness::operator;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn the_operator_may_do_what_it_needs_and_nothing_else() -> Fallible {
    let _turn = turn::beside_others();
    operator::install()?;
    for (verb, resource, namespace) in MAY {
        ask(verb, resource, namespace, true)?;
    }
    for (verb, resource, namespace) in MAY_NOT {
        ask(verb, resource, namespace, false)?;
    }
    Ok(())
}

/// Where the operator and the benches of the scenarios live, a Pod that is not restricted does not.
#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_pod_that_is_not_restricted_is_refused_where_the_scenarios_run() -> Fallible {
    let _turn = turn::beside_others();
    let bench = Namespace::new("restricted")?;
    // A Pod is judged when it has its account.
    bench.wait("serviceaccount/default", "create", Duration::from_secs(30))?;
    for namespace in [operator::install()?, bench.clone()] {
        let run = ["run", "plain", "--image=localhost/busybox:1", "--dry-run=server"];
        match namespace.kubectl(&run) {
            Ok(_) => return Err(format!("{} takes any Pod", namespace.name).into()),
            Err(error) if error.to_string().contains("violates PodSecurity \"restricted:latest\"") => {}
            Err(error) => return Err(error),
        }
    }
    bench.leave()
}

/// What it needs, with a namespace in which it does: verb, resource, namespace.
pub(super) const MAY: [(&str, &str, &str); 8] = [
    ("patch", "frappereleases.crossfade.dev/status", "default"),
    ("create", "deployments.apps", "default"),
    ("create", "jobs.batch", "default"),
    ("patch", "httproutes.gateway.networking.k8s.io", "default"),
    ("get", "pods/log", "default"),
    ("patch", "pods", "default"),
    ("create", "secrets", "default"),
    ("update", "leases.coordination.k8s.io", operator::NAMESPACE),
];

const MAY_NOT: [(&str, &str, &str); 10] = [
    ("create", "pods/exec", "default"),
    ("create", "pods", "default"),
    ("delete", "namespaces", "default"),
    ("create", "clusterroles.rbac.authorization.k8s.io", "default"),
    ("create", "rolebindings.rbac.authorization.k8s.io", "default"),
    ("create", "serviceaccounts", "default"),
    ("create", "serviceaccounts/token", "default"),
    ("get", "nodes", "default"),
    ("delete", "frappereleases.crossfade.dev", "default"),
    ("update", "leases.coordination.k8s.io", "default"),
];

/// Fails unless the API server lets the operator do this, or (not `expected`) does not.
pub(super) fn ask(verb: &str, resource: &str, namespace: &str, expected: bool) -> Fallible {
    let who = format!("system:serviceaccount:{}:crossfade", operator::NAMESPACE);
    // `auth can-i` exits with 1 for "no": both answers are on standard output.
    let answer = kubectl(&["auth", "can-i", verb, resource, "-n", namespace, "--as", &who], None);
    let may = match &answer {
        Ok(text) => text.trim() == "yes",
        Err(error) if is_a_no(&error.to_string()) => false,
        Err(error) => return Err(format!("cannot ask for {verb} {resource}: {error}").into()),
    };
    if may == expected {
        Ok(())
    } else {
        Err(format!("the operator may{} {verb} {resource} in {namespace}", if may { "" } else { " not" })
            .into())
    }
}

/// Whether a failed command failed because its answer is "no", or "no - " with a reason.
fn is_a_no(error: &str) -> bool {
    let said = error.rsplit_once(" failed: ").map_or("", |(_, said)| said);
    said.lines().any(|line| line.trim() == "no" || line.starts_with("no - "))
}
