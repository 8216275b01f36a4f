//! Traffic moves app by app: one app is held at half of its traffic while the others go on, every user stays where he is, and
//! nobody who works notices.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::reader::Reader;
use super::{RELEASE, must_be_clean, operator};
use crate::harness::bench::Bench;
use crate::harness::cluster::{gateway, kubectl, run, until};
use crate::harness::jars::{Answer, Jars};
use crate::harness::load::{Load, now};
use crate::harness::socket::Socket;
use crate::harness::{Fallible, turn};

const JARS: u32 = 500;
/// What the browsers ask for, by app.
const PATHS: [(&str, &str); 3] = [
    ("support", "/api/resource/Ticket?limit_page_length=1"),
    ("shop", "/api/method/shop.api.order_totals?customer=nobody"),
    ("*", "/api/method/ping"),
];
/// Longer than a gateway gives a request by itself (15 s in Envoy).
const LONG: &str = "/api/method/shop.api.wait?seconds=20";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn an_app_is_held_while_others_move_and_every_user_stays_on_his_colour() -> Fallible {
    let _turn = turn::beside_others();
    operator::install()?;
    let bench = Bench::new("per-app", "v1")?;
    bench.apply("per-app.yaml", "v1")?;
    bench.wait_for("Ready", RELEASE)?;
    let mut users = Load::start(&bench, 20)?;
    let jars = Jars::start(&bench, JARS, 60, &BTreeMap::from(PATHS))?;
    let socket = Socket::open(&bench)?;

    bench.apply("per-app.yaml", "v2")?;
    bench.wait_for_phase("Shifting", RELEASE)?;
    let site = bench.site.clone();
    let long = std::thread::spawn(move || get(&site, LONG, &[]).map_err(|error| error.to_string()));
    let user = user(&bench);
    until("a promotion of shop, which stands at a pause", RELEASE, || {
        user.follow("docs/how-to/per-app-traffic.md", "promote erp --app").map(Some)
    })?;
    user.follow("docs/how-to/per-app-traffic.md", "promote erp --full")?;
    until("the other apps on green while support is held", RELEASE, || {
        let wanted =
            [("support", 50), ("shop", 100), ("*", 100)].map(|(app, weight)| (app.to_owned(), weight));
        Ok((weights(&bench)? == wanted).then_some(()))
    })?;
    let held_since = now();
    said_while_held(&bench)?;
    user.follow("docs/how-to/steer-a-release.md", "## Pause")?;
    previews(&bench)?;
    sessions(&bench)?;
    assets(&bench)?;
    other_owners(&bench)?;
    sockets(&bench, socket)?;
    let answered = long.join().map_err(|_| "the long request panicked")??;
    if answered.status != 200 {
        return Err(format!("a request of 20 s was answered with {}", answered.status).into());
    }
    until("an answer for most browsers while support is held", Duration::from_mins(2), || {
        let answers = jars.answers()?;
        let asked = answers.iter().filter(|a| a.time > held_since && a.app == "support").map(|a| a.jar);
        Ok((asked.collect::<BTreeSet<_>>().len() > 300).then_some(()))
    })?;
    let held_until = now();

    user.follow("docs/how-to/per-app-traffic.md", "kubectl crossfade approve")?;
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(3))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    stuck_to_their_colour(&jars.stop()?, held_since, held_until)?;
    let left = routes(&bench)?;
    if left != ["shop"] {
        return Err(format!("routes are left: {left:?}").into());
    }
    bench.namespace.leave()
}

/// Who moves the apps of this bench by the page.
fn user(bench: &Bench) -> Reader {
    Reader::of(&bench.namespace).calls("shop sales", "shop support-team").calls("--app crm", "--app shop")
}

/// Sockets that are open stay, new ones follow `*`.
fn sockets(bench: &Bench, mut open: Socket) -> Fallible {
    if open.echo("held")? != "v1 held" {
        return Err("the socket that was open before is not blue's any more".into());
    }
    if !Socket::open(bench)?.echo("new")?.starts_with("v2 ") {
        return Err("a new socket does not follow '*' to green".into());
    }
    Ok(())
}

/// App by app what the Gateway has accepted.
fn weights(bench: &Bench) -> Fallible<Vec<(String, u64)>> {
    let status = bench.status()?;
    let apps = status["status"]["apps"].as_array().cloned().unwrap_or_default();
    Ok(apps
        .iter()
        .map(|app| (app["name"].as_str().unwrap_or_default().to_owned(), app["weight"].as_u64().unwrap_or(0)))
        .collect())
}

/// What a human and a program are told about an app that waits.
fn said_while_held(bench: &Bench) -> Fallible {
    let status = user(bench).follow("docs/how-to/per-app-traffic.md", "kubectl crossfade status")?;
    let line = "support: 50 % on green, step 2 of 3, waits for the approval 'support-team'";
    if !status.contains(line) {
        return Err(format!("the status does not say `{line}`:\n{status}").into());
    }
    until("a halt that says what to do", Duration::from_secs(30), || {
        let said = bench.status()?["status"]["message"].as_str().unwrap_or_default().to_owned();
        Ok(said.contains("run `kubectl crossfade approve shop support-team`").then_some(()))
    })
}

