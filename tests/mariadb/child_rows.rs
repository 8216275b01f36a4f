//! Rows of a child table that only green knows, while blue renames, submits, cancels and deletes their documents.

use crossfade::doctype::{AppReader, FrappeVersion, Snapshot};
use crossfade::plan::{Input, Plan, plan};
use serde_json::{Value, json};

use super::server::server;
use super::site::Site;
use super::versions::{self, Versions, field};

fn snapshot(files: &[(&str, Value)]) -> Snapshot {
    let mut reader = AppReader::new("shop");
    for (name, doctype) in files {
        let path = format!("shop/shop/doctype/{name}/{name}.json");
        reader.add(&path, &serde_json::to_vec(doctype).unwrap()).unwrap();
    }
    Snapshot::new(vec![reader.finish()])
}

fn doctype(name: &str, is_child: bool, fields: &Value) -> Value {
    json!({ "doctype": "DocType", "name": name, "module": "Shop", "istable": is_child, "fields": fields })
}

/// What makes blue's tables, and the plan of the release: a Parcel gets stops.
fn plans() -> [Plan; 2] {
    let title = json!({ "fieldname": "title", "fieldtype": "Data" });
    let stops = json!({ "fieldname": "stops", "fieldtype": "Table", "options": "Parcel Stop" });
    let blue = snapshot(&[("parcel", doctype("Parcel", false, &json!([title])))]);
    let green = snapshot(&[
        ("parcel", doctype("Parcel", false, &json!([title, stops]))),
        (
            "parcel_stop",
            doctype("Parcel Stop", true, &json!([{ "fieldname": "place", "fieldtype": "Data" }])),
        ),
    ]);
    let nothing = Snapshot::new(Vec::new());
    let frappe = FrappeVersion::parse("15.41.0");
    [(&nothing, &blue), (&blue, &green)].map(|(blue, green)| {
        let input = Input { blue_frappe: frappe, green_frappe: frappe, ..Input::new(blue, green) };
        plan(&input).unwrap()
    })
}

/// Both versions at work on four documents with a stop each, and one row that is another DocType's.
fn expanded(name: &str) -> Site {
    let [first, release] = plans();
    let site = Site::small(name);
    for step in &first.expand {
        site.admin(&step.sql);
    }
    site.plan(release);
    site.expanded();
    site.base(
        "INSERT INTO tabParcel (name, title) VALUES ('P1', 'a'), ('P2', 'b'), ('P3', 'c'), ('P4', 'd'); \
         INSERT INTO `tabParcel Stop` (name, parent, parenttype, parentfield, place) VALUES \
         ('S1', 'P1', 'Parcel', 'stops', 'Pune'), ('S2', 'P2', 'Parcel', 'stops', 'Oslo'), \
         ('S3', 'P3', 'Parcel', 'stops', 'Lima'), ('S4', 'P4', 'Parcel', 'stops', 'Bonn'), \
         ('S5', 'P1', 'Crate', 'stops', 'Kyiv')",
    );
    site
}

fn stops(site: &Site) -> String {
    site.base("SELECT name, parent, docstatus FROM `tabParcel Stop` ORDER BY name")
}

#[test]
#[ignore = "needs mariadbd"]
fn rows_that_blue_does_not_know_follow_its_document() {
    let site = expanded("child_rows");
    site.blue("UPDATE tabParcel SET title = 'by blue', modified = NOW(6) WHERE name = 'P4'");
    // A change of case alone is a change of the name, although the collation calls them the same.
    site.blue("UPDATE tabParcel SET name = 'P1 renamed' WHERE name = 'P1'");
    site.blue("UPDATE tabParcel SET name = 'p4' WHERE name = 'P4'");
    site.blue("UPDATE tabParcel SET docstatus = 1 WHERE name = 'P2'");
    site.blue("DELETE FROM tabParcel WHERE name = 'P3'");
    assert_eq!(stops(&site), "S1\tP1 renamed\t0\nS2\tP2\t1\nS4\tp4\t0\nS5\tP1\t0");
    site.blue("UPDATE tabParcel SET docstatus = 2 WHERE name = 'P2'");
    // Green does it to its own rows as well.
    site.base(
        "UPDATE tabParcel SET name = 'P1' WHERE name = 'P1 renamed'; \
         UPDATE `tabParcel Stop` SET parent = 'P1' WHERE parent = 'P1 renamed' AND parenttype = 'Parcel'",
    );
    assert_eq!(stops(&site), "S1\tP1\t0\nS2\tP2\t2\nS4\tp4\t0\nS5\tP1\t0");
    site.run("verify", &[]).ok();
    site.run("contract", &[]).ok();
    assert_eq!(site.base("SHOW TRIGGERS"), "");
    assert_eq!(stops(&site), "S1\tP1\t0\nS2\tP2\t2\nS4\tp4\t0\nS5\tP1\t0");
}

