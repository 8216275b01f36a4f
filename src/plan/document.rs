//! The plan of one site: what changes, what is frozen for blue, what runs before and after green.

use std::collections::BTreeMap;
use std::io;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::doctype::digest;

use super::{Basis, DataAnswer, InStep, Step};

/// How far blue and green can share the database under a change, from harmless to impossible.
///
/// The order is the severity: the verdict of a plan is the greatest of its changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// Nothing in the database differs.
    Neutral,
    /// Only something new: green sees it, blue does not.
    Additive,
    /// Nothing to do before green; something may be dropped once blue is gone.
    ContractOnly,
    /// Blue and green write different columns, kept in step by triggers.
    Synced,
    /// Blue sees the table through a view that gives it the old shape.
    Mapped,
    /// Both versions cannot serve from one database: the release needs a maintenance window or another plan.
    Blocking,
}

impl Verdict {
    /// All verdicts, from harmless to impossible.
    pub const ALL: [Self; 6] =
        [Self::Neutral, Self::Additive, Self::ContractOnly, Self::Synced, Self::Mapped, Self::Blocking];

    /// The name as it stands in plans, status and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Neutral => "Neutral",
            Self::Additive => "Additive",
            Self::Synced => "Synced",
            Self::Mapped => "Mapped",
            Self::ContractOnly => "ContractOnly",
            Self::Blocking => "Blocking",
        }
    }

    /// The verdict of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// One app of a site in both versions; `None` where the app is not part of that version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppVersion {
    /// Name of the app, as in `apps.txt`.
    pub app: String,
    /// Version that blue runs, as its package says.
    pub blue: Option<String>,
    /// Version that green runs.
    pub green: Option<String>,
    /// The worst verdict of the changes that this app makes; none if it makes none.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// Its changes in a few words.
    #[serde(default)]
    pub summary: String,
}

/// One difference between the apps of blue and green, with the keys of the field's vocabulary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// App that holds the DocType.
    pub app: String,
    /// DocType that changes.
    pub doctype: String,
    /// What kind of change it is, e.g. `field_added`.
    pub kind: String,
    /// Field that changes, if the change is one of a field.
    pub field: Option<String>,
    /// What blue has, as far as it matters for the change.
    pub old: Option<serde_json::Value>,
    /// What green has.
    pub new: Option<serde_json::Value>,
    /// Where the values live: `table`, `child`, `single` or `virtual`.
    pub storage: String,
    /// Whether Frappe's own sync sends DDL for it.
    pub ddl: bool,
    /// The class of the change, e.g. `additive`, `contract`, `incompatible`.
    pub cls: String,
    /// How far both versions can live with it.
    pub verdict: Verdict,
    /// Why, in a sentence a Frappe developer understands.
    pub why: String,
    /// What users see if it is released the usual way (`bench migrate` beside traffic); empty for nothing.
    #[serde(default)]
    pub naive: String,
    /// What the rows of the live site say to it, if they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataAnswer>,
    /// Ids of the steps (expand and contract) that serve it.
    #[serde(default)]
    pub steps: Vec<String>,
}

/// Code of an app that green's migrate runs beside its patches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrateHook {
    /// The app.
    pub app: String,
    /// `before_migrate` or `after_migrate`.
    pub hook: String,
    /// Path of the function; for a hook that is computed, the line of `hooks.py`.
    pub function: String,
    /// Whether blue's apps do not have it: then nobody has seen it run here.
    pub is_new: bool,
}

/// Statements that Frappe's sync sends in green's migrate though they change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remaining {
    /// Table name without its database.
    pub table: String,
    /// Columns that are modified to what they are.
    pub columns: Vec<String>,
    /// Why Frappe takes them for changed.
    pub why: String,
}

/// Something that only a human can know: whether a field or `DocType` that came is one that went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// Where: the DocType (green's name).
    pub doctype: String,
    /// Name in blue of what may have been renamed: a field, or the DocType if `is_doctype`.
    pub old: String,
    /// Name in green.
    pub new: String,
    /// Whether the DocType itself is meant.
    pub is_doctype: bool,
    /// The question in a sentence, with what to enter if the answer is yes.
    pub ask: String,
}

