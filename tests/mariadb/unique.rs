//! A field becomes unique: what blue leaves empty is no duplicate, and duplicates are found before anything is changed.

use serde_json::{Value, json};

use super::server::server;
use super::site::Site;
use super::versions::{Versions, doctype, field};

fn unique(name: &str, kind: &str) -> Value {
    json!({ "fieldname": name, "fieldtype": kind, "unique": 1 })
}

/// A serial and a tag become unique, one of them under another name; a text becomes a unique number.
fn versions() -> Versions {
    let device = |fields: &[Value]| doctype("Device", fields, &json!({}));
    Versions::new(
        &[device(&[
            field("serial", "Data"),
            field("label", "Data"),
            field("slot", "Data"),
            field("note", "Data"),
        ])],
        &[device(&[
            unique("serial", "Data"),
            unique("tag", "Data"),
            unique("slot", "Int"),
            field("note", "Data"),
        ])],
        &[("Device", "tag", "label")],
    )
}

fn site(name: &str, rows: &str) -> Site {
    let site = versions().site(server(), name);
    site.admin(&format!("INSERT INTO tabDevice (name, serial, label, slot) VALUES {rows}"));
    site
}

const ROWS: &str =
    "('D1', 'a', 'x', '1'), ('D2', '', '', '2'), ('D3', '', ' ', '3'), ('D4', NULL, NULL, '4')";

#[test]
#[ignore = "needs mariadbd"]
fn what_blue_leaves_empty_is_no_duplicate() {
    let site = site("unique_empty", ROWS);
    site.expanded();
    let green =
        || site.base("SELECT name, IFNULL(serial, 'null'), IFNULL(tag, 'null') FROM tabDevice ORDER BY name");
    assert_eq!(green(), "D1\ta\tx\nD2\tnull\tnull\nD3\tnull\tnull\nD4\tnull\tnull");
    // As Frappe of blue writes it: '' where the form is empty, once more at each save.
    site.blue("INSERT INTO tabDevice (name, serial, label, slot) VALUES ('D5', '', '', '5')");
    site.blue("INSERT INTO tabDevice (name, serial, label, slot) VALUES ('D6', '  ', '', '6'), ('D7', 'b', 'y', '7')");
    site.blue(
        "UPDATE tabDevice SET serial = '', label = '', note = 'saved' WHERE name IN ('D1', 'D2', 'D7')",
    );
    assert_eq!(site.blue("SELECT name FROM tabDevice WHERE serial IS NOT NULL"), "");
    // A renamed field has a column of its own in blue: it says what blue wrote.
    assert_eq!(site.blue("SELECT COUNT(*) FROM tabDevice WHERE label = ''"), "6");
    assert_eq!(green().matches("\tnull\tnull").count(), 7, "{}", green());
    site.base(
        "INSERT INTO tabDevice (name, serial, tag, slot) VALUES ('G1', 'c', 'z', 8), ('G2', NULL, NULL, 9)",
    );
    site.base("UPDATE tabDevice SET serial = NULL, tag = NULL WHERE name = 'G1'");
    assert_eq!(site.blue("SELECT name FROM tabDevice WHERE serial = 'c' OR label = 'z'"), "");
    // A value still stands once.
    site.blue("UPDATE tabDevice SET serial = 'd', label = 'e' WHERE name = 'D1'");
    for sql in ["serial = 'D '", "label = 'E'"] {
        let refused = site.try_blue(&format!("UPDATE tabDevice SET {sql} WHERE name = 'D2'")).unwrap_err();
        assert!(refused.contains("1062"), "{refused}");
    }
    site.run("verify", &[]).ok();
    site.run("contract", &["--without-backup"]).ok();
    assert_eq!(site.base("SHOW TRIGGERS"), "");
    site.base("INSERT INTO tabDevice (name, serial, tag, slot) VALUES ('G3', NULL, NULL, 10)");
}

#[test]
#[ignore = "needs mariadbd"]
fn the_way_back_takes_an_empty_text_as_before() {
    let site = site("unique_back", ROWS);
    site.expanded();
    site.blue("INSERT INTO tabDevice (name, serial, label, slot) VALUES ('D5', '', '', '5')");
    site.run("rollback", &["--stage", "tables"]).ok();
    assert_eq!(site.base("SHOW TRIGGERS"), "");
    site.base(
        "INSERT INTO tabDevice (name, serial, label, slot) VALUES ('D8', '', '', ''), ('D9', '', '', '')",
    );
    assert_eq!(site.base("SELECT COUNT(*) FROM tabDevice WHERE serial = ''"), "2");
}

