//! What Frappe's own sync left of 69 tables, recorded: after the planner's expand, the statements that Frappe would
//! still send, and the contract, the same columns and indexes are there. None of those statements copies a table.
//!
//! Plans are made of the live table, as a release makes them. The way back (green to blue, planned anew) gives every
//! column of blue's its type again.

use std::collections::BTreeMap;
use std::path::Path;

use crossfade::doctype::{App, AppReader, FrappeVersion, Snapshot};
use crossfade::plan::{self, BLUE, Input, Plan, Verdict, plan};
use crossfade::schema::{data, facts};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, Row};

use super::server::server;

fn snapshot(doctype: &Value) -> Snapshot {
    let mut reader = AppReader::new("golden");
    reader.add("case.json", &serde_json::to_vec(doctype).unwrap()).unwrap();
    Snapshot::new(vec![reader.finish()])
}

async fn run(connection: &mut MySqlConnection, sql: &str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.map(|_| ())
}

/// `column x` -> type, NULL, default; `index x` -> columns and uniqueness.
async fn shape(connection: &mut MySqlConnection, schema: &str, table: &str) -> BTreeMap<String, String> {
    let columns = "SELECT CONCAT('column ', COLUMN_NAME), CONCAT_WS(' ', COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT) \
                   FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
    let indexes = "SELECT CONCAT('index ', INDEX_NAME), CONCAT(MIN(NON_UNIQUE), ' ', GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX)) \
                   FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? GROUP BY INDEX_NAME";
    let mut shape = BTreeMap::new();
    for sql in [columns, indexes] {
        let rows = sqlx::query(sql).bind(schema).bind(table).fetch_all(&mut *connection).await.unwrap();
        let text = |row: &sqlx::mysql::MySqlRow, at: usize| {
            String::from_utf8(row.get_unchecked::<Vec<u8>, _>(at)).unwrap()
        };
        shape.extend(rows.iter().map(|row| (text(row, 0), text(row, 1))));
    }
    shape
}

/// The parts of an ALTER that Frappe still sends when `shape` is there already: it compares before it sends.
fn still_sent(sql: &str, shape: &BTreeMap<String, String>) -> Vec<String> {
    let body = sql.splitn(3, '`').nth(2).unwrap();
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    for character in body.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(character);
    }
    parts.push(part);
    let is_there = |part: &str| {
        let name = part.split('`').nth(1).unwrap_or_default();
        (part.starts_with("ADD COLUMN") && shape.contains_key(&format!("column {name}")))
            || (part.starts_with("ADD INDEX") && shape.contains_key(&format!("index {name}")))
    };
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !is_there(part)).collect()
}

/// Frappe keeps a length that some value needs, and says so: this recording had such a row.
const NEEDS_A_LONG_VALUE: &str = "length narrowed, data too long (reverted)";

struct Case<'a> {
    name: &'a str,
    table: String,
    old: Snapshot,
    new: Snapshot,
    /// What there is before; nothing for a new DocType.
    before: Option<&'a str>,
    /// What Frappe left; what its statements leave of an empty table where its rows were in the way.
    after: Vec<&'a str>,
    sent: Vec<&'a str>,
}

fn case(value: &Value) -> Option<Case<'_>> {
    let text = |key: &str| value[key].as_str();
    let (name, table) = (text("case")?, format!("tab{}", text("doctype")?));
    // A Single has no table.
    let created = text("table_after_create")?;
    let old = snapshot(&value["old"]);
    if value["new"].is_null() {
        let nothing = Snapshot::new(vec![App::empty("golden")]);
        let after = vec![created];
        return Some(Case { name, table, old: nothing, new: old, before: None, after, sent: Vec::new() });
    }
    let new = snapshot(&value["new"]);
    let sent: Vec<&str> = value["alter_ddl"].as_array()?.iter().filter_map(Value::as_str).collect();
    let after = if value["alter_err"].is_null() {
        vec![text("table_after_alter")?]
    } else {
        std::iter::once(created).chain(sent.iter().copied()).collect()
    };
    Some(Case { name, table, old, new, before: Some(created), after, sent })
}

