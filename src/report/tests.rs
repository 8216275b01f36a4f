//! Every format with a plan of hostile names, and each read back as its reader would.

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::{Value, json};

use super::{Part, Report, schema};
use crate::doctype::{AppReader, Snapshot};
use crate::plan::policy::{FailOn, Judgement, Policy, judge};
use crate::plan::{BLUE, Effect, Input, Lock, Pace, Plan, Question, Step, Undo, Work, plan};

/// What somebody could call a DocType or a field to get out of where it is printed.
const HOSTILE: &str = "a`b``|c <img src=x> </details> **b** [l](http://e) @ops --;'\\";

fn snapshot(doctypes: &[(&str, &[&str])], patches: &str) -> Snapshot {
    let mut reader = AppReader::new("shop");
    for (at, (name, fields)) in doctypes.iter().enumerate() {
        let fields: Vec<_> =
            fields.iter().map(|name| json!({ "fieldname": name, "fieldtype": "Data" })).collect();
        let doctype = json!({ "doctype": "DocType", "name": name, "fields": fields });
        reader.add(&format!("a/b/doctype/d{at}/d{at}.json"), doctype.to_string().as_bytes()).unwrap();
    }
    reader.add("shop/patches.txt", patches.as_bytes()).unwrap();
    Snapshot::new(vec![reader.finish()])
}

fn hostile() -> Plan {
    let short: String = HOSTILE.chars().take(60).collect();
    let blue = snapshot(&[("Order", &["title"]), (&short, &["a"])], "");
    let green = snapshot(
        &[("Order", &["title", HOSTILE]), (&short, &["a", "b"])],
        &format!("execute:{HOSTILE}\u{1b}[2J"),
    );
    let mut made = plan(&Input { site_name: HOSTILE, ..Input::new(&blue, &green) }).unwrap();
    let effect = Effect::TriggerExists { trigger: "t".to_owned() };
    let sql = "CREATE TRIGGER `t` BEFORE INSERT ON `x` FOR EACH ROW BEGIN SET NEW.a = 1; SET NEW.b = '//\n--x'; END";
    made.expand.push(Step {
        past: None,
        work: Work::Statement,
        id: "trigger".to_owned(),
        title: format!("{HOSTILE}\nDROP TABLE x;\r\u{2028}\u{202e}"),
        sql: sql.to_owned(),
        effect: effect.clone(),
        lock: Lock::Rows,
        pace: Pace::Minutes,
        rows: Some(1204),
        undo: vec![Undo {
            optional: false,
            sql: "DROP TRIGGER `t`".to_owned(),
            effect,
            work: Work::Statement,
        }],
    });
    made.contract = vec![Step {
        title: "drop".to_owned(),
        sql: "DROP TABLE `y`".to_owned(),
        undo: Vec::new(),
        ..made.expand[0].clone()
    }];
    made.changes[0].steps = vec!["trigger".to_owned()];
    HOSTILE.clone_into(&mut made.changes[0].naive);
    made.questions = vec![Question {
        doctype: "Order".to_owned(),
        old: "a".to_owned(),
        new: "b".to_owned(),
        is_doctype: false,
        ask: format!("Was {HOSTILE} renamed?"),
    }];
    made.seal().unwrap()
}

fn judged(plan: &Plan) -> Judgement {
    let policy = format!(
        "exceptions:\n- reason: {}\n  kinds: [field_added]\n- {{reason: none, fields: [x]}}\n",
        json!(HOSTILE)
    );
    judge(plan, None, &Policy::from_yaml("p", &policy).unwrap(), &[FailOn::parse("patch_added").unwrap()])
}

#[test]
fn people_see_apps_changes_steps_questions_and_what_to_do() {
    let plan = hostile();
    let judgement = judged(&plan);
    let text = Report { plan: &plan, judgement: &judgement }.human(Some(72));
    assert!(
        text.lines().all(|line| textwrap::core::display_width(line) <= 72 || line.contains("(statements:")),
        "{text}"
    );
    assert!(!text.replace("\u{1b}[", "").contains(['\u{1b}', '\r', '\u{202e}', '\u{2028}']));
    assert!(!text.contains("\u{1b}[2J"));
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "shop",
        "unknown -> unknown",
        "Blocking",
        "patch_added",
        "why:",
        "the usual way:",
        "before green:",
        "about 1204 rows",
        "Questions",
        "exception: field_added",
        "error: patch_added",
        "Next",
        plan.hash.as_str(),
    ] {
        assert!(flowing.contains(part), "{part} is not in {text}");
    }
    let piped = Report { plan: &plan, judgement: &judgement }.human(None);
    assert!(piped.lines().any(|line| line.len() > 150), "lines of a pipe are whole");
}

