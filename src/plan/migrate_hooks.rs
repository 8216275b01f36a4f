//! What of an app's own code green's migrate runs beside its patches: `before_migrate` and `after_migrate`.

use crate::doctype::{Hook, Snapshot};

use super::MigrateHook;

/// The hooks of `frappe/migrate.py`, in the order in which it calls them.
const HOOKS: [&str; 2] = ["before_migrate", "after_migrate"];

/// All of them, in the order of their running.
pub(super) fn hooks(blue: &Snapshot, green: &Snapshot) -> Vec<MigrateHook> {
    let mut found = Vec::new();
    for hook in HOOKS {
        for app in &green.apps {
            let Some(value) = app.hooks.get(hook) else { continue };
            let before = blue.apps.iter().find(|known| known.name == app.name);
            let before = before.and_then(|known| known.hooks.get(hook));
            let entry = |function: String, is_new| MigrateHook {
                app: app.name.clone(),
                hook: hook.to_owned(),
                function,
                is_new,
            };
            if let Hook::Computed { line, .. } = value {
                let is_new = before != Some(value);
                found.push(entry(format!("computed in line {line} of hooks.py"), is_new));
            }
            let known = before.map(Hook::functions).unwrap_or_default();
            let functions = value.functions().into_iter();
            found.extend(functions.map(|path| entry(path.to_owned(), !known.contains(&path))));
        }
    }
    found
}
