//! Two snapshots in, a plan out.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rayon::prelude::*;
use thiserror::Error;

use crate::doctype::{App, FrappeVersion, PatchLine, Snapshot};

use super::change::patch_rows::Tables;
use super::change::{self, Findings, Pair, Versions};
use super::customised::Customised;
use super::{
    AppVersion, BLUE, Basis, Change, DataQuestion, FrozenTable, Plan, Site, Verdict, explain, frozen,
    migrate_hooks, patches, remaining, rename_question, singles, steps,
};

/// What patches rename, as far as it is known: the data files alone do not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    /// New name of a DocType -> its name in blue.
    pub doctypes: BTreeMap<String, String>,
    /// DocType (green's name) and new name of a field -> its name in blue.
    pub fields: BTreeMap<(String, String), String>,
}

/// Everything that a plan is made of.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Name of the site; empty for a plan without one.
    pub site_name: &'a str,
    /// Apps that run now.
    pub blue: &'a Snapshot,
    /// Apps that are to run.
    pub green: &'a Snapshot,
    /// Facts of the live site, if its database can be asked.
    pub site: Option<&'a Site>,
    /// Version of blue's Frappe where the snapshot does not say it.
    pub blue_frappe: Option<FrappeVersion>,
    /// Version of green's Frappe where the snapshot does not say it.
    pub green_frappe: Option<FrappeVersion>,
    /// Lines of `patches.txt` that a human has read and found harmless to blue.
    pub accepted_patches: &'a [String],
    /// What patches rename.
    pub renames: Renames,
}

impl<'a> Input<'a> {
    /// A plan from two snapshots and nothing else.
    pub fn new(blue: &'a Snapshot, green: &'a Snapshot) -> Self {
        Self {
            site_name: "",
            blue,
            green,
            site: None,
            blue_frappe: None,
            green_frappe: None,
            accepted_patches: &[],
            renames: Renames::default(),
        }
    }
}

/// Why no plan could be made.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The site has an app that green's bench lacks: its migrate would remove what belongs to it.
    #[error(
        "failed to plan: the site has the app {app:?} installed, but the bench of {side} does not hold it; add it to the image, or uninstall it from the site first"
    )]
    MissingApp {
        /// The app.
        app: String,
        /// `blue` or `green`.
        side: &'static str,
    },
    /// A name that stands for blue's schema in the steps.
    #[error(
        "failed to plan: {name:?} has {BLUE:?} in its name, which stands for blue's schema in the steps of a plan; rename it"
    )]
    ReservedName {
        /// DocType or field.
        name: String,
    },
    /// The site's server cannot run the steps of any plan.
    #[error("failed to plan: {0}")]
    Server(String),
    /// The plan could not be sealed.
    #[error("failed to hash the plan: {0}")]
    Seal(#[from] io::Error),
}

/// Compares two versions of the apps of one site.
///
/// # Errors
/// If green lacks an app that the site has installed.
pub fn plan(input: &Input<'_>) -> Result<Plan, PlanError> {
    let (blue, green) = apps(input)?;
    let pending = patches::pending(&blue, &green, input.site);
    let renames = declared(input, [&blue, &green], &pending);
    let under_new_names = input.site.map(|site| site.under_new_names(&renames.doctypes));
    let site = under_new_names.as_ref();
    let customised = Customised::new(&blue, &green, [input.site, site]);
    let versions = versions(input, [&blue, &green], &customised, site, &renames);
    // Which tables patches want frozen is known before what is found: a renamed DocType asks for it.
    let mut frozen = frozen::tables(&blue, &green, &versions);
    let mut tables = Tables::new(&versions, &frozen);
    for (_, patch) in &pending {
        tables.look_at(patch);
    }
    frozen::add(&mut frozen, tables.wanted(), &versions);
    let mut findings = find([&blue, &green], &versions, &frozen);
    let left = frozen::leave_to_green(&mut findings, &frozen);
    change::on_update::find(&tables, &mut findings);
    let mut patches = Vec::new();
    for (app, patch) in &pending {
        let is_accepted = input.accepted_patches.contains(&patch.line);
        let is_logged = change::patch_added::find(app, patch, is_accepted, &mut tables, &mut findings);
        patches.extend((!is_logged).then(|| patch.line.clone()));
    }
    let Findings { mut changes, operations, idle, .. } = findings;
    customised.explain(&mut changes);
    changes.sort_by(order);
    debug_assert!(
        changes.iter().all(|change| super::KINDS.contains(&change.kind.as_str())),
        "a kind of change is not in src/plan/kind.rs"
    );
    let (steps, (questions, remaining, singles)) = rayon::join(
        || steps::build(operations, site, explain::asked_about(&changes)),
        || {
            let (asked, remaining) =
                (rename_question::questions(&versions), remaining::statements(&versions));
            (asked, remaining, singles::shared(&versions))
        },
    );
    explain::explain(&mut changes, &steps, &idle);
    frozen::keep_apart(&mut frozen, [tables.rewritten(), &left], &steps.expand, &versions);
    let verdict = changes.iter().map(|change| change.verdict).max().unwrap_or(Verdict::Neutral);
    let plan = Plan {
        format: Plan::FORMAT,
        site: input.site_name.to_owned(),
        apps: app_versions(&blue, &green, &changes),
        verdict,
        summary: summary(&changes, steps.expand.len()),
        changes,
        questions,
        frozen,
        singles,
        basis: Basis::of([input.blue, input.green], input.site, &steps.expand)?,
        expand: steps.expand,
        contract: steps.contract,
        in_step: steps.in_step,
        remaining,
        patches,
        hooks: migrate_hooks::hooks(&blue, &green),
        hash: String::new(),
    };
    Ok(plan.seal()?)
}

