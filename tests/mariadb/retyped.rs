//! Fields of another type where the site is not as plain as the files: other versions of Frappe, indexes that no field
//! asks for, tables of which blue has a copy.

use crossfade::doctype::Snapshot;
use serde_json::{Value, json};

use super::server::server;
use super::site::Site;
use super::versions::{Versions, doctype, field, snapshot};

/// A DocType in two versions.
fn versions(fields: [&[Value]; 2]) -> [Snapshot; 2] {
    fields.map(|fields| snapshot(&[doctype("Deal", fields, &json!({}))]))
}

fn between(frappe: [&str; 2], [blue, green]: [&Snapshot; 2]) -> Versions {
    Versions::of(frappe, [blue, green], &[])
}

/// The type of columns of `tabDeal` as the server shows it.
fn types(site: &Site, columns: &str) -> String {
    site.admin(&format!(
        "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
         AND TABLE_NAME = 'tabDeal' AND COLUMN_NAME IN ({columns}) ORDER BY 1"
    ))
}

#[track_caller]
fn back(site: &Site) {
    site.run("rollback", &["--stage", "tables"]).ok();
    site.run("rollback", &["--stage", "finish"]).ok();
}

/// Frappe 16 asks for `tinyint` and `int`, which the server shows with a width.
#[test]
#[ignore = "needs mariadbd"]
fn types_of_frappe_16_are_carried_over_and_taken_back() {
    let fields = |count: &str| {
        let big = json!({ "fieldname": "big", "fieldtype": count, "length": 20 });
        [field("done", "Check"), field("count", count), big]
    };
    let [blue, green] = versions([&fields("Data"), &fields("Int")]);
    let versions = between(["15.41.0", "16.0.0"], [&blue, &green]);
    let columns = "'done', 'count', 'big'";
    let before = "big\tvarchar(20)\tYES\ncount\tvarchar(140)\tYES\ndone\tint(1)\tNO";
    let after = "big\tbigint(20)\tNO\ncount\tint(11)\tNO\ndone\ttinyint(4)\tNO";
    for (name, is_kept) in [("retyped_16", true), ("retyped_16_back", false)] {
        let site = versions.site(server(), name);
        site.admin("INSERT INTO tabDeal (name, done, count, big) VALUES ('a', 1, '12', '5000000000'), ('b', 0, 'x', NULL)");
        assert_eq!(types(&site, columns), before);
        site.expanded();
        site.run("expand", &[]).ok();
        site.run("verify", &[]).ok();
        assert_eq!(types(&site, columns), after);
        site.blue("UPDATE tabDeal SET done = 1, count = '7' WHERE name = 'b'");
        site.base("UPDATE tabDeal SET done = 0, count = 13 WHERE name = 'a'");
        let read = "SELECT name, done, count, big FROM tabDeal ORDER BY name";
        assert_eq!(site.base(read), "a\t0\t13\t5000000000\nb\t1\t7\t0");
        assert_eq!(site.blue(read), "a\t0\t13\t5000000000\nb\t1\t7\tNULL");
        if is_kept {
            site.run("contract", &["--without-backup"]).ok();
            assert_eq!(types(&site, columns), after);
        } else {
            back(&site);
            assert_eq!(types(&site, columns), before);
            assert_eq!(site.base(read), "a\t0\t13\t5000000000\nb\t1\t7\tNULL");
        }
    }
}
