//! One DocType of 29 columns with its table: as Frappe makes it, filled in the order of its keys.

use std::process::Command;

use crossfade::doctype::{AppReader, FrappeVersion, Snapshot};
use crossfade::plan::{Input, Plan, Renames, Work, plan};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::contender::Change;
use crate::server::Server;

/// The site's database.
pub(crate) const BASE: &str = "bench";
/// Blue's schema, where there is one.
pub(crate) const SCHEMA: &str = "bench__r1";
/// Blue's password.
pub(crate) const PASSWORD: &str = "blue";
/// An odd number: multiplied with it, numbers below 2^40 become others below 2^40, in no order.
const SPREAD: u64 = 668_265_263;

/// The fields that an application writes with every save.
pub(crate) const TEXTS: [&str; 6] = ["a", "t", "status", "company", "remark", "party"];
const NUMBERS: [&str; 7] = ["total", "tax", "paid", "rate", "discount", "weight", "outstanding"];

/// The server with the site.
pub(crate) struct Site<'s> {
    pub(crate) server: &'s Server,
    rows: u64,
    create: Vec<String>,
}

fn fields(change: Option<Change>) -> Value {
    let mut fields = Vec::new();
    for name in TEXTS {
        let (name, kind) = match (name, change) {
            ("a", Some(Change::Rename)) => ("b", "Data"),
            ("t", Some(Change::Retype)) => ("t", "Int"),
            (name, _) => (name, "Data"),
        };
        let index = name == "status" || name == "company";
        fields.push(json!({ "fieldname": name, "fieldtype": kind, "search_index": i32::from(index) }));
    }
    fields.extend(NUMBERS.map(|name| json!({ "fieldname": name, "fieldtype": "Currency" })));
    fields.extend(["count", "is_paid"].map(|name| json!({ "fieldname": name, "fieldtype": "Int" })));
    fields.push(json!({ "fieldname": "day", "fieldtype": "Date" }));
    fields.push(json!({ "fieldname": "due", "fieldtype": "Datetime" }));
    fields.push(json!({ "fieldname": "note", "fieldtype": "Small Text" }));
    json!(fields)
}

fn snapshot(change: Option<Change>) -> Snapshot {
    let doctype =
        json!({ "doctype": "DocType", "name": "Bench", "module": "Shop", "fields": fields(change) });
    let mut reader = AppReader::new("shop");
    let path = "shop/shop/doctype/bench/bench.json";
    reader.add(path, &serde_json::to_vec(&doctype).unwrap()).unwrap();
    Snapshot::new(vec![reader.finish()])
}

/// The plan of a change.
pub(crate) fn plan_of(change: Change) -> Plan {
    let (blue, green) = (snapshot(None), snapshot(Some(change)));
    let mut renames = Renames::default();
    if change == Change::Rename {
        renames.fields.insert(("Bench".to_owned(), "b".to_owned()), "a".to_owned());
    }
    let frappe = FrappeVersion::parse("15.41.0");
    let input = Input { blue_frappe: frappe, green_frappe: frappe, renames, ..Input::new(&blue, &green) };
    plan(&input).unwrap()
}

/// What Crossfade's cast makes of `t`: so a plain UPDATE does the same work for each row.
pub(crate) fn cast_of_t() -> String {
    let steps = plan_of(Change::Retype).expand;
    let fills = steps
        .into_iter()
        .filter_map(|step| if let Work::Backfill { columns, .. } = step.work { Some(columns) } else { None });
    let last = fills.flatten().last().unwrap();
    last.value.replace("t__blue", "t")
}

/// The key of a row.
pub(crate) fn name(number: u64) -> String {
    format!("{:010X}", number.wrapping_mul(SPREAD) & 0xFF_FFFF_FFFF)
}

