//! Plans of a live site: what its schema and its rows say, and that a plan is run on nothing else.

use std::path::Path;
use std::time::Duration;

use crossfade::plan::{DataQuestion, Doubt, Plan};
use crossfade::schema::{data, facts};
use serde_json::{Value, json};

use super::site::{METADATA, Site};

const TABLES: &str = "
CREATE TABLE tabDeal (name varchar(140) PRIMARY KEY, modified datetime(6), code varchar(140), quantity varchar(140), short varchar(140),
  fits varchar(140), day varchar(140), must varchar(140), status varchar(140), x int(11) NOT NULL DEFAULT 0);
CREATE TABLE tabOther (name varchar(140) PRIMARY KEY, a varchar(140));
CREATE TABLE tabBadge (name varchar(140) PRIMARY KEY, level int(11) NOT NULL DEFAULT 0);
CREATE TABLE `tabProperty Setter` (name varchar(140) PRIMARY KEY, doc_type varchar(140), doctype_or_field varchar(140), field_name varchar(140),
  property varchar(140), value text);
INSERT INTO `tabInstalled Application` VALUES ('1', 'shop', '1.0.0', 1);
INSERT INTO `tabPatch Log` VALUES ('1', 'shop.patches.one');
INSERT INTO `tabCustom Field` VALUES ('Deal-extra', 'Deal', 'extra', 'Data', 200);
INSERT INTO `tabProperty Setter` VALUES ('p1', 'Other', 'DocField', 'a', 'length', '140'), ('p2', 'Other', 'DocField', 'a', 'bold', '1');
INSERT INTO tabDocType (name, module, custom) VALUES ('Badge', 'Sales', 1);
INSERT INTO tabDocField VALUES ('f9', 'Badge', 'level', 'DocType', 1, 'Int');
";

