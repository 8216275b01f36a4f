//! The commands on a plan that renames and retypes fields, with clients of both versions at work.

use std::time::Duration;

use rand::Rng;

use super::in_step::made;
use super::kills::kill_and_finish;
use super::site::Site;
use super::traffic::{Client, work_on};
use super::versions::NAMED_IN;

const ROWS: u32 = 4_000;

/// A site with blue's tables, the plan of its release, and rows that a cast has something to do with.
pub(crate) fn before_release(site: Site, rows: u32) -> Site {
    let (first, plan) = made();
    site.admin(NAMED_IN);
    site.admin("INSERT INTO `tabProperty Setter` VALUES ('p', 'Deal', 'customer')");
    for step in &first.expand {
        site.admin(&step.sql);
    }
    site.admin(&format!(
        "INSERT INTO tabDeal (name, customer, count, code, day, note) SELECT CONCAT('D', LPAD(seq, 6, '0')), CONCAT('c', seq), \
         IF(seq % 3, seq, CONCAT('no ', seq)), seq, IF(seq % 2, '2024-01-31', 'soon'), 'n' FROM seq_1_to_{rows}; \
         INSERT INTO `tabDeal Row` (name, parent, parenttype, parentfield) SELECT CONCAT('R', seq), CONCAT('D', LPAD(seq, 6, '0')), 'Deal', 'items' FROM seq_1_to_{rows}"
    ));
    site.plan(plan);
    site
}

/// The same after the hand-over.
fn site(name: &str) -> Site {
    let site = before_release(Site::small(name), ROWS);
    site.handed_over();
    site
}

/// A version at work: it updates all that it knows of some rows, adds a row, takes one away.
fn client(url: String, side: &'static str) -> Client {
    let (customer, items) = if side == "blue" { ("customer", "items") } else { ("client", "lines") };
    Client::start(vec![url], move |number| {
        let row = rand::rng().random_range(1..=ROWS);
        let other = row % ROWS + 1;
        let mut rows = [row, other];
        // In one order, or two clients of any application deadlock.
        rows.sort_unstable();
        let mut statements: Vec<String> = rows
            .iter()
            .map(|row| {
                format!(
                    "UPDATE tabDeal SET {customer} = '{side}{number}', count = {number}, code = {number}, day = '2024-02-0{}', note = '{side}' \
                     WHERE name = 'D{row:06}'",
                    number % 9 + 1
                )
            })
            .collect();
        statements
            .push(format!("SELECT {customer}, count, code, day, note FROM tabDeal WHERE name = 'D{row:06}'"));
        statements.push(format!(
            "INSERT INTO tabDeal (name, {customer}, count, code) VALUES ('{side}{number}', 'x', '{number}', 1)"
        ));
        statements.push(format!(
            "INSERT INTO `tabDeal Row` (name, parent, parenttype, parentfield) VALUES ('{side}{number}', 'D{row:06}', 'Deal', '{items}')"
        ));
        if number > 5 {
            statements.push(format!("DELETE FROM tabDeal WHERE name = '{side}{}'", number - 5));
        }
        statements
    })
}

fn blue(site: &Site) -> Client {
    // As in a URL: blue's password has characters of its own there.
    client(site.url(&site.schema, "blue's%20%5C%20%22secret%22", &site.schema), "blue")
}

fn green(site: &Site) -> Client {
    client(site.url(&site.name, "base", &site.name), "green")
}

#[track_caller]
fn unharmed(client: Client) -> u64 {
    // Each request has five statements at least.
    work_on([&client], 20);
    let seen = client.end();
    assert!(seen.errors.is_empty(), "{} errors, first {:?}", seen.errors.len(), &seen.errors[0]);
    assert!(seen.statements > 100, "only {} statements", seen.statements);
    seen.statements
}

