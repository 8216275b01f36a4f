//! What Frappe's own sync left of 69 tables, recorded: after the planner's expand, the statements that Frappe would
//! still send, and the contract, the same columns and indexes are there. None of those statements copies a table.

use std::collections::BTreeMap;
use std::path::Path;

use crossfade::doctype::{App, AppReader, FrappeVersion, Snapshot};
use crossfade::plan::{BLUE, Input, Plan, Verdict, plan};
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

/// Frappe keeps a length that some value needs, and says so: the rows decide, and the recording does not have them.
const DECIDED_BY_ROWS: [&str; 1] = ["length narrowed, data too long (reverted)"];

struct Case<'a> {
    name: &'a str,
    table: String,
    made: Plan,
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
    let version = FrappeVersion::parse("15.41.0");
    let made = |old: &Snapshot, new: &Snapshot| {
        plan(&Input { blue_frappe: version, green_frappe: version, ..Input::new(old, new) }).unwrap()
    };
    let old = snapshot(&value["old"]);
    if value["new"].is_null() {
        let nothing = Snapshot::new(vec![App::empty("golden")]);
        let made = made(&nothing, &old);
        return Some(Case { name, table, made, before: None, after: vec![created], sent: Vec::new() });
    }
    let made = made(&old, &snapshot(&value["new"]));
    let sent: Vec<&str> = value["alter_ddl"].as_array()?.iter().filter_map(Value::as_str).collect();
    let after = if value["alter_err"].is_null() {
        vec![text("table_after_alter")?]
    } else {
        std::iter::once(created).chain(sent.iter().copied()).collect()
    };
    Some(Case { name, table, made, before: Some(created), after, sent })
}

/// Rows that Frappe's own statements would fail on or cut off.
async fn fill(connection: &mut MySqlConnection, table: &str) -> Result<(), sqlx::Error> {
    let mut names = shape(connection, "golden_ddl", table).await;
    names.retain(|key, value| key.starts_with("column x") && value.starts_with("varchar"));
    run(connection, &format!("INSERT INTO `{table}` (name) VALUES ('a'), ('b')")).await?;
    if names.is_empty() {
        return Ok(());
    }
    let values =
        "('c', ''), ('d', 'hello'), ('e', '12'), ('f', '1.7'), ('g', '2024-02-30'), ('h', '99999999999')";
    run(connection, &format!("INSERT INTO `{table}` (name, x) VALUES {values}")).await
}

async fn play(connection: &mut MySqlConnection, case: &Case<'_>, blue: &str) -> Result<(), String> {
    let Case { name, table, made, .. } = case;
    let failed = |sql: &str| {
        let sql = sql.to_owned();
        move |error: sqlx::Error| format!("{name}: {error}\n  {sql}")
    };
    if let Some(create) = case.before {
        run(connection, create).await.map_err(failed(create))?;
        fill(connection, table).await.map_err(failed("rows"))?;
        let view = format!("CREATE OR REPLACE VIEW `{blue}`.`{table}` AS SELECT * FROM `{table}`");
        run(connection, &view).await.map_err(failed(&view))?;
    }
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
    let cases: Vec<Case<'_>> =
        all.iter().filter_map(case).filter(|case| !DECIDED_BY_ROWS.contains(&case.name)).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(reason) = play(&mut connection, case, "golden_ddl__r1").await {
            wrong.push(reason);
        }
    }
    println!("{} cases, {} wrong", cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 67 && all.len() == cases.len() + 2, "{} of {} cases", cases.len(), all.len());
}
