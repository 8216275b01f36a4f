//! What is changed: a version of the sample bench, and the table that is full.

/// One change of the schema under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// Name in files and on the command line.
    pub name: &'static str,
    /// What happens, for people.
    pub title: &'static str,
    /// The version of the sample bench that is released over v1: `e2e/sample-bench/versions.txt`.
    pub version: &'static str,
    /// DocType whose table is full.
    pub doctype: &'static str,
    /// What the published experiment says of it, where it has it.
    pub published: Option<&'static str>,
}

const ORDER: &str = "Sales Order";
const DEADLOCKS: &str = "requests that write fail with deadlocks; sent again they succeed";

/// The experiment's five, then the harder ones.
pub const ALL: [Scenario; 12] = [
    Scenario {
        name: "field-added",
        title: "a field is added",
        version: "field-added",
        doctype: ORDER,
        published: Some("fewer requests a second, no fault"),
    },
    Scenario {
        name: "field-removed",
        title: "a field is removed",
        version: "remove",
        doctype: ORDER,
        published: Some("no conflict, no error"),
    },
    Scenario {
        name: "field-renamed",
        title: "a field is renamed by `rename_field`",
        version: "rename",
        doctype: ORDER,
        published: Some(DEADLOCKS),
    },
    Scenario {
        name: "type-changed",
        title: "the type of a field is changed, Data to Int; one row in ten has an empty text in it",
        version: "retype",
        doctype: ORDER,
        published: Some(DEADLOCKS),
    },
    Scenario {
        name: "child-table-added",
        title: "a child table is added",
        version: "child-table",
        doctype: ORDER,
        published: Some(DEADLOCKS),
    },
    Scenario {
        name: "column-renamed",
        title: "a column is renamed by DDL of a patch",
        version: "rename-column",
        doctype: ORDER,
        published: None,
    },
    Scenario {
        name: "mandatory-field",
        title: "a mandatory field is added",
        version: "mandatory",
        doctype: ORDER,
        published: None,
    },
    Scenario {
        name: "unique-added",
        title: "a field becomes unique",
        version: "unique",
        doctype: ORDER,
        published: None,
    },
    Scenario {
        name: "doctype-renamed",
        title: "a DocType is renamed that the users' documents link to",
        version: "doctype-rename",
        doctype: "Shop Tag",
        published: None,
    },
    Scenario {
        name: "doctype-removed",
        title: "a DocType is removed, with the link to it",
        version: "doctype-remove",
        doctype: "Shop Tag",
        published: None,
    },
    Scenario {
        name: "text-to-longtext",
        title: "a text becomes a long text",
        version: "longtext",
        doctype: ORDER,
        published: None,
    },
    Scenario {
        name: "everything",
        title: "all of them in one release",
        version: "everything",
        doctype: ORDER,
        published: None,
    },
];

/// The scenario of a name.
pub fn named(name: &str) -> Option<Scenario> {
    ALL.into_iter().find(|scenario| scenario.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::harness::cluster::repository;

    fn versions() -> BTreeSet<String> {
        let text = std::fs::read_to_string(repository().join("e2e/sample-bench/versions.txt")).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_scenario_is_a_version_of_its_own() {
        let (versions, used) = (versions(), ALL.map(|scenario| scenario.version.to_owned()));
        assert!(used.iter().all(|version| versions.contains(version)), "{used:?}");
        assert_eq!(BTreeSet::from(used).len(), ALL.len());
    }

    #[test]
    fn the_users_know_no_version_that_is_not_there() {
        for name in ["sales-order", "experiment"] {
            let file = repository().join(format!("e2e/load/templates/{name}.json"));
            let template: serde_json::Value =
                serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
            for field in
                ["only", "without"].iter().flat_map(|part| template[*part].as_object().unwrap().values())
            {
                for version in field.as_array().unwrap() {
                    assert!(versions().contains(version.as_str().unwrap()), "{name}: {version}");
                }
            }
        }
    }
}
