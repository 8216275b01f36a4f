//! What a team lets pass: rules and exceptions for a plan, read from YAML, and the exit code that follows from them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::kind::KINDS;
use super::{Change, Plan, Site, Verdict};
use crate::doctype::table_name;

/// What a change that a rule fits is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It counts as safe and is not spoken of.
    Ignore,
    /// It counts as safe and is named.
    Warn,
    /// It counts as blocking.
    Error,
}

/// Rules and exceptions of a team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The first that fits a change decides; a change that none fits counts by its verdict.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Changes that are known and agreed to; they win over rules and `--fail-on`.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

/// What a rule makes of the changes that it fits. A condition that is left out fits all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// What they are worth.
    pub severity: Severity,
    /// Why, for the output.
    #[serde(default)]
    pub reason: String,
    /// Kinds of change.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Verdicts.
    #[serde(default)]
    pub verdicts: Vec<Verdict>,
    /// Apps.
    #[serde(default)]
    pub apps: Vec<String>,
    /// DocTypes, by green's name.
    #[serde(default)]
    pub doctypes: Vec<String>,
    /// Tables with at least so many rows; fits nothing if no database was asked.
    #[serde(default)]
    pub min_rows: Option<u64>,
}

/// A change that is known and agreed to. At least one of kinds, doctypes and fields says which.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Why it is agreed to; shown in every output.
    pub reason: String,
    /// Kinds of change.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Apps.
    #[serde(default)]
    pub apps: Vec<String>,
    /// DocTypes, by green's name.
    #[serde(default)]
    pub doctypes: Vec<String>,
    /// Names of fields; for patches, their lines in `patches.txt`.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// The name of a kind of change, known to be one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Kind(String);

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if KINDS.contains(&name.as_str()) {
            Ok(Self(name))
        } else {
            Err(format!("{name:?} is no kind of change; the kinds are {}", KINDS.join(", ")))
        }
    }
}

/// What makes a release fail beside its verdict, as `--fail-on` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailOn {
    /// Any change of this kind.
    Kind(String),
    /// Any change of this verdict.
    Verdict(Verdict),
}

impl FailOn {
    /// Reads a kind of change or a verdict, the latter in any case.
    ///
    /// # Errors
    /// With all that there are, if it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.name().eq_ignore_ascii_case(text));
        if let Some(verdict) = verdict {
            return Ok(Self::Verdict(verdict));
        }
        if KINDS.contains(&text) {
            return Ok(Self::Kind(text.to_owned()));
        }
        let verdicts = Verdict::ALL.map(Verdict::name).join(", ");
        Err(format!(
            "it is neither a verdict nor a kind of change; verdicts are {verdicts}; kinds are {}",
            KINDS.join(", ")
        ))
    }

    fn fits(&self, change: &Change) -> bool {
        match self {
            Self::Kind(kind) => change.kind == *kind,
            Self::Verdict(verdict) => change.verdict == *verdict,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Kind(kind) => kind,
            Self::Verdict(verdict) => verdict.name(),
        }
    }
}

/// Why a policy could not be read.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// It is no YAML, or not of this form; the text names the line.
    #[error("failed to read the policy {path}: {source}")]
    Yaml {
        /// The file.
        path: String,
        /// Where and why the parser stopped.
        source: serde_yaml::Error,
    },
    /// An exception without a reason, or one that would excuse everything.
    #[error("failed to read the policy {path}: exceptions[{at}] {reason}")]
    Exception {
        /// The file.
        path: String,
        /// Which one, from 0.
        at: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Who had a say in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A rule of the policy.
    Rule,
    /// An exception of the policy.
    Exception,
    /// `--fail-on`.
    FailOn,
}

/// A change that does not count by its verdict alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// The change's app.
    pub app: String,
    /// Its DocType.
    pub doctype: String,
    /// Its kind.
    pub kind: String,
    /// Its field, if it is one of a field; a patch's line.
    pub field: Option<String>,
    /// What it is worth now.
    pub severity: Severity,
    /// Who says so.
    pub source: Source,
    /// Why.
    pub reason: String,
}

/// A plan under a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Exit code of the command: 0 safe, 2 needs synchronised or mapped columns, 3 blocking.
    pub exit_code: u8,
    /// Changes that do not count by their verdict alone.
    pub findings: Vec<Finding>,
    /// Entries of the policy that fit no change, and why if it is known.
    pub unused: Vec<String>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// With the line, if it is no YAML of this form; if an exception lacks a reason or fits everything.
    pub fn from_yaml(path: &str, text: &str) -> Result<Self, PolicyError> {
        // An empty file is a policy without rules.
        let policy: Option<Self> = serde_yaml::from_str(text)
            .map_err(|source| PolicyError::Yaml { path: path.to_owned(), source })?;
        let policy = policy.unwrap_or_default();
        for (at, exception) in policy.exceptions.iter().enumerate() {
            let wrong = |reason| Err(PolicyError::Exception { path: path.to_owned(), at, reason });
            if exception.reason.trim().is_empty() {
                return wrong("has no reason: say why the change is agreed to");
            }
            if exception.kinds.is_empty() && exception.doctypes.is_empty() && exception.fields.is_empty() {
                return wrong("fits every change: name kinds, doctypes or fields");
            }
        }
        Ok(policy)
    }
}

