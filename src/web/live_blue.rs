//! The live site as blue (no IO): its `DocTypes` are those of its metadata. What metadata does not tell (hooks, documents in
//! files, controllers) is taken to be as in the files, so that only what differs in `DocTypes` is a change.

use std::collections::BTreeSet;

use crate::doctype::edit::scrub;
use crate::doctype::{DocType, Snapshot};

/// The apps of `green` with the `DocTypes` of a site, and of the patches those that ran on it.
pub(super) fn snapshot(green: &Snapshot, doctypes: Vec<DocType>, ran: Option<&BTreeSet<String>>) -> Snapshot {
    let mut blue = green.clone();
    for app in &mut blue.apps {
        app.doctypes.clear();
        for patch in &mut app.patches {
            // Of what ran nobody asks what it did.
            patch.effects = None;
        }
        if let Some(ran) = ran {
            app.patches.retain(|patch| ran.contains(&patch.line));
        }
    }
    for doctype in doctypes {
        let known = green
            .doctypes()
            .get(doctype.name.as_str())
            .map(|(app, known)| (app.name.clone(), (*known).clone()));
        let app = match &known {
            Some((app, _)) => Some(app.clone()),
            None => green
                .apps
                .iter()
                .find(|app| has_module(&app.modules, &doctype.module))
                .map(|app| app.name.clone()),
        };
        let doctype = match known {
            Some((_, known)) => as_in_file(doctype, &known),
            None => doctype,
        };
        // That of an app which is not open is none of ours.
        if let Some(app) = blue.apps.iter_mut().find(|known| Some(&known.name) == app.as_ref()) {
            app.doctypes.insert(doctype.name.clone(), doctype);
        }
    }
    blue
}

fn has_module(modules: &[String], module: &str) -> bool {
    modules.iter().any(|known| scrub(known) == scrub(module))
}

/// A DocType with what the database does not know of it; if the file says the same, it is the file's.
fn as_in_file(live: DocType, file: &DocType) -> DocType {
    let live = DocType {
        // Frappe fills in what a file leaves out.
        engine: live.engine.filter(|_| file.engine.is_some()),
        sort_field: live.sort_field.filter(|_| file.sort_field.is_some()),
        module: file.module.clone(),
        has_controller: file.has_controller,
        on_update: file.on_update.clone(),
        ..live
    };
    if (DocType { digest: file.digest.clone(), ..live.clone() }) == *file { file.clone() } else { live }
}
