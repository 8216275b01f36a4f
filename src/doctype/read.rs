//! Files of an app in, an [`App`] out.
//!
//! Paths are relative to the app's checkout, with `/`: `crm/fcrm/doctype/crm_deal/crm_deal.json`. A directory that
//! holds DocType files at its top and nothing else is taken too.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::digest;
use super::field;
use super::file::{DocTypeFile, Fields, MAX_FIELDS, Order};
use super::json::{Object, text, whole};
use super::{App, CustomField, DocField, DocType, Hook, PropertySetter, ReadError, hooks, parse_patches};

/// More than any file of a Frappe app that matters here: the largest DocType of ERPNext has 60 KB.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Objects in one file that is read as a tree: each takes 600 bytes of memory, however few of the file.
const MAX_OBJECTS: usize = 200_000;
/// A table name has 64 characters, `tab` takes three.
const MAX_NAME_CHARS: usize = 61;

/// Documents that are files of an app and are imported by migrate, by the name of their folder.
const DOCUMENT_FOLDERS: [&str; 22] = [
    "page",
    "report",
    "dashboard_chart_source",
    "print_format",
    "web_page",
    "website_theme",
    "web_form",
    "web_template",
    "notification",
    "print_style",
    "data_migration_mapping",
    "data_migration_plan",
    "workspace",
    "onboarding_step",
    "module_onboarding",
    "form_tour",
    "client_script",
    "server_script",
    "custom_field",
    "property_setter",
    "dashboard",
    "number_card",
];

/// Documents that change what users may do or see as soon as migrate has imported them from an app's fixtures, besides those that
/// are files of their own.
const FIXTURE_DOCTYPES: [&str; 3] = ["Custom DocPerm", "Dashboard Chart", "Workflow"];

/// Collects the files of one app in any order; [`AppReader::finish`] gives the app.
#[derive(Debug)]
pub struct AppReader {
    app: App,
    modules: Option<BTreeSet<String>>,
    /// DocTypes with the folder of their module, `None` for a file at the top.
    found: Vec<(Option<String>, DocType)>,
    /// Folder of the module (`None` for a fixture), DocType, name, digest.
    documents: Vec<(Option<String>, String, String, String)>,
    controllers: BTreeSet<String>,
}

/// What a path is, by its place in the app.
enum Kind<'a> {
    DocType { module: Option<&'a str> },
    Controller,
    Document { module: &'a str },
    Modules,
    Patches,
    Version,
    Hooks,
    HookFacts,
    Customisation,
    Page { name: &'a str },
}

impl<'a> Kind<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["hooks_facts.json"] => Some(Self::HookFacts),
            ["patches.txt"] | [_, "patches.txt"] => Some(Self::Patches),
            ["modules.txt"] | [_, "modules.txt"] => Some(Self::Modules),
            [_, "__init__.py"] => Some(Self::Version),
            [_, "hooks.py"] => Some(Self::Hooks),
            [_, "www", file] => page_stem(file).map(|name| Self::Page { name }),
            [_, "www", name, file] => page_stem(file).map(|_| Self::Page { name }),
            [_, "fixtures", file] if is_json(file) => Some(Self::Customisation),
            [_, _, "custom", file] if is_json(file) => Some(Self::Customisation),
            [_, module, "doctype", folder, file] => match file.strip_prefix(folder) {
                Some(".json") => Some(Self::DocType { module: Some(module) }),
                Some(".py") => Some(Self::Controller),
                Some(_) | None => None,
            },
            [_, module, kind, folder, file] if DOCUMENT_FOLDERS.contains(kind) => {
                (file.strip_prefix(folder) == Some(".json")).then_some(Self::Document { module })
            }
            [file] if is_json(file) => Some(Self::DocType { module: None }),
            _ => None,
        }
    }
}

/// The name of a page's file without its ending.
fn page_stem(file: &str) -> Option<&str> {
    match file.rsplit_once('.') {
        Some((name, "html" | "md" | "py")) => Some(name),
        Some(_) | None => None,
    }
}

fn is_json(file: &str) -> bool {
    std::path::Path::new(file).extension().is_some_and(|extension| extension == "json")
}

impl AppReader {
    /// A reader for the app of this name.
    pub fn new(name: &str) -> Self {
        Self {
            app: App::empty(name),
            modules: None,
            found: Vec::new(),
            documents: Vec::new(),
            controllers: BTreeSet::new(),
        }
    }

