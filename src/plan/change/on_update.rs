//! Indexes that `on_doctype_update` of a controller asks for: Frappe calls it whenever it syncs the DocType, and its file
//! does not say so.

use crate::doctype::{Action, Effect, Index};
use crate::plan::Verdict;
use crate::plan::operation::Operation;

use super::patch_effect::{self, Level};
use super::patch_rows::Tables;
use super::{Findings, patch_ddl};

/// The indexes of all DocTypes that the sync touches.
pub(crate) fn find(tables: &Tables<'_>, findings: &mut Findings) {
    let versions = tables.versions;
    for (name, (app, green)) in &versions.green {
        let Some((_, blue)) = versions.blue.get(versions.blue_name(name)) else { continue };
        if blue.digest == green.digest {
            continue;
        }
        // Without a site, what blue's controller asks for is taken to be there.
        let is_there = |effect: &Effect| {
            versions.live(&blue.name).is_none()
                && blue.on_update.iter().any(|old| old.action == effect.action)
        };
        for effect in green.on_update.iter().filter(|effect| !is_there(effect)) {
            index(&app.name, effect, tables, findings);
        }
    }
}

fn index(app: &str, effect: &Effect, tables: &Tables<'_>, findings: &mut Findings) {
    let Action::AddIndex { table, name, columns, unique } = &effect.action else { return };
    let judged = patch_ddl::index(table, name, columns, *unique, tables);
    let index = Index { name: name.clone(), columns: columns.clone(), unique: *unique };
    let place = format!("on_doctype_update ({}:{})", effect.file, effect.line);
    let mut change = patch_effect::index_change(app, table, &index);
    match judged.level {
        Level::Planned => {
            change.why = format!("{place} asks for {name}: built beside the traffic, without a lock");
            findings.operations.push(Operation::AddIndex { table: table.clone(), engine: None, index });
        }
        Level::Seen => {
            let how = if *unique { "and stops at a duplicate" } else { "beside the traffic" };
            change.why = format!("{place} asks for {name}: green's migrate makes it itself, {how}");
            change.verdict = if *unique { Verdict::Blocking } else { Verdict::Neutral };
        }
        Level::Nothing | Level::Renames | Level::Unseen | Level::Breaks => return,
    }
    findings.changes.push(change);
}
