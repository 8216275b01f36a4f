//! Which patches green's migrate will run on this site.

use std::collections::BTreeSet;

use crate::doctype::{PatchLine, PatchSection, Snapshot};

use super::Site;

/// The app of each patch with the patch, in the order in which migrate runs them.
///
/// The site's Patch Log decides where it is known; else what blue lists has run.
pub(super) fn pending<'a>(
    blue: &'a Snapshot,
    green: &'a Snapshot,
    site: Option<&'a Site>,
) -> Vec<(&'a str, &'a PatchLine)> {
    let of_blue = || blue.apps.iter().flat_map(|app| &app.patches).map(|patch| patch.line.as_str()).collect();
    let ran: BTreeSet<&str> = match site.and_then(|site| site.patches.as_ref()) {
        Some(log) => log.iter().map(String::as_str).collect(),
        None => of_blue(),
    };
    let all =
        green.apps.iter().flat_map(|app| app.patches.iter().map(move |patch| (app.name.as_str(), patch)));
    let new: Vec<_> = all.filter(|(_, patch)| !ran.contains(patch.line.as_str())).collect();
    let of = |section| new.iter().copied().filter(move |(_, patch)| patch.section == section);
    of(PatchSection::PreModelSync).chain(of(PatchSection::PostModelSync)).collect()
}
