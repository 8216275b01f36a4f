//! A real Prometheus beside a bench, which scrapes the gateway's proxies and the operator each second.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::Bench;
use super::cluster::{bed, kubectl, program, repository, run};
use super::forward::Forward;
use super::{Fallible, operator};

/// A Prometheus that is at work.
pub struct Prometheus {
    forward: Forward,
}

/// One series of an answer: its labels, and its values with their times in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Label names with their values.
    pub labels: BTreeMap<String, String>,
    /// Times and values, ascending.
    pub values: Vec<(f64, f64)>,
}

impl Prometheus {
    /// Makes its image, which few scenarios need, and starts it in the namespace of a bench.
    pub fn start(bench: &Bench) -> Fallible<Self> {
        let images = repository().join("e2e/images/images.sh");
        run(Command::new(images).arg("prometheus"), None)?;
        let archive = bed().join("images/prometheus.tar");
        run(Command::new(repository().join("e2e/bed/load-image.sh")).arg(archive), None)?;
        kubectl(&["apply", "-f", "-"], Some(&scraped()?))?;
        bench.apply("prometheus.yaml", "v1")?;
        bench.namespace.wait("pod/prometheus", "condition=Ready", Duration::from_mins(2))?;
        Ok(Self { forward: Forward::new(&bench.namespace, "pod/prometheus", 9090)? })
    }

    /// The same with the alerts of the chart, as these values of it make them.
    pub fn with_alerts(bench: &Bench, values: &[String]) -> Fallible<Self> {
        let mut helm = program("helm");
        helm.args(["template", "crossfade", "charts/crossfade", "--namespace", &operator::namespace().name]);
        // Helm that only renders asks no API server.
        helm.args(["--kube-version", "1.34.0", "--show-only", "templates/prometheusrule.yaml"]);
        helm.args(["--set", "metrics.prometheusRule.enabled=true"]);
        helm.args(values.iter().flat_map(|value| ["--set", value])).current_dir(repository());
        let rules: Value = serde_yaml::from_str(&run(&mut helm, None)?)?;
        let file = serde_yaml::to_string(&json!({"groups": rules["spec"]["groups"]}))?;
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "alerts"}, "data": {"rules.yaml": file}
        });
        bench.namespace.apply(&map.to_string())?;
        Self::start(bench)
    }

    /// What a query gives from one moment to another (seconds since 1970), by the second.
    pub fn ask(&self, query: &str, [from, until]: [f64; 2]) -> Fallible<Vec<Series>> {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--max-time", "10", "--get", "--data-urlencode", &format!("query={query}")]);
        curl.args(["-d", &format!("start={from:.0}"), "-d", &format!("end={until:.0}"), "-d", "step=1"]);
        let address = format!("http://127.0.0.1:{}/api/v1/query_range", self.forward.port);
        read(&serde_json::from_str(&run(curl.arg(address), None)?)?)
            .ok_or_else(|| format!("Prometheus refuses {query}, or its answer is of another form").into())
    }
}

/// Takes away what its namespace does not take with it.
impl Drop for Prometheus {
    fn drop(&mut self) {
        let deleted = scraped().and_then(|services| kubectl(&["delete", "-f", "-"], Some(&services)));
        if let Err(error) = deleted {
            println!("{error}");
        }
    }
}

fn scraped() -> Fallible<String> {
    Ok(std::fs::read_to_string(repository().join("e2e/manifests/scraped.yaml"))?)
}

/// An answer of Prometheus' HTTP API of the kind `matrix`.
fn read(answer: &Value) -> Option<Vec<Series>> {
    let one = |series: &Value| {
        let labels = series["metric"].as_object()?.iter();
        let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let values = series["values"].as_array()?.iter();
        let values = values.map(|pair| Some((pair[0].as_f64()?, pair[1].as_str()?.parse().ok()?)));
        Some(Series { labels: labels.collect::<Option<_>>()?, values: values.collect::<Option<_>>()? })
    };
    answer["data"]["result"].as_array()?.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whole_or_not_at_all() {
        let series = json!({"metric": {"name": "shop"}, "values": [[17.5, "1"], [18.5, "NaN"]]});
        let read = |series| read(&json!({"status": "success", "data": {"result": [series]}}));
        let seen = read(series).unwrap();
        assert_eq!(seen[0].labels["name"], "shop");
        assert!(seen[0].values[0] == (17.5, 1.0) && seen[0].values[1].1.is_nan());
        assert_eq!(read(json!({"metric": {}, "values": [[17.5, 1]]})), None);
        assert_eq!(super::read(&json!({"status": "error", "error": "bad_data"})), None);
    }
}
