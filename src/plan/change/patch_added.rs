//! `patch_added`: a patch that green's migrate would run, judged by what its code does to what blue sees.

use serde_json::json;

use crate::doctype::{Action, Effect, PatchLine};
use crate::plan::{BLUE, Change, Verdict};

use super::patch_effect::{self, Judged, Level};
use super::patch_rows::Tables;
use super::{Findings, patch_log, patch_rename};

/// Effects that a sentence names. A human who accepts a patch has to know all that it does; what generated code does over
/// and over is counted, and a snapshot lists it.
const NAMED: usize = 40;

/// One patch that is pending, and whether a human has accepted it. Gives whether it is entered in green's Patch Log, so
/// that migrate does not run it.
pub(crate) fn find(
    app: &str,
    patch: &PatchLine,
    is_accepted: bool,
    tables: &mut Tables<'_>,
    findings: &mut Findings,
) -> bool {
    let (verdict, why, is_logged) = judge(app, patch, is_accepted, tables, findings);
    if is_logged {
        findings.operations.push(patch_log::enter(&patch.line));
    }
    findings.changes.push(Change {
        app: app.to_owned(),
        doctype: "Patch Log".to_owned(),
        kind: "patch_added".to_owned(),
        field: None,
        old: None,
        new: Some(json!(patch.line)),
        storage: "table".to_owned(),
        ddl: false,
        cls: if verdict == Verdict::Blocking { "incompatible" } else { "none" }.to_owned(),
        verdict,
        why,
        naive: String::new(),
        data: None,
        steps: Vec::new(),
    });
    is_logged
}

#[expect(clippy::too_many_lines, reason = "one sentence for each fate of a patch")]
fn judge(
    app: &str,
    patch: &PatchLine,
    is_accepted: bool,
    tables: &mut Tables<'_>,
    findings: &mut Findings,
) -> (Verdict, String, bool) {
    let Some(effects) = &patch.effects else {
        let (verdict, why) = unread(patch, is_accepted);
        return (verdict, why, false);
    };
    let judged: Vec<(&Effect, Judged)> =
        effects.iter().map(|effect| (effect, patch_effect::judge(effect, tables))).collect();
    let worst = judged.iter().map(|(_, judged)| judged.level).max().unwrap_or(Level::Nothing);
    let is_rename = |(_, judged): &&(&Effect, Judged)| judged.level == Level::Renames;
    let renames = judged.iter().filter(is_rename).count();
    // Only what is a rename and nothing else can be left out of green's migrate.
    let is_rename_alone = renames > 0
        && judged.iter().all(|(_, judged)| matches!(judged.level, Level::Nothing | Level::Renames));
    if is_rename_alone && !patch.line.contains(BLUE) {
        let what = sentence(&judged, |level| level == Level::Renames);
        return if patch_rename::is_planned(effects, tables, findings) {
            let why = format!(
                "{what}; that is planned, and the patch is entered in green's Patch Log, so that migrate does not run it"
            );
            (Verdict::Neutral, why, true)
        } else {
            (Verdict::Blocking, format!("{what}: see the rename itself, which blocks"), false)
        };
    }
    // Nothing of it is lost where it runs as it is: what is custom is planned, indexes are made before.
    if renames == 0 && worst <= Level::Unseen {
        patch_effect::plan(app, &judged, tables, findings);
        let why = match worst {
            Level::Nothing => "it only reads, and loads what migrate's sync loads anyhow".to_owned(),
            Level::Planned | Level::Renames | Level::Unseen | Level::Seen | Level::Breaks => {
                sentence(&judged, |level| level >= Level::Planned)
            }
        };
        let verdict = if worst == Level::Planned { Verdict::Additive } else { Verdict::Neutral };
        return (verdict, why, false);
    }
    // A column that the plan renames is gone for blue if the patch renames it as well.
    let is_ddl = |effect: &Effect, level| {
        level == Level::Renames && matches!(effect.action, Action::RenameColumn { .. })
    };
    let breaks = |effect: &Effect, level| level == Level::Breaks || is_ddl(effect, level);
    if judged.iter().any(|(effect, judged)| breaks(effect, judged.level)) {
        let what = if worst == Level::Breaks {
            sentence(&judged, |level| level == Level::Breaks)
        } else {
            let rest = sentence(&judged, |level| level > Level::Renames || level == Level::Planned);
            format!("{}, and has to run because {rest}", sentence(&judged, |level| level == Level::Renames))
        };
        let why = format!(
            "{what}; that breaks the running version at once, so accepting the patch does not help: release it in a maintenance window, or divide the patch"
        );
        return (Verdict::Blocking, why, false);
    }
    if is_accepted {
        patch_effect::plan(app, &judged, tables, findings);
        let why = format!("accepted by hand: {}", sentence(&judged, |level| level >= Level::Planned));
        return (Verdict::Neutral, why, false);
    }
    let mut why = sentence(&judged, |level| level == Level::Seen);
    if renames > 0 {
        why = format!(
            "{}, but not only that, so it has to run, and its rename then locks all rows: divide it into two patches; the rest of it: {}",
            sentence(&judged, |level| level == Level::Renames),
            sentence(&judged, |level| level > Level::Renames || level == Level::Planned)
        );
    }
    (Verdict::Blocking, format!("{why}; {}", how_to_accept(&patch.line)), false)
}

/// A patch whose code was not there to be read.
fn unread(patch: &PatchLine, is_accepted: bool) -> (Verdict, String) {
    if patch.is_reload() {
        return (Verdict::Neutral, "it loads what migrate's sync loads anyhow".to_owned());
    }
    if is_accepted {
        return (
            Verdict::Neutral,
            "accepted by hand: somebody has read that it does blue no harm".to_owned(),
        );
    }
    let place = patch.file().unwrap_or_else(|| "patches.txt".to_owned());
    let line = &patch.line;
    let why = format!(
        "green's migrate runs it while blue serves, and it may rewrite rows or change tables: read {place}; if it does no \
         harm, add the line {line:?} to spec.planning.acceptPatches of the FrappeRelease (on the command line: \
         --accept-patch {line:?})",
    );
    (Verdict::Blocking, why)
}

fn how_to_accept(line: &str) -> String {
    format!(
        "if that does blue no harm, add the line {line:?} to spec.planning.acceptPatches of the FrappeRelease (on the command line: --accept-patch {line:?})"
    )
}

/// What the effects of some levels are, with file and line, the worst and the unknown first; the same sentence once.
fn sentence(judged: &[(&Effect, Judged)], is_meant: impl Fn(Level) -> bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    let worst_first = {
        let mut sorted: Vec<_> = judged.iter().filter(|(_, judged)| is_meant(judged.level)).collect();
        sorted.sort_by_key(|(effect, judged)| {
            std::cmp::Reverse((judged.level, matches!(effect.action, Action::Unknown { .. })))
        });
        sorted
    };
    for (effect, judged) in worst_first {
        let part = format!("{} ({}:{})", judged.what, effect.file, effect.line);
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let more = parts.len().saturating_sub(NAMED);
    parts.truncate(NAMED);
    let text = parts.join("; ");
    if more > 0 { format!("{text}; and {more} more, which `crossfade snapshot` lists") } else { text }
}