    /// Whether a file matters: others need not be read at all.
    pub fn wants(path: &str) -> bool {
        Kind::of(path).is_some()
    }

    /// Takes one file.
    ///
    /// # Errors
    /// If the file is too large, is no JSON or text, or says what no DocType can say.
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let Some(kind) = Kind::of(path) else { return Ok(()) };
        if let Kind::Page { name } = kind {
            // Its path is all that matters.
            self.app.pages.extend(hooks::page(name).map(str::to_owned));
            return Ok(());
        }
        if bytes.len() > MAX_FILE_BYTES {
            return Err(ReadError::TooLarge {
                path: path.to_owned(),
                size: bytes.len(),
                limit: MAX_FILE_BYTES,
            });
        }
        match kind {
            Kind::DocType { module } => self.add_doctype(path, module, bytes)?,
            Kind::Controller => {
                // The folder bears the name of the file.
                let file = path.rsplit('/').next().unwrap_or(path);
                self.controllers.insert(file.trim_end_matches(".py").to_owned());
            }
            Kind::Document { module } => self.add_document(path, module, bytes)?,
            Kind::Modules => self.app.modules = lines(utf8(path, bytes)?),
            Kind::Patches => self.app.patches = parse_patches(utf8(path, bytes)?),
            Kind::Version => {
                self.app.version = hooks::version(utf8(path, bytes)?).or(self.app.version.take());
            }
            Kind::Hooks => self.add_hooks(path, bytes)?,
            Kind::HookFacts => {
                let facts = object(path, bytes)?;
                let rules = facts.get("website_route_rules").and_then(Value::as_array);
                let routes = rules.into_iter().flatten().filter_map(|rule| rule.get("from_route")?.as_str());
                self.app.pages.extend(routes.filter_map(hooks::page).map(str::to_owned));
                self.app.hooks =
                    facts.into_iter().map(|(name, value)| (name, Hook::Literal(value))).collect();
            }
            Kind::Customisation => self.add_customisation(path, bytes)?,
            Kind::Page { .. } => {}
        }
        if matches!(Kind::of(path), Some(Kind::Modules)) {
            self.modules = Some(self.app.modules.iter().map(|module| scrub(module)).collect());
        }
        Ok(())
    }

    /// The app of all files that were taken.
    pub fn finish(self) -> App {
        let Self { mut app, modules, found, documents, controllers } = self;
        // Frappe syncs the modules of modules.txt alone.
        let is_synced = |module: &str| modules.as_ref().is_none_or(|modules| modules.contains(module));
        for (module, mut doctype) in found {
            if module.as_deref().is_none_or(is_synced) {
                doctype.has_controller = controllers.contains(&scrub(&doctype.name));
                app.doctypes.insert(doctype.name.clone(), doctype);
            }
        }
        for (module, doctype, name, digest) in documents {
            if module.as_deref().is_none_or(is_synced) {
                app.documents.entry(doctype).or_default().insert(name, digest);
            }
        }
        app.custom_fields
            .sort_by(|a, b| (&a.doctype, &a.field.fieldname).cmp(&(&b.doctype, &b.field.fieldname)));
        app.property_setters.sort();
        app
    }

    fn add_doctype(&mut self, path: &str, module: Option<&str>, bytes: &[u8]) -> Result<(), ReadError> {
        let file =
            DocTypeFile::parse(bytes).map_err(|source| ReadError::Json { path: path.to_owned(), source })?;
        let file = file.filter(|file| file.doctype.0.as_deref() == Some("DocType"));
        match (file, module) {
            (Some(file), _) => {
                let doctype = read_doctype(path, file, digest::of_bytes(bytes))?;
                self.found.push((module.map(str::to_owned), doctype));
                Ok(())
            }
            // A JSON file at the top may be anything; one in a doctype folder may not.
            (None, None) => Ok(()),
            (None, Some(_)) => Err(invalid(path, "it is not an object whose \"doctype\" is \"DocType\"")),
        }
    }

    fn add_document(&mut self, path: &str, module: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let object = object(path, bytes)?;
        if let (Some(doctype), Some(name)) = (text(&object, "doctype"), text(&object, "name")) {
            self.documents.push((Some(module.to_owned()), doctype, name, digest::of_bytes(bytes)));
        }
        Ok(())
    }

    fn add_hooks(&mut self, path: &str, bytes: &[u8]) -> Result<(), ReadError> {
        if bytes.len() > hooks::MAX_HOOKS_BYTES {
            let (path, limit) = (path.to_owned(), hooks::MAX_HOOKS_BYTES);
            return Err(ReadError::TooLarge { path, size: bytes.len(), limit });
        }
        let source = utf8(path, bytes)?;
        self.app.pages.extend(hooks::pages(source).map(str::to_owned));
        self.app.hooks =
            hooks::hooks(source).map_err(|reason| invalid(path, &format!("it is no Python: {reason}")))?;
        Ok(())
    }

    /// A list of documents (`fixtures/*.json`), or what was exported of one DocType (`<module>/custom/*.json`).
    fn add_customisation(&mut self, path: &str, bytes: &[u8]) -> Result<(), ReadError> {
        match parse(path, bytes)? {
            Value::Array(entries) => {
                for entry in entries.iter().filter_map(Value::as_object) {
                    match text(entry, "doctype").as_deref() {
                        Some("Custom Field") => self.add_custom_field(path, entry, None)?,
                        Some("Property Setter") => self.add_property_setter(path, entry)?,
                        Some(doctype) => self.add_fixture(doctype, entry),
                        None => {}
                    }
                }
            }
            // Without this flag the file counts when the app is installed, and never again.
            Value::Object(object) if whole(&object, "sync_on_migrate") != 0 => {
                let target = text(&object, "doctype");
                for entry in entries(&object, "custom_fields") {
                    self.add_custom_field(path, entry, target.as_deref())?;
                }
                for entry in entries(&object, "property_setters") {
                    self.add_property_setter(path, entry)?;
                }
                for entry in entries(&object, "custom_perms") {
                    self.add_fixture("Custom DocPerm", entry);
                }
            }
            Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(())
    }

    fn add_fixture(&mut self, doctype: &str, entry: &Object) {
        let is_document =
            FIXTURE_DOCTYPES.contains(&doctype) || DOCUMENT_FOLDERS.contains(&scrub(doctype).as_str());
        if let Some(name) = text(entry, "name").filter(|_| is_document) {
            let digest = digest::of_bytes(Value::Object(entry.clone()).to_string().as_bytes());
            self.documents.push((None, doctype.to_owned(), name, digest));
        }
    }

    fn add_custom_field(
        &mut self,
        path: &str,
        entry: &Object,
        target: Option<&str>,
    ) -> Result<(), ReadError> {
        let Some(doctype) = text(entry, "dt").or_else(|| target.map(str::to_owned)) else { return Ok(()) };
        check_name(path, &doctype)?;
        if let Some(field) = DocField::read(entry).map_err(|reason| invalid(path, &reason))? {
            self.app.custom_fields.push(CustomField { doctype, field });
        }
        Ok(())
    }

    fn add_property_setter(&mut self, path: &str, entry: &Object) -> Result<(), ReadError> {
        let Some(setter) = PropertySetter::read(entry).filter(PropertySetter::matters) else { return Ok(()) };
        check_name(path, &setter.doctype)?;
        self.app.property_setters.push(setter);
        Ok(())
    }
}