#[test]
#[ignore = "needs mariadbd"]
fn renamed_and_retyped_fields_serve_both_versions_from_expand_to_contract() {
    let site = site("carried_on");
    let blues = [blue(&site)];
    site.run("expand", &[]).ok();
    let greens = [green(&site)];
    work_on(blues.iter().chain(&greens), 30);
    site.run("verify", &[]).ok();
    let of_blue: u64 = blues.map(unharmed).iter().sum();
    site.run("expand", &[]).ok();
    site.run("contract", &["--without-backup"]).ok();
    let of_green: u64 = greens.map(unharmed).iter().sum();
    println!("{of_blue} statements of blue, {of_green} of green");
    let wrong = "SELECT COUNT(*) FROM tabDeal WHERE name LIKE 'D%' AND note = 'n' AND (client <> CONCAT('c', code) OR \
                 count <> IF(code % 3, code, 0) OR NOT (day <=> IF(code % 2, '2024-01-31', NULL)))";
    assert_eq!(site.base(wrong), "0");
    assert_eq!(site.base("SELECT COUNT(*) FROM `tabDeal Row` WHERE parentfield <> 'lines'"), "0");
    assert!(!site.traces().contains("__r1"), "{}", site.traces());
}

#[test]
#[ignore = "needs mariadbd"]
fn an_expand_that_is_killed_again_and_again_ends_like_one_that_is_not() {
    let site = site("carried_kill");
    let blues = [blue(&site)];
    let killed = kill_and_finish(&site, "expand", &[], 25, Duration::from_secs(1));
    println!("{killed} kills");
    assert!(killed > 5, "only {killed} were killed before they ended");
    let _ = blues.map(unharmed);
    site.run("contract", &["--without-backup"]).ok();
    let wrong = "SELECT COUNT(*) FROM tabDeal WHERE name LIKE 'D%' AND note = 'n' AND (client <> CONCAT('c', code) OR \
                 count <> IF(code % 3, code, 0) OR NOT (day <=> IF(code % 2, '2024-01-31', NULL)))";
    assert_eq!(site.base(wrong), "0");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_rollback_that_is_killed_gives_blue_everything_under_its_old_types() {
    let site = site("carried_back");
    let columns = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS \
                   WHERE TABLE_SCHEMA = 'carried_back' AND TABLE_NAME LIKE 'tabDeal%' AND COLUMN_NAME <> 'client' ORDER BY 1, 2";
    let before = site.server.root(columns);
    let blues = [blue(&site)];
    site.run("expand", &[]).ok();
    let greens = [green(&site)];
    work_on(blues.iter().chain(&greens), 30);
    let _ = greens.map(unharmed);
    let killed = kill_and_finish(&site, "rollback", &["--stage", "tables"], 20, Duration::from_secs(1));
    println!("{killed} kills");
    let _ = blues.map(unharmed);
    let read = "SELECT name, customer, count, code, day, note FROM tabDeal ORDER BY name";
    assert_eq!(site.blue(read), site.base(read));
    assert_eq!(site.server.root(columns), before);
    let wrong = "SELECT COUNT(*) FROM tabDeal WHERE name LIKE 'D%' AND note = 'n' AND (customer <> CONCAT('c', code) OR \
                 count <> IF(code % 3, code, CONCAT('no ', code)) OR day <> IF(code % 2, '2024-01-31', 'soon'))";
    assert_eq!(site.base(wrong), "0");
    assert_eq!(site.base("SELECT COUNT(*) FROM `tabDeal Row` WHERE parentfield <> 'items'"), "0");
    site.run("rollback", &["--stage", "finish"]).ok();
    assert!(!site.traces().contains("trigger"), "{}", site.traces());
}

#[test]
#[ignore = "needs mariadbd"]
fn a_rollback_counts_what_blue_cannot_hold() {
    let site = site("carried_count");
    site.run("expand", &[]).ok();
    // Blue's whole number takes the one, and for the others it has 0.
    site.base(
        "UPDATE tabDeal SET code = '12' WHERE name = 'D000001'; \
         UPDATE tabDeal SET code = 'a dozen' WHERE name IN ('D000002', 'D000003')",
    );
    // What green cannot hold is no loss of blue's: a text that is no number.
    site.blue("UPDATE tabDeal SET count = 'none' WHERE name = 'D000004'");
    let said = site.run("rollback", &["--stage", "tables"]).ok();
    assert!(
        said.contains("8000 rows compared: 2 values that green wrote do not fit blue's columns"),
        "{said}"
    );
    assert_eq!(site.base("SELECT code FROM tabDeal WHERE name <= 'D000003' ORDER BY name"), "12\n0\n0");
    assert_eq!(site.base("SELECT count FROM tabDeal WHERE name = 'D000004'"), "none");
    let again = site.run("rollback", &["--stage", "tables"]).ok();
    assert!(!again.contains("do not fit"), "{again}");
}