/// What a plan is worth under a policy and `--fail-on`. Exceptions win over `--fail-on`, which wins over rules.
pub fn judge(plan: &Plan, site: Option<&Site>, policy: &Policy, fail_on: &[FailOn]) -> Judgement {
    let mut judgement = Judgement::default();
    let mut used = Used::default();
    for change in &plan.changes {
        let decided = decide(change, site, policy, fail_on, &mut used);
        let code = decided.as_ref().map_or_else(
            || exit_code(change.verdict),
            |(severity, ..)| match severity {
                Severity::Ignore | Severity::Warn => 0,
                Severity::Error => exit_code(Verdict::Blocking),
            },
        );
        judgement.exit_code = judgement.exit_code.max(code);
        judgement.findings.extend(decided.map(|(severity, source, reason)| Finding {
            app: change.app.clone(),
            doctype: change.doctype.clone(),
            kind: change.kind.clone(),
            field: name(change).map(str::to_owned),
            severity,
            source,
            reason,
        }));
    }
    judgement.unused = used.unused(policy, site);
    judgement
}

/// What a change of this verdict means for the exit code: the worst change of a plan decides.
fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Neutral | Verdict::Additive | Verdict::ContractOnly => 0,
        Verdict::Synced | Verdict::Mapped => 2,
        Verdict::Blocking => 3,
    }
}

fn decide(
    change: &Change,
    site: Option<&Site>,
    policy: &Policy,
    fail_on: &[FailOn],
    used: &mut Used,
) -> Option<(Severity, Source, String)> {
    let mut excused = None;
    for (at, exception) in
        policy.exceptions.iter().enumerate().filter(|(_, exception)| exception.fits(change))
    {
        used.exceptions.insert(at);
        excused = excused.or(Some((Severity::Ignore, Source::Exception, exception.reason.clone())));
    }
    let rule = policy.rules.iter().enumerate().find(|(_, rule)| rule.fits(change, site));
    if let Some((at, _)) = rule {
        used.rules.insert(at);
    }
    let failed = fail_on.iter().find(|entry| entry.fits(change));
    let failed = failed.map(|entry| (Severity::Error, Source::FailOn, format!("--fail-on {}", entry.name())));
    excused.or(failed).or_else(|| rule.map(|(_, rule)| (rule.severity, Source::Rule, rule.reason.clone())))
}

/// Which entries of a policy fitted something.
#[derive(Default)]
struct Used {
    rules: BTreeSet<usize>,
    exceptions: BTreeSet<usize>,
}

impl Used {
    fn unused(&self, policy: &Policy, site: Option<&Site>) -> Vec<String> {
        let rules = policy.rules.iter().enumerate().filter(|(at, _)| !self.rules.contains(at));
        let rules = rules.map(|(at, rule)| {
            if rule.min_rows.is_some() && site.is_none() {
                format!("rules[{at}] fits no change: it counts rows, and no database was asked")
            } else {
                format!("rules[{at}] fits no change")
            }
        });
        let exceptions = policy.exceptions.iter().enumerate().filter(|(at, _)| !self.exceptions.contains(at));
        let exceptions = exceptions
            .map(|(at, exception)| format!("exceptions[{at}] ({}) fits no change", exception.reason));
        rules.chain(exceptions).collect()
    }
}

impl Rule {
    fn fits(&self, change: &Change, site: Option<&Site>) -> bool {
        let rows = || site?.tables.get(&table_name(&change.doctype)).map(|table| table.rows);
        has_kind(&self.kinds, change)
            && (self.verdicts.is_empty() || self.verdicts.contains(&change.verdict))
            && has(&self.apps, &change.app)
            && has(&self.doctypes, &change.doctype)
            && self.min_rows.is_none_or(|least| rows().is_some_and(|rows| rows >= least))
    }
}

impl Exception {
    fn fits(&self, change: &Change) -> bool {
        has_kind(&self.kinds, change)
            && has(&self.apps, &change.app)
            && has(&self.doctypes, &change.doctype)
            && (self.fields.is_empty()
                || name(change).is_some_and(|name| self.fields.iter().any(|field| field == name)))
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|known| known == name)
}

