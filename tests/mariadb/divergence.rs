//! Verification: a row that differs is found and named, a value that does not fit the other side is not one.

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, Row};

use super::server::server;
use super::site::Site;
use super::traffic::{Client, work_on};
use super::versions::{WRONG, fill_usual, usual};

fn served(name: &str, rows: u32) -> Site {
    let site = usual().site(server(), name);
    fill_usual(&site, rows);
    site.expanded();
    site
}

#[test]
#[ignore = "needs mariadbd"]
fn values_that_do_not_fit_the_other_side_are_counted_and_survive_a_second_expand() {
    let site = usual().site(server(), "div_decided");
    fill_usual(&site, 900);
    // An empty text is 0 as a number, as Frappe reads it: nothing is lost, and 300 stay.
    site.base(
        "UPDATE tabDeal SET count = IF(name = 'D000004', '', NULL) WHERE name IN ('D000004', 'D000005')",
    );
    site.expanded();
    assert_eq!(
        site.base("SELECT GROUP_CONCAT(count) FROM tabDeal WHERE name IN ('D000004', 'D000005')"),
        "0,0"
    );
    let verified = site.run("verify", &[]).ok();
    assert!(verified.contains("900 rows compared, none differs, 300 values do not fit"), "{verified}");
    // Green's own text has no place in blue's number: blue gets 0 by rule, and green keeps its text.
    site.base("UPDATE tabDeal SET code = 'x9' WHERE name = 'D000001'; UPDATE tabDeal SET client = 'Bea' WHERE name = 'D000002'");
    assert_eq!(site.blue("SELECT code FROM tabDeal WHERE name = 'D000001'"), "0");
    let verified = site.run("verify", &[]).ok();
    assert!(verified.contains("none differs, 301 values do not fit"), "{verified}");
    let again = site.run("expand", &[]).ok();
    assert!(again.contains("0 steps ran"), "{again}");
    assert_eq!(site.base("SELECT code FROM tabDeal WHERE name = 'D000001'"), "x9");
    assert_eq!(site.blue("SELECT customer FROM tabDeal WHERE name = 'D000002'"), "Bea");
    site.run("contract", &["--without-backup"]).ok();
    assert_eq!(site.base("SELECT code FROM tabDeal WHERE name = 'D000001'"), "x9");
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn rows_that_differ_are_named_and_neither_verify_nor_contract_goes_on() {
    let site = served("div_refuse", 12_000);
    let mut root = MySqlConnection::connect(&site.url("root", "", "div_refuse")).await.unwrap();
    let triggers = site.admin("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'div_refuse' AND EVENT_OBJECT_TABLE = 'tabDeal' AND EVENT_MANIPULATION = 'UPDATE'");
    // Somebody writes behind the triggers' back: only case differs in one of the two, which a collation would not see.
    let show = AssertSqlSafe(format!("SHOW CREATE TRIGGER `{triggers}`"));
    let create: String = root.fetch_one(sqlx::raw_sql(show)).await.unwrap().get_unchecked(2);
    assert!(create.contains("crossfade_keep"), "{create}");
    site.server.root(&format!(
        "USE div_refuse; DROP TRIGGER `{triggers}`; UPDATE tabDeal SET client = 'C7' WHERE name = 'D000007'; \
         UPDATE tabDeal SET client = 'other' WHERE name IN ('D000300', 'D011999')"
    ));
    root.execute(sqlx::raw_sql(AssertSqlSafe(format!("SET sql_mode = ''; {create}")))).await.unwrap();
    for (command, more) in [("verify", &[][..]), ("contract", &["--without-backup"])] {
        let refused = site.run(command, &[more, &["--output", "json"]].concat());
        let figures = refused.figures();
        assert_eq!((&figures["differences"], &figures["failure"]), (&3.into(), &"Diverged".into()));
        assert_eq!(refused.code, 3, "{command}: {}", refused.output);
        let text =
            "3 rows of tabDeal differ in customer (blue) and client (green): D000007, D000300, D011999";
        assert!(refused.output.contains(text), "{command}: {}", refused.output);
    }
    // Blue was let in again by the contract that refused.
    site.blue("UPDATE tabDeal SET customer = 'x' WHERE name IN ('D000300', 'D011999', 'D000007')");
    let verified = site.run("verify", &["--output", "json"]);
    assert_eq!(verified.figures(), serde_json::json!({"differences": 0}));
    verified.ok();
    site.run("contract", &["--without-backup"]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn settings_that_differ_are_named() {
    let site = Site::small("div_singles");
    site.plan(super::plans::additive());
    site.expanded();
    site.run("verify", &[]).ok();
    site.server.root("USE div_singles; DROP TRIGGER __crossfade_singles_update; UPDATE tabSingles SET value = 'RED' WHERE field = 'colour'");
    let refused = site.run("contract", &["--output", "json"]);
    assert_eq!(refused.code, 3, "{}", refused.output);
    assert_eq!(refused.figures()["differences"], 1);
    assert!(
        refused.output.contains("1 settings differ") && refused.output.contains("Settings.colour"),
        "{}",
        refused.output
    );
}

#[test]
#[ignore = "needs mariadbd"]
fn both_versions_write_while_the_comparison_goes_on() {
    let site = served("div_go_on", 3_000);
    let client = |url: String, column: &'static str, number: &'static str| {
        Client::start(vec![url], move |at| {
            let row = at % 3_000 + 1;
            vec![format!(
                "UPDATE tabDeal SET {column} = 'v{at}', count = {number}, code = {at} WHERE name = 'D{row:06}'"
            )]
        })
    };
    let blue = client(
        site.url(&site.schema, "blue's%20%5C%20%22secret%22", &site.schema),
        "customer",
        "'12 apples'",
    );
    let green = client(site.url(&site.name, "base", &site.name), "client", "7");
    // Before it begins, so that there is something to compare.
    work_on([&blue, &green], 51);
    let verified = site.run("verify", &["--continuous", "4"]);
    let seen = [blue.end(), green.end()];
    let verified = verified.ok();
    assert!(
        verified.contains("passes in 4 s, in the last one 3000 rows compared, none differs"),
        "{verified}"
    );
    for seen in seen {
        assert!(seen.errors.is_empty() && seen.statements > 50, "{seen:?}");
    }
    assert_eq!(site.base(&WRONG.replace("name LIKE", "client LIKE 'c%' AND name LIKE")), "0");
}
