//! `patch_added`: a patch that green's migrate will run. Python is not read, so it may write anything under blue.

use serde_json::json;

use crate::doctype::PatchLine;
use crate::plan::{Change, Verdict};

use super::Findings;

/// One patch that will run, and whether a human has accepted it.
pub(crate) fn find(app: &str, patch: &PatchLine, is_accepted: bool, findings: &mut Findings) {
    let (verdict, why) = judge(patch, is_accepted);
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
}

fn judge(patch: &PatchLine, is_accepted: bool) -> (Verdict, String) {
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
