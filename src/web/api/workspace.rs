//! What there is to edit.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The apps that are edited and what they are compared with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workspace {
    /// The apps, in the order in which they were given.
    pub apps: Vec<WorkspaceApp>,
    /// DocTypes by app, module and name; with those that only blue has.
    pub doctypes: Vec<WorkspaceDocType>,
    /// What is compared with.
    pub blue: Blue,
    /// Whether the live site's database can be asked.
    pub database: bool,
    /// Files that could not be read as what they should be.
    pub problems: Vec<FileProblem>,
    /// Every fieldtype that the version of Frappe knows.
    pub fieldtypes: Vec<Fieldtype>,
}

/// One app.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceApp {
    /// Name of its Python package.
    pub name: String,
    /// Modules of `modules.txt`, in its order.
    pub modules: Vec<String>,
}

/// One DocType in the tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceDocType {
    /// Its name.
    pub name: String,
    /// App that holds it.
    pub app: String,
    /// Module that it belongs to.
    pub module: String,
    /// A child table.
    pub istable: bool,
    /// One document, kept in `tabSingles`.
    pub issingle: bool,
    /// What its file differs in from blue, if it does.
    pub changed: Option<Changed>,
}

/// What a file is to blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Changed {
    /// Blue does not have it.
    Added,
    /// Blue has it otherwise.
    Edited,
    /// A patch renames blue's.
    Renamed,
    /// Only blue has it: there is no file.
    Removed,
}

/// What the working tree is compared with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Blue {
    /// Where it comes from.
    pub kind: BlueKind,
    /// The same for people, e.g. `Git v15.41.0 (3f2a81c)`.
    pub words: String,
}

/// Where blue comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlueKind {
    /// A commit of each app's repository.
    Git,
    /// A file that `crossfade snapshot` has written, a bench, an app or its archive.
    Snapshot,
    /// The metadata of the live site.
    Site,
    /// The files as they were when the editor started: the apps lie in no repository.
    Start,
}

/// A file that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FileProblem {
    /// App that holds it.
    pub app: String,
    /// Path within the app's checkout.
    pub path: String,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// A type that a field may have.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fieldtype {
    /// Frappe's name of it.
    pub name: &'static str,
    /// What becomes of its values.
    pub kind: FieldtypeKind,
}

/// What becomes of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldtypeKind {
    /// A column.
    Value,
    /// Rows of a child table.
    Table,
    /// It has none: it is part of the form.
    Layout,
}

/// One DocType's file.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocTypeFile {
    /// Its name.
    pub name: String,
    /// App that holds it.
    pub app: String,
    /// Path within the app's checkout.
    pub path: String,
    /// Of the file's bytes: what a save must name, so that it overwrites nothing that it has not seen.
    pub digest: String,
    /// The document as the file has it; keys in the order of Frappe's export.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub document: Map<String, Value>,
    /// Whether a save without a change would write these very bytes: false for a file that another tool or an old Frappe
    /// has formatted, of which a save changes more lines than were edited.
    pub as_exported: bool,
    /// Blue's document, if blue has the DocType and more of it than a snapshot keeps.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub blue: Option<Map<String, Value>>,
    /// Fields of other DocTypes (and of itself) that lead here.
    pub linked_from: Vec<Link>,
}

/// A field that leads to a DocType.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Link {
    /// DocType of the field.
    pub doctype: String,
    /// The field.
    pub field: String,
    /// Its type: `Link`, `Table` or `Table MultiSelect`.
    pub fieldtype: String,
}