/// Reads the file of one DocType, as [`AppReader`] does; whether it has a controller is not known from it.
///
/// # Errors
/// If the file is too large, is no JSON, or says what no DocType can say.
pub fn read_doctype_file(path: &str, bytes: &[u8]) -> Result<DocType, ReadError> {
    let path = path.to_owned();
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge { path, size: bytes.len(), limit: MAX_FILE_BYTES });
    }
    match DocTypeFile::parse(bytes) {
        Ok(Some(file)) if file.doctype.0.as_deref() == Some("DocType") => {
            read_doctype(&path, file, digest::of_bytes(bytes))
        }
        Ok(_) => Err(invalid(&path, "it is not an object whose \"doctype\" is \"DocType\"")),
        Err(source) => Err(ReadError::Json { path, source }),
    }
}

fn entries<'a>(object: &'a Object, key: &str) -> impl Iterator<Item = &'a Object> {
    object.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn read_doctype(path: &str, file: DocTypeFile, digest: String) -> Result<DocType, ReadError> {
    let name = file.name.0.ok_or_else(|| invalid(path, "it has no \"name\""))?;
    check_name(path, &name)?;
    Ok(DocType {
        fields: read_fields(path, file.fields, &file.field_order)?,
        module: file.module.0.unwrap_or_default(),
        issingle: file.issingle.is_set(),
        istable: file.istable.is_set(),
        is_virtual: file.is_virtual.is_set(),
        is_submittable: file.is_submittable.is_set(),
        is_tree: file.is_tree.is_set(),
        track_seen: file.track_seen.is_set(),
        autoname: file.autoname.0,
        engine: read_engine(path, file.engine.0)?,
        sort_field: file.sort_field.0,
        has_controller: false,
        on_update: Vec::new(),
        digest,
        name,
    })
}