impl<'s> Site<'s> {
    /// Makes the table that all others are copied from.
    pub(crate) async fn new(server: &'s Server, rows: u64) -> Self {
        let (nothing, blue) = (Snapshot::new(Vec::new()), snapshot(None));
        let frappe = FrappeVersion::parse("15.41.0");
        let input = Input { blue_frappe: frappe, green_frappe: frappe, ..Input::new(&nothing, &blue) };
        let create: Vec<String> = plan(&input).unwrap().expand.into_iter().map(|step| step.sql).collect();
        let site = Self { server, rows, create };
        let mut connection = site.root("").await;
        let numbers = NUMBERS.map(|name| format!("n.seq % 1000 AS {name}")).join(", ");
        send(
            &mut connection,
            "SET sql_log_bin = 0; CREATE DATABASE pristine; CREATE DATABASE bench; USE pristine",
        )
        .await;
        for sql in &site.create {
            send(&mut connection, sql).await;
        }
        send(&mut connection, "USE bench; CREATE TABLE `tabProperty Setter` (name varchar(140) PRIMARY KEY, doc_type varchar(140), field_name varchar(140)); \
            CREATE TABLE `tabCustom Field` (name varchar(140) PRIMARY KEY, dt varchar(140), insert_after varchar(140)); \
            CREATE TABLE tabReport (name varchar(140) PRIMARY KEY, ref_doctype varchar(140), json longtext); \
            CREATE TABLE __UserSettings (user varchar(140), doctype varchar(140), data text, UNIQUE KEY user (user, doctype)); \
            USE pristine; SET unique_checks = 0, foreign_key_checks = 0").await;
        send(
            &mut connection,
            &format!(
                "INSERT INTO tabBench (name, creation, modified, modified_by, owner, a, t, status, company, remark, party, \
                 total, tax, paid, rate, discount, weight, outstanding, count, is_paid, day, due, note) \
                 SELECT LPAD(HEX((n.seq * {SPREAD}) & 0xFFFFFFFFFF), 10, '0') AS name, NOW(6), NOW(6), 'admin@example.com', \
                 'admin@example.com', CONCAT('customer number ', n.seq), n.seq % 100000, ELT(n.seq % 3 + 1, 'Draft', 'Open', 'Paid'), \
                 CONCAT('Company ', n.seq % 20), REPEAT('r', 40), CONCAT('party ', n.seq % 5000), {numbers}, n.seq % 7, \
                 n.seq % 2, '2024-01-31', NOW(6), REPEAT('n', 60) FROM seq_1_to_{rows} n ORDER BY name"
            ),
        )
        .await;
        site
    }

    /// A connection as root.
    pub(crate) async fn root(&self, database: &str) -> MySqlConnection {
        let url = format!("mysql://root@127.0.0.1:{}/{database}", self.server.port);
        MySqlConnection::connect(&url).await.unwrap()
    }

    /// Where an application without Crossfade is.
    pub(crate) fn url_of_old(&self) -> String {
        format!("mysql://root@127.0.0.1:{}/{BASE}", self.server.port)
    }

    /// Where blue is.
    pub(crate) fn url_of_blue(&self) -> String {
        format!("mysql://{SCHEMA}:{PASSWORD}@127.0.0.1:{}/{SCHEMA}", self.server.port)
    }

    /// The table as it was, in packed pages and in the buffer pool, and what was written for it on the disk.
    ///
    /// Its tablespace is copied (MariaDB manual, "Copying Transportable Tablespaces"): to insert 5,000,000 rows takes four
    /// times as long.
    pub(crate) async fn reset(&self) {
        let mut connection = self.root(BASE).await;
        send(
            &mut connection,
            "SET sql_log_bin = 0; \
             DROP TABLE IF EXISTS tabBench, _tabBench_new, _tabBench_old, _tabBench_gho, _tabBench_ghc, _tabBench_del; \
             CREATE TABLE tabBench LIKE pristine.tabBench; ALTER TABLE tabBench DISCARD TABLESPACE; \
             FLUSH TABLES pristine.tabBench FOR EXPORT",
        )
        .await;
        let data = self.server.directory.join("data");
        for file in ["tabBench.ibd", "tabBench.cfg"] {
            // Not by `std::fs::copy`: the file is to belong to the server's user.
            let copied = Command::new("cp")
                .arg("--preserve=ownership")
                .args([data.join("pristine").join(file), data.join(BASE).join(file)])
                .status();
            assert!(copied.unwrap().success(), "{file} is copied");
        }
        send(
            &mut connection,
            "UNLOCK TABLES; ALTER TABLE tabBench IMPORT TABLESPACE; ANALYZE TABLE tabBench; \
             SELECT SUM(LENGTH(note)) FROM tabBench",
        )
        .await;
        let dirty = "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.GLOBAL_STATUS \
                     WHERE VARIABLE_NAME = 'INNODB_BUFFER_POOL_PAGES_DIRTY'";
        send(&mut connection, "SET GLOBAL innodb_max_dirty_pages_pct = 0; PURGE BINARY LOGS BEFORE NOW()")
            .await;
        let begun = std::time::Instant::now();
        while begun.elapsed().as_secs() < 60 {
            let pages: i64 = sqlx::query_scalar(dirty).fetch_one(&mut connection).await.unwrap();
            if pages < 500 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        send(&mut connection, "SET GLOBAL innodb_max_dirty_pages_pct = 90").await;
    }

    /// Removes what a release left.
    pub(crate) async fn forget(&self) {
        let mut connection = self.root(BASE).await;
        let sql = format!(
            "DROP DATABASE IF EXISTS {SCHEMA}; DROP USER IF EXISTS {SCHEMA}@'%'; DROP TABLE IF EXISTS __crossfade_ledger"
        );
        send(&mut connection, &sql).await;
    }

    /// Rows of the table.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }
}

/// Sends SQL that must succeed.
pub(crate) async fn send(connection: &mut MySqlConnection, sql: &str) {
    let sent = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await;
    assert!(sent.is_ok(), "{}\n{sql}", sent.unwrap_err());
}