/// A table that blue gets as a copy of its own instead of a view, because green's migrate rewrites its rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FrozenTable {
    /// Table name without its database, e.g. `tabDocField`.
    pub table: String,
    /// Whether blue may write its copy: never for metadata (a Custom Field made in blue would break its DocType).
    pub writable: bool,
    /// Why it is frozen.
    pub why: String,
    /// Rows of it that both versions see nevertheless; `None` if each has all of them for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedRows>,
}

/// Users' own documents in a frozen table: what one version's users write the other's see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SharedRows {
    /// Column that names the document: `name`, or `parent` in a child table.
    pub named_by: String,
    /// Documents that the apps bring, in either version: of these each version has rows of its own.
    pub except: Vec<String>,
}

/// A field of a Single DocType, as `tabSingles` names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SingleField {
    /// The Single DocType.
    pub doctype: String,
    /// Its field.
    pub field: String,
    /// Blue's name of the DocType, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_doctype: Option<String>,
    /// Blue's name of the field, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_field: Option<String>,
    /// Values that the two versions write differently: blue's -> green's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// SQL condition on `value`, where the field is a number to green and of another type to blue: green reads another
    /// number than the text says, and a save of green's writes that one for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misread_by_green: Option<String>,
    /// The same of blue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misread_by_blue: Option<String>,
}

/// Everything that a release does to the database of one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Version of this document's shape; this program reads and writes [`Plan::FORMAT`].
    pub format: u32,
    /// Site that the plan is for; empty for a plan made without one.
    pub site: String,
    /// Apps in both versions, in the order of `apps.txt`.
    pub apps: Vec<AppVersion>,
    /// The worst verdict of all changes.
    pub verdict: Verdict,
    /// One sentence for a status line.
    pub summary: String,
    /// Every difference, sorted by app, DocType, kind and field.
    pub changes: Vec<Change>,
    /// What may be a rename that nobody declared.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// What blue gets as copies, sorted by table.
    pub frozen: Vec<FrozenTable>,
    /// Fields of Single DocTypes that both versions know: their values are kept in step.
    pub singles: Vec<SingleField>,
    /// What runs on the site's tables before green, in this order.
    pub expand: Vec<Step>,
    /// What runs once blue is gone, in this order.
    pub contract: Vec<Step>,
    /// Columns that are kept in step from the end of `expand` to the beginning of `contract`.
    #[serde(default)]
    pub in_step: Vec<InStep>,
    /// Statements that remain for green's migrate and change nothing, by table.
    #[serde(default)]
    pub remaining: Vec<Remaining>,
    /// Patches of green that will run in its migrate (whole lines of `patches.txt`).
    pub patches: Vec<String>,
    /// What else of the apps runs in it.
    #[serde(default)]
    pub hooks: Vec<MigrateHook>,
    /// What the plan was made of: it is run on nothing else.
    #[serde(default)]
    pub basis: Basis,
    /// BLAKE3 over everything above, 64 hexadecimal digits, see [`Plan::seal`].
    pub hash: String,
}

/// Steps of which one hash is made.
const HASHED_TOGETHER: usize = 128;

impl Plan {
    /// The shape of the document that this program writes.
    pub const FORMAT: u32 = 1;

    /// Sets the hash from all other fields; to be called last.
    ///
    /// The steps before green are nearly all of a large plan: they are hashed in parts, on all cores.
    ///
    /// # Errors
    /// Fails only if the plan cannot be written.
    pub fn seal(mut self) -> io::Result<Self> {
        self.hash.clear();
        let expand = std::mem::take(&mut self.expand);
        let (rest, parts) = rayon::join(
            || digest::of_value(&self),
            || expand.par_chunks(HASHED_TOGETHER).map(|steps| digest::of_value(&steps)).collect(),
        );
        let parts: io::Result<Vec<String>> = parts;
        let hash = digest::of_value(&(rest?, parts?))?;
        Ok(Self { expand, hash, ..self })
    }

    /// Whether the hash fits the content: a plan that was edited by hand is not run.
    pub fn is_sealed(&self) -> bool {
        self.clone().seal().is_ok_and(|sealed| sealed.hash == self.hash)
    }
}
