//! Several changes of one table: they share its ALTERs and its triggers, there and back, also where the command is killed.

use serde_json::{Value, json};

use super::boundaries::kill_at_some;
use super::server::server;
use super::site::Site;
use super::versions::{Versions, doctype};

/// Two fields of another type with an index each, two that get an index, one that becomes unique, two that become longer.
fn versions() -> Versions {
    let deal = |kind: &str, index: i32, length: i32| {
        let fields: Vec<Value> = [("a", kind, 1, 0), ("b", kind, 1, 0), ("c", "Data", index, 0), ("d", "Data", index, 0)]
            .into_iter()
            .chain([("e", "Data", 0, length), ("f", "Data", 0, length)])
            .map(|(name, kind, search_index, length)| {
                json!({ "fieldname": name, "fieldtype": kind, "search_index": search_index, "length": length })
            })
            .chain([json!({ "fieldname": "g", "fieldtype": "Data", "unique": index })])
            .collect();
        doctype("Deal", &fields, &json!({}))
    };
    Versions::new(&[deal("Data", 0, 100)], &[deal("Int", 1, 120)], &[])
}

/// What was done to the table, a letter each: columns that come (c), go (d), change places (x) or become longer (m);
/// plain indexes that come (i) or go (j), a unique one that comes (u), those that are used from then on (n).
fn altered(site: &Site, part: &str) -> String {
    let sql = format!(
        "SELECT statement FROM __crossfade_ledger WHERE part = '{part}' AND statement LIKE 'ALTER TABLE `tabDeal`%' ORDER BY id"
    );
    let letter = |statement: &str| {
        let kinds =
            [("CHANGE COLUMN", 'x'), ("MODIFY COLUMN", 'm'), ("ADD COLUMN", 'c'), ("DROP COLUMN", 'd')];
        let more = [("ADD UNIQUE INDEX", 'u'), ("ADD INDEX", 'i'), ("DROP INDEX", 'j'), ("ALTER INDEX", 'n')];
        kinds.into_iter().chain(more).find(|(word, _)| statement.contains(word)).unwrap().1
    };
    site.admin(&sql).lines().map(letter).collect()
}

/// Rows of both versions, as both see them.
fn written(site: &Site) {
    site.blue(
        "INSERT INTO tabDeal (name, a, b, c, e, g) VALUES ('blue', '7', 'x', 'c', REPEAT('e', 100), '')",
    );
    site.base("INSERT INTO tabDeal (name, a, b, d, f, g) VALUES ('green', 8, 9, 'd', 'f', 'g')");
    site.blue("UPDATE tabDeal SET a = '5', b = '6' WHERE name = 'old'");
    let read = "SELECT name, a, b FROM tabDeal ORDER BY name";
    assert_eq!(site.blue(read), "blue\t7\tx\ngreen\t8\t9\nold\t5\t6");
    assert_eq!(site.base(read), "blue\t7\t0\ngreen\t8\t9\nold\t5\t6");
}

pub(crate) fn site(name: &str) -> Site {
    let site = versions().site(server(), name);
    site.admin("INSERT INTO tabDeal (name, a, b) VALUES ('old', '1', '2')");
    site.handed_over();
    site
}

/// The indexes of the table's fields.
pub(crate) fn indexes(site: &Site) -> String {
    site.admin(
        "SELECT GROUP_CONCAT(CONCAT(COLUMN_NAME, IF(NON_UNIQUE, '', ' unique')) ORDER BY COLUMN_NAME) FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'tabDeal' AND COLUMN_NAME REGEXP '^[a-g](__blue)?$'",
    )
}

#[test]
#[ignore = "needs mariadbd"]
fn changes_of_one_table_share_its_statements_to_the_end() {
    let site = site("one_table");
    site.run("expand", &[]).ok();
    assert_eq!(altered(&site, "expand"), "cminjxinun");
    assert_eq!(indexes(&site), "a,a__blue,b,b__blue,c,d,g unique");
    written(&site);
    site.run("verify", &[]).ok();
    site.run("contract", &["--without-backup"]).ok();
    assert_eq!(altered(&site, "contract"), "jd");
    assert_eq!(indexes(&site), "a,b,c,d,g unique");
}

#[test]
#[ignore = "needs mariadbd"]
fn changes_of_one_table_are_taken_back_together_by_commands_that_are_killed() {
    let site = site("one_table_back");
    let killed = kill_at_some(&site, "expand", &[], 6);
    assert_eq!(indexes(&site), "a,a__blue,b,b__blue,c,d,g unique");
    written(&site);
    let more = kill_at_some(&site, "rollback", &["--stage", "tables"], 6);
    assert!(killed > 3 && more > 3, "{killed} and {more} kills");
    // What green's metadata asks for and blue does not feel stays.
    assert_eq!(indexes(&site), "a,b,c,d");
    assert_eq!(site.blue("SELECT a, b FROM tabDeal WHERE name = 'green'"), "8\t9");
    site.run("rollback", &["--stage", "finish"]).ok();
    assert_eq!(site.base("SELECT a, b FROM tabDeal ORDER BY name"), "7\tx\n8\t9\n5\t6");
}
