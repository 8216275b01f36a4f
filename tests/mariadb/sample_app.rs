//! The versions of the sample app that `CROSSFADE_SHARED` has as `frappe-site/acme_doctypes`, alone and two together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

/// A version: its DocTypes and `patches.txt`, and what a user declares of its change from `base`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Version {
    /// Its folder's name, or both.
    pub(crate) name: String,
    files: BTreeMap<String, String>,
    /// Arguments of `crossfade plan`.
    pub(crate) declared: Vec<&'static str>,
}

const PATCHES: &str = "patches.txt";

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os("CROSSFADE_SHARED").unwrap()).join("frappe-site/acme_doctypes")
}

/// All versions but `base`, by name.
pub(crate) fn all() -> Vec<Version> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().filter(|name| name != "base").map(|name| Version::read(&name)).collect()
}

/// Every two versions of one change each, in one.
pub(crate) fn pairs() -> Vec<Version> {
    let single: Vec<Version> = all().into_iter().filter(|version| !version.name.starts_with("all")).collect();
    let pairs = single
        .iter()
        .enumerate()
        .flat_map(|(at, one)| single[at + 1..].iter().filter_map(move |other| one.with(other)));
    pairs.collect()
}

impl Version {
    /// One version.
    pub(crate) fn read(name: &str) -> Self {
        let entries = std::fs::read_dir(folder().join(name)).unwrap().map(|entry| entry.unwrap());
        let file = |entry: std::fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        };
        Self { name: name.to_owned(), files: entries.map(file).collect(), declared: declared(name) }
    }

    /// The changes of both from `base`; `None` where both change the same thing.
    fn with(&self, other: &Self) -> Option<Self> {
        let base = Self::read("base");
        let names: BTreeSet<&String> =
            [&base, self, other].into_iter().flat_map(|version| version.files.keys()).collect();
        let mut files = BTreeMap::new();
        for name in names {
            let [old, one, two] = [&base, self, other].map(|version| version.files.get(name));
            let merged = if one == old {
                two.cloned()
            } else if two == old {
                one.cloned()
            } else if name == PATCHES {
                Some(patches([one?, two?]))
            } else {
                Some(doctype([old?, one?, two?])?)
            };
            files.extend(merged.map(|text| (name.clone(), text)));
        }
        let declared = [self.declared.clone(), other.declared.clone()].concat();
        Some(Self { name: format!("{}_{}", self.name, other.name), files, declared })
    }

    /// A bench with this version.
    pub(crate) fn bench(&self) -> tempfile::TempDir {
        let bench = tempfile::tempdir().unwrap();
        let app = bench.path().join("apps/acme/acme");
        let doctypes = app.join("acme/doctype");
        std::fs::create_dir_all(bench.path().join("sites")).unwrap();
        std::fs::create_dir_all(&doctypes).unwrap();
        std::fs::write(bench.path().join("sites/apps.txt"), "frappe\nacme\n").unwrap();
        // Frappe itself is the same in both versions: its name and version are all that the planner needs.
        let frappe = bench.path().join("apps/frappe/frappe");
        std::fs::create_dir_all(&frappe).unwrap();
        std::fs::write(frappe.join("__init__.py"), "__version__ = \"15.41.0\"\n").unwrap();
        std::fs::write(frappe.join("modules.txt"), "Core\n").unwrap();
        std::fs::write(app.join("__init__.py"), format!("__version__ = \"{}\"\n", self.name)).unwrap();
        std::fs::write(app.join("hooks.py"), "app_name = \"acme\"\n").unwrap();
        std::fs::write(app.join("modules.txt"), "Acme\n").unwrap();
        for (name, text) in &self.files {
            let Some(stem) = name.strip_suffix(".json") else {
                std::fs::write(app.join(name), text).unwrap();
                continue;
            };
            std::fs::create_dir_all(doctypes.join(stem)).unwrap();
            std::fs::write(doctypes.join(stem).join(name), text).unwrap();
        }
        bench
    }
}

/// What is known about a version beside its files.
fn declared(version: &str) -> Vec<&'static str> {
    match version {
        "c_rename" | "all4" | "all5" | "c2_rename_column" => vec![
            "--rename",
            "Acme Order.customer_note=order_note",
            "--accept-patch",
            "acme.patches.rename_customer_note",
        ],
        // It has the old field beside the new one.
        "all4_union" => vec!["--accept-patch", "acme.patches.rename_customer_note"],
        "d4_select2link" => vec!["--accept-patch", "acme.patches.make_priorities"],
        "i_doctype_renamed" => {
            vec!["--rename", "Acme Tag=Acme Label", "--accept-patch", "acme.patches.rename_tag"]
        }
        _ => Vec::new(),
    }
}