/// What the plan of this input wants to know of the rows; nothing without facts of a live site.
///
/// # Errors
/// As [`plan`].
pub fn data_questions(input: &Input<'_>) -> Result<Vec<DataQuestion>, PlanError> {
    if input.site.is_none() {
        return Ok(Vec::new());
    }
    let (blue, green) = apps(input)?;
    let renames = declared(input, [&blue, &green], &patches::pending(&blue, &green, input.site));
    let site = input.site.map(|site| site.under_new_names(&renames.doctypes));
    let customised = Customised::new(&blue, &green, [input.site, site.as_ref()]);
    let versions = versions(input, [&blue, &green], &customised, site.as_ref(), &renames);
    let frozen = frozen::tables(&blue, &green, &versions);
    let mut asked = find([&blue, &green], &versions, &frozen).asked;
    let mut known: Vec<DataQuestion> = Vec::new();
    asked.retain(|question| {
        let is_new = !known.contains(question);
        known.extend(is_new.then(|| question.clone()));
        is_new
    });
    Ok(asked)
}

/// The apps of both versions that the site has installed.
fn apps<'a>(input: &Input<'a>) -> Result<(Cow<'a, Snapshot>, Cow<'a, Snapshot>), PlanError> {
    if let Some(obstacle) = input.site.and_then(Site::server_obstacle) {
        return Err(PlanError::Server(obstacle));
    }
    let blue = installed(input.blue, input.site, "blue")?;
    let green = installed(input.green, input.site, "green")?;
    check_names(&[&blue, &green])?;
    Ok((blue, green))
}

/// The renames that were given, and those that patches of green do.
fn declared(input: &Input<'_>, [blue, green]: [&Snapshot; 2], pending: &[(&str, &PatchLine)]) -> Renames {
    let mut renames = input.renames.clone();
    let (of_blue, of_green) = (blue.doctypes(), green.doctypes());
    let (old, new) = (|name: &str| Some(of_blue.get(name)?.1), |name: &str| Some(of_green.get(name)?.1));
    change::patch_rename::declare(pending, old, new, &mut renames);
    renames
}

fn versions<'a>(
    input: &'a Input<'a>,
    [blue, green]: [&'a Snapshot; 2],
    customised: &'a Customised,
    site: Option<&'a Site>,
    renames: &'a Renames,
) -> Versions<'a> {
    let blue_frappe = blue.frappe_version().or(input.blue_frappe);
    let green_frappe = green.frappe_version().or(input.green_frappe).or(blue_frappe);
    Versions {
        blue: customised.blue(blue),
        green: customised.green(green),
        blue_frappe: blue_frappe.or(green_frappe).unwrap_or(FrappeVersion::ASSUMED),
        green_frappe: green_frappe.unwrap_or(FrappeVersion::ASSUMED),
        site,
        renames,
    }
}

/// By place; of the same place and kind, by what is new.
fn order(a: &Change, b: &Change) -> Ordering {
    let new = |change: &Change| change.new.as_ref().map(ToString::to_string);
    (&a.app, &a.doctype, &a.kind, &a.field)
        .cmp(&(&b.app, &b.doctype, &b.kind, &b.field))
        .then_with(|| new(a).cmp(&new(b)))
}

