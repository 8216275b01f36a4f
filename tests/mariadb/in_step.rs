//! The planner's own steps on a table that both versions write: each sees what the other wrote, as its own types say.

use crossfade::doctype::{AppReader, FrappeVersion, Snapshot};
use crossfade::plan::{BLUE, CAST_MODE, Effect, Input, Plan, Renames, Work, plan};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::server::server;
use super::site::Site;
use super::versions::{self, Versions};

fn doctype(name: &str, fields: &Value) -> Vec<u8> {
    let doctype = json!({
        "doctype": "DocType", "name": name, "module": "Shop", "fields": fields, "istable": name == "Deal Row",
    });
    serde_json::to_vec(&doctype).unwrap()
}

fn snapshot(fields: &Value, rows: &str) -> Snapshot {
    let mut reader = AppReader::new("shop");
    let mut fields = fields.as_array().unwrap().clone();
    fields.push(json!({ "fieldname": rows, "fieldtype": "Table", "options": "Deal Row" }));
    reader.add("shop/shop/doctype/deal/deal.json", &doctype("Deal", &json!(fields))).unwrap();
    let item = doctype("Deal Row", &json!([{ "fieldname": "qty", "fieldtype": "Int" }]));
    reader.add("shop/shop/doctype/deal_row/deal_row.json", &item).unwrap();
    Snapshot::new(vec![reader.finish()])
}

fn field(name: &str, kind: &str) -> Value {
    json!({ "fieldname": name, "fieldtype": kind })
}

/// A rename, types to and from text, a date, a longer text, a table field under another name: all on one DocType.
pub(crate) fn made() -> (Plan, Plan) {
    let old = json!([
        { "fieldname": "customer", "fieldtype": "Data", "search_index": 1 },
        { "fieldname": "count", "fieldtype": "Data", "search_index": 1 },
        field("code", "Int"),
        field("day", "Data"),
        field("note", "Small Text"),
        field("other", "Data"),
    ]);
    let new = json!([
        { "fieldname": "client", "fieldtype": "Data", "search_index": 1 },
        { "fieldname": "count", "fieldtype": "Int", "search_index": 1 },
        field("code", "Data"),
        field("day", "Date"),
        field("note", "Long Text"),
        field("other", "Data"),
    ]);
    let mut renames = Renames::default();
    renames.fields.insert(("Deal".to_owned(), "client".to_owned()), "customer".to_owned());
    renames.fields.insert(("Deal".to_owned(), "lines".to_owned()), "items".to_owned());
    let (blue, green) = (snapshot(&old, "items"), snapshot(&new, "lines"));
    let frappe = FrappeVersion::parse("15.41.0");
    let nothing = Snapshot::new(Vec::new());
    let first = Input { blue_frappe: frappe, green_frappe: frappe, ..Input::new(&nothing, &blue) };
    let input = Input { blue_frappe: frappe, green_frappe: frappe, renames, ..Input::new(&blue, &green) };
    (plan(&first).unwrap(), plan(&input).unwrap())
}

/// A site with the tables of blue, rows in them, and blue's schema with its user.
struct Shop {
    site: Site,
    plan: Plan,
    connection: MySqlConnection,
}

impl Shop {
    async fn new(name: &str) -> Self {
        let (first, plan) = made();
        let site = Site::empty(name);
        let mut connection = MySqlConnection::connect(&site.url("root", "", name)).await.unwrap();
        for step in &first.expand {
            send(&mut connection, &step.sql).await;
        }
        site.server.root(&format!(
            "CREATE DATABASE {0}; CREATE USER {0}@'%' IDENTIFIED BY 'blue''s \\\\ \"secret\"'; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON {0}.* TO {0}@'%'; \
             CREATE VIEW {0}.tabDeal AS SELECT * FROM {1}.tabDeal; \
             CREATE VIEW {0}.`tabDeal Row` AS SELECT * FROM {1}.`tabDeal Row`; \
             USE {1}; CREATE TABLE `tabProperty Setter` (doc_type text, field_name text); \
             CREATE TABLE `tabCustom Field` (dt text, insert_after text); \
             CREATE TABLE tabReport (ref_doctype text, json text); CREATE TABLE tabDefaultValue (defkey text, defvalue text); CREATE TABLE __UserSettings (doctype text, data text); \
             INSERT INTO tabReport VALUES ('Deal', '[\"customer\"]'); \
             INSERT INTO `tabProperty Setter` VALUES ('Deal', 'customer'), ('Bill', 'customer')",
            site.schema, site.name
        ));
        site.blue(
            "INSERT INTO tabDeal (name, customer, count, code, day, note) VALUES \
             ('O1', 'Ann', 'abc', 7, '31-01-2024', 'n'), ('O2', NULL, '12', 0, '2024-02-29', NULL), ('O3', 'ann', ' 1e3 ', -5, NULL, '')",
        );
        site.blue("INSERT INTO `tabDeal Row` (name, parent, parenttype, parentfield) VALUES ('I1', 'O1', 'Deal', 'items'), ('I2', 'X', 'Bill', 'items')");
        Self { site, plan, connection }
    }

