//! 700 DocTypes of 12 apps, each of which moves by itself: the routes that this takes, on the real gateway.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use crossfade::api::FrappeRelease;
use crossfade::plan::{AppRequests, Routing};
use crossfade::release::{RouteSeen, Split};
use crossfade::traffic::{Wanted, gateway_api as provider};
use gateway_api::httproutes::HttpRoute;

use crate::harness::cluster::{Namespace, gateway, repository, run, until};
use crate::harness::{Fallible, turn};

const APPS: usize = 12;
const DOCTYPES: usize = 700;
const HOST: &str = "many-doctypes.e2e.test";

/// The release whose routes are made; the operator has no part in it.
const RELEASE: &str = "
apiVersion: crossfade.dev/v1alpha1
kind: FrappeRelease
metadata: {name: many, uid: 5f9c1f5e-0000-4000-8000-000000000001}
spec:
  image: localhost/none:1
  sites: [{name: many-doctypes.e2e.test, configSecret: {name: s, key: k}}]
  bench: {commonConfigSecret: {name: c, key: k}}
  database: {adminSecret: {name: a}}
  web: {}
  traffic: {gateways: [{name: gw, namespace: projectcontour}]}
";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn seven_hundred_doctypes_of_twelve_apps_are_routed_by_the_gateway() -> Fallible {
    let _turn = turn::beside_others();
    let namespace = Namespace::new("many-doctypes")?;
    namespace.apply(&std::fs::read_to_string(repository().join("e2e/manifests/two-servers.yaml"))?)?;
    for server in ["deployment/r1", "deployment/r2"] {
        namespace.wait(server, "condition=Available", Duration::from_mins(2))?;
    }
    for moved in [0, APPS / 2, APPS] {
        let apps = (0..APPS).map(|app| (name(app), if app < moved { 100 } else { 0 }));
        let split = Split { blue: Some(1), green: 2, apps: apps.chain([("*".to_owned(), 0)]).collect() };
        let (count, bytes, accepted) = put(&namespace, &split)?;
        println!(
            "{moved} apps on green: {count} routes, {bytes} bytes, all accepted after {} ms",
            accepted.as_millis()
        );
        for number in (0..DOCTYPES).step_by(53) {
            let expected = if number % APPS < moved { "r2" } else { "r1" };
            let path = format!("/api/resource/Doc%20Type%20{number}/name");
            until(&format!("{path} from {expected}"), Duration::from_secs(10), || {
                Ok((get(&path, None)? == expected).then_some(()))
            })?;
            let header = format!("X-Frappe-Doctype: Doc%20Type%20{number}");
            if get("/api/method/frappe.client.get", Some(&header))? != expected {
                return Err(format!("the header of Doc Type {number} does not lead to {expected}").into());
            }
        }
        if get("/api/resource/Doc%20Type%20x", None)? != "r1" {
            return Err("a DocType of no app does not follow '*'".into());
        }
    }
    println!("{} ms for a request over all rules", pace()?);
    namespace.leave()
}

fn name(app: usize) -> String {
    format!("app{app}")
}

/// Writes all routes of a split and waits until every one is accepted.
fn put(namespace: &Namespace, split: &Split) -> Fallible<(usize, usize, Duration)> {
    let release: FrappeRelease = serde_yaml::from_str(RELEASE)?;
    let mut routing = Routing::default();
    for app in 0..APPS {
        let own =
            (0..DOCTYPES).filter(|number| number % APPS == app).map(|number| format!("Doc Type {number}"));
        let requests = AppRequests { doctypes: own.collect(), pages: [format!("page{app}")].into() };
        routing.apps.insert(name(app), requests);
    }
    let none = BTreeSet::new();
    let made = |split: &Split| -> Vec<HttpRoute> {
        let mut routes =
            provider::routes(&Wanted { release: &release, split, routing: &routing, with_socketio: &none });
        // There is no such object for the API server to find.
        for route in &mut routes {
            route.metadata.owner_references = None;
        }
        routes
    };
    let routes = made(split);
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": routes}).to_string();
    let begun = Instant::now();
    namespace.apply(&list)?;
    until("every route accepted", Duration::from_mins(2), || {
        let there = namespace.list("httproutes", "crossfade.dev/release=many")?;
        let there: Result<Vec<HttpRoute>, _> = there.into_iter().map(serde_json::from_value).collect();
        let RouteSeen { is_whole, is_accepted, message, .. } = provider::seen(&there?, made);
        if is_whole && is_accepted {
            Ok(Some(()))
        } else {
            Err(format!("whole: {is_whole}; {message}").into())
        }
    })?;
    Ok((routes.len(), list.len(), begun.elapsed()))
}

fn get(path: &str, header: Option<&str>) -> Fallible<String> {
    let mut curl = Command::new("curl");
    curl.args(["-s", "--max-time", "10", "-H", &format!("Host: {HOST}")]);
    if let Some(header) = header {
        curl.args(["-H", header]);
    }
    run(curl.arg(format!("{}{path}", gateway())), None)
}

/// Median milliseconds of requests that no app's rule takes: the gateway tries all of them.
fn pace() -> Fallible<f64> {
    let url = format!("{}/nothing[1-200]", gateway());
    let mut curl = Command::new("curl");
    curl.args(["-s", "-o", "/dev/null", "-w", "%{time_total}\n", "-H", &format!("Host: {HOST}"), &url]);
    let text = run(&mut curl, None)?;
    let mut times: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied().unwrap_or_default() * 1000.0)
}