#[test]
fn markdown_is_built_by_us_alone() {
    let plan = hostile();
    let text = Report { plan: &plan, judgement: &judged(&plan) }.markdown();
    let mut cells = Vec::new();
    let mut rows = 0;
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        if let Event::Html(html) | Event::InlineHtml(html) = &event {
            let html = html.trim();
            let is_details = html.starts_with("<details><summary>")
                && html.ends_with("</summary>")
                && html.matches('<').count() == 3;
            let is_ours = ["", "<!-- -->", "</details>"].contains(&html) || is_details;
            assert!(is_ours, "{html:?} in {text}");
        }
        if let Event::Start(tag) = &event {
            let is_markup = matches!(
                tag,
                Tag::Link { .. } | Tag::Image { .. } | Tag::Strong | Tag::Emphasis | Tag::Strikethrough
            );
            assert!(!is_markup, "markup of a name in {text}");
            rows += usize::from(*tag == Tag::TableRow);
        }
        if let Event::Code(code) = event {
            cells.push(code.to_string());
        }
    }
    assert_eq!(rows, plan.changes.len());
    // Names come out as they went in.
    assert!(cells.iter().any(|cell| cell == &format!("Order.{HOSTILE}")), "{cells:?}");
    assert!(text.contains("@<!-- -->ops"), "a mention reaches nobody: {text}");
}

/// The statements that the client would send: outside of comments, up to the delimiter.
fn statements(text: &str) -> Vec<String> {
    let (mut delimiter, mut found, mut statement) = (";".to_owned(), Vec::new(), String::new());
    let mut quote: Option<char> = None;
    for line in text.split('\n') {
        if quote.is_none()
            && let Some(new) = line.strip_prefix("DELIMITER ")
        {
            new.clone_into(&mut delimiter);
            continue;
        }
        let mut rest = line;
        loop {
            if quote.is_none() && (rest.starts_with("-- ") || rest == "--") {
                break;
            }
            if quote.is_none() && rest.starts_with(&delimiter) {
                found.push(std::mem::take(&mut statement).trim().to_owned());
                rest = &rest[delimiter.len()..];
                continue;
            }
            let Some(character) = rest.chars().next() else { break };
            statement.push(character);
            rest = &rest[character.len_utf8()..];
            match (quote, character) {
                (None, '\'' | '`') => quote = Some(character),
                (Some('\''), '\\') => {
                    statement.extend(rest.chars().next());
                    rest = rest.get(1..).unwrap_or("");
                }
                (Some(open), _) if open == character => quote = None,
                _ => {}
            }
        }
        statement.push('\n');
    }
    assert!(statement.trim().is_empty(), "{statement:?} has no end");
    found
}

#[test]
fn sql_runs_one_part_and_comments_the_others() {
    let plan = hostile();
    let judgement = judged(&plan);
    let report = Report { plan: &plan, judgement: &judgement };
    let sent = |part| statements(&report.sql(part)).into_iter().skip(2).collect::<Vec<_>>();
    let expected: Vec<String> = plan.expand.iter().map(|step| step.sql.clone()).collect();
    assert_eq!(sent(Part::Expand), expected);
    assert_eq!(sent(Part::Undo), ["DROP TRIGGER `t`"]);
    assert_eq!(sent(Part::Contract), ["DROP TABLE `y`"]);
    let text = report.sql(Part::Expand);
    assert!(
        text.contains("locks a few rows at a time, minutes") && text.contains("-- DROP TABLE `y`;"),
        "{text}"
    );
}

#[test]
fn sql_says_what_stands_for_blue() {
    let mut plan = hostile();
    let text = |plan: &Plan| Report { plan, judgement: &judged(plan) }.sql(Part::Expand);
    assert!(!text(&plan).contains(BLUE));
    plan.expand[0].sql = format!("CREATE VIEW `{BLUE}`.`tabOrder` AS SELECT 1");
    assert!(text(&plan).contains(&format!("-- {BLUE} is blue's schema")));
}

#[test]
fn json_is_the_sealed_plan_as_its_schema_says() {
    let plan = hostile();
    let text = Report { plan: &plan, judgement: &judged(&plan) }.json().unwrap();
    let back: Plan = serde_json::from_str(&text).unwrap();
    assert!(back == plan && back.is_sealed());
    let document: Value = serde_json::from_str(&text).unwrap();
    for key in [
        "app", "doctype", "kind", "field", "old", "new", "storage", "ddl", "cls", "verdict", "why", "naive",
        "steps",
    ] {
        assert!(document["changes"][0].get(key).is_some(), "{key}");
    }
    let schema = serde_json::to_value(schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut wrong = document.clone();
    wrong["changes"][0]["verdict"] = json!("Nearly");
    assert!(!validator.is_valid(&wrong));
    wrong = document;
    wrong["format"] = json!(Plan::FORMAT + 1);
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn a_plan_without_changes_is_short() {
    let same = snapshot(&[("Order", &["title"])], "");
    let plan = plan(&Input::new(&same, &same)).unwrap();
    let judgement = Judgement::default();
    let report = Report { plan: &plan, judgement: &judgement };
    assert!(report.human(None).contains("nothing changes"));
    assert!(report.markdown().contains("Nothing changes"));
    assert_eq!(statements(&report.sql(Part::Expand)).len(), 2);
}
