//! What the drafts would do to a live site, as the planner says it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Rename;

/// The plan of a release from blue to the drafts: what `crossfade plan` says, in the same words.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdict {
    /// The worst verdict of all changes: `Neutral`, `Additive`, `ContractOnly`, `Synced`, `Mapped` or `Blocking`.
    pub verdict: String,
    /// One sentence.
    pub summary: String,
    /// Hash of the plan; empty if there is none.
    pub hash: String,
    /// Why there is no plan: something in the drafts that no plan can be made of.
    pub error: Option<String>,
    /// What to do with this plan, a sentence each.
    pub advice: Vec<String>,
    /// Both versions of each app.
    pub apps: Vec<AppVerdict>,
    /// Every change, those that the page's drafts made and those that the files had already.
    pub changes: Vec<Change>,
    /// Renames that nobody declared.
    pub questions: Vec<Question>,
    /// What Frappe would refuse when the DocType is saved or migrated.
    pub problems: Vec<Problem>,
    /// Patches that run in green's migrate (whole lines of `patches.txt`).
    pub patches: Vec<String>,
    /// Statements before green.
    pub expand: usize,
    /// Statements once blue is gone.
    pub contract: usize,
}

/// One app of the plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppVerdict {
    /// Name of the app.
    pub app: String,
    /// The worst verdict of its changes; none if it has none.
    pub verdict: Option<String>,
    /// Its changes in a few words.
    pub summary: String,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// App that holds the DocType.
    pub app: String,
    /// DocType that changes.
    pub doctype: String,
    /// Field that changes, if the change is one of a field.
    pub field: Option<String>,
    /// What kind of change it is, e.g. `field_added`.
    pub kind: String,
    /// How far both versions can live with it.
    pub verdict: String,
    /// The class of the change, e.g. `additive`, `contract`, `incompatible`.
    pub class: String,
    /// Where it is: `DocType.field`, or the line of a patch.
    pub place: String,
    /// Why it has this verdict.
    pub why: String,
    /// What users see if it is released the usual way (`bench migrate` beside traffic); empty for nothing.
    pub usual: String,
    /// How long the usual way holds up writes to the table, in seconds, guessed from its rows; none where it does not, or
    /// where the rows are not known.
    pub blocked_seconds: Option<u64>,
    /// Rows of the table, as the database's optimiser guesses them; none without a database.
    pub rows: Option<u64>,
    /// What Crossfade does for it, in a few words; empty for nothing.
    pub crossfade: String,
    /// What blue has, as far as it matters.
    pub old: Option<Value>,
    /// What green has.
    pub new: Option<Value>,
    /// Statements before green.
    pub expand: Vec<Sql>,
    /// Statements once blue is gone.
    pub contract: Vec<Sql>,
    /// Safer ways to the same end.
    pub remedies: Vec<Remedy>,
}

/// One statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sql {
    /// What it is for.
    pub title: String,
    /// The statement.
    pub sql: String,
    /// What it holds and how long it takes.
    pub cost: String,
    /// What takes it back.
    pub undo: Vec<String>,
}

/// A rename that nobody declared.
#[derive(Debug, Serialize, ToSchema)]
pub struct Question {
    /// The DocType, by green's name.
    pub doctype: String,
    /// The question in a sentence.
    pub ask: String,
    /// What answers it with yes; none for a DocType, which is renamed by its name.
    pub rename: Option<Rename>,
}

/// A safer way.
#[derive(Debug, Serialize, ToSchema)]
pub struct Remedy {
    /// Which way: `declare-rename`, `two-releases`, `fill-first`, `check-duplicates`, `accept-patch`.
    pub id: String,
    /// A few words for a button.
    pub label: String,
    /// What it does and what is left to do, in a sentence or two.
    pub words: String,
    /// What it changes in the drafts.
    pub edits: Vec<RemedyEdit>,
    /// Renames that it declares, to be added to those of the drafts.
    pub renames: Vec<Rename>,
    /// Lines that it accepts, to be added to `accepted_patches` of the drafts.
    pub accept_patches: Vec<String>,
    /// What to ask `/api/duplicates` before, if a database is there.
    pub duplicates: Option<DuplicatesOf>,
}

/// One change of a draft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RemedyEdit {
    /// A property gets a value.
    Set {
        /// The DocType.
        doctype: String,
        /// The field; none for a property of the DocType.
        field: Option<String>,
        /// The property.
        property: String,
        /// Its value; null takes the property away.
        value: Value,
    },
    /// A field is added.
    AddField {
        /// The DocType.
        doctype: String,
        /// Field that it stands after.
        after: String,
        /// The field.
        #[schema(value_type = BTreeMap<String, Value>)]
        values: Map<String, Value>,
    },
}

/// A field whose duplicates matter.
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicatesOf {
    /// The DocType.
    pub doctype: String,
    /// The field.
    pub field: String,
}

/// Something that Frappe would refuse, or that is likely not meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The DocType.
    pub doctype: String,
    /// The field, if it is one's.
    pub field: Option<String>,
    /// Which of the fields (from 0, in the form's order), as a name may be missing or there twice.
    pub index: Option<usize>,
    /// The property, if it is one's.
    pub property: Option<String>,
    /// Whether it cannot be saved.
    pub severity: Severity,
    /// What is wrong and what to do, in a sentence.
    pub message: String,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It can be saved.
    Warning,
    /// Frappe refuses it: it is not saved.
    Error,
}
