//! The state of reading one patch: modules, what was found, where the walk is.

use std::collections::HashMap;
use std::rc::Rc;

use ruff_text_size::TextRange;

use crate::doctype::{Action, DocType, Effect, PatchLine, When};

use super::arguments::Arguments;
use super::module::{Binder, Module};
use super::value::{Function, Value};
use super::{Files, module_of, unreadable};

/// Statements that are walked through for one patch, those of loops and called functions counted each time.
const MAX_STEPS: usize = 20_000;
/// The same for all patches of a bench together: ERPNext's 400 need 30,000.
const MAX_ALL_STEPS: usize = 2_000_000;
/// Characters of one effect.
const MAX_EFFECT: usize = 4000;
/// Names at the top of modules that stand for one another.
const MAX_NAMES: usize = 8;
/// Effects of one patch.
const MAX_EFFECTS: usize = 1000;
/// Functions within one another.
const MAX_CALLS: usize = 12;

/// What Frappe calls in a controller's module after it has synced the DocType.
const HOOK: &str = "on_doctype_update";

/// Where the walk is, for an effect.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub(super) module: Rc<Module>,
    pub(super) range: TextRange,
}

/// The variables of a function that is walked through.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) module: Rc<Module>,
    pub(super) variables: HashMap<String, Value>,
    /// What it returns, as far as it has returned.
    pub(super) returned: Option<Value>,
}