/// The plan was made without a look at the rows, as it is of a sample of a large table.
#[test]
#[ignore = "needs mariadbd"]
fn duplicates_are_found_in_all_rows_before_anything_is_changed() {
    let rows = "('D1', 'Ab', 'x', '1'), ('D2', 'aB ', '', '1.0'), ('D3', 'é', 'X', '3'), ('D4', 'e', '', 'none'), ('D5', '', 'x ', '')";
    let site = site("unique_twice", rows);
    let before = site.traces();
    let ran = site.run("isolate", &[]);
    assert_eq!(ran.code, 3, "{}", ran.output);
    for said in [
        "tabDevice cannot take the unique index over serial: these rows have one value there: ",
        "D1 and D2",
        "D3 and D4",
        "over tag: these rows have one value there: D1, D5 and 1 more;",
        "over slot: these rows have one value there: ",
        "D4 and D5",
        "in all rows of tabDevice",
    ] {
        assert!(ran.output.contains(said), "{said}: {}", ran.output);
    }
    assert!(!ran.output.contains("aB"), "values are nobody's business: {}", ran.output);
    assert_eq!(site.traces(), before);
    site.admin("UPDATE tabDevice SET serial = name, label = name, slot = SUBSTRING(name, 2)");
    site.expanded();
    // Once the steps have run there is nothing to ask.
    let again = site.run("isolate", &[]).ok();
    assert!(!again.contains("stand twice"), "{again}");
}

/// A serial that is unique and a slot with an index, to green neither; its migrate has dropped both indexes.
fn migrated(name: &str) -> Site {
    let device = |fields: &[Value]| doctype("Device", fields, &json!({}));
    let slot = json!({ "fieldname": "slot", "fieldtype": "Data", "search_index": 1 });
    let blue = [device(&[unique("serial", "Data"), slot])];
    let site = Versions::new(&blue, &[device(&[field("serial", "Data"), field("slot", "Data")])], &[])
        .site(server(), name);
    site.admin("INSERT INTO tabDevice (name, serial) VALUES ('D1', 'a'), ('D2', NULL)");
    site.expanded();
    assert_eq!(indexes(&site), "serial\t0\nslot\t1");
    site.base("ALTER TABLE tabDevice DROP INDEX serial, DROP INDEX slot");
    site.run("verify", &[]).ok();
    site.base("INSERT INTO tabDevice (name, serial) VALUES ('G1', ''), ('G2', ''), ('G3', 'b')");
    site
}

fn indexes(site: &Site) -> String {
    site.base(
        "SELECT COLUMN_NAME, NON_UNIQUE FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() \
         AND TABLE_NAME = 'tabDevice' AND COLUMN_NAME IN ('serial', 'slot') ORDER BY 1",
    )
}

#[test]
#[ignore = "needs mariadbd"]
fn an_index_that_green_dropped_is_back_after_a_rollback() {
    let site = migrated("unique_again");
    site.run("rollback", &["--stage", "tables"]).ok();
    assert_eq!(indexes(&site), "serial\t0\nslot\t1");
    assert_eq!(site.base("SELECT COUNT(*) FROM tabDevice WHERE serial IS NULL"), "3");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_rollback_says_which_rows_keep_a_unique_index_from_coming_back() {
    let site = migrated("unique_gone");
    site.base("INSERT INTO tabDevice (name, serial) VALUES ('G4', 'A')");
    let said = site.run("rollback", &["--stage", "tables"]).ok();
    assert_eq!(indexes(&site), "slot\t1");
    let reason = "tabDevice cannot take the unique index over serial: these rows have one value there: D1 and G4; blue goes on";
    assert!(said.contains(reason), "{said}");
}

/// Once blue is gone green's table is as green's migrate has left it.
#[test]
#[ignore = "needs mariadbd"]
fn an_index_that_green_dropped_stays_away_after_the_contract() {
    let site = migrated("unique_over");
    site.run("contract", &["--without-backup"]).ok();
    assert_eq!(indexes(&site), "");
}
