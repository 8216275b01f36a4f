//! What the chart of the operator installs, rendered with helm: above all, what the operator may do.
//!
//! helm is taken from `HELM`, from `PATH` or from the bed (`CROSSFADE_BED`). Without one the tests print that they were
//! skipped, unless `CROSSFADE_NEED_HELM` is set, as `make e2e` does.

#![allow(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod alerts;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Everything that the operator may do in a namespace that it watches: API group, resources, verbs.
const MAY: [(&str, &str, &str); 9] = [
    ("crossfade.dev", "frappereleases", "get list watch patch"),
    ("crossfade.dev", "frappereleases/status", "patch"),
    ("apps", "deployments", "get list watch create patch delete"),
    ("", "services configmaps secrets", "get list watch create patch delete"),
    ("batch", "jobs", "get list watch create patch delete"),
    ("gateway.networking.k8s.io", "httproutes", "get list watch create patch delete"),
    ("", "pods", "get list watch patch"),
    ("", "pods/log", "get"),
    ("events.k8s.io", "events", "create patch"),
];

/// Kinds that the chart makes only when it is told to.
const OPTIONAL: [&str; 6] =
    ["PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor", "PodMonitor", "PrometheusRule", "ConfigMap"];

/// What it may do in its own namespace besides.
const MAY_AT_HOME: [(&str, &str, &str); 1] = [("coordination.k8s.io", "leases", "get create update patch")];

/// Settings with every option on, as seen from `charts`.
const EVERYTHING: &str = "../tests/chart_everything.yaml";

fn helm() -> Option<PathBuf> {
    program("helm")
}

/// A program by the variable of its name, from PATH or from the bed.
fn program(name: &str) -> Option<PathBuf> {
    let bed = std::env::var_os("CROSSFADE_BED")
        .map_or_else(|| std::env::temp_dir().join("crossfade-bed"), PathBuf::from)
        .join("bin")
        .join(name);
    let variable = name.to_uppercase();
    let named = std::env::var_os(&variable).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = named.into_iter().chain(on_path).chain([bed]).find(|file| file.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("CROSSFADE_NEED_HELM").is_none(),
            "no {name}: set {variable}, or bring the bed up once (make bed-up)"
        );
        eprintln!("skipped: no {name} in {variable}, PATH or the bed");
    }
    found
}

fn run(helm: &Path, args: &[&str]) -> Output {
    let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts");
    Command::new(helm).current_dir(charts).args(args).output().unwrap()
}

/// The objects that `helm template` gives with these settings; `None` without helm.
fn rendered(settings: &[&str]) -> Option<Vec<Value>> {
    let args: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    rendered_with(&args)
}

