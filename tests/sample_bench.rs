//! The versions of the sample bench, planned as they are assembled: what their patches rename is found in their code.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use crossfade::doctype::FrappeVersion;
use crossfade::plan::{Input, Plan, Verdict, plan};
use crossfade::source::read_both;

/// The bench of one version; `None`, with a word of it, without the tool that puts it together.
fn assembled(version: &str, folder: &Path) -> Option<PathBuf> {
    if Command::new("jq").arg("--version").output().is_err() {
        println!("skipped: jq is not installed");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/sample-bench/assemble.sh");
    let out = folder.join(version);
    let status = Command::new(script).arg(version).arg(&out).status().unwrap();
    assert!(status.success(), "{version}: {status}");
    Some(out.join("home/frappe/frappe-bench"))
}

fn planned(blue: &Path, green: &Path) -> Plan {
    let place = |path: &Path| vec![path.display().to_string()];
    let (blue, green) = read_both(&place(blue), &place(green));
    let (blue, green) = (blue.unwrap(), green.unwrap());
    let frappe = FrappeVersion::parse("15.41");
    plan(&Input { blue_frappe: frappe, green_frappe: frappe, ..Input::new(&blue, &green) }).unwrap()
}

/// The kinds of change of a plan with where they are, and the verdict.
fn changes(plan: &Plan) -> (Verdict, Vec<String>) {
    let places = plan.changes.iter().map(|change| {
        let field = change.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
        format!("{} {}{field}", change.kind, change.doctype)
    });
    (plan.verdict, places.collect())
}

#[test]
fn each_version_is_planned_from_its_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let Some(blue) = assembled("v1", folder.path()) else { return };
    let cases: [(&str, Verdict, &[&str]); 13] = [
        ("field-added", Verdict::Additive, &["field_added Sales Order.channel"]),
        ("child-table", Verdict::Additive, &["child_table_added Sales Order.taxes"]),
        ("remove", Verdict::ContractOnly, &["field_removed Sales Order.legacy_code"]),
        ("rename", Verdict::Synced, &["patch_added Patch Log", "field_renamed Sales Order.order_note"]),
        (
            "rename-column",
            Verdict::Synced,
            &["patch_added Patch Log", "field_renamed Sales Order.order_note"],
        ),
        ("doctype-rename", Verdict::Mapped, &["patch_added Patch Log", "doctype_renamed Shop Label"]),
        ("doctype-remove", Verdict::ContractOnly, &["doctype_removed Shop Tag"]),
        ("retype", Verdict::Mapped, &["column_incompatible Sales Order.ref_no"]),
        ("mandatory", Verdict::Additive, &["field_added Sales Order.region"]),
        ("unique", Verdict::Additive, &["unique_added Sales Order.external_id"]),
        ("longtext", Verdict::Mapped, &["column_widened Sales Order.notes"]),
        ("v2", Verdict::Additive, &["doctype_added Sales Partner"]),
        (
            "everything",
            Verdict::Mapped,
            &[
                "field_added Sales Order.channel",
                "field_removed Sales Order.legacy_code",
                "field_renamed Sales Order.order_note",
                "field_renamed Sales Order.subject",
                "column_incompatible Sales Order.ref_no",
                "column_widened Sales Order.notes",
                "unique_added Sales Order.external_id",
                "doctype_renamed Shop Label",
                "doctype_removed Stock Movement",
            ],
        ),
    ];
    for (version, verdict, expected) in cases {
        let green = assembled(version, folder.path()).unwrap();
        let made = planned(&blue, &green);
        let (ours, places) = changes(&made);
        assert_eq!(ours, verdict, "{version}: {:#?}", made.changes);
        for place in expected {
            assert!(places.iter().any(|known| known == place), "{version}: no {place} in {places:?}");
        }
        let is_logged = made.expand.iter().any(|step| step.sql.starts_with("INSERT INTO `tabPatch Log`"));
        assert_eq!(is_logged, version.contains("rename") || version == "everything", "{version}");
        assert!(!is_logged || made.patches.is_empty(), "{version}: the patch would run: {:?}", made.patches);
    }
}
