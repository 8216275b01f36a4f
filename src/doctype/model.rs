//! The apps of a bench as typed values: what the planner compares.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use super::{DocField, Effect, FrappeVersion, Hook, PatchLine, PropertySetter, ReadError, digest};

/// All apps of one bench image, in the order of `apps.txt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of this document's shape.
    pub format: u32,
    /// The apps; DocTypes of a later app win over those of an earlier one, as in Frappe's sync.
    pub apps: Vec<App>,
    /// Files below `sites/assets`, sorted; only of a bench that was built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<String>,
}

impl Snapshot {
    /// The shape that this program reads and writes.
    pub const FORMAT: u32 = 1;

    /// A snapshot of these apps.
    pub fn new(apps: Vec<App>) -> Self {
        Self { format: Self::FORMAT, apps, assets: Vec::new() }
    }

    /// Reads a snapshot that `crossfade snapshot` has written.
    ///
    /// # Errors
    /// If it is no snapshot, or one of another format.
    pub fn from_json(path: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        let snapshot: Self = serde_json::from_slice(bytes)
            .map_err(|source| ReadError::Json { path: path.to_owned(), source })?;
        if snapshot.format != Self::FORMAT {
            let path = path.to_owned();
            return Err(ReadError::Format { path, found: snapshot.format, expected: Self::FORMAT });
        }
        // A stranger may have edited it: it has to pass what the files of an app have to pass.
        for app in &snapshot.apps {
            super::read::check_app(path, app)?;
        }
        Ok(snapshot)
    }

    /// A hash over everything in it: what tells whether the apps are those that a plan was made of.
    ///
    /// # Errors
    /// Fails only if the snapshot cannot be written.
    pub fn digest(&self) -> io::Result<String> {
        digest::of_value(self)
    }

    /// Forgets what the patches do: blue's have run, and a plan from its files is made without reading their code.
    pub fn forget_patch_effects(&mut self) {
        for patch in self.apps.iter_mut().flat_map(|app| &mut app.patches) {
            patch.effects = None;
        }
    }

    /// Version of the framework, if the snapshot holds the app `frappe` with a version that can be read.
    pub fn frappe_version(&self) -> Option<FrappeVersion> {
        let frappe = self.apps.iter().find(|app| app.name == "frappe")?;
        FrappeVersion::parse(frappe.version.as_deref()?)
    }

    /// Every DocType of the site by name, with the app that holds it.
    pub fn doctypes(&self) -> BTreeMap<&str, (&App, &DocType)> {
        let all = self.apps.iter().flat_map(|app| app.doctypes.values().map(move |doctype| (app, doctype)));
        all.map(|(app, doctype)| (doctype.name.as_str(), (app, doctype))).collect()
    }
}

/// One Frappe app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Name of its Python package.
    pub name: String,
    /// `__version__` of the package, if it is written as a literal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Lines of `modules.txt`.
    pub modules: Vec<String>,
    /// Patches in the order of `patches.txt`.
    pub patches: Vec<PatchLine>,
    /// DocTypes by name.
    pub doctypes: BTreeMap<String, DocType>,
    /// Custom fields that the app brings along (`fixtures/*.json` and `<module>/custom/*.json`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<CustomField>,
    /// Standard documents by DocType and name with the hash of their file: migrate imports those that differ.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, BTreeMap<String, String>>,
    /// First parts of the paths of its own pages, e.g. `crm` for `/crm/deals`: from `www/` and `website_route_rules`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pages: BTreeSet<String>,
    /// Property Setters that the app brings along, from the same files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub property_setters: Vec<PropertySetter>,
    /// What its `hooks.py` assigns, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hooks: BTreeMap<String, Hook>,
}

impl App {
    /// An app without anything in it.
    pub fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: None,
            modules: Vec::new(),
            patches: Vec::new(),
            doctypes: BTreeMap::new(),
            custom_fields: Vec::new(),
            documents: BTreeMap::new(),
            pages: BTreeSet::new(),
            property_setters: Vec::new(),
            hooks: BTreeMap::new(),
        }
    }
}

/// Where the values of a DocType live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// A table of its own (child tables too).
    Table,
    /// Rows of `tabSingles`.
    Single,
    /// Nowhere in the database.
    Virtual,
}

impl Storage {
    /// The word that plans use for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Single => "single",
            Self::Virtual => "virtual",
        }
    }
}

/// One DocType as its JSON file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of Frappe's own DocType")]
pub struct DocType {
    /// Name, e.g. `Sales Order`.
    pub name: String,
    /// Module that it belongs to.
    pub module: String,
    /// Fields in the order of `field_order`.
    pub fields: Vec<DocField>,
    /// One document, kept in `tabSingles`.
    #[serde(default)]
    pub issingle: bool,
    /// A child table.
    #[serde(default)]
    pub istable: bool,
    /// No storage of its own.
    #[serde(default)]
    pub is_virtual: bool,
    /// Documents can be submitted.
    #[serde(default)]
    pub is_submittable: bool,
    /// Documents form a tree.
    #[serde(default)]
    pub is_tree: bool,
    /// The table has a column `_seen`.
    #[serde(default)]
    pub track_seen: bool,
    /// How documents get their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoname: Option<String>,
    /// Storage engine as written; Frappe takes `InnoDB` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Default order of lists; `creation` makes newer Frappe index that column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_field: Option<String>,
    /// Whether a controller (`<doctype>.py`) lies beside the JSON; migrate deletes the DocType of a missing one.
    #[serde(default)]
    pub has_controller: bool,
    /// Indexes that `on_doctype_update` of its controller asks for: Frappe calls it whenever it syncs the DocType.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_update: Vec<Effect>,
    /// Hash of the file: Frappe's sync skips a DocType whose file did not change.
    pub digest: String,
}

impl DocType {
    /// Where its documents live.
    pub fn storage(&self) -> Storage {
        if self.is_virtual {
            Storage::Virtual
        } else if self.issingle {
            Storage::Single
        } else {
            Storage::Table
        }
    }

    /// A field by its name.
    pub fn field(&self, fieldname: &str) -> Option<&DocField> {
        self.fields.iter().find(|field| field.fieldname == fieldname)
    }

    /// Whether names are numbers from a sequence.
    pub fn is_autoincrement(&self) -> bool {
        self.autoname.as_deref() == Some("autoincrement")
    }
}

/// A Custom Field that an app installs on a DocType, often one of another app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// DocType that gets the field.
    pub doctype: String,
    /// The field.
    pub field: DocField,
}

impl CustomField {
    /// The field that an entry of `create_custom_fields` makes; `None` if it can be none. As in Frappe a field without a
    /// type is Data, and one without a name is called by its label.
    pub fn from_object(doctype: &str, mut entry: serde_json::Map<String, serde_json::Value>) -> Option<Self> {
        entry.entry("fieldtype").or_insert_with(|| "Data".into());
        if !entry.contains_key("fieldname") {
            let label = entry.get("label")?.as_str()?.to_lowercase();
            entry.insert("fieldname".to_owned(), label.replace([' ', '-'], "_").into());
        }
        let field = DocField::read(&entry).ok()??;
        Some(Self { doctype: doctype.to_owned(), field })
    }
}
