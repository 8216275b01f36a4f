//! A bench that Frappe's Helm chart runs is named by a first FrappeRelease, handed over to Crossfade, handed back, and left
//! alone again, while users work: nobody notices.

use std::time::Duration;

use super::reader::Reader;
use super::{RELEASE, must_be_clean, must_change_hands_within};
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::load::{Load, now};
use crate::harness::operator;
use crate::harness::{Fallible, turn};

/// Seconds without a run of the scheduled job: one scheduler's Pod is gone before the other's is made.
const SCHEDULER_PAUSE: f64 = 30.0;
/// Pods of each Deployment of `e2e/manifests/chart.yaml`.
const CHART: [(&str, i64); 7] = [
    ("erp-gunicorn", 2),
    ("erp-nginx", 2),
    ("erp-scheduler", 1),
    ("erp-socketio", 1),
    ("erp-worker-d", 1),
    ("erp-worker-l", 1),
    ("erp-worker-s", 1),
];

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_bench_of_the_helm_chart_is_handed_over_and_back_without_a_failed_request() -> Fallible {
    let _turn = turn::beside_others();
    operator::install()?;
    let bench = Bench::made_by("chart.yaml", "adoption", "v1")?;
    for (deployment, _) in CHART {
        let what = format!("deployment/{deployment}");
        bench.namespace.kubectl(&["rollout", "status", &what, "--timeout=120s"])?;
    }
    let mut users = Load::start(&bench, 20)?;

    // Named: Crossfade's route leads to the same Pods, and is in force when the chart's own is gone.
    let admin = admin(&bench)?;
    admin.follow("docs/tutorial/first-release.md", "## 3. ")?;
    // As if nobody had made it: the server that the bed has started with it stays.
    bench.namespace.kubectl(&["delete", "secret", "mariadb-admin"])?;
    println!("{}", admin.follow("docs/tutorial/first-release.md", "## 4. ")?);
    bench.apply("adopted.yaml", "v1")?;
    until("the chart's route to be in the way", RELEASE, || {
        Ok((bench.phase()? == "Shifting" && bench.words().contains("HTTPRoute 'erp'")).then_some(()))
    })?;
    bench.namespace.kubectl(&["delete", "httproute", "erp"])?;
    admin.follow("docs/tutorial/first-release.md", "## 5. ")?;
    bench.wait_for("Ready", RELEASE)?;
    the_chart_runs(&bench, true)?;

    // Handed over.
    let begun = now();
    admin.follow("docs/tutorial/first-release.md", "## 6. ")?;
    bench.wait_for("Ready", RELEASE)?;
    println!("handed over in {:.0} s, {:?}", now() - begun, bench.phases(2)?);
    the_chart_runs(&bench, false)?;
    users.run_for(Duration::from_secs(5))?;
    must_change_hands_within(&bench, 2, SCHEDULER_PAUSE)?;

    // And back.
    let begun = now();
    bench.apply("adopted.yaml", "v1")?;
    bench.wait_for("Ready", RELEASE)?;
    println!("handed back in {:.0} s, {:?}", now() - begun, bench.phases(3)?);
    the_chart_runs(&bench, true)?;
    users.run_for(Duration::from_secs(5))?;
    must_change_hands_within(&bench, 3, SCHEDULER_PAUSE)?;

    // The chart's own route again, and Crossfade is gone.
    let chart = bench.manifest("chart.yaml", "v1")?;
    let route = chart.split("---\n").find(|part| part.contains("kind: HTTPRoute"));
    bench.namespace.apply(route.ok_or("the chart has no route")?)?;
    bench.namespace.kubectl(&["delete", "frapperelease", "shop", "--timeout=120s"])?;
    the_chart_runs(&bench, true)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    super::only_the_site_is_left(&bench)?;
    println!("{} requests, none failed", figures.requests);
    bench.namespace.leave()
}

/// Who reads the tutorial, with the names of this bench and the manifest of this scenario.
fn admin(bench: &Bench) -> Fallible<Reader> {
    let manifest = bench.manifest("adopted.yaml", "v1")?;
    let server = bench.namespace.get("pod", "mariadb-0")?.ok_or("there is no mariadb-0")?;
    let server = server["status"]["podIP"].as_str().ok_or("mariadb-0 has no address")?;
    Ok(Reader::of(&bench.namespace)
        .calls("frappe-bench-erpnext", "erp")
        .calls("erp.example.com", &bench.site)
        .calls("mkdir admin", "cd \"$(mktemp -d)\" && mkdir admin")
        .calls("printf crossfade", "printf crossfade_admin")
        .calls("read -rs PASSWORD", "read -rs PASSWORD <<< bed-admin-password")
        .calls("127.0.0.1:3306/SITE_DB_NAME", &format!("{server}:3306/shop"))
        .calls("apply -f release.yaml", &format!("apply -f - <<'EOF'\n{manifest}\nEOF")))
}

/// Fails unless each Deployment of the chart has its Pods (or none), and Crossfade has none (or its own).
pub(super) fn the_chart_runs(bench: &Bench, is_running: bool) -> Fallible {
    for (name, pods) in CHART {
        let deployment = bench.namespace.get("deployment", name)?.ok_or_else(|| format!("{name} is gone"))?;
        let wanted = if is_running { pods } else { 0 };
        if deployment["spec"]["replicas"] != wanted {
            return Err(format!("{name} has {} Pods, not {wanted}", deployment["spec"]["replicas"]).into());
        }
    }
    // What belonged to a deleted release is collected behind it.
    until("the Deployments of Crossfade to be there or gone", Duration::from_secs(30), || {
        let own = bench.namespace.list("deployments", "crossfade.dev/release=shop")?.len();
        if (own == 0) == is_running { Ok(Some(())) } else { Err(format!("{own} Deployments").into()) }
    })
}
