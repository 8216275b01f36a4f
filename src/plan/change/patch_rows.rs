//! Rows that a patch writes: who sees them.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctype::{PatchLine, Rows, Storage, Verb, table_name};
use crate::plan::FrozenTable;
use crate::plan::singles::STANDARD_FIELDS;

use super::Versions;
use super::patch_effect::{self, Judged, Level, words};

/// What says when a row was written: blue reads it, and takes no harm from a newer one.
pub(crate) const STAMPS: [&str; 2] = ["modified", "modified_by"];

/// Columns that some tables have besides those of every document (`frappe/model/__init__.py`).
const OPTIONAL: [&str; 6] = ["parent", "parentfield", "parenttype", "_user_tags", "_comments", "_assign"];

/// DocTypes whose documents come from files of the apps: blue gets a copy of the table of one that a patch rewrites, as
/// it does where migrate imports other documents.
const FREEZABLE: [&str; 22] = [
    "Client Script",
    "Custom HTML Block",
    "Dashboard",
    "Dashboard Chart",
    "Dashboard Chart Source",
    "Desktop Icon",
    "Form Tour",
    "Module Def",
    "Module Onboarding",
    "Navbar Item",
    "Number Card",
    "Onboarding Step",
    "Page",
    "Print Format",
    "Print Style",
    "Report",
    "Scheduled Job Type",
    "Server Script",
    "Web Form",
    "Web Template",
    "Website Theme",
    "Workspace",
];

/// A statement that locks the rows of a table of at most so many takes below a second (70,000 rows a second, measured).
const SOON: u64 = 50_000;

/// The tables of both versions, as a patch meets them.
pub(crate) struct Tables<'a> {
    pub(crate) versions: &'a Versions<'a>,
    frozen: BTreeSet<String>,
    /// Tables to be frozen because patches write them, with the place of the first that does.
    wanted: BTreeMap<String, String>,
    /// Frozen tables with documents that patches change.
    rewritten: BTreeSet<String>,
}

/// Rows that are written.
pub(crate) struct Written<'a> {
    pub(crate) verb: Verb,
    pub(crate) table: &'a str,
    pub(crate) columns: &'a [String],
    pub(crate) rows: Rows,
    pub(crate) place: &'a str,
}

/// What a table is to blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Blue has a copy of its own.
    Frozen,
    /// Blue does not know it.
    Green,
    /// The site does not have it.
    Absent,
    /// Both versions use it.
    Shared,
    /// No app has it: a table of Frappe's own, or of an app that is not part of the plan.
    Elsewhere,
}

impl<'a> Tables<'a> {
    pub(crate) fn new(versions: &'a Versions<'a>, frozen: &[FrozenTable]) -> Self {
        let frozen = frozen.iter().map(|entry| entry.table.clone()).collect();
        Self { versions, frozen, wanted: BTreeMap::new(), rewritten: BTreeSet::new() }
    }

