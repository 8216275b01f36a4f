//! A green that crashes is taken back and nobody notices; a blue that crashes does not hold the version that mends it.

use std::time::Duration;

use super::{RELEASE, installed, must_be_clean};
use crate::harness::cluster::{Namespace, until};
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_green_that_crashes_is_taken_back_and_a_blue_that_crashes_is_replaced() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("crashes")?;
    let mut users = Load::start(&bench, 20)?;
    let manifest = bench.manifest("release.yaml", "v2")?;
    let broken = manifest.replace("    replicas: 2\n", "    replicas: 2\n    args: [--no-such-option]\n");
    assert_ne!(broken, manifest, "the manifest names no replicas as this test expects");
    bench.namespace.apply(&format!("{broken}  deadlines: {{readySeconds: 15}}\n"))?;
    bench.wait_for_rolled_back(RELEASE)?;
    if !bench.words().contains("Pods of green were ready after 15 s") {
        return Err(format!("the status does not say why: {}", bench.words()).into());
    }
    users.run_for(Duration::from_secs(5))?;
    let before = must_be_clean(&users.stop()?)?;

    break_blue(&bench.namespace)?;
    bench.release("v2")?;
    bench.wait_for("Ready", RELEASE)?;
    let mut users = Load::start(&bench, 20)?;
    users.run_for(Duration::from_secs(5))?;
    let after = must_be_clean(&users.stop()?)?;
    println!(
        "green crashed: {} requests, none failed; mended: {}, none failed",
        before.requests, after.requests
    );
    super::only_the_site_is_left(&bench)?;
    bench.namespace.leave()
}

/// Lets every web Pod of revision 1 crash as soon as it starts.
fn break_blue(namespace: &Namespace) -> Fallible {
    let container = r#"{"name": "web", "command": ["sh", "-c", "exit 1"], "args": null}"#;
    let patch = format!(
        r#"{{"spec": {{"strategy": {{"type": "Recreate", "rollingUpdate": null}}, "template": {{"spec": {{"containers": [{container}]}}}}}}}}"#
    );
    namespace.kubectl(&["patch", "deployment", "shop-r1-web", "-p", &patch])?;
    until("blue to crash", Duration::from_mins(2), || {
        let pods = namespace.list("pods", "crossfade.dev/revision=1,crossfade.dev/component=web")?;
        let is_crashing = |pod: &serde_json::Value| {
            let containers = pod["status"]["containerStatuses"].as_array();
            containers
                .is_some_and(|all| all.iter().any(|container| container["restartCount"].as_u64() > Some(0)))
        };
        Ok((!pods.is_empty() && pods.iter().all(is_crashing)).then_some(()))
    })
}
