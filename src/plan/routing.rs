//! Which requests belong to which app, and which assets only one version has: what the gateway is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::doctype::Snapshot;

/// Paths of assets that are kept a colour; what is more is served by the colour that the user is on.
const MAX_ASSETS: usize = 1200;

/// The requests of each app of both versions, and the assets that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// The apps of both versions by name.
    pub apps: BTreeMap<String, AppRequests>,
    /// Assets that blue has and green has not, by their paths below `/assets/`.
    #[serde(default)]
    pub blue_assets: Vec<String>,
    /// Assets that green has and blue has not.
    #[serde(default)]
    pub green_assets: Vec<String>,
}

/// What of a request names an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRequests {
    /// Its DocTypes.
    #[serde(default)]
    pub doctypes: BTreeSet<String>,
    /// First parts of the paths of its pages.
    #[serde(default)]
    pub pages: BTreeSet<String>,
}

impl Routing {
    /// Reads it from both versions. A DocType or page belongs to the app that has it in green, else in blue; where several
    /// apps have it, to the last of them, as in Frappe's own order.
    pub fn of(blue: &Snapshot, green: &Snapshot) -> Self {
        let (mut doctypes, mut pages) = (BTreeMap::new(), BTreeMap::new());
        let mut apps: BTreeMap<String, AppRequests> = BTreeMap::new();
        for app in blue.apps.iter().chain(&green.apps) {
            apps.entry(app.name.clone()).or_default();
            // Child tables are no requests of their own.
            let own = app.doctypes.values().filter(|doctype| !doctype.istable);
            doctypes.extend(own.map(|doctype| (doctype.name.as_str(), app.name.as_str())));
            pages.extend(app.pages.iter().map(|page| (page.as_str(), app.name.as_str())));
        }
        for (doctype, app) in doctypes {
            apps.entry(app.to_owned()).or_default().doctypes.insert(doctype.to_owned());
        }
        for (page, app) in pages {
            apps.entry(app.to_owned()).or_default().pages.insert(page.to_owned());
        }
        Self {
            apps,
            blue_assets: only(&blue.assets, &green.assets),
            green_assets: only(&green.assets, &blue.assets),
        }
    }
}

/// The assets of one version that the other lacks.
fn only(of: &[String], without: &[String]) -> Vec<String> {
    let without: BTreeSet<&String> = without.iter().collect();
    of.iter().filter(|path| !without.contains(path)).take(MAX_ASSETS).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctype::App;

    fn snapshot(apps: &[(&str, &[&str], &[&str])], assets: &[&str]) -> Snapshot {
        let app = |(name, doctypes, pages): &(&str, &[&str], &[&str])| {
            let mut reader = crate::doctype::AppReader::new(name);
            for doctype in *doctypes {
                let json =
                    format!(r#"{{"doctype": "DocType", "name": "{doctype}", "module": "m", "fields": []}}"#);
                reader.add(&format!("{}.json", doctype.to_lowercase()), json.as_bytes()).unwrap();
            }
            App { pages: pages.iter().map(|page| (*page).to_owned()).collect(), ..reader.finish() }
        };
        let mut snapshot = Snapshot::new(apps.iter().map(app).collect());
        snapshot.assets = assets.iter().map(|path| (*path).to_owned()).collect();
        snapshot
    }

    #[test]
    fn a_doctype_belongs_to_the_app_that_has_it_in_green() {
        let blue =
            snapshot(&[("shop", &["Item", "Old"], &["store"]), ("crm", &[], &[])], &["a.js", "b.1.js"]);
        let green =
            snapshot(&[("shop", &[], &["store"]), ("crm", &["Item"], &["store"])], &["a.js", "b.2.js"]);
        let routing = Routing::of(&blue, &green);
        let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        assert_eq!(names(&routing.apps["shop"].doctypes), ["Old"]);
        assert_eq!(names(&routing.apps["crm"].doctypes), ["Item"]);
        assert_eq!(
            (names(&routing.apps["crm"].pages), routing.apps["shop"].pages.len()),
            (vec!["store".into()], 0)
        );
        assert_eq!(
            (routing.blue_assets, routing.green_assets),
            (vec!["b.1.js".into()], vec!["b.2.js".into()])
        );
    }
}
