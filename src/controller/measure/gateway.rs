//! The counters of an Envoy gateway, from every proxy that the address stands for.

use std::time::Duration;

use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Method, Uri};

use super::client::{Request, Wire};
use crate::api::analysis::GatewayCounters;
use crate::release::gate::{Counters, Question, Reading, Sample};

/// Proxies that are asked: more addresses than that are no gateway.
const MAX_PROXIES: usize = 64;

/// Asks every proxy. One that does not answer makes the measurement an error: its share of the traffic is unknown.
pub(super) async fn ask(
    wire: &Wire,
    asked: &GatewayCounters,
    question: &Question,
    timeout: Duration,
) -> Reading {
    match sample(wire, asked, question, timeout).await {
        Ok(sample) => Reading::Counters(sample),
        Err(why) => Reading::Broken(why),
    }
}

async fn sample(
    wire: &Wire,
    asked: &GatewayCounters,
    question: &Question,
    timeout: Duration,
) -> Result<Sample, String> {
    let uri: Uri = asked.address.parse().map_err(|_| "the address of the gateway is no URL".to_owned())?;
    let host = uri.host().ok_or("the address of the gateway has no host")?.to_owned();
    let target = (host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80));
    let found = tokio::time::timeout(timeout, tokio::net::lookup_host(target)).await;
    let found = found.map_err(|_| format!("{host} was not found in time"))?;
    let found = found.map_err(|error| format!("{host} was not found: {error}"))?;
    let mut proxies: Vec<_> = found.take(MAX_PROXIES).collect();
    proxies.sort();
    proxies.dedup();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut sample = Sample::default();
    let (mut has_green, mut has_blue) = (false, false);
    for proxy in proxies {
        let mut headers = HeaderMap::new();
        headers.insert(
            HOST,
            HeaderValue::from_str(&host).map_err(|_| "the host has wrong characters".to_owned())?,
        );
        let request = Request {
            method: Method::GET,
            url: format!("http://{proxy}{path}"),
            headers,
            body: Vec::new(),
            timeout,
        };
        let answer = wire.send(request, None).await.map_err(|why| format!("gateway {proxy}: {why}"))?;
        if !answer.is_success() {
            return Err(format!("gateway {proxy} answers {}", answer.words()));
        }
        let text = String::from_utf8_lossy(&answer.body);
        let read = |cluster: &str, is_there: &mut bool| {
            let counters = counters(&text, cluster);
            *is_there |= counters.is_some();
            counters.unwrap_or_default()
        };
        sample.green.insert(proxy.to_string(), read(&question.green_cluster, &mut has_green));
        sample.blue.insert(proxy.to_string(), read(&question.blue_cluster, &mut has_blue));
    }
    // Blue has served for long: a gateway that does not know it calls its backends otherwise.
    if !has_green && !has_blue {
        let (green, blue) = (&question.green_cluster, &question.blue_cluster);
        return Err(format!(
            "the gateway counts for neither '{green}' nor '{blue}': set gateway.cluster to its names"
        ));
    }
    Ok(sample)
}

/// What one proxy has counted for a cluster; `None` if it does not know it.
fn counters(text: &str, cluster: &str) -> Option<Counters> {
    let mut counters = None;
    for line in text.lines().filter(|line| line.starts_with("envoy_cluster_upstream_rq_")) {
        if label(line, "envoy_cluster_name") != Some(cluster) {
            continue;
        }
        let counters: &mut Counters = counters.get_or_insert_default();
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse::<f64>() else { continue };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are whole and positive"
        )]
        let count = value as u64;
        match series.split('{').next() {
            Some("envoy_cluster_upstream_rq_xx") => {
                counters.requests += count;
                if label(line, "envoy_response_code_class") == Some("5") {
                    counters.errors += count;
                }
            }
            Some("envoy_cluster_upstream_rq_time_sum") => counters.milliseconds += value,
            Some("envoy_cluster_upstream_rq_time_count") => counters.timed += count,
            Some(_) | None => {}
        }
    }
    counters
}

/// The value of a label of a line.
fn label<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let labels = line.split_once('{')?.1;
    let mut rest = labels;
    loop {
        let (key, after) = rest.split_once("=\"")?;
        let (value, next) = after.split_once('"')?;
        if key == name {
            return Some(value);
        }
        rest = next.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;

    use super::*;
    use crate::api::analysis::Analysis;
    use crate::controller::measure::client::tests::wire;
    use crate::release::gate::Names;

    const STATS: &str = r#"# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="shop_erp-r1-web_80"} 90
# TYPE envoy_cluster_upstream_rq_xx counter
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="shop_erp-r1-web_80"} 90
envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="shop_erp-r1-web_80"} 10
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="shop_erp-r2-web_80"} 7
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="shop_erp-r2-web_8080"} 1000
# TYPE envoy_cluster_upstream_rq_time histogram
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="shop_erp-r1-web_80",le="0.5"} 3
envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="shop_erp-r1-web_80"} 2500.5
envoy_cluster_upstream_rq_time_count{envoy_cluster_name="shop_erp-r1-web_80"} 100
envoy_cluster_upstream_rq_total{envoy_cluster_name="shop_erp-r1-web_80"} 101
"#;

    fn question(address: &str) -> (GatewayCounters, Question) {
        let analysis: Analysis =
            serde_yaml::from_str(&format!("{{name: a, gateway: {{address: '{address}'}}}}")).unwrap();
        let names = Names { namespace: "shop".into(), release: "erp".into(), blue: 1, green: 2 };
        (analysis.gateway.clone().unwrap(), names.question(&analysis))
    }

    #[test]
    fn counters_are_those_of_exactly_one_cluster() {
        let blue = counters(STATS, "shop_erp-r1-web_80").unwrap();
        assert_eq!(blue, Counters { requests: 100, errors: 10, milliseconds: 2500.5, timed: 100 });
        assert_eq!(counters(STATS, "shop_erp-r2-web_80").unwrap().requests, 7);
        assert_eq!(counters(STATS, "shop_erp-r3-web_80"), None);
    }

    #[tokio::test]
    async fn every_address_of_the_name_is_read() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/stats/prometheus", get(|| async { STATS }));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let limit = Duration::from_secs(5);
        let (asked, question) = question(&format!("http://127.0.0.1:{port}/stats/prometheus"));
        let Reading::Counters(sample) = ask(&wire(), &asked, &question, limit).await else {
            panic!("no counters")
        };
        assert_eq!(sample.blue[&format!("127.0.0.1:{port}")].requests, 100);
        let mut other = question.clone();
        (other.green_cluster, other.blue_cluster) = ("x".into(), "y".into());
        let wrong = ask(&wire(), &asked, &other, limit).await;
        assert!(
            matches!(&wrong, Reading::Broken(words) if words.contains("set gateway.cluster")),
            "{wrong:?}"
        );
        serving.abort();
    }
}