/// The plan of two versions on what is there.
async fn planned(connection: &mut MySqlConnection, old: &Snapshot, new: &Snapshot) -> Plan {
    let version = FrappeVersion::parse("15.41.0");
    let mut site = facts::read(connection).await.unwrap();
    let input = Input { blue_frappe: version, green_frappe: version, ..Input::new(old, new) };
    let questions = plan::data_questions(&Input { site: Some(&site), ..input.clone() }).unwrap();
    site.answers = data::answers(connection, &site, questions, data::Patience::default()).await.unwrap();
    plan(&Input { site: Some(&site), ..input }).unwrap()
}

/// Rows that Frappe's own statements would fail on or cut off.
async fn fill(connection: &mut MySqlConnection, table: &str, case: &str) -> Result<(), sqlx::Error> {
    let mut names = shape(connection, "golden_ddl", table).await;
    if case == NEEDS_A_LONG_VALUE {
        run(connection, &format!("INSERT INTO `{table}` (name, a) VALUES ('i', REPEAT('x', 200))")).await?;
    }
    names.retain(|key, value| key.starts_with("column x") && value.starts_with("varchar"));
    run(connection, &format!("INSERT INTO `{table}` (name) VALUES ('a'), ('b')")).await?;
    if names.is_empty() {
        return Ok(());
    }
    let values =
        "('c', ''), ('d', 'hello'), ('e', '12'), ('f', '1.7'), ('g', '2024-02-30'), ('h', '99999999999')";
    run(connection, &format!("INSERT INTO `{table}` (name, x) VALUES {values}")).await
}

/// Runs the steps of a plan with blue's schema beside, as a release does, and then those that end it.
async fn release(
    connection: &mut MySqlConnection,
    made: &Plan,
    table: &str,
    blue: &str,
) -> Result<(), String> {
    let view = format!("CREATE OR REPLACE VIEW `{blue}`.`{table}` AS SELECT * FROM `{table}`");
    let gone = format!("DROP VIEW IF EXISTS `{blue}`.`{table}`");
    let steps = made.expand.iter().map(|step| step.sql.replace(BLUE, blue));
    let contract = made.contract.iter().map(|step| step.sql.clone());
    for sql in std::iter::once(view).chain(steps).chain([gone]).chain(contract) {
        run(connection, &sql).await.map_err(|error| format!("{error}\n  {sql}"))?;
    }
    Ok(())
}