fn find(snapshots: [&Snapshot; 2], versions: &Versions<'_>, frozen: &[FrozenTable]) -> Findings {
    let mut findings = Findings::default();
    // Before what a change of a field does to metadata: that speaks of the DocType by its new name.
    change::doctype_renamed::find(versions, frozen, &mut findings);
    let taken: BTreeSet<&str> = versions.renames.doctypes.values().map(String::as_str).collect();
    let of_green = versions.green.iter().map(|(name, (app, doctype))| {
        // The old name of a renamed DocType may be given to another one.
        let is_free = versions.renames.doctypes.contains_key(*name) || !taken.contains(name);
        let old =
            versions.blue.get(versions.blue_name(name)).filter(|_| is_free).map(|(_, doctype)| *doctype);
        Pair { app: &app.name, blue: old, green: Some(doctype) }
    });
    let is_gone = |name: &str| !versions.green.contains_key(name) && !taken.contains(name);
    let of_blue = versions.blue.iter().filter(|(name, _)| is_gone(name));
    let of_blue =
        of_blue.map(|(_, (app, doctype))| Pair { app: &app.name, blue: Some(doctype), green: None });
    let pairs: Vec<Pair<'_>> = of_green.chain(of_blue).collect();
    // No DocType needs what was found of another; their order stays.
    let (of_doctypes, of_types) = rayon::join(
        || pairs.par_iter().map(|pair| found(|into| change::of_doctype(pair, versions, into))).collect(),
        || found(|into| change::platform_type::find(versions, frozen, into)),
    );
    let of_doctypes: Vec<Findings> = of_doctypes;
    findings.extend(of_doctypes.into_iter().chain([of_types]).collect());
    change::custom_field::find(snapshots, versions, &mut findings);
    findings
}

fn found(look: impl FnOnce(&mut Findings)) -> Findings {
    let mut findings = Findings::default();
    look(&mut findings);
    findings
}

/// Steps name blue's schema by a text that no name of the apps may have in it.
fn check_names(snapshots: &[&Snapshot]) -> Result<(), PlanError> {
    let doctypes = snapshots.iter().flat_map(|snapshot| &snapshot.apps).flat_map(|app| app.doctypes.values());
    for doctype in doctypes {
        let fields = doctype.fields.iter().map(|field| &field.fieldname);
        if let Some(name) = std::iter::once(&doctype.name).chain(fields).find(|name| name.contains(BLUE)) {
            return Err(PlanError::ReservedName { name: name.clone() });
        }
    }
    Ok(())
}

/// The apps of a bench that the site has installed, in the site's order: others do not touch its database.
fn installed<'a>(
    snapshot: &'a Snapshot,
    site: Option<&Site>,
    colour: &'static str,
) -> Result<Cow<'a, Snapshot>, PlanError> {
    let Some(names) = site.map(|site| &site.installed_apps).filter(|names| !names.is_empty()) else {
        return Ok(Cow::Borrowed(snapshot));
    };
    let find = |name: &String| -> Result<App, PlanError> {
        let found = snapshot.apps.iter().find(|app| app.name == *name);
        found.cloned().ok_or_else(|| PlanError::MissingApp { app: name.clone(), side: colour })
    };
    let is_all = snapshot.apps.iter().map(|app| &app.name).eq(names);
    if is_all {
        return Ok(Cow::Borrowed(snapshot));
    }
    Ok(Cow::Owned(Snapshot::new(names.iter().map(find).collect::<Result<_, _>>()?)))
}

fn app_versions(blue: &Snapshot, green: &Snapshot, changes: &[Change]) -> Vec<AppVersion> {
    let find = |snapshot: &Snapshot, name: &str| {
        let app = snapshot.apps.iter().find(|app| app.name == name)?;
        Some(app.version.clone().unwrap_or_else(|| "unknown".to_owned()))
    };
    let mut seen = BTreeSet::new();
    let names =
        green.apps.iter().chain(&blue.apps).map(|app| app.name.as_str()).filter(|name| seen.insert(*name));
    names
        .map(|name| {
            let own: Vec<&Change> = changes.iter().filter(|change| change.app == name).collect();
            AppVersion {
                app: name.to_owned(),
                blue: find(blue, name),
                green: find(green, name),
                verdict: own.iter().map(|change| change.verdict).max(),
                summary: counts(own.iter().copied()),
            }
        })
        .collect()
}

fn summary(changes: &[Change], steps: usize) -> String {
    let counts = counts(changes.iter());
    let statements = if steps == 1 { "statement" } else { "statements" };
    if changes.is_empty() { counts } else { format!("{counts}, {steps} {statements} before green") }
}

/// `3 changes (2 additive, 1 mapped)`.
fn counts<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let verdicts: Vec<Verdict> = changes.map(|change| change.verdict).collect();
    let count = |verdict| verdicts.iter().filter(|known| **known == verdict).count();
    let parts: Vec<String> = [
        (Verdict::Additive, "additive"),
        (Verdict::Synced, "synced"),
        (Verdict::Mapped, "mapped"),
        (Verdict::ContractOnly, "removed"),
        (Verdict::Neutral, "neutral"),
        (Verdict::Blocking, "blocking"),
    ]
    .into_iter()
    .filter(|(verdict, _)| count(*verdict) > 0)
    .map(|(verdict, word)| format!("{} {word}", count(verdict)))
    .collect();
    match verdicts.len() {
        0 => "nothing changes in the database".to_owned(),
        1 => format!("1 change ({})", parts.join(", ")),
        all => format!("{all} changes ({})", parts.join(", ")),
    }
}