/// Fields in the order of `field_order`, those that it does not name after them: Frappe's import sorts them so.
fn read_fields(path: &str, entries: Fields, order: &Order) -> Result<Vec<DocField>, ReadError> {
    let entries = entries.0.map_err(|reason| invalid(path, &reason))?;
    let mut fields = Vec::with_capacity(entries.len());
    for entry in entries {
        fields.extend(DocField::from_entry(entry).map_err(|reason| invalid(path, &reason))?);
    }
    // Nearly always they stand in that order.
    if !fields.iter().map(|field| &field.fieldname).eq(&order.0) {
        // Of a name that is there twice the last one counts.
        let names = order.0.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let places: HashMap<&str, usize> = names.map(|(at, name)| (name.as_str(), at)).collect();
        fields.sort_by_key(|field| places.get(field.fieldname.as_str()).copied().unwrap_or(usize::MAX));
    }
    Ok(fields)
}

/// Holds an app that was not read from its files to the same rules.
pub(super) fn check_app(path: &str, app: &App) -> Result<(), ReadError> {
    for (key, doctype) in &app.doctypes {
        check_name(path, &doctype.name)?;
        if *key != doctype.name {
            return Err(invalid(
                path,
                &format!("the DocType {:.61?} stands under another name", doctype.name),
            ));
        }
        if doctype.fields.len() > MAX_FIELDS {
            let count = doctype.fields.len();
            return Err(invalid(path, &format!("{key} has {count} fields, a table may have {MAX_FIELDS}")));
        }
        read_engine(path, doctype.engine.clone())?;
        for field in &doctype.fields {
            field::check_name(&field.fieldname).map_err(|reason| invalid(path, &reason))?;
        }
    }
    for setter in &app.property_setters {
        check_name(path, &setter.doctype)?;
    }
    for custom in &app.custom_fields {
        check_name(path, &custom.doctype)?;
        field::check_name(&custom.field.fieldname).map_err(|reason| invalid(path, &reason))?;
    }
    Ok(())
}

/// The engine goes into SQL as a bare word, so it has to be one.
fn read_engine(path: &str, engine: Option<String>) -> Result<Option<String>, ReadError> {
    match engine {
        Some(engine) if !engine.chars().all(|character| character.is_ascii_alphanumeric()) => {
            Err(invalid(path, &format!("{engine:?} is no storage engine")))
        }
        engine => Ok(engine),
    }
}

fn check_name(path: &str, name: &str) -> Result<(), ReadError> {
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(invalid(
            path,
            &format!("a DocType name may have {MAX_NAME_CHARS} characters, {name:.30?}... has more"),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(invalid(path, &format!("the name {name:?} has control characters")));
    }
    Ok(())
}

fn object(path: &str, bytes: &[u8]) -> Result<Object, ReadError> {
    match parse(path, bytes)? {
        Value::Object(object) => Ok(object),
        Value::Array(mut list) if list.len() == 1 && list[0].is_object() => match list.remove(0) {
            Value::Object(object) => Ok(object),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(invalid(path, "it is not an object"))
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(invalid(path, "it is not an object"))
        }
    }
}

fn parse(path: &str, bytes: &[u8]) -> Result<Value, ReadError> {
    // Each object begins so; a brace within a text counts too, which no file of people comes near.
    if bytes.split(|byte| *byte == b'{').nth(MAX_OBJECTS + 1).is_some() {
        return Err(invalid(path, &format!("it has more than {MAX_OBJECTS} objects")));
    }
    // serde_json stops at 128 levels by itself, so deep input ends in an error and not in a stack overflow.
    serde_json::from_slice(bytes).map_err(|source| ReadError::Json { path: path.to_owned(), source })
}

fn invalid(path: &str, reason: &str) -> ReadError {
    ReadError::Invalid { path: path.to_owned(), reason: reason.to_owned() }
}

fn utf8<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, ReadError> {
    std::str::from_utf8(bytes).map_err(|_| ReadError::NotText { path: path.to_owned() })
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn scrub(name: &str) -> String {
    name.replace([' ', '-'], "_").to_lowercase()
}