/// The patches of both, each in its section.
fn patches(both: [&String; 2]) -> String {
    let section = |head: &str| {
        let lines = both.iter().flat_map(|text| {
            let section = text.split('[').find_map(|section| section.strip_prefix(head)).unwrap_or_default();
            section.lines().skip(1).filter(|line| !line.is_empty())
        });
        lines
            .collect::<BTreeSet<_>>()
            .into_iter()
            .fold(format!("[{head}]\n"), |text, line| text + line + "\n")
    };
    section("pre_model_sync") + "\n" + &section("post_model_sync")
}

/// A DocType with the changes of both; `None` where both change one field or one property.
fn doctype(texts: [&String; 3]) -> Option<String> {
    let [old, one, two] = texts.map(|text| serde_json::from_str::<Map<String, Value>>(text).unwrap());
    let mut merged = one.clone();
    for (key, value) in &two {
        let is_both =
            old.get(key) != Some(value) && old.get(key) != one.get(key) && one.get(key) != Some(value);
        match key.as_str() {
            "fields" => drop(merged.insert(key.clone(), fields([&old, &one, &two])?)),
            "field_order" => {}
            _ if is_both => return None,
            _ if old.get(key) != Some(value) => drop(merged.insert(key.clone(), value.clone())),
            _ => {}
        }
    }
    let order = merged["fields"].as_array().unwrap().iter().map(|field| field["fieldname"].clone());
    merged.insert("field_order".to_owned(), order.collect());
    Some(serde_json::to_string_pretty(&merged).unwrap())
}

/// The fields in the order of the first of both, with what the second one adds at the end.
fn fields(versions: [&Map<String, Value>; 3]) -> Option<Value> {
    let [old, one, two] = versions.map(|doctype| doctype["fields"].as_array().unwrap());
    let of =
        |fields: &[Value], name: &Value| fields.iter().find(|field| field["fieldname"] == *name).cloned();
    let mut names: Vec<&Value> = Vec::new();
    for field in one.iter().chain(two).chain(old) {
        if !names.contains(&&field["fieldname"]) {
            names.push(&field["fieldname"]);
        }
    }
    let mut merged = Vec::new();
    for name in names {
        let [was, first, second] = [old, one, two].map(|fields| of(fields, name));
        if first == was {
            merged.extend(second);
        } else if second == was || first == second {
            merged.extend(first);
        } else {
            return None;
        }
    }
    // A field that both give another name is renamed twice.
    let is_renamed = |fields: &[Value]| fields.iter().any(|field| of(old, &field["fieldname"]).is_none());
    let gone = old.iter().any(|field| {
        [one, two].iter().all(|fields| of(fields, &field["fieldname"]).is_none() && is_renamed(fields))
    });
    (!gone).then_some(Value::Array(merged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doctype_of(fields: &str) -> String {
        let fields: Vec<String> = fields
            .split_whitespace()
            .map(|field| {
                let (name, kind) = field.split_once(':').unwrap();
                format!(r#"{{"fieldname": "{name}", "fieldtype": "{kind}"}}"#)
            })
            .collect();
        format!(r#"{{"name": "D", "fields": [{}]}}"#, fields.join(", "))
    }

    #[test]
    fn two_changes_come_into_one_doctype() {
        let merged = |one: &str, two: &str| {
            let [old, one, two] = ["a:Data b:Data", one, two].map(doctype_of);
            let merged: Value = serde_json::from_str(&doctype([&old, &one, &two])?).unwrap();
            let name =
                |field: &Value| format!("{}:{}", field["fieldname"], field["fieldtype"]).replace('"', "");
            Some(merged["fields"].as_array().unwrap().iter().map(name).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(merged("a:Int b:Data", "a:Data b:Data c:Data").unwrap(), "a:Int b:Data c:Data");
        assert_eq!(merged("a:Data", "a:Text b:Data").unwrap(), "a:Text");
        assert_eq!(merged("a:Int b:Data", "a:Text b:Data"), None);
        assert_eq!(merged("a:Data", "a:Data b:Int"), None, "one removes what the other changes");
        assert_eq!(merged("a:Data x:Data", "a:Data y:Data"), None, "both rename b");
    }

    #[test]
    fn the_patches_of_both_stay_in_their_sections() {
        let of = |pre: &str, post: &str| format!("[pre_model_sync]\n{pre}\n\n[post_model_sync]\n{post}\n");
        assert_eq!(
            patches([&of("a", "b"), &of("c", "b")]),
            "[pre_model_sync]\na\nc\n\n[post_model_sync]\nb\n"
        );
    }
}