fn rendered_with(more: &[&str]) -> Option<Vec<Value>> {
    let helm = helm()?;
    // A helm that was built from the module believes in Kubernetes 1.20 unless it is told.
    let args = ["template", "crossfade", "crossfade", "--namespace", "operators", "--kube-version", "1.34.0"];
    let output = run(&helm, &[&args[..], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text);
    let objects = documents.map(|document| serde::Deserialize::deserialize(document).unwrap());
    Some(objects.filter(|object: &Value| !object.is_null()).collect())
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// One line a permission: `group/resource verb`.
fn permissions(roles: &[&Value]) -> BTreeSet<String> {
    let words = |rule: &Value, key: &str| -> Vec<String> {
        rule[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut found = BTreeSet::new();
    for rule in roles.iter().flat_map(|role| role["rules"].as_array().unwrap()) {
        let keys: BTreeSet<&str> = rule.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            BTreeSet::from(["apiGroups", "resources", "verbs"]),
            "a rule of another form: {rule}"
        );
        for group in words(rule, "apiGroups") {
            for resource in words(rule, "resources") {
                for verb in words(rule, "verbs") {
                    found.insert(format!("{group}/{resource} {verb}"));
                }
            }
        }
    }
    found
}

fn listed(table: &[(&str, &str, &str)]) -> BTreeSet<String> {
    let mut listed = BTreeSet::new();
    for (group, resources, verbs) in table {
        for resource in resources.split(' ') {
            listed.extend(verbs.split(' ').map(|verb| format!("{group}/{resource} {verb}")));
        }
    }
    listed
}

/// The roles that the chart's own bindings give: those of the operator. Others are for people.
fn bound<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let bindings = of_kind(objects, &format!("{kind}Binding"));
    let is_bound =
        |role: &&Value| bindings.iter().any(|binding| binding["roleRef"]["name"] == role["metadata"]["name"]);
    of_kind(objects, kind).into_iter().filter(is_bound).collect()
}

fn deployment(objects: &[Value]) -> &Value {
    let found = of_kind(objects, "Deployment");
    assert_eq!(found.len(), 1);
    found[0]
}

#[test]
fn the_operator_may_do_exactly_what_is_listed() {
    let Some(objects) = rendered(&[]) else { return };
    assert_eq!(permissions(&bound(&objects, "ClusterRole")), listed(&MAY));
    let roles = of_kind(&objects, "Role");
    assert_eq!(permissions(&roles), listed(&MAY_AT_HOME));
    assert!(roles.iter().all(|role| role["metadata"]["namespace"] == "operators"));
}

#[test]
fn with_scope_namespace_it_may_do_nothing_anywhere_else() {
    let Some(objects) = rendered(&["scope=namespace", "namespaces={erp,shop}"]) else { return };
    assert!(
        of_kind(&objects, "ClusterRole").is_empty() && of_kind(&objects, "ClusterRoleBinding").is_empty()
    );
    let roles = of_kind(&objects, "Role");
    for namespace in ["erp", "shop"] {
        let here: Vec<&Value> =
            roles.iter().copied().filter(|role| role["metadata"]["namespace"] == namespace).collect();
        assert_eq!(permissions(&here), listed(&MAY));
    }
    let home: Vec<&Value> =
        roles.iter().copied().filter(|role| role["metadata"]["namespace"] == "operators").collect();
    assert_eq!(permissions(&home), listed(&MAY_AT_HOME));
    assert_eq!(roles.len(), 3);
    let container = &deployment(&objects)["spec"]["template"]["spec"]["containers"][0];
    let args = serde_json::json!(["operator", "--leader-elect", "--namespace=erp", "--namespace=shop"]);
    assert_eq!(container["args"], args);
}

#[test]
fn every_binding_is_of_the_operators_own_account() {
    for settings in [&[][..], &["scope=namespace"][..]] {
        let Some(objects) = rendered(settings) else { return };
        let account = of_kind(&objects, "ServiceAccount")[0]["metadata"]["name"].clone();
        let bindings = [of_kind(&objects, "ClusterRoleBinding"), of_kind(&objects, "RoleBinding")].concat();
        assert_eq!(bindings.len(), 2);
        for binding in bindings {
            let subject =
                serde_json::json!([{"kind": "ServiceAccount", "name": account, "namespace": "operators"}]);
            assert_eq!(binding["subjects"], subject);
            let role = &binding["roleRef"];
            let is_there = of_kind(&objects, role["kind"].as_str().unwrap())
                .iter()
                .any(|found| found["metadata"]["name"] == role["name"]);
            assert!(is_there, "{role} is not in the chart");
        }
        assert_eq!(deployment(&objects)["spec"]["template"]["spec"]["serviceAccountName"], account);
    }
}

#[test]
fn the_operators_pod_passes_restricted_pod_security() {
    let Some(objects) = rendered(&[]) else { return };
    let pod = &deployment(&objects)["spec"]["template"]["spec"];
    assert_eq!(
        pod["securityContext"],
        serde_json::json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}),
        "no uid: any will do"
    );
    assert!(
        pod.get("volumes").is_none()
            && pod.get("hostNetwork").is_none()
            && pod.get("initContainers").is_none()
    );
    let containers = pod["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    assert_eq!(
        containers[0]["securityContext"],
        serde_json::json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]}
        })
    );
    assert!(containers[0]["resources"]["requests"]["cpu"].is_string());
    assert!(containers[0]["resources"]["limits"]["memory"].is_string());
}