    /// Runs the steps of the expand; after each of them blue writes all that it knows, and reads it back.
    async fn expand(&mut self) {
        let steps: Vec<_> = self.plan.expand.iter().map(|step| (step.id.clone(), step.sql.clone())).collect();
        for (at, (id, sql)) in steps.iter().enumerate() {
            send(&mut self.connection, &sql.replace(BLUE, &self.site.schema)).await;
            self.site.blue(&format!(
                "UPDATE tabDeal SET customer = 'c{at}', count = 'x{at}', code = {at}, day = 'd{at}', note = 'n{at}', other = 'o{at}' WHERE name = 'O1'; \
                 INSERT INTO tabDeal (name, customer, count, code, day, note, other) VALUES ('S{at}', 's', '0{at}', {at}, '2024-01-0{}', 't', NULL)",
                at % 9 + 1
            ));
            let read =
                self.site.blue("SELECT customer, count, code, day, note FROM tabDeal WHERE name = 'O1'");
            assert_eq!(read, format!("c{at}\tx{at}\t{at}\td{at}\tn{at}"), "after {id}");
            let read = self
                .site
                .blue(&format!("SELECT customer, count, code, note FROM tabDeal WHERE name = 'S{at}'"));
            assert_eq!(read, format!("s\t0{at}\t{at}\tt"), "after {id}");
        }
    }
}

impl Shop {
    async fn contract(&mut self) {
        self.site.server.root(&format!("DROP DATABASE {}", self.site.schema));
        for step in &self.plan.contract {
            send(&mut self.connection, &step.sql).await;
        }
    }
}