async fn play(connection: &mut MySqlConnection, case: &Case<'_>, blue: &str) -> Result<(), String> {
    let Case { name, table, .. } = case;
    let failed = |sql: &str| {
        let sql = sql.to_owned();
        move |error: sqlx::Error| format!("{name}: {error}\n  {sql}")
    };
    if let Some(create) = case.before {
        run(connection, create).await.map_err(failed(create))?;
        fill(connection, table, name).await.map_err(failed("rows"))?;
        let view = format!("CREATE OR REPLACE VIEW `{blue}`.`{table}` AS SELECT * FROM `{table}`");
        run(connection, &view).await.map_err(failed(&view))?;
    }
    let began = shape(connection, "golden_ddl", table).await;
    let made = planned(connection, &case.old, &case.new).await;
    for step in &made.expand {
        let sql = step.sql.replace(BLUE, blue);
        run(connection, &sql).await.map_err(failed(&sql))?;
    }
    let expanded = shape(connection, "golden_ddl", table).await;
    for sql in &case.sent {
        let parts = still_sent(sql, &expanded);
        if !parts.is_empty() {
            // A plan that blocks is for a maintenance window, in which Frappe may copy.
            let how = if made.verdict == Verdict::Blocking { "" } else { ", ALGORITHM=NOCOPY, LOCK=NONE" };
            let sql = format!("ALTER TABLE `{table}` {}{how}", parts.join(", "));
            run(connection, &sql).await.map_err(failed(&sql))?;
        }
    }
    run(connection, &format!("DROP VIEW IF EXISTS `{blue}`.`{table}`")).await.map_err(failed("view"))?;
    for step in &made.contract {
        run(connection, &step.sql).await.map_err(failed(&step.sql))?;
    }
    let ours = shape(connection, "golden_ddl", table).await;
    if case.before.is_some() && made.verdict != Verdict::Blocking {
        back(connection, case, &began, blue).await?;
    }
    let drop = format!("DROP TABLE `{table}`");
    for sql in std::iter::once(drop.as_str()).chain(case.after.iter().copied()) {
        run(connection, sql).await.map_err(failed(sql))?;
    }
    let theirs = shape(connection, "golden_ddl", table).await;
    if ours == theirs {
        return Ok(());
    }
    let only = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
        a.iter()
            .filter(|(key, value)| b.get(*key) != Some(value))
            .map(|(key, value)| format!("{key}: {value}"))
            .collect::<Vec<_>>()
    };
    Err(format!("{name}: ours {:?}, Frappe's {:?}", only(&ours, &theirs), only(&theirs, &ours)))
}

/// The release the other way round gives every column of blue's its type again.
async fn back(
    connection: &mut MySqlConnection,
    case: &Case<'_>,
    began: &BTreeMap<String, String>,
    blue: &str,
) -> Result<(), String> {
    let made = planned(connection, &case.new, &case.old).await;
    if made.verdict == Verdict::Blocking {
        // Rows that green's type let in; what they are is said.
        return Ok(());
    }
    release(connection, &made, &case.table, blue)
        .await
        .map_err(|error| format!("{} back: {error}", case.name))?;
    let now = shape(connection, "golden_ddl", &case.table).await;
    let kind = |text: Option<&String>| text.map(|text| text.split(' ').take(2).collect::<Vec<_>>().join(" "));
    let other: Vec<String> = began
        .iter()
        .filter(|(key, value)| key.starts_with("column ") && kind(now.get(*key)) != kind(Some(value)))
        .map(|(key, value)| format!("{key} was {value} and is {:?}", now.get(key)))
        .collect();
    if other.is_empty() { Ok(()) } else { Err(format!("{} back: {}", case.name, other.join(", "))) }
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn every_recorded_table_ends_as_frappe_alone_would_leave_it() {
    let root = std::env::var("CROSSFADE_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let path = Path::new(&root).join("frappe-site/golden-ddl.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    let golden: Value = serde_json::from_str(&text).unwrap();
    let server = server();
    server.root("CREATE DATABASE golden_ddl; CREATE DATABASE golden_ddl__r1");
    let url = format!("mysql://root@127.0.0.1:{}/golden_ddl", server.port);
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    let all = golden["cases"].as_array().unwrap();
    let cases: Vec<Case<'_>> = all.iter().filter_map(case).collect();
    // A Single has no table, before and after, and its plan touches none.
    let singles: Vec<&Value> = all.iter().filter(|value| case(value).is_none()).collect();
    for value in &singles {
        assert!(value["old"]["issingle"] == 1 && value["table_after_create"].is_null(), "{value}");
        let made =
            plan(&Input::new(&Snapshot::new(vec![App::empty("golden")]), &snapshot(&value["old"]))).unwrap();
        assert!(made.expand.is_empty() && made.contract.is_empty());
    }
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(reason) = play(&mut connection, case, "golden_ddl__r1").await {
            wrong.push(reason);
        }
    }
    println!("{} cases and {} Singles, {} wrong", cases.len(), singles.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() + singles.len() == 69, "{} and {} of 69 cases", cases.len(), singles.len());
}