/// An answer to one request.
struct Got {
    status: u16,
    version: String,
    /// The first cookie that is set.
    cookie: String,
    body: String,
}

/// Asks the gateway for a path as the users' API user, with more headers.
fn get(site: &str, path: &str, headers: &[&str]) -> Fallible<Got> {
    ask(site, path, &[&["Authorization: token loadkey:loadsecret"], headers].concat())
}

/// Asks the gateway for a path, with these headers alone.
fn ask(site: &str, path: &str, headers: &[&str]) -> Fallible<Got> {
    let mut curl = Command::new("curl");
    curl.args([
        "-s",
        "--max-time",
        "60",
        "-w",
        "\n%{http_code} %header{x-bench-version} %header{set-cookie}",
    ]);
    for header in [&[&*format!("Host: {site}")][..], headers].concat() {
        curl.args(["-H", header]);
    }
    let text = run(curl.arg(format!("{}{path}", gateway())), None)?;
    let (body, last) = text.rsplit_once('\n').ok_or("no status")?;
    let mut said = last.splitn(3, ' ').map(str::to_owned);
    let mut next = || said.next().unwrap_or_default();
    Ok(Got { status: next().parse()?, version: next(), cookie: next(), body: body.to_owned() })
}

/// The values that `crossfade preview` prints for a colour: a header and a cookie.
fn preview(bench: &Bench, colour: &str) -> Fallible<(String, String)> {
    let text = user(bench).follow("docs/how-to/per-app-traffic.md", "kubectl crossfade preview")?;
    let (_, rest) = text.split_once(&format!("{colour}:\n")).ok_or("no such colour")?;
    let mut lines = rest.lines().map(|line| line.trim().to_owned());
    Ok((lines.next().ok_or("no header")?, lines.next().ok_or("no cookie")?))
}

/// Header and cookie choose a colour in every app; a guessed value does not.
fn previews(bench: &Bench) -> Fallible {
    for (colour, version) in [("green", "v2"), ("blue", "v1")] {
        let (header, cookie) = preview(bench, colour)?;
        for path in ["/api/resource/Ticket", "/api/method/shop.api.order_totals?customer=x", "/"] {
            for value in [&header, &cookie] {
                let got = get(&bench.site, path, &[value])?;
                if (got.status, got.version.as_str()) != (200, version) {
                    return Err(format!("{path} with `{value}`: {} from {}", got.status, got.version).into());
                }
            }
        }
    }
    // `*` is on green: somebody who guesses stays there.
    let got = get(&bench.site, "/", &["X-Crossfade-Colour: blue"])?;
    if got.version == "v2" { Ok(()) } else { Err("a guessed value chose a colour".into()) }
}

/// Who has logged in by one colour is known to the other, and who has logged out by one is a guest in both.
fn sessions(bench: &Bench) -> Fallible {
    let (blue, green) = (preview(bench, "blue")?.0, preview(bench, "green")?.0);
    for (by, other) in [(&blue, &green), (&green, &blue)] {
        let login = "/api/method/login?usr=Administrator&pwd=admin";
        let cookie = ask(&bench.site, login, &[by])?.cookie;
        let sid = cookie.split(';').next().filter(|cookie| cookie.starts_with("sid="));
        let sid = format!("Cookie: {}", sid.ok_or_else(|| format!("nobody was logged in: {cookie}"))?);
        let known = |colour: &String| -> Fallible<bool> {
            let path = "/api/method/frappe.auth.get_logged_user";
            Ok(ask(&bench.site, path, &[colour, &sid])?.body.contains("Administrator"))
        };
        if !known(by)? || !known(other)? {
            return Err(format!("a session that began with `{by}` is not known to both colours").into());
        }
        ask(&bench.site, "/api/method/logout", &[other, &sid])?;
        until("a logout to reach the other colour", Duration::from_secs(5), || {
            Ok((!known(by)? && !known(other)?).then_some(()))
        })?;
    }
    Ok(())
}

/// Bundles of both pages are found whoever asks, again and again.
fn assets(bench: &Bench) -> Fallible {
    let mut bundles = BTreeSet::new();
    for colour in ["green", "blue"] {
        let (header, _) = preview(bench, colour)?;
        let page = get(&bench.site, "/", &[&header])?.body;
        bundles.extend(page.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned));
    }
    if bundles.len() < 4 {
        return Err(format!("the pages of both versions name only {bundles:?}").into());
    }
    for bundle in bundles.iter().cycle().take(40) {
        let got = get(&bench.site, bundle, &[])?;
        if got.status != 200 {
            return Err(format!("{bundle} was answered with {}", got.status).into());
        }
    }
    Ok(())
}

