//! A plan as the page shows it: what `crossfade plan` says, with safer ways beside it.

use crate::doctype::Snapshot;
use crate::plan::policy::{Policy, judge};
use crate::plan::{Plan, Site, Step, blocked_seconds};
use crate::report::{Detail, Report};

use super::api::{AppVerdict, Change, Problem, Question, Rename, SitePlan, Sql, Verdict};
use super::editor::Planned;
use super::remedy::remedies;

/// Statements that are named before the rest is counted.
const NAMED: usize = 3;

/// The answer for a plan, or for why there is none.
pub(super) fn verdict(planned: &Planned, blue: &Snapshot) -> Verdict {
    let problems = planned.composed.problems.clone();
    match &planned.plan {
        Ok(plan) => {
            let versions = [blue, &planned.composed.snapshot];
            let mut verdict = of_plan(plan, planned.site.as_deref(), versions, problems);
            verdict.advice.extend(planned.unasked.clone());
            verdict
        }
        Err(error) => Verdict {
            verdict: crate::plan::Verdict::Blocking.name().to_owned(),
            summary: error.to_string(),
            hash: String::new(),
            error: Some(error.to_string()),
            advice: Vec::new(),
            apps: Vec::new(),
            changes: Vec::new(),
            questions: Vec::new(),
            problems,
            patches: Vec::new(),
            expand: 0,
            contract: 0,
        },
    }
}

fn of_plan(plan: &Plan, site: Option<&Site>, versions: [&Snapshot; 2], problems: Vec<Problem>) -> Verdict {
    let judgement = judge(plan, site, &Policy::default(), &[]);
    let report = Report { plan, judgement: &judgement };
    let versions = versions.map(Snapshot::doctypes);
    Verdict {
        verdict: plan.verdict.name().to_owned(),
        summary: plan.summary.clone(),
        hash: plan.hash.clone(),
        error: None,
        advice: report.next(),
        apps: plan
            .apps
            .iter()
            .map(|app| AppVerdict {
                app: app.app.clone(),
                verdict: app.verdict.map(|verdict| verdict.name().to_owned()),
                summary: app.summary.clone(),
            })
            .collect(),
        changes: report
            .changes()
            .iter()
            .map(|detail| Change {
                remedies: remedies(detail.change, plan, &versions),
                ..change(detail, site)
            })
            .collect(),
        questions: plan.questions.iter().map(question).collect(),
        problems,
        patches: plan.patches.clone(),
        expand: plan.expand.len(),
        contract: plan.contract.len(),
    }
}

/// A plan that is stored for a release: it is made, so there are no safer ways any more.
pub(super) fn stored(plan: &Plan) -> SitePlan {
    let judgement = judge(plan, None, &Policy::default(), &[]);
    let report = Report { plan, judgement: &judgement };
    SitePlan {
        site: plan.site.clone(),
        verdict: plan.verdict.name().to_owned(),
        summary: plan.summary.clone(),
        hash: plan.hash.clone(),
        advice: report.next(),
        changes: report.changes().iter().map(|detail| change(detail, None)).collect(),
        patches: plan.patches.clone(),
    }
}

fn question(question: &crate::plan::Question) -> Question {
    let rename = (!question.is_doctype).then(|| Rename {
        doctype: question.doctype.clone(),
        from: question.old.clone(),
        to: question.new.clone(),
    });
    Question { doctype: question.doctype.clone(), ask: question.ask.clone(), rename }
}

/// A change, without safer ways.
fn change(detail: &Detail<'_>, site: Option<&Site>) -> Change {
    let change = detail.change;
    let table = crate::doctype::table_name(&change.doctype);
    let rows = site.and_then(|site| site.tables.get(&table)).map(|table| table.rows);
    Change {
        app: change.app.clone(),
        doctype: change.doctype.clone(),
        field: change.field.clone(),
        kind: change.kind.clone(),
        verdict: change.verdict.name().to_owned(),
        class: change.cls.clone(),
        place: detail.place.clone(),
        why: change.why.clone(),
        usual: change.naive.clone(),
        blocked_seconds: rows.and_then(|rows| blocked_seconds(change, rows)),
        rows,
        crossfade: crossfade(detail),
        old: change.old.clone(),
        new: change.new.clone(),
        expand: detail.expand.iter().map(sql).collect(),
        contract: detail.contract.iter().map(sql).collect(),
        remedies: Vec::new(),
    }
}

/// What Crossfade does, in a few words.
fn crossfade(detail: &Detail<'_>) -> String {
    let named = |steps: &[(&Step, String)], when: &str| {
        let mut titles: Vec<&str> = steps.iter().map(|(step, _)| step.title.as_str()).collect();
        let more = titles.len().saturating_sub(NAMED);
        titles.truncate(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!titles.is_empty()).then(|| format!("{when}: {}{more}", titles.join(", ")))
    };
    let parts = [named(&detail.expand, "before green"), named(&detail.contract, "once blue is gone")];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn sql((step, cost): &(&Step, String)) -> Sql {
    Sql {
        title: step.title.clone(),
        sql: step.sql.clone(),
        cost: cost.clone(),
        undo: step.undo.iter().map(|undo| undo.sql.clone()).collect(),
    }
}
