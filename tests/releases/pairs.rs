//! The release pairs and what is known of them.

use std::path::{Path, PathBuf};

use crossfade::doctype::FrappeVersion;
use crossfade::plan::{Input, Plan, Renames, plan};
use crossfade::source::read_all;
use serde_json::Value;

/// Where the data lies; `None`, with a word of it, where it does not.
pub(crate) fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("CROSSFADE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    if root.join("releases/pairs.json").is_file() {
        Some(root)
    } else {
        println!("skipped: no {}", root.display());
        None
    }
}

/// One pair with what is expected of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) app: String,
    fixtures: [String; 2],
    majors: [FrappeVersion; 2],
    pub(crate) expected: Vec<Value>,
    /// Statements of Frappe's schema code, by DocType.
    pub(crate) ddl: Vec<Value>,
    renames: Renames,
}

impl Case {
    /// The plan of the pair, with the renames that its patches do.
    pub(crate) fn plan(&self) -> Plan {
        let blue = read_all(&self.fixtures[..1]).unwrap();
        let green = read_all(&self.fixtures[1..]).unwrap();
        let input = Input {
            blue_frappe: Some(self.majors[0]),
            green_frappe: Some(self.majors[1]),
            renames: self.renames.clone(),
            ..Input::new(&blue, &green)
        };
        plan(&input).unwrap()
    }
}

fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All pairs.
pub(crate) fn cases(root: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(root.join("releases/pairs.json")).unwrap();
    let pairs: Vec<Value> = serde_json::from_str(&text).unwrap();
    pairs.iter().map(|pair| case(root, pair)).collect()
}

fn case(root: &Path, pair: &Value) -> Case {
    let releases = root.join("releases");
    let text = |key: &str| pair[key].as_str().unwrap().to_owned();
    let fixture = |at: usize| {
        let file = pair["fixtures"][at].as_str().unwrap();
        format!("{}={}", text("app"), releases.join("fixtures").join(file).display())
    };
    let major = |at: usize| {
        let number = pair["frappe_major"][at].to_string();
        // 13.0 stands for version 13 before 13.12, 13.5 for the later one.
        let minor = if matches!(number.as_str(), "13" | "13.0") { 0 } else { 50 };
        FrappeVersion { minor, ..FrappeVersion::parse(&number).unwrap() }
    };
    Case {
        name: format!("{} {} -> {}", text("app"), text("from"), text("to")),
        app: text("app"),
        fixtures: [fixture(0), fixture(1)],
        majors: [major(0), major(1)],
        expected: json_lines(&releases.join(text("expected"))),
        ddl: json_lines(&releases.join(text("ddl"))),
        renames: renames(&pair["patch_facts"]),
    }
}

/// What the patches' Python says: the archives hold none for the planner to read.
fn renames(facts: &Value) -> Renames {
    let mut renames = Renames::default();
    let calls = facts.as_array().into_iter().flatten().filter_map(|fact| fact["calls"].as_array()).flatten();
    for call in calls {
        let text = |key: &str| call[key].as_str().unwrap_or("").to_owned();
        match (call["call"].as_str(), call["doctype"].as_str()) {
            (Some("rename_doc"), Some("DocType")) => {
                // A chain a -> b -> c is one rename of a to c.
                let first = renames.doctypes.remove(&text("old")).unwrap_or_else(|| text("old"));
                renames.doctypes.insert(text("new"), first);
            }
            (Some("rename_field"), Some(doctype)) => {
                renames.fields.insert((doctype.to_owned(), text("new")), text("old"));
            }
            _ => {}
        }
    }
    renames
}