async fn send(connection: &mut MySqlConnection, sql: &str) {
    let sent = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await;
    assert!(sent.is_ok(), "{}\n{sql}", sent.unwrap_err());
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn both_versions_see_what_the_other_writes() {
    let mut shop = Shop::new("in_step").await;
    shop.expand().await;
    let site = &shop.site;
    // What was there, and what blue wrote on the way.
    let green = "SELECT client, count, code, day, note FROM tabDeal WHERE name = ";
    let blue = "SELECT customer, count, code, day, note FROM tabDeal WHERE name = ";
    let last = shop.plan.expand.len() - 1;
    assert_eq!(site.base(&format!("{green}'O1'")), format!("c{last}\t0\t{last}\tNULL\tn{last}"));
    assert_eq!(site.base(&format!("{green}'O2'")), "NULL\t12\t0\t2024-02-29\tNULL");
    assert_eq!(site.base(&format!("{green}'O3'")), "ann\t1000\t-5\tNULL");
    assert_eq!(site.base("SELECT COUNT(*) FROM tabDeal WHERE name LIKE 'S%' AND (client <> 's' OR count <> CAST(SUBSTR(name, 2) AS SIGNED) OR day IS NULL)"), "0");
    // Green writes all of its columns; what only blue's type can hold stays if green did not change it.
    site.base("UPDATE tabDeal SET client = 'Bea', count = 0, code = 'x9', day = NULL, note = 'long' WHERE name = 'O1'");
    assert_eq!(site.blue(&format!("{blue}'O1'")), format!("Bea\tx{last}\t0\td{last}\tlong"));
    site.base(
        "UPDATE tabDeal SET client = 'bea', count = 5, code = '42', day = '2024-03-01' WHERE name = 'O1'",
    );
    assert_eq!(site.blue(&format!("{blue}'O1'")), "bea\t5\t42\t2024-03-01\tlong");
    // Case alone is a change.
    site.blue("UPDATE tabDeal SET customer = 'BEA', count = '6 apples', code = 8, day = '2024-02-30' WHERE name = 'O1'");
    assert_eq!(site.base(&format!("{green}'O1'")), "BEA\t0\t8\tNULL\tlong");
    // Inserts of either side, with and without values, also those that are the default.
    site.base("INSERT INTO tabDeal (name, client, count, code, day) VALUES ('G1', 'Eve', 3, 'z', '2024-05-05'), ('G2', NULL, 0, NULL, NULL)");
    assert_eq!(site.blue(&format!("{blue}'G1'")), "Eve\t3\t0\t2024-05-05\tNULL");
    assert_eq!(site.blue(&format!("{blue}'G2'")), "NULL\t0\t0\tNULL\tNULL");
    site.blue("INSERT INTO tabDeal (name, customer, count, code, day) VALUES ('B1', 'Fay', '99999999999', 0, ''), ('B2', NULL, NULL, 0, NULL)");
    assert_eq!(site.base(&format!("{green}'B1'")), "Fay\t2147483647\t0\tNULL\tNULL");
    assert_eq!(site.blue(&format!("{blue}'B1'")), "Fay\t99999999999\t0\t\tNULL");
    assert_eq!(site.base(&format!("{green}'B2'")), "NULL\t0\t0\tNULL\tNULL");
    assert_eq!(site.blue(&format!("{blue}'B2'")), "NULL\tNULL\t0\tNULL\tNULL");
    // Statements of other shapes.
    site.blue("INSERT INTO tabDeal (name, customer) VALUES ('B1', 'Gil') ON DUPLICATE KEY UPDATE customer = VALUES(customer); REPLACE INTO tabDeal (name, customer, count) VALUES ('B2', 'Hal', '4')");
    assert_eq!(
        site.base("SELECT name, client, count FROM tabDeal WHERE name IN ('B1', 'B2') ORDER BY name"),
        "B1\tGil\t2147483647\nB2\tHal\t4"
    );
    assert_eq!(
        site.base("SELECT field_name FROM `tabProperty Setter` ORDER BY doc_type"),
        "customer\nclient"
    );
    shop.contract().await;
    let site = &shop.site;
    assert_eq!(site.base(&format!("{green}'B1'")), "Gil\t2147483647\t0\tNULL\tNULL");
    let left = "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'in_step' AND COLUMN_NAME LIKE '%\\_\\_blue'; \
                SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'in_step'";
    assert_eq!(site.server.root(left), "0\n0");
    assert_eq!(site.base("SELECT json FROM tabReport"), "[\"client\"]");
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn rows_belong_to_the_field_that_each_version_knows() {
    let mut shop = Shop::new("in_step_rows").await;
    shop.expand().await;
    let site = &shop.site;
    // Rows of the table field.
    assert_eq!(site.base("SELECT parentfield FROM `tabDeal Row` ORDER BY name"), "lines\nitems");
    assert_eq!(site.blue("SELECT parentfield FROM `tabDeal Row` ORDER BY name"), "items\nitems");
    site.base("INSERT INTO `tabDeal Row` (name, parent, parenttype, parentfield) VALUES ('I3', 'O1', 'Deal', 'lines')");
    site.blue("INSERT INTO `tabDeal Row` (name, parent, parenttype, parentfield) VALUES ('I4', 'O1', 'Deal', 'items')");
    assert_eq!(
        site.blue("SELECT COUNT(*) FROM `tabDeal Row` WHERE parenttype = 'Deal' AND parentfield = 'items'"),
        "3"
    );
    assert_eq!(
        site.base("SELECT COUNT(*) FROM `tabDeal Row` WHERE parenttype = 'Deal' AND parentfield = 'lines'"),
        "3"
    );
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn a_backfill_that_runs_again_changes_nothing() {
    let mut shop = Shop::new("in_step_again").await;
    shop.expand().await;
    let all: Vec<_> =
        shop.plan.expand.iter().filter(|step| matches!(step.work, Work::Backfill { .. })).collect();
    // Blue's own columns are blue's once its view shows them: those backfills are past.
    let (past, backfills): (Vec<_>, Vec<_>) = all.into_iter().partition(|step| step.past.is_some());
    // One for all columns of a table, of `tabDeal` and of `tabDeal Row`.
    assert_eq!((past.len(), backfills.len()), (2, 2));
    for step in past {
        assert!(matches!(step.past, Some(Effect::BlueShows { .. })), "{}", step.sql);
    }
    for step in backfills {
        let counted = shop.connection.execute(sqlx::raw_sql(AssertSqlSafe(step.sql.clone()))).await.unwrap();
        assert_eq!(counted.rows_affected(), 0, "{}", step.sql);
    }
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn the_way_back_gives_blue_its_values_under_their_old_names() {
    let mut shop = Shop::new("in_step_back").await;
    let columns = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS \
                   WHERE TABLE_SCHEMA = 'in_step_back' AND COLUMN_NAME <> 'client' ORDER BY 1, 2";
    let before = shop.site.server.root(columns);
    shop.expand().await;
    shop.site.base(
        "UPDATE tabDeal SET client = 'Bea', count = 5, code = '42', day = '2024-03-01' WHERE name = 'O2'",
    );
    let read = "SELECT name, customer, count, code, day, note FROM tabDeal ORDER BY name";
    let shown = shop.site.blue(read);
    let undo: Vec<String> =
        shop.plan.expand.iter().rev().flat_map(|step| &step.undo).map(|undo| undo.sql.clone()).collect();
    for sql in undo {
        send(&mut shop.connection, &sql.replace(BLUE, &shop.site.schema)).await;
        // Blue goes on meanwhile.
        shop.site.blue("UPDATE tabDeal SET count = CONCAT('b', RIGHT(count, 1)) WHERE name = 'S1'");
        assert_eq!(shop.site.blue("SELECT count FROM tabDeal WHERE name = 'S1'"), "b1", "{sql}");
    }
    let expected = shown.replace("\nS1\ts\t01\t", "\nS1\ts\tb1\t");
    assert_eq!(shop.site.blue(read), expected);
    assert_eq!(shop.site.base(read), expected);
    assert_eq!(shop.site.base("SELECT parentfield FROM `tabDeal Row` ORDER BY name"), "items\nitems");
    assert_eq!(shop.site.server.root(columns), before);
    let triggers = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'in_step_back'";
    assert_eq!(shop.site.server.root(triggers), "0");
}

/// Texts that become numbers, dates and JSON, JSON and a number that become texts.
fn retyped() -> Versions {
    let deal = |kinds: [&str; 6]| {
        let fields = ["count", "amount", "day", "body", "payload", "code"];
        let fields: Vec<Value> = fields.iter().zip(kinds).map(|(name, kind)| field(name, kind)).collect();
        versions::doctype("Deal", &fields, &json!({}))
    };
    Versions::new(
        &[deal(["Data", "Data", "Data", "Long Text", "JSON", "Int"])],
        &[deal(["Int", "Currency", "Date", "JSON", "Data", "Data"])],
        &[],
    )
}

/// What blue writes at a moment: rows that are empty and rows that green's types cannot hold, and each becomes the other one
/// and gets another name at the next moments.
fn writes(table: &str, at: usize) -> String {
    let (last, before) = (at.wrapping_sub(1), at.wrapping_sub(2));
    format!(
        "INSERT INTO {table} (name, count, amount, day, body, payload, code) VALUES ('E{at}', NULL, NULL, NULL, NULL, NULL, 0), \
         ('F{at}', 'x{at}', '1,{at}', 'soon', '{{broken', CONCAT('[\"', REPEAT('p', 200), '\"]'), {at}); \
         UPDATE {table} SET count = NULL, amount = NULL, day = NULL, body = NULL, payload = NULL, code = 0 WHERE name = 'F{last}'; \
         UPDATE {table} SET count = ' 7', amount = 'y', day = '2024-02-30', body = '[1', payload = '[{at}]', code = {at} WHERE name = 'E{last}'; \
         UPDATE {table} SET name = CONCAT('a', name) WHERE name IN ('E{before}', 'F{before}')"
    )
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn what_blue_leaves_empty_is_empty_at_every_moment_there_and_back() {
    let Versions { plan, .. } = retyped();
    let site = retyped().site(server(), "in_step_empty");
    let mut connection = MySqlConnection::connect(&site.url("root", "", "in_step_empty")).await.unwrap();
    site.server.root(&format!(
        "CREATE DATABASE {0}; CREATE USER {0}@'%' IDENTIFIED BY 'blue''s \\\\ \"secret\"'; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON {0}.* TO {0}@'%'; CREATE VIEW {0}.tabDeal AS SELECT * FROM {1}.tabDeal; \
         CREATE TABLE {1}.alone LIKE {1}.tabDeal",
        site.schema, site.name
    ));
    // A table that nobody releases has what blue must read.
    let read = |table: &str| {
        format!("SELECT name, count, amount, day, body, payload, code FROM {table} ORDER BY name")
    };
    let mut at = 0;
    let mut moment = |sql: &str| {
        site.blue(&writes("tabDeal", at));
        site.base(&writes("alone", at));
        at += 1;
        assert_eq!(site.blue(&read("tabDeal")), site.base(&read("alone")), "after {sql}");
    };
    moment("nothing");
    for step in &plan.expand {
        send(&mut connection, &step.sql.replace(BLUE, &site.schema)).await;
        moment(&step.sql);
    }
    for pair in &plan.in_step {
        let other = format!(
            "SET STATEMENT sql_mode = '{CAST_MODE}' FOR SELECT COUNT(*) FROM {} WHERE NOT ({})",
            pair.table, pair.green_follows
        );
        assert_eq!(site.base(&other), "0", "{}", pair.green);
    }
    for undo in plan.expand.iter().rev().flat_map(|step| &step.undo) {
        send(&mut connection, &undo.sql.replace(BLUE, &site.schema)).await;
        moment(&undo.sql);
    }
    assert_eq!(site.base(&read("tabDeal")), site.base(&read("alone")));
}