fn has_kind(kinds: &[Kind], change: &Change) -> bool {
    kinds.is_empty() || kinds.iter().any(|kind| kind.0 == change.kind)
}

/// The field, or the line of a patch: what tells changes of one kind and DocType apart.
fn name(change: &Change) -> Option<&str> {
    change.field.as_deref().or_else(|| change.new.as_ref().filter(|_| change.kind == "patch_added")?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(kind: &str, verdict: Verdict, doctype: &str, field: &str) -> Change {
        serde_json::from_value(json!({
            "app": "shop", "doctype": doctype, "kind": kind, "field": field, "storage": "table", "ddl": false,
            "cls": "none", "verdict": verdict, "why": "",
        }))
        .unwrap()
    }

    fn judged(policy: &str, fail_on: &[&str], site: Option<&Site>) -> Judgement {
        let policy = Policy::from_yaml("policy.yaml", policy).unwrap();
        let fail_on: Vec<_> = fail_on.iter().map(|text| FailOn::parse(text).unwrap()).collect();
        let plan: Plan = serde_json::from_value(json!({
            "format": 1, "site": "", "apps": [], "verdict": "Blocking", "summary": "", "frozen": [], "singles": [],
            "expand": [], "contract": [], "patches": [], "hash": "", "changes": [
                change("field_removed", Verdict::ContractOnly, "Order", "note"),
                change("field_renamed", Verdict::Synced, "Order", "title"),
                change("table_to_single", Verdict::Blocking, "Settings", "x"),
            ],
        }))
        .unwrap();
        judge(&plan, site, &policy, &fail_on)
    }

    #[test]
    fn without_a_policy_the_worst_verdict_decides() {
        assert_eq!(judged("", &[], None), Judgement { exit_code: 3, ..Judgement::default() });
    }

    #[test]
    fn exceptions_win_over_fail_on_and_that_over_rules() {
        let excused = "exceptions: [{reason: agreed, kinds: [table_to_single]}]";
        assert_eq!(judged(excused, &[], None).exit_code, 2);
        assert_eq!(judged(excused, &["blocking"], None).exit_code, 2);
        assert_eq!(judged(excused, &["field_removed"], None).exit_code, 3);
        let warned = "rules: [{severity: warn, verdicts: [Synced, Blocking]}]";
        let judgement = judged(warned, &[], None);
        assert_eq!((judgement.exit_code, judgement.findings.len()), (0, 2));
        assert_eq!(judged(warned, &["Synced"], None).exit_code, 3);
        let first = "rules: [{severity: error, doctypes: [Order]}, {severity: ignore}]";
        assert_eq!(judged(first, &[], None).exit_code, 3);
        assert_eq!(
            judged("rules: [{severity: ignore}, {severity: error, doctypes: [Order]}]", &[], None).exit_code,
            0
        );
    }

    #[test]
    fn rows_count_where_a_database_was_asked() {
        let policy = "rules: [{severity: error, minRows: 1000, kinds: [field_removed]}, {severity: warn}]";
        assert_eq!(judged(policy, &[], None).exit_code, 0);
        assert!(judged(policy, &[], None).unused[0].contains("no database was asked"));
        let mut site = Site::default();
        site.tables.entry("tabOrder".to_owned()).or_default().rows = 1000;
        assert_eq!(judged(policy, &[], Some(&site)).exit_code, 3);
        site.tables.entry("tabOrder".to_owned()).or_default().rows = 999;
        let judgement = judged(policy, &[], Some(&site));
        assert_eq!(
            (judgement.exit_code, judgement.unused.as_slice()),
            (0, &["rules[0] fits no change".to_owned()][..])
        );
    }

    #[test]
    fn a_bad_policy_is_refused_with_its_place() {
        let error = |text: &str| Policy::from_yaml("policy.yaml", text).unwrap_err().to_string();
        for (text, expected) in [
            ("rules:\n- severity: fatal\n", "line 2"),
            (
                "rules:\n- severity: warn\n  kinds: [field_gone]\n",
                "\"field_gone\" is no kind of change; the kinds are",
            ),
            ("rules:\n- severity: warn\n  verdicts: [Bad]\n", "line 3"),
            ("rules:\n- {severity: warn, tables: [x]}\n", "unknown field `tables`"),
            ("exceptions:\n- {kinds: [field_removed]}\n", "missing field `reason`"),
            ("exceptions:\n- {kinds: [field_removed], reason: ' '}\n", "exceptions[0] has no reason"),
            ("exceptions:\n- {reason: all, apps: [shop]}\n", "fits every change"),
            ("rules: [\n", "line"),
        ] {
            let message = error(text);
            assert!(message.contains("policy.yaml") && message.contains(expected), "{text}: {message}");
        }
        assert!(FailOn::parse("field_gone").unwrap_err().contains("field_removed"));
    }
}