#[test]
fn the_operator_is_probed_and_gives_its_own_image_to_its_jobs() {
    let Some(objects) =
        rendered(&["image.digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"])
    else {
        return;
    };
    let container = &deployment(&objects)["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], serde_json::json!(["operator", "--leader-elect"]));
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(container["ports"], serde_json::json!([{"name": "http", "containerPort": 8080}]));
    let image = container["image"].as_str().unwrap();
    assert!(image.contains("@sha256:"), "{image}");
    let env = container["env"].as_array().unwrap();
    let own = env.iter().find(|variable| variable["name"] == "CROSSFADE_IMAGE").unwrap();
    assert_eq!(own["value"], container["image"]);
}

#[test]
fn what_is_off_is_not_there_and_what_is_on_is() {
    let Some(plain) = rendered(&[]) else { return };
    assert!(of_kind(&plain, "PodDisruptionBudget").is_empty());
    assert_eq!(of_kind(&plain, "Service").len(), 1);
    assert!(
        OPTIONAL.iter().all(|kind| of_kind(&plain, kind).is_empty()),
        "something optional is on by default"
    );
    let settings = [
        "podDisruptionBudget.enabled=true",
        "metrics.service.enabled=false",
        "rbac.create=false",
        "runAsUser=4242",
    ];
    let Some(other) = rendered(&settings) else { return };
    assert_eq!(of_kind(&other, "PodDisruptionBudget").len(), 1);
    assert!(of_kind(&other, "Service").is_empty() && of_kind(&other, "ClusterRole").is_empty());
    assert_eq!(deployment(&other)["spec"]["template"]["spec"]["securityContext"]["runAsUser"], 4242);
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let Some(helm) = helm() else { return };
    for setting in [
        "scop=cluster",
        "scope=everything",
        "namespaces={erp}",
        "image.digest=abc",
        "runAsUser=0",
        "metrics.podMonitor.interval=often",
        "metrics.prometheusRule.stuckSeconds.Complete=60",
        "networkPolicy.apiServer.cidrs={10.0.0.1}",
        "tracing.endpoint=collector:4318",
        "tracing.sampler=sometimes",
        "tracing.resourceAttributes.team=a\\,b",
        "extraEnv[0].value=x",
    ] {
        let args = ["template", "x", "crossfade", "--kube-version", "1.34.0", "--set", setting];
        let output = run(&helm, &args);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && words.contains("schema"), "--set {setting}: {words}");
    }
}

