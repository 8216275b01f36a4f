//! A bench of Frappe's Helm chart whose objects are all in Git is handed over to Crossfade by a commit, and back by another.
//! Argo CD heals itself all the while and syncs in between, as `docs/how-to/gitops.md` sets it up: it sees no difference, and
//! starts nothing that Crossfade has stopped.

use std::fs;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};

use super::{
    MANIFEST, RELEASE, Team, in_wave, must_be_clean, only_the_site_is_left, reader::Reader, the_chart_runs,
};
use crate::harness::cluster::{repository, until};
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

const CHART: &str = "shop/chart.yaml";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn argo_cd_leaves_a_bench_alone_that_is_handed_over() -> Fallible {
    let _turn = turn::alone();
    let mut team = Team::new("gitops-chart", |bench| {
        Ok(vec![(CHART, in_wave("-1", &bench.manifest("chart.yaml", "v1")?)?)])
    })?;
    team.argocd.change(&as_the_page_says()?)?;
    let admin = Reader::of(&team.bench.namespace)
        .calls("frappe-bench-erpnext", "erp")
        .calls("erp.example.com", &team.bench.site);
    admin.follow("docs/tutorial/first-release.md", "## 3. ")?;
    let mut users = Load::start(&team.bench, 20)?;

    named(&mut team)?;
    handed_over(&mut team)?;
    handed_back(&mut team)?;

    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    team.all_that_was_said()?;
    only_the_site_is_left(&team.bench)?;
    team.leave()
}

/// The chart's Deployments do the work; its route leaves Git when Crossfade's is there.
fn named(team: &mut Team) -> Fallible {
    team.commit("Name the bench", &[(MANIFEST, team.bench.manifest("adopted.yaml", "v1")?)])?;
    until("the chart's route to be in the way", RELEASE, || {
        Ok((team.bench.phase()? == "Shifting" && team.bench.words().contains("HTTPRoute 'erp'"))
            .then_some(()))
    })?;
    let chart = team.bench.manifest("chart.yaml", "v1")?;
    let without: Vec<&str> = chart.split("---\n").filter(|part| !part.contains("kind: HTTPRoute")).collect();
    team.commit("The route is Crossfade's", &[(CHART, in_wave("-1", &without.join("---\n"))?)])?;
    team.is_done("v1")?;
    the_chart_runs(&team.bench, true)
}

/// By a commit without `adopted`; a sync for another reason starts nothing either.
fn handed_over(team: &mut Team) -> Fallible {
    let manifest = adopted(team)?;
    let mut own = manifest.clone();
    own["spec"].as_object_mut().ok_or("the release has no spec")?.remove("adopted");
    team.commit("Hand the bench over", &[(MANIFEST, own.to_string())])?;
    is_in_revision(team, 2)?;
    the_chart_runs(&team.bench, false)?;
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}});
    team.commit("Something else", &[("shop/other.yaml", other.to_string())])?;
    team.is_done("v1")?;
    the_chart_runs(&team.bench, false)
}

/// The Deployments get their Pods from Crossfade, not from Git.
fn handed_back(team: &mut Team) -> Fallible {
    team.commit("Hand the bench back", &[(MANIFEST, adopted(team)?.to_string())])?;
    is_in_revision(team, 3)?;
    the_chart_runs(&team.bench, true)
}

fn adopted(team: &Team) -> Fallible<Value> {
    Ok(serde_yaml::from_str(&team.bench.manifest("adopted.yaml", "v1")?)?)
}

/// Until Argo CD says Healthy of the last commit, when the release is so far.
fn is_in_revision(team: &Team, revision: u64) -> Fallible {
    team.is_done("v1")?;
    let is = team.bench.status()?["status"]["green"]["revision"].clone();
    if is == revision {
        Ok(())
    } else {
        Err(format!("Argo CD says Healthy in revision {is}, not {revision}").into())
    }
}

/// What the page adds to the Application of such a bench, with self-healing.
fn as_the_page_says() -> Fallible<String> {
    let page = fs::read_to_string(repository().join("docs/how-to/gitops.md"))?;
    let block = Regex::new("(?s)```yaml\n(apiVersion: argoproj.io/v1alpha1\n.*?)```")?;
    let said = block.captures(&page).ok_or("the page has no Application")?;
    let mut said: Value = serde_yaml::from_str(&said[1])?;
    if said["spec"]["ignoreDifferences"][0]["kind"] != "Deployment" {
        return Err("the first Application of the page is not that of a bench that is handed over".into());
    }
    let policy = &mut said["spec"]["syncPolicy"];
    policy["automated"] = json!({"prune": true, "selfHeal": true});
    // The list takes the place of the application's own, whose fields are those of a server-side apply: an ordinary one would
    // leave what Git does not say any more.
    policy["syncOptions"]
        .as_array_mut()
        .ok_or("the page has no syncOptions")?
        .push(json!("ServerSideApply=true"));
    Ok(said.to_string())
}
