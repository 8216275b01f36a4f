//! What a platform team sees of the operator: health, metrics, one leader, events, conditions as kstatus reads them.

use std::process::Command;
use std::time::Duration;

use super::installed;
use super::reader::Reader;
use crate::harness::bench::image;
use crate::harness::cluster::{run, until};
use crate::harness::operator;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn the_operator_can_be_watched() -> Fallible {
    let _turn = turn::alone();
    let bench = installed("observing")?;
    // As for a gateway without regular expressions.
    let plain = r#"{"spec": {"traffic": {"matching": "PathPrefix"}}}"#;
    bench.namespace.kubectl(&["patch", "frapperelease", "shop", "--type=merge", "-p", plain])?;
    let user = Reader::of(&bench.namespace).calls("frappe/erpnext:v15.42.0", &image("v2"));
    user.follow("docs/tutorial/first-release.md", "## 7. ")?;
    println!("{}", user.follow("docs/how-to/steer-a-release.md", "## Watch")?);
    let operator = operator::install()?;
    let pods = operator.list("pods", "app.kubernetes.io/name=crossfade")?;
    let mut leaders = 0;
    for pod in &pods {
        let address = pod["status"]["podIP"].as_str().ok_or("a Pod has no address")?;
        for path in ["healthz", "readyz"] {
            get(address, path)?;
        }
        let metrics = get(address, "metrics")?;
        leaders += usize::from(metrics.contains("namespace=\"observing\""));
    }
    if (pods.len(), leaders) != (2, 1) {
        return Err(format!("{} operators, of which {leaders} know the release", pods.len()).into());
    }
    until("events of every phase and every weight", Duration::from_secs(30), || {
        let events = bench.namespace.kubectl(&[
            "get",
            "events",
            "-o",
            "jsonpath={range .items[*]}{.reason} {.message}{\"\\n\"}{end}",
        ])?;
        let is_told = |words: &str| events.contains(words);
        let phases =
            ["Isolating", "Expanding", "Migrating", "StartingGreen", "Shifting", "Draining", "Contracting"];
        let all = phases.iter().all(|phase| is_told(&format!("revision 2: {phase} after")));
        Ok((all && is_told("revision 2: 10 % -> 50 % of the traffic")).then_some(()))
    })?;
    // kstatus: neither Reconciling nor Stalled once it is Ready.
    for (kind, status) in
        [("Reconciling", "False"), ("Stalled", "False"), ("Contracted", "True"), ("Drained", "True")]
    {
        bench.namespace.wait(
            "frapperelease/shop",
            &format!("condition={kind}={status}"),
            Duration::from_secs(5),
        )?;
    }
    bench.namespace.leave()
}

fn get(address: &str, path: &str) -> Fallible<String> {
    run(Command::new("curl").args(["-sf", "--max-time", "5", &format!("http://{address}:8080/{path}")]), None)
}