#[test]
fn both_charts_pass_lint() {
    let Some(helm) = helm() else { return };
    for more in [&[][..], &["--values", EVERYTHING][..]] {
        let output = run(&helm, &[&["lint", "--strict", "crossfade", "crossfade-crds"], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// The objects as they are kept beside the tests: without the version, which changes by itself.
fn kept(objects: &[Value]) -> Vec<Value> {
    let text = serde_json::to_string(objects).unwrap();
    serde_json::from_str(&text.replace(env!("CARGO_PKG_VERSION"), "VERSION")).unwrap()
}

#[test]
fn the_manifests_are_as_they_were_reviewed() {
    let Some(defaults) = rendered(&[]) else { return };
    insta::assert_yaml_snapshot!("defaults", kept(&defaults));
    let Some(mut everything) = rendered_with(&["--values", EVERYTHING]) else { return };
    let kinds: BTreeSet<&str> = everything.iter().filter_map(|object| object["kind"].as_str()).collect();
    assert!(OPTIONAL.iter().all(|kind| kinds.contains(kind)), "not everything is on: {kinds:?}");
    // The dashboard is a file of its own already.
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/crossfade/dashboards/crossfade.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let map = everything.iter_mut().find(|object| object["kind"] == "ConfigMap").unwrap();
    let shown: Value = serde_json::from_str(map["data"]["crossfade.json"].as_str().unwrap()).unwrap();
    assert_eq!(shown, file);
    map["data"]["crossfade.json"] = "(the dashboard)".into();
    insta::assert_yaml_snapshot!("everything", kept(&everything));
}

#[test]
fn users_get_what_their_role_in_a_namespace_says() {
    let Some(objects) = rendered(&[]) else { return };
    let look = ("crossfade.dev", "frappereleases frappereleases/status", "get list watch");
    for (role, may) in [
        ("view", &[look][..]),
        ("edit", &[look, ("crossfade.dev", "frappereleases", "create update patch delete")][..]),
        (
            "admin",
            &[look, ("crossfade.dev", "frappereleases", "create update patch delete deletecollection")][..],
        ),
    ] {
        let label = format!("rbac.authorization.k8s.io/aggregate-to-{role}");
        let mut roles = of_kind(&objects, "ClusterRole");
        roles.retain(|role| role["metadata"]["labels"][&label] == "true");
        assert_eq!(roles.len(), 1, "{label}");
        assert_eq!(permissions(&roles), listed(may));
        assert!(bound(&objects, "ClusterRole").iter().all(|bound| *bound != roles[0]));
    }
    for settings in [&["rbac.aggregate=false"][..], &["scope=namespace"][..], &["rbac.create=false"][..]] {
        let Some(objects) = rendered(settings) else { return };
        let text = Value::from(objects).to_string();
        assert!(!text.contains("aggregate-to-"), "with {settings:?}");
    }
}

#[test]
fn the_network_policy_opens_one_port_and_lets_out_what_is_named() {
    let settings = ["networkPolicy.enabled=true", "networkPolicy.apiServer.cidrs={10.0.0.1/32}"];
    let Some(objects) = rendered(&settings) else { return };
    let spec = &of_kind(&objects, "NetworkPolicy")[0]["spec"];
    assert_eq!(spec["podSelector"]["matchLabels"], deployment(&objects)["spec"]["selector"]["matchLabels"]);
    assert_eq!(spec["policyTypes"], serde_json::json!(["Ingress", "Egress"]));
    assert_eq!(spec["ingress"], serde_json::json!([{"ports": [{"port": 8080, "protocol": "TCP"}]}]));
    let egress = serde_json::json!([
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {
            "ports": [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}],
            "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]
        }
    ]);
    assert_eq!(spec["egress"], egress);
}

#[test]
fn traces_go_where_they_are_told_with_a_token_from_a_secret_and_nowhere_by_default() {
    let traced = |objects: &[Value]| -> Vec<Value> {
        let container = &deployment(objects)["spec"]["template"]["spec"]["containers"][0];
        let env = container["env"].as_array().unwrap().iter();
        env.filter(|variable| variable["name"].as_str().unwrap().starts_with("OTEL_")).cloned().collect()
    };
    let Some(plain) = rendered(&["networkPolicy.enabled=true", "tracing.sampler=always_on"]) else { return };
    assert_eq!(traced(&plain), Vec::<Value>::new());
    assert_eq!(of_kind(&plain, "NetworkPolicy")[0]["spec"]["egress"].as_array().unwrap().len(), 2);
    for (endpoint, port) in [
        ("http://collector.monitoring:4318", 4318),
        ("https://collector.example.com/otlp", 443),
        ("http://c", 80),
    ] {
        let endpoint = format!("tracing.endpoint={endpoint}");
        let settings = ["networkPolicy.enabled=true", &endpoint, "tracing.headersSecret.name=collector"];
        let Some(objects) = rendered(&settings) else { return };
        let egress = &of_kind(&objects, "NetworkPolicy")[0]["spec"]["egress"];
        assert_eq!(egress[2], serde_json::json!({"ports": [{"port": port, "protocol": "TCP"}]}));
        let headers = serde_json::json!({"name": "collector", "key": "headers"});
        let env = traced(&objects);
        assert_eq!(env.len(), 2);
        assert_eq!(env[1]["valueFrom"]["secretKeyRef"], headers);
    }
}

#[test]
fn the_monitors_scrape_what_the_chart_makes() {
    let Some(objects) = rendered_with(&["--values", EVERYTHING]) else { return };
    let one = |kind: &str| {
        let found = of_kind(&objects, kind);
        assert_eq!(found.len(), 1, "{kind}");
        found[0]
    };
    let selects = |selector: &Value, labels: &Value| {
        let selector = selector.as_object().unwrap();
        assert!(!selector.is_empty(), "an empty selector would be everything");
        assert!(
            selector.iter().all(|(key, value)| labels[key] == *value),
            "{selector:?} does not select {labels}"
        );
    };
    let named = |ports: &Value, name: &Value| -> Value {
        let mut found = ports.as_array().unwrap().iter().filter(|port| port["name"] == *name);
        found.next().unwrap_or_else(|| panic!("no port {name} in {ports}")).clone()
    };
    let (service, pod) = (one("Service"), &deployment(&objects)["spec"]["template"]);
    let ports = &pod["spec"]["containers"][0]["ports"];

    let monitor = &one("ServiceMonitor")["spec"];
    assert_eq!(monitor["namespaceSelector"], Value::Null, "the Service is in the monitor's namespace");
    selects(&monitor["selector"]["matchLabels"], &service["metadata"]["labels"]);
    let port = named(&service["spec"]["ports"], &monitor["endpoints"][0]["port"]);
    selects(&service["spec"]["selector"], &pod["metadata"]["labels"]);
    assert_eq!(named(ports, &port["targetPort"])["containerPort"], 8080);

    let monitor = &one("PodMonitor")["spec"];
    assert_eq!(monitor["namespaceSelector"], Value::Null);
    selects(&monitor["selector"]["matchLabels"], &pod["metadata"]["labels"]);
    assert_eq!(named(ports, &monitor["podMetricsEndpoints"][0]["port"])["containerPort"], 8080);
    for kind in ["ServiceMonitor", "PodMonitor", "Service", "Deployment"] {
        assert_eq!(one(kind)["metadata"]["namespace"], "operators", "{kind}");
    }
}

#[test]
fn a_service_monitor_without_the_service_is_refused() {
    let Some(helm) = helm() else { return };
    let settings = "metrics.serviceMonitor.enabled=true,metrics.service.enabled=false";
    let output = run(&helm, &["template", "x", "crossfade", "--kube-version", "1.34.0", "--set", settings]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && words.contains("take metrics.podMonitor"), "{words}");
}

#[test]
fn the_plain_manifests_are_what_the_chart_renders() {
    let Some(helm) = helm() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("packaging/manifests.sh")).env("HELM", helm).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kept = std::fs::read(root.join("deploy/base/operator.yaml")).unwrap();
    assert!(
        kept == output.stdout,
        "deploy/base/operator.yaml is stale: run `make manifests` and commit what it writes"
    );
}

/// The Jobs take the binary from the image that the operator is told, which must be its own.
#[test]
fn an_overlay_that_names_another_image_gives_it_to_the_jobs_too() {
    let Some(kubectl) = program("kubectl") else { return };
    let overlay = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/example");
    let output = Command::new(kubectl).arg("kustomize").arg(overlay).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects: Vec<Value> = serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect();
    let container = &deployment(&objects)["spec"]["template"]["spec"]["containers"][0];
    let told =
        container["env"].as_array().unwrap().iter().find(|variable| variable["name"] == "CROSSFADE_IMAGE");
    assert!(container["image"].as_str().unwrap().starts_with("registry.example.com/crossfade@sha256:"));
    assert_eq!(told.unwrap()["value"], container["image"]);
}

#[test]
fn the_charts_have_the_version_of_the_program() {
    for chart in ["crossfade", "crossfade-crds"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts").join(chart).join("Chart.yaml");
        let about: Value = serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(about["appVersion"], env!("CARGO_PKG_VERSION"), "charts/{chart}/Chart.yaml: appVersion");
    }
}