const ROWS: &str = "
INSERT INTO tabDeal (name, code, quantity, short, fits, day, must, status) VALUES
  ('1', 'Ab', '12', 'x', 'x', '2024-01-05', 'm', 'Open'),
  ('2', 'aB ', '007', 'a title of more than twenty', 'y', '31-01-2024', '', 'Lost'),
  ('3', '', '<b>|`\\'\"', NULL, NULL, NULL, NULL, 'Lost'),
  ('4', '', NULL, 'y', 'z', '', 'm', NULL),
  ('5', NULL, '5', 'y', 'z', '2024-02-30', 'm', ''), ('6', NULL, '6', 'y', 'z', '2024-02-29', 'm', '');
";

fn app(root: &Path, colour: &str, fields: &Value) -> String {
    let folder = root.join(colour);
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("shop/modules.txt", "Shop\n");
    write("shop/patches.txt", "shop.patches.one\n");
    write(
        "shop/patches/one.py",
        "import frappe\n\ndef execute():\n\tfrappe.db.set_value('Deal', 'x', 'code', 'y')\n",
    );
    write("shop/hooks.py", "app_name = 'shop'\n");
    let deal = json!({ "doctype": "DocType", "name": "Deal", "module": "Shop", "fields": fields });
    write("shop/shop/doctype/deal/deal.json", &deal.to_string());
    let other = json!({ "doctype": "DocType", "name": "Other", "module": "Shop",
        "fields": [{ "fieldname": "a", "fieldtype": "Data" }] });
    write("shop/shop/doctype/other/other.json", &other.to_string());
    format!("shop={}", folder.display())
}

struct Planned {
    code: i32,
    text: String,
    plan: Option<Plan>,
}

impl Planned {
    fn change(&self, kind: &str, field: &str) -> (String, String) {
        let plan = self.plan.as_ref().unwrap();
        let found =
            plan.changes.iter().find(|change| change.kind == kind && change.field.as_deref() == Some(field));
        let change = found.ok_or_else(|| format!("no {kind} of {field}: {}", self.text)).unwrap();
        (change.verdict.name().to_owned(), change.why.clone())
    }
}

/// `crossfade plan --database` as a Job runs it.
fn planned(site: &Site, blue: &str, green: &str, more: &[&str]) -> Planned {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossfade"))
        .args(["plan", "--blue", blue, "--green", green, "--output", "json", "--database"])
        .arg(format!("mysql://127.0.0.1:{}/{}", site.server.port, site.name))
        .arg("--credentials")
        .arg(site.server.credentials())
        .args(["--blue-frappe", "15.41.0", "--green-frappe", "15.41.0"])
        .args(more)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    Planned { code: output.status.code().unwrap(), plan: serde_json::from_str(&text).ok(), text }
}

fn field(name: &str, kind: &str) -> Value {
    json!({ "fieldname": name, "fieldtype": kind })
}

/// The fields of both versions; everything about green's is in doubt.
fn versions() -> [Value; 2] {
    let options = |options: &str| json!({ "fieldname": "status", "fieldtype": "Select", "options": options });
    let mut blue: Vec<Value> =
        ["code", "quantity", "short", "fits", "day", "must"].map(|name| field(name, "Data")).to_vec();
    let mut green = vec![
        json!({ "fieldname": "code", "fieldtype": "Data", "unique": 1 }),
        field("quantity", "Int"),
        json!({ "fieldname": "short", "fieldtype": "Data", "length": 20 }),
        json!({ "fieldname": "fits", "fieldtype": "Data", "length": 20 }),
        field("day", "Date"),
        json!({ "fieldname": "must", "fieldtype": "Data", "reqd": 1 }),
    ];
    blue.extend([options("Open\nLost"), field("x", "Int")]);
    green.extend([options("Open"), field("x", "Int")]);
    [json!(blue), json!(green)]
}

fn site(name: &str) -> Site {
    let site = Site::small(name);
    site.admin(METADATA);
    site.admin(TABLES);
    site
}

#[test]
#[ignore = "needs mariadbd"]
fn the_rows_decide_what_the_files_cannot() {
    let site = site("live_rows");
    let folder = tempfile::tempdir().unwrap();
    let [blue, green] = versions();
    let (blue, green) = (app(folder.path(), "blue", &blue), app(folder.path(), "green", &green));
    // Its own schemas only: other tests work on the same server meanwhile.
    let columns =
        format!("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA LIKE '{}%'", site.name);
    let before = site.server.root(&columns);

    let empty = planned(&site, &blue, &green, &[]);
    assert_eq!(empty.code, 2, "{}", empty.text);
    let (verdict, why) = empty.change("unique_added", "code");
    assert!(verdict == "Additive" && why.ends_with("no duplicates in about 0 rows"), "{verdict} {why}");

    site.admin(ROWS);
    let made = planned(&site, &blue, &green, &[]);
    assert_eq!(made.code, 3, "{}", made.text);
    let (verdict, why) = made.change("unique_added", "code");
    // Without case and trailing blanks; neither '' nor NULL counts.
    assert_eq!(verdict, "Blocking");
    assert!(why.starts_with("2 of about 6 rows share values"), "{why}");
    assert!(why.contains("(1 of them: \"Ab\" (2 rows))"), "{why}");
    let (verdict, why) = made.change("column_incompatible", "quantity");
    assert!(verdict == "Mapped" && why.contains("in 3 of about 6 rows"), "{why}");
    for example in ["\"007\" becomes \"7\"", "\"<b>|`'\\\"\" becomes \"0\"", "NULL becomes \"0\""] {
        assert!(why.contains(example), "{example}: {why}");
    }
    let (verdict, why) = made.change("column_incompatible", "day");
    assert!(verdict == "Mapped" && why.contains("in 3 of about 6 rows"), "{why}");
    assert!(
        why.contains("\"2024-02-30\" becomes NULL") && why.contains("\"31-01-2024\" becomes NULL"),
        "{why}"
    );
    let (verdict, why) = made.change("column_narrowed", "short");
    assert!(verdict == "Neutral" && why.contains("\"a title of more than twenty\""), "{why}");
    assert_eq!(made.change("column_narrowed", "fits").0, "Mapped");
    assert!(
        made.change("reqd_added", "must").1.ends_with("it is empty in 2 of about 6 rows"),
        "{}",
        made.text
    );
    assert!(
        made.change("select_options_removed", "status").1.ends_with("2 of about 6 rows hold one (\"Lost\")")
    );
    let plan = made.plan.as_ref().unwrap();
    assert!(!plan.expand.iter().any(|step| step.sql.contains("DROP COLUMN `short`")), "the length is kept");
    assert!(plan.expand.iter().any(|step| step.sql.contains("DROP COLUMN `fits`")));
    let basis = plan.basis.site.as_ref().unwrap();
    assert!(basis.server.contains("MariaDB") && basis.app_versions["shop"] == "1.0.0");
    let names: Vec<&String> = basis.customisations.keys().collect();
    assert_eq!(
        names,
        ["Custom Field Deal.extra", "Property Setter Other.a of length", "custom DocType Badge"]
    );
    // It has only been read.
    assert_eq!(site.server.root(&columns), before);

    // The rows were mended: what stood in the way does no more.
    site.admin("UPDATE tabDeal SET code = NULL WHERE name = '2'");
    let (verdict, _) = planned(&site, &blue, &green, &[]).change("unique_added", "code");
    assert_eq!(verdict, "Additive");
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn a_question_is_bounded_and_a_large_table_is_asked_in_a_sample() {
    let site = site("live_slow");
    site.admin("INSERT INTO tabDeal (name, code) SELECT seq, CONCAT('c', seq MOD 29999) FROM seq_1_to_30000; ANALYZE TABLE tabDeal");
    let url = site.url("root", "", &site.name);
    let mut connection = facts::connect(&url, None).await.unwrap();
    let mut live = facts::read(&mut connection).await.unwrap();
    let question = DataQuestion {
        table: "tabDeal".to_owned(),
        column: "code".to_owned(),
        doubt: Doubt::Duplicates { value: "`code`".to_owned() },
    };
    let ask = async |connection: &mut _, live: &_, patience| {
        let answers = data::answers(connection, live, vec![question.clone()], patience).await.unwrap();
        answers.into_iter().next().unwrap().1
    };
    let long = data::Patience { question: Duration::from_mins(2), ..data::Patience::default() };
    let whole = ask(&mut connection, &live, long).await;
    assert!(!whole.sampled && whole.rows == 2 && whole.values == 1, "{whole:?}");
    live.tables.get_mut("tabDeal").unwrap().rows = 5_000_000;
    let sampled = ask(&mut connection, &live, long).await;
    assert!(sampled.sampled && sampled.of == 200_000, "{sampled:?}");
    let soon = data::Patience { question: Duration::from_millis(1), ..data::Patience::default() };
    let unanswered = ask(&mut connection, &live, soon).await.unanswered.unwrap();
    assert!(unanswered.contains("it took longer than 0.001 s"), "{unanswered}");
    let over = data::Patience { all: Duration::ZERO, ..data::Patience::default() };
    assert!(ask(&mut connection, &live, over).await.unanswered.unwrap().contains("all questions"));
}

fn simple() -> [Value; 2] {
    let blue = json!([field("code", "Data"), field("quantity", "Data"), field("day", "Data")]);
    let green = json!([
        field("code", "Data"),
        field("quantity", "Int"),
        field("day", "Data"),
        field("channel", "Data")
    ]);
    [blue, green]
}

#[test]
#[ignore = "needs mariadbd"]
fn a_plan_is_refused_on_a_site_that_has_moved() {
    let site = site("live_moved");
    let folder = tempfile::tempdir().unwrap();
    let [blue, green] = simple();
    let (blue, green) = (app(folder.path(), "blue", &blue), app(folder.path(), "green", &green));
    let made = planned(&site, &blue, &green, &[]);
    site.plan(made.plan.unwrap_or_else(|| panic!("{}", made.text)));

    let refused = |command: &str, expected: &[&str]| {
        let ran = site.run(command, &[]);
        assert_eq!(ran.code, 3, "{}", ran.output);
        for text in expected {
            assert!(ran.output.contains(text), "{text}: {}", ran.output);
        }
    };
    // Other rows are none of its business, other columns are.
    site.admin(ROWS);
    site.admin("ALTER TABLE tabOther ADD COLUMN b int; ALTER TABLE tabDeal ADD INDEX code_index (code), MODIFY code varchar(200)");
    refused(
        "isolate",
        &[
            "tabOther has other columns or indexes",
            "the column code of tabDeal was varchar(140) and is varchar(200)",
            "the index code_index of tabDeal is new",
        ],
    );
    site.admin("ALTER TABLE tabOther DROP COLUMN b; ALTER TABLE tabDeal DROP INDEX code_index, MODIFY code varchar(140)");
    site.admin("INSERT INTO `tabCustom Field` VALUES ('Deal-more', 'Deal', 'more', 'Data', 0); UPDATE `tabProperty Setter` SET value = '150' WHERE name = 'p1'; \
                INSERT INTO `tabPatch Log` VALUES ('2', 'shop.patches.two'); UPDATE `tabInstalled Application` SET app_version = '1.1.0'");
    refused(
        "isolate",
        &[
            "the Custom Field Deal.more is new",
            "Property Setter Other.a of length is another",
            "other patches ran",
            "shop was 1.0.0 and is 1.1.0",
        ],
    );
    site.admin("DELETE FROM `tabCustom Field` WHERE name = 'Deal-more'; UPDATE `tabProperty Setter` SET value = '140' WHERE name = 'p1'; \
                DELETE FROM `tabPatch Log` WHERE name = '2'; UPDATE `tabInstalled Application` SET app_version = '1.0.0'");
    // Other apps than those it was made of.
    let other = site.run("isolate", &["--green", &blue]);
    assert!(
        other.code == 3 && other.output.contains("are not those that the plan was made of"),
        "{}",
        other.output
    );
    site.run("isolate", &["--blue", &blue, "--green", &green]).ok();
    site.run("handover", &["--quiet-seconds", "0"]).ok();

    // Between isolation and expand somebody has changed the table that is about to be expanded.
    site.admin("ALTER TABLE tabDeal ADD COLUMN channel int");
    refused("expand", &["the column channel of tabDeal is new"]);
    site.admin("ALTER TABLE tabDeal DROP COLUMN channel");
    site.run("expand", &[]).ok();

    // What the steps did is no move, for a run that goes on.
    site.admin(
        "UPDATE __crossfade_ledger SET state = 'running' WHERE part = 'expand' AND step LIKE '%show-blue%'",
    );
    site.run("expand", &[]).ok();
    site.admin("UPDATE __crossfade_ledger SET state = 'running' WHERE part = 'expand' AND step LIKE '%show-blue%'; ALTER TABLE tabDeal ADD COLUMN own int");
    refused("expand", &["the column own of tabDeal is new"]);
    site.admin("ALTER TABLE tabDeal DROP COLUMN own");
    site.run("expand", &[]).ok();
    // Once all is done green migrates, and that is no reason to refuse what has nothing left to do.
    site.admin("ALTER TABLE tabOther ADD COLUMN c int");
    site.run("expand", &[]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn the_statements_of_a_plan_run_by_the_client_forth_back_and_to_the_end() {
    let site = site("live_sql");
    let folder = tempfile::tempdir().unwrap();
    let [blue, green] = simple();
    let (blue, green) = (app(folder.path(), "blue", &blue), app(folder.path(), "green", &green));
    site.admin(ROWS);
    let sql = |part: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossfade"))
            .args([
                "plan",
                "--blue",
                &blue,
                "--green",
                &green,
                "--output",
                "sql",
                "--part",
                part,
                "--database",
            ])
            .arg(site.url("root", "", &site.name))
            .args(["--blue-frappe", "15.41.0"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().replace("__crossfade_blue", &site.schema)
    };
    let (expand, undo, contract) = (sql("expand"), sql("undo"), sql("contract"));
    site.server.root(&format!(
        "CREATE DATABASE {0}; CREATE VIEW {0}.tabDeal AS SELECT * FROM {1}.tabDeal",
        site.schema, site.name
    ));
    let shape = || {
        site.admin("SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'tabDeal' ORDER BY 1")
    };
    let rows = || site.admin("SELECT name, code, quantity, day FROM tabDeal ORDER BY name");
    let run = |sql: &str| site.server.client_from("root", "", &site.name, sql.as_bytes()).unwrap();
    let (shape_before, rows_before) = (shape(), rows());
    run(&expand);
    assert_eq!(site.admin("SELECT GROUP_CONCAT(quantity ORDER BY name) FROM tabDeal"), "12,7,0,0,5,6");
    assert!(shape().contains("channel") && shape().contains("quantity\tint(11)"), "{}", shape());
    run(&undo);
    assert_eq!(rows(), rows_before);
    assert_eq!(shape().replace("channel\tvarchar(140)\n", ""), shape_before, "what green added stays");
    site.admin("ALTER TABLE tabDeal DROP COLUMN channel");
    run(&expand);
    site.server.root(&format!("DROP DATABASE {}", site.schema));
    run(&contract);
    assert!(!shape().contains("__blue") && !shape().contains("crossfade_green"), "{}", shape());
    assert_eq!(site.admin("SELECT GROUP_CONCAT(quantity ORDER BY name) FROM tabDeal"), "12,7,0,0,5,6");
}