/// Other owners of routes: one of the user's own for the same host lives beside ours, and who wants to change ours by
/// server-side apply, as GitOps tools do, is told who owns the field.
fn other_owners(bench: &Bench) -> Fallible {
    let generations = || -> Fallible<Vec<Value>> {
        let all = bench.namespace.list("httproutes", "crossfade.dev/release=shop")?;
        Ok(all.iter().map(|route| route["metadata"]["generation"].clone()).collect())
    };
    let before = generations()?;
    if before.len() < 2 {
        return Err(format!("{} routes: the apps of this bench need more than one", before.len()).into());
    }
    let own = format!(
        r#"{{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {{"name": "own"}}, "spec": {{
          "parentRefs": [{{"name": "gw", "namespace": "projectcontour"}}], "hostnames": ["{}"],
          "rules": [{{"matches": [{{"path": {{"type": "Exact", "value": "/own"}}}}],
            "filters": [{{"type": "RequestRedirect", "requestRedirect": {{"statusCode": 302}}}}]}}]}}}}"#,
        bench.site
    );
    bench.namespace.apply(&own)?;
    until("the user's own route", Duration::from_secs(30), || {
        Ok((get(&bench.site, "/own", &[])?.status == 302).then_some(()))
    })?;
    // A label of another manager is none of our business; a weight is.
    bench.namespace.kubectl(&[
        "label",
        "httproute",
        "shop",
        "team=web",
        "--field-manager=argocd-controller",
    ])?;
    let foreign = r#"{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "shop"},
        "spec": {"hostnames": ["other.example.com"]}}"#;
    let arguments = [
        "-n",
        &bench.namespace.name,
        "apply",
        "--server-side",
        "--field-manager=argocd-controller",
        "-f",
        "-",
    ];
    match kubectl(&arguments, Some(foreign)) {
        Err(error) if error.to_string().contains("crossfade/route") => {}
        other => return Err(format!("a foreign apply was not refused with our name: {other:?}").into()),
    }
    // What is ours is written again, and nothing else.
    let patch = r#"[{"op": "replace", "path": "/spec/rules/0/timeouts/request", "value": "77s"}]"#;
    bench.namespace.kubectl(&["patch", "httproute", "shop", "--type=json", "-p", patch])?;
    until("our route as it was", Duration::from_mins(1), || {
        let route = bench.namespace.get("httproute", "shop")?.ok_or("the route is gone")?;
        Ok((route["spec"]["rules"][0]["timeouts"]["request"] == "120s").then_some(()))
    })?;
    let route = bench.namespace.get("httproute", "shop")?.ok_or("the route is gone")?;
    if route["metadata"]["labels"]["team"] != "web" {
        return Err("the label of another manager is gone".into());
    }
    let after = generations()?;
    let rewritten = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    if rewritten > 1 {
        return Err(format!("{rewritten} routes were written: {before:?} -> {after:?}").into());
    }
    Ok(())
}

fn routes(bench: &Bench) -> Fallible<Vec<String>> {
    let all = bench.namespace.list("httproutes", "crossfade.dev/release=shop")?;
    Ok(all.iter().filter_map(|route| Some(route["metadata"]["name"].as_str()?.to_owned())).collect())
}

/// Each browser sees an app on blue, then perhaps on green, and never on blue again; about half of them are on green while
/// the app is held at 50 %.
fn stuck_to_their_colour(answers: &[Answer], held_since: f64, held_until: f64) -> Fallible {
    let mut last: BTreeMap<(u32, &str), &str> = BTreeMap::new();
    let (mut jars, mut moved) = (BTreeSet::new(), 0);
    for answer in answers {
        let version = answer.version.as_deref().unwrap_or_default();
        if answer.status != 200 {
            return Err(format!("a browser was answered with {}: {answer:?}", answer.status).into());
        }
        jars.insert(answer.jar);
        match last.insert((answer.jar, answer.app.as_str()), version) {
            Some("v2") if version == "v1" => {
                return Err(format!("a browser went back to blue: {answer:?}").into());
            }
            Some("v1") if version == "v2" => moved += 1,
            Some(_) | None => {}
        }
    }
    let while_held =
        answers.iter().filter(|a| a.app == "support" && a.time > held_since && a.time < held_until);
    let colours: BTreeMap<u32, &str> =
        while_held.map(|a| (a.jar, a.version.as_deref().unwrap_or_default())).collect();
    let green = colours.values().filter(|version| **version == "v2").count();
    let share = green * 100 / colours.len().max(1);
    println!(
        "{} browsers, {} answers, {moved} moves to green, none back; {share} % of {} on green while support was at 50 %",
        jars.len(),
        answers.len(),
        colours.len()
    );
    if jars.len() < usize::try_from(JARS)? || !(38..=62).contains(&share) {
        return Err(format!("{} browsers, {share} % on green where 50 were expected", jars.len()).into());
    }
    Ok(())
}