/// Reads patches one after the other.
pub(super) struct Reader<'a> {
    files: &'a dyn Files,
    apps: &'a [String],
    framework: &'a str,
    /// App of the patch that is read.
    app: String,
    modules: HashMap<String, Result<Rc<Module>, Option<String>>>,
    effects: Vec<Effect>,
    /// Whether what is met now happens.
    pub(super) when: When,
    calls: Vec<String>,
    steps: usize,
    all_steps: usize,
    names: usize,
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.modules.values().flatten().for_each(|module| module.forget());
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(files: &'a dyn Files, apps: &'a [String], framework: &'a str) -> Self {
        Self {
            files,
            apps,
            framework,
            app: String::new(),
            modules: HashMap::new(),
            effects: Vec::new(),
            when: When::Always,
            calls: Vec::new(),
            steps: 0,
            all_steps: 0,
            names: 0,
        }
    }

    /// Whether the files of an app hold its Python.
    pub(super) fn has_code(&self, app: &str) -> bool {
        is_name(app) && self.files.file(app, &format!("{app}/__init__.py")).is_some()
    }

    /// What a patch does.
    pub(super) fn patch(&mut self, app: &str, patch: &PatchLine) -> Vec<Effect> {
        app.clone_into(&mut self.app);
        (self.when, self.steps) = (When::Always, 0);
        if !self.is_within() {
            let why = "the patches of the bench are too much code to walk through".to_owned();
            return unreadable(&format!("{app}/patches.txt"), patch.at, why);
        }
        self.calls.clear();
        let line = patch.line.strip_prefix("finally:").unwrap_or(&patch.line).trim();
        match module_of(patch) {
            Some(name) => self.file(name),
            None => self.code(app, patch, line.trim_start_matches("execute:")),
        }
        let mut seen = std::collections::HashSet::new();
        let mut effects = std::mem::take(&mut self.effects);
        effects.retain(|effect| seen.insert(format!("{effect:?}")));
        effects
    }

    /// The indexes that the controller of a DocType asks for when Frappe syncs it.
    pub(super) fn controller(&mut self, app: &str, doctype: &DocType) -> Vec<Effect> {
        let scrub = |name: &str| name.replace([' ', '-'], "_").to_lowercase();
        let (module, stem) = (scrub(&doctype.module), scrub(&doctype.name));
        let name = format!("{app}.{module}.doctype.{stem}.{stem}");
        let path = format!("{}.py", name.replace('.', "/"));
        // Few of them do; to parse the others would take as long as everything else.
        let asks = |bytes: Vec<u8>| bytes.windows(HOOK.len()).any(|part| part == HOOK.as_bytes());
        if !is_name(&module) || !is_name(&stem) || !self.files.file(app, &path).is_some_and(asks) {
            return Vec::new();
        }
        app.clone_into(&mut self.app);
        (self.when, self.steps) = (When::Always, 0);
        self.calls.clear();
        self.effects.clear();
        let Ok(module) = self.load(&name) else { return Vec::new() };
        if self.is_within() && module.binder(HOOK).is_some() {
            let at = At { module: Rc::clone(&module), range: TextRange::default() };
            let function = self.global(&module, HOOK);
            self.call_value(&function, &Arguments::default(), &at);
        }
        let mut effects = std::mem::take(&mut self.effects);
        effects.retain(|effect| matches!(effect.action, Action::AddIndex { .. }));
        effects
    }

    /// `execute` of a file.
    fn file(&mut self, name: &str) {
        let path = format!("{}.py", name.replace('.', "/"));
        match self.load(name) {
            Ok(module) => {
                self.top(&module);
                let at = At { module: Rc::clone(&module), range: TextRange::default() };
                match module.binder("execute") {
                    Some(_) => {
                        let execute = self.global(&module, "execute");
                        self.call_value(&execute, &Arguments::default(), &at);
                    }
                    None => self.unknown(&at, "the file has no execute, so migrate would stop here"),
                }
            }
            Err(reason) => {
                let why = reason.unwrap_or_else(|| format!("failed to find {path}: migrate would stop here"));
                self.effects = unreadable(&path, 1, why);
            }
        }
    }

    /// The code of an `execute:` line. Frappe's names there are those of its patch handler.
    fn code(&mut self, app: &str, patch: &PatchLine, code: &str) {
        let file = format!("{app}/patches.txt");
        match Module::parse("patches", &file, code.trim().as_bytes()) {
            Ok(mut module) => {
                module.lines_before = patch.at.saturating_sub(1);
                let module = Rc::new(module);
                let variables =
                    HashMap::from([(self.framework.to_owned(), Value::name(self.framework.to_owned()))]);
                let mut frame = Frame { module: Rc::clone(&module), variables, returned: None };
                self.block(&mut frame, &module.body);
                // Nothing else knows this module.
                module.forget();
            }
            Err(error) => self.effects = unreadable(&file, patch.at, error.to_string()),
        }
    }

    /// What the file of a patch does when it is imported.
    fn top(&mut self, module: &Rc<Module>) {
        let mut frame = Frame { module: Rc::clone(module), variables: HashMap::new(), returned: None };
        for statement in &module.body {
            if matches!(statement, ruff_python_ast::Stmt::Expr(_)) {
                self.statement(&mut frame, statement);
            }
        }
    }

    /// A module of the bench. `Err(None)` if no app has it, with a reason if its file cannot be read.
    pub(super) fn load(&mut self, name: &str) -> Result<Rc<Module>, Option<String>> {
        if let Some(known) = self.modules.get(name) {
            return known.clone();
        }
        let loaded = self.find(name);
        self.modules.insert(name.to_owned(), loaded.clone());
        loaded
    }

    fn find(&self, name: &str) -> Result<Rc<Module>, Option<String>> {
        if !name.split('.').all(is_name) {
            return Err(None);
        }
        let root = name.split('.').next().unwrap_or_default();
        let app = if self.apps.iter().any(|app| app == root) { root } else { self.app.as_str() };
        let stem = name.replace('.', "/");
        for path in [format!("{stem}.py"), format!("{stem}/__init__.py")] {
            if let Some(bytes) = self.files.file(app, &path) {
                let module = Module::parse(name, &path, &bytes);
                return module.map(Rc::new).map_err(|error| Some(error.to_string()));
            }
        }
        Err(None)
    }

    /// The value of a name at the top of a module; `Unknown` if there is none.
    pub(super) fn global(&mut self, module: &Rc<Module>, name: &str) -> Value {
        if let Some(known) = module.globals.borrow().get(name) {
            return known.clone();
        }
        // Found again on the way to itself it is not known.
        module.globals.borrow_mut().insert(name.to_owned(), Value::Unknown);
        let value = match module.binder(name) {
            Some(Binder::Function(_)) => module.function(name).map_or(Value::Unknown, |code| {
                let function = Function { module: Rc::clone(module), code, around: HashMap::new() };
                Value::Function(Rc::new(function))
            }),
            Some(Binder::Import(target)) => self.constant(&target.clone()),
            Some(Binder::Value(_)) if self.names >= MAX_NAMES => Value::Unknown,
            Some(Binder::Value(expression)) => {
                self.names += 1;
                let mut frame =
                    Frame { module: Rc::clone(module), variables: HashMap::new(), returned: None };
                let effects = self.effects.len();
                let value = self.expression(&mut frame, &expression.clone());
                self.effects.truncate(effects);
                self.names -= 1;
                value
            }
            Some(Binder::Class) => Value::name(format!("{}.{name}", module.name)),
            None if super::harmless::is_builtin(name) => Value::name(format!("builtins.{name}")),
            Some(Binder::Other) | None => Value::Unknown,
        };
        module.globals.borrow_mut().insert(name.to_owned(), value.clone());
        value
    }

    /// What a dotted name stands for: a constant or function of a module of the bench, else the name.
    pub(super) fn constant(&mut self, name: &str) -> Value {
        let asked = || Value::name(name.to_owned());
        if let Some(own) = self.of_framework(name)
            && super::harmless::is_known(&own)
        {
            return asked();
        }
        let Some((module, last)) = name.rsplit_once('.') else { return asked() };
        if self.calls.len() > MAX_CALLS {
            return asked();
        }
        let Ok(module) = self.load(module) else { return asked() };
        match module.binder(last) {
            Some(Binder::Value(_)) => self.global(&module, last),
            Some(Binder::Import(target)) if target != name => {
                let target = target.clone();
                self.calls.push(String::new());
                let value = self.constant(&target);
                self.calls.pop();
                value
            }
            Some(Binder::Import(_) | Binder::Function(_) | Binder::Class | Binder::Other) | None => asked(),
        }
    }

    /// The name without the framework in front, if it is one of the framework's.
    pub(super) fn of_framework(&self, name: &str) -> Option<String> {
        let own = name.strip_prefix(self.framework)?.strip_prefix('.')?;
        Some(own.strip_prefix("local.").unwrap_or(own).to_owned())
    }

    /// Whether this is the framework's own name.
    pub(super) fn is_framework(&self, name: &str) -> bool {
        name == self.framework
    }

    /// Whether an app of the bench has this name.
    pub(super) fn is_of_bench(&self, name: &str) -> bool {
        let root = name.split('.').next().unwrap_or_default();
        self.apps.iter().any(|app| app == root) || root == self.app
    }

    /// Enters an effect.
    pub(super) fn effect(&mut self, at: &At, action: Action) {
        if self.effects.len() > MAX_EFFECTS {
            return;
        }
        let is_last = self.effects.len() == MAX_EFFECTS;
        let is_long = format!("{action:?}").len() > MAX_EFFECT;
        let why = if is_last {
            format!("it does more than {MAX_EFFECTS} things: the rest was not looked at")
        } else {
            "its names are too long".to_owned()
        };
        let action = if is_last || is_long {
            Action::Unknown { text: at.module.quote(at.range), why }
        } else {
            action
        };
        self.effects.push(Effect {
            file: at.module.path.clone(),
            line: at.module.line(at.range),
            when: self.when,
            action,
        });
    }

    /// Enters what could not be resolved.
    pub(super) fn unknown(&mut self, at: &At, why: &str) {
        let text = at.module.quote(at.range);
        self.effect(at, Action::Unknown { text, why: why.to_owned() });
    }

    /// Counts a statement; false where there were too many, which is entered once.
    pub(super) fn step(&mut self, at: &At) -> bool {
        let was_within = self.is_within();
        self.steps += 1;
        self.all_steps += 1;
        if was_within && !self.is_within() {
            self.unknown(at, "there is too much code to walk through");
        }
        self.is_within()
    }

    fn is_within(&self) -> bool {
        self.steps < MAX_STEPS && self.all_steps < MAX_ALL_STEPS
    }

    /// Walks through a called function; gives what it returns.
    pub(super) fn enter(&mut self, function: &Function, arguments: &Arguments, at: &At) -> Value {
        let key = format!("{}.{}", function.module.name, function.code.name);
        if self.calls.len() >= MAX_CALLS {
            self.unknown(at, "calls lie deeper within one another than is followed");
            return Value::Unknown;
        }
        if self.calls.contains(&key) {
            self.unknown(at, "the function calls itself");
            return Value::Unknown;
        }
        let when = self.when;
        let variables = self.bind(function, arguments);
        let mut frame = Frame { module: Rc::clone(&function.module), variables, returned: None };
        self.calls.push(key);
        let ends = self.block(&mut frame, &function.code.body).ends.is_some();
        self.calls.pop();
        self.when = when;
        match frame.returned {
            Some(value) if ends => value,
            Some(value) => value.join(&Value::None),
            None => Value::None,
        }
    }
}

/// A Python name: no path leads out of an app by it.
fn is_name(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Code;

    impl Files for Code {
        fn file(&self, _: &str, path: &str) -> Option<Vec<u8>> {
            (path == "shop/a.py").then(|| b"def helper(): pass\ndef execute(): helper()".to_vec())
        }
    }

    #[test]
    fn a_module_goes_with_its_reader_though_its_functions_hold_it() {
        let apps = ["shop".to_owned()];
        let mut reader = Reader::new(&Code, &apps, "frappe");
        let line = |line| PatchLine::new(crate::doctype::PatchSection::PostModelSync, line);
        reader.patch("shop", &line("shop.a"));
        let module = Rc::downgrade(&reader.load("shop.a").unwrap());
        assert!(module.upgrade().is_some_and(|module| !module.globals.borrow().is_empty()));
        drop(reader);
        assert!(module.upgrade().is_none());
    }
}