    /// Tables to be frozen because of patches, with the reason.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = FrozenTable> + '_ {
        self.wanted.iter().map(|(table, place)| FrozenTable {
            table: table.clone(),
            writable: true,
            why: format!("a patch of green rewrites its documents ({place})"),
            shared: None,
        })
    }

    /// Frozen tables whose users' documents patches rewrite: the versions write them differently.
    pub(crate) fn rewritten(&self) -> &BTreeSet<String> {
        &self.rewritten
    }

    /// Notes the tables that a patch rewrites and that can be frozen for blue.
    pub(crate) fn look_at(&mut self, patch: &PatchLine) {
        for effect in patch.effects.iter().flatten() {
            patch_effect::judge(effect, self);
        }
    }

    /// What a table is to blue.
    pub(crate) fn standing(&self, table: &str) -> Standing {
        let doctype = table.strip_prefix("tab").unwrap_or(table);
        let is_live = self.versions.site.map(|site| site.tables.contains_key(table));
        if self.frozen.contains(table) {
            return Standing::Frozen;
        }
        // Under either name it is one table that both versions use.
        let mut renamed = self.versions.renames.doctypes.iter();
        if renamed.any(|(new, old)| new == doctype || old == doctype) {
            return Standing::Shared;
        }
        let in_blue =
            self.versions.blue.get(doctype).is_some_and(|(_, known)| known.storage() == Storage::Table);
        match (in_blue, self.versions.green.contains_key(doctype), is_live) {
            (true, _, Some(false)) => Standing::Absent,
            (true, _, _) => Standing::Shared,
            (false, true, _) if table.starts_with("tab") => Standing::Green,
            (false, _, Some(false)) => Standing::Absent,
            (false, _, _) => Standing::Elsewhere,
        }
    }

    pub(crate) fn is_single(&self, doctype: &str) -> bool {
        let known = self.versions.blue.get(doctype).or_else(|| self.versions.green.get(doctype));
        known.is_some_and(|(_, doctype)| doctype.storage() == Storage::Single)
    }

    /// The child DocType of a field.
    pub(crate) fn child(&self, doctype: &str, field: &str) -> Option<String> {
        let versions = [&self.versions.green, &self.versions.blue];
        let found =
            versions.iter().find_map(|all| all.get(doctype)?.1.field(field)?.child().map(str::to_owned));
        // A row of a row: the path of fields is not kept, and the last one is looked for in all DocTypes.
        found.filter(|_| !field.is_empty())
    }

    /// The fields of a document's own table, and the child DocTypes of its table fields; no fields mean all.
    pub(crate) fn parts(&self, doctype: &str, fields: &[String]) -> (Vec<String>, BTreeSet<String>) {
        if !fields.is_empty() {
            let (rows, own): (Vec<_>, Vec<_>) =
                fields.iter().cloned().partition(|field| self.child(doctype, field).is_some());
            return (own, rows.iter().filter_map(|field| self.child(doctype, field)).collect());
        }
        let known = self.versions.blue.get(doctype).or_else(|| self.versions.green.get(doctype));
        let children =
            known.into_iter().flat_map(|(_, doctype)| &doctype.fields).filter_map(|field| field.child());
        (Vec::new(), children.map(str::to_owned).collect())
    }

    /// Rows of a table are written.
    pub(crate) fn write(&mut self, written: &Written<'_>) -> Judged {
        let Written { verb, table, columns, .. } = written;
        let doctype = table.strip_prefix("tab").unwrap_or(table);
        if *table == "tabSingles" {
            return Judged::new(Level::Seen, "it writes settings of tabSingles by a statement of its own");
        }
        let what = words(*verb, table, columns);
        match self.standing(table) {
            Standing::Frozen => {
                if *verb == Verb::Update {
                    self.rewritten.insert((*table).to_owned());
                }
                Judged::new(Level::Unseen, format!("{what}, of which blue has a copy"))
            }
            Standing::Green => Judged::new(Level::Unseen, format!("{what}, which only green knows")),
            Standing::Absent => Judged::new(Level::Unseen, format!("{what}, which the site does not have")),
            Standing::Shared | Standing::Elsewhere if self.is_freezable(doctype) => {
                self.wanted.entry((*table).to_owned()).or_insert_with(|| written.place.to_owned());
                Judged::new(Level::Unseen, format!("{what}, of which blue gets a copy"))
            }
            Standing::Elsewhere => Judged::new(Level::Seen, format!("{what}, which both versions may read")),
            Standing::Shared => self.shared(written, &what),
        }
    }

    fn shared(&self, written: &Written<'_>, what: &str) -> Judged {
        let lock = self.lock(written);
        let blue_knows = |column: &String| self.blue_knows(written.table, column);
        let is_greens = written.verb == Verb::Update
            && !written.columns.is_empty()
            && !written.columns.iter().filter(|column| !STAMPS.contains(&column.as_str())).any(blue_knows);
        match (is_greens, lock) {
            (false, None) => Judged::new(Level::Seen, format!("{what}, which both versions see")),
            (false, Some((_, lock))) => {
                Judged::new(Level::Seen, format!("{what}, which both versions see, and {lock}"))
            }
            (true, None) => Judged::new(Level::Unseen, format!("{what}, which only green knows")),
            (true, Some((true, lock))) => {
                Judged::new(Level::Unseen, format!("{what}, which only green knows; it {lock}"))
            }
            (true, Some((false, lock))) => {
                Judged::new(Level::Seen, format!("{what}, which only green knows, but it {lock}"))
            }
        }
    }

    /// What a statement locks, and whether that is soon over; `None` for single rows.
    fn lock(&self, written: &Written<'_>) -> Option<(bool, String)> {
        let rows = self.versions.site.and_then(|site| site.tables.get(written.table)).map(|live| live.rows);
        match (written.rows, rows) {
            (Rows::Named, _) => None,
            (Rows::Some, None) => {
                Some((true, "locks the rows that it looks at until the patch is over".to_owned()))
            }
            (Rows::All, None) => Some((
                false,
                "locks all rows of the table until the patch is over: it has no WHERE".to_owned(),
            )),
            (Rows::Some | Rows::All, Some(rows)) => {
                Some((rows <= SOON, format!("locks up to {rows} rows until the patch is over")))
            }
        }
    }

    /// Whether blue's DocType has this column, the site's Custom Fields included, or one that is kept in step with it.
    fn blue_knows(&self, table: &str, column: &str) -> bool {
        let doctype = table.strip_prefix("tab").unwrap_or(table);
        let in_file = self.versions.blue.get(doctype).is_none_or(|(_, known)| known.field(column).is_some());
        let in_site = self.versions.site.map(|site| site.custom_fields.as_slice()).unwrap_or_default();
        let is_renamed = self.versions.renames.fields.contains_key(&(doctype.to_owned(), column.to_owned()));
        in_file
            || is_renamed
            || STANDARD_FIELDS.contains(&column)
            || OPTIONAL.contains(&column)
            || in_site.iter().any(|custom| custom.doctype == doctype && custom.field.fieldname == column)
    }

    /// Settings are written.
    pub(crate) fn write_single(&self, doctype: &str, fields: &[String]) -> Judged {
        let known = [&self.versions.blue, &self.versions.green].map(|all| all.get(doctype));
        let named = if fields.is_empty() { "settings".to_owned() } else { fields.join(", ") };
        let what = format!("it sets {named} of {doctype}");
        let is_in = |side: usize, field: &String| {
            known[side].is_some_and(|(_, doctype)| doctype.field(field).is_some())
        };
        let in_site = self.versions.site.map(|site| site.custom_fields.as_slice()).unwrap_or_default();
        let is_shared = |field: &String| {
            (is_in(0, field) && is_in(1, field))
                || in_site.iter().any(|custom| custom.doctype == doctype && custom.field.fieldname == *field)
        };
        match (known[0], fields) {
            (None, _) if known[1].is_some() => {
                Judged::new(Level::Unseen, format!("{what}, which only green knows"))
            }
            (None, _) => Judged::new(Level::Seen, format!("{what}, which both versions may read")),
            (Some(_), []) => Judged::new(Level::Seen, format!("{what}, which both versions read")),
            (Some(_), fields) if fields.iter().any(is_shared) => {
                Judged::new(Level::Seen, format!("{what}, which both versions read"))
            }
            (Some(_), _) => Judged::new(Level::Unseen, format!("{what}, which blue has for itself")),
        }
    }

    /// Whether documents of a DocType come from files: of its own, or as rows of one that does.
    fn is_freezable(&self, doctype: &str) -> bool {
        if FREEZABLE.contains(&doctype) {
            return true;
        }
        let holds = |parent: &&str| {
            let fields = self.versions.blue.get(*parent).into_iter().flat_map(|(_, parent)| &parent.fields);
            fields.filter_map(|field| field.child()).any(|child| child == doctype)
        };
        let mut parents = self.versions.blue.keys().copied().filter(holds).peekable();
        parents.peek().is_some() && parents.all(|parent| FREEZABLE.contains(&parent))
    }

    /// Whether the live table has this column; `None` if no site was asked.
    pub(crate) fn has_column(&self, doctype: &str, column: &str) -> Option<bool> {
        let site = self.versions.site?;
        Some(site.tables.get(&table_name(doctype)).is_some_and(|live| live.column(column).is_some()))
    }
}