#[test]
#[ignore = "needs mariadbd"]
fn the_way_back_keeps_them_out_of_sight() {
    let site = expanded("child_rows_back");
    site.run("rollback", &["--stage", "tables"]).ok();
    assert_eq!(site.base("SHOW TRIGGERS"), "");
    assert_eq!(site.base("SHOW TABLES LIKE 'tabParcel Stop'"), "");
    let parked = site.base("SHOW TABLES LIKE 'crossfade\\_parked\\_%'");
    assert_eq!(site.base(&format!("SELECT COUNT(*) FROM {parked}")), "5");
    // Without the table the documents still change.
    site.base("UPDATE tabParcel SET name = 'P9', docstatus = 1 WHERE name = 'P1'");
}

/// A number as text has the collation of the connection, which need not be that of the tables.
#[test]
#[ignore = "needs mariadbd"]
fn rows_follow_a_document_whose_name_is_a_number_whatever_the_connection_compares_by() {
    let numbered = json!({ "autoname": "autoincrement" });
    let notes = json!({ "fieldname": "notes", "fieldtype": "Table", "options": "Note" });
    let note = versions::doctype("Note", &[field("text", "Data")], &json!({ "istable": 1 }));
    let ticket =
        |more: &[Value]| versions::doctype("Ticket", &[&[field("title", "Data")], more].concat(), &numbered);
    let site = Versions::new(&[ticket(&[])], &[ticket(&[notes]), note], &[]).site(server(), "child_numbers");
    site.admin("INSERT INTO tabTicket (name, title) VALUES (12, 'twelve'), (1, 'one')");
    site.expanded();
    let notes = || site.admin("SELECT parent, docstatus FROM tabNote ORDER BY parent");
    for (at, collation) in ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"].into_iter().enumerate()
    {
        let (name, as_client) = (100 + at, format!("SET NAMES utf8mb4 COLLATE {collation};"));
        let colours: [&dyn Fn(&str) -> String; 2] = [&|sql| site.blue(sql), &|sql| site.base(sql)];
        for colour in colours {
            let send = |sql: &str| colour(&format!("{as_client} {sql}"));
            send(&format!("INSERT INTO tabTicket (name, title) VALUES ({name}, 'new')"));
            site.base(&format!(
                "INSERT INTO tabNote (name, parent, parenttype) VALUES ('a', '{name}', 'Ticket'), ('b', '12', 'Ticket')"
            ));
            send(&format!("UPDATE tabTicket SET title = 'saved' WHERE name = {name}"));
            send(&format!("UPDATE tabTicket SET docstatus = 1 WHERE name = {name}"));
            assert_eq!(notes(), format!("{name}\t1\n12\t0"), "{collation}");
            send(&format!("DELETE FROM tabTicket WHERE name = {name}"));
            assert_eq!(notes(), "12\t0", "{collation}");
            site.base("DELETE FROM tabNote");
        }
    }
    let plan = site.admin(
        "EXPLAIN DELETE FROM tabNote WHERE `parent` = CONVERT(12 USING utf8mb4) COLLATE utf8mb4_unicode_ci",
    );
    assert!(plan.contains("\trange\t") || plan.contains("\tref\t"), "the index is not used: {plan}");
}
