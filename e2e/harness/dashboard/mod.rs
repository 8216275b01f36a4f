//! The dashboard that the chart brings: what its panels ask, and what a Prometheus has answered.

pub mod picture;

use serde_json::Value;

use super::Fallible;
use super::cluster::repository;
use super::prometheus::{Prometheus, Series};

/// A panel with the answers to its queries.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Title.
    pub title: String,
    /// Grafana's word for what it is: `timeseries`, `stat`, `bargauge`, `table`.
    pub kind: String,
    /// Left, top, width and height on Grafana's grid of 24 columns.
    pub place: [u32; 4],
    /// Grafana's word for the unit; empty for a bare number.
    pub unit: String,
    /// What was answered, each series with its name in the legend.
    pub series: Vec<(String, Series)>,
}

/// Asks what every panel asks, of all namespaces and releases, between two moments (seconds since 1970).
pub fn ask(prometheus: &Prometheus, between: [f64; 2]) -> Fallible<Vec<Panel>> {
    let file = repository().join("charts/crossfade/dashboards/crossfade.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let panels = dashboard["panels"].as_array().ok_or("the dashboard has no panels")?;
    panels.iter().map(|panel| answered(panel, prometheus, between)).collect()
}

fn answered(panel: &Value, prometheus: &Prometheus, between: [f64; 2]) -> Fallible<Panel> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut series = Vec::new();
    for target in panel["targets"].as_array().into_iter().flatten() {
        // As Grafana does where "All" is chosen.
        let query = text(&target["expr"]).replace("$namespace", ".*").replace("$release", ".*");
        let answer = prometheus.ask(&query, between)?;
        let form = text(&target["legendFormat"]);
        series.extend(answer.into_iter().map(|series| (name(&form, &shown(panel, &series)), series)));
    }
    let place = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64());
    let place = place.map(|number| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0));
    let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
    Ok(Panel { title: text(&panel["title"]), kind: text(&panel["type"]), place, unit, series })
}

/// The labels of a series that a panel shows, in its order: all, where it does not choose.
fn shown(panel: &Value, series: &Series) -> Vec<(String, String)> {
    let chosen = panel["transformations"][0]["options"]["include"]["names"].as_array();
    let all = || series.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    chosen.map_or_else(all, |names| {
        let names = names.iter().filter_map(Value::as_str);
        names.filter_map(|name| Some((name.to_owned(), series.labels.get(name)?.clone()))).collect()
    })
}

/// A name by Grafana's `legendFormat`; the labels' values, where there is none.
fn name(form: &str, labels: &[(String, String)]) -> String {
    if form.is_empty() {
        return labels.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("  ");
    }
    labels.iter().fold(form.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_is_made_as_grafana_makes_it() {
        let labels = [("site", "a.test"), ("name", "shop")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(name("{{name}} {{site}} done", &labels), "shop a.test done");
        assert_eq!(name("", &labels), "a.test  shop");
    }
}
