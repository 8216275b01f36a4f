//! A release and a rollback with every kind of change in it at once, under many users. `make load` has 100 of them and
//! 1,000,000 rows; `make mariadb` a few on few rows.

use std::time::{Duration, Instant};

use crossfade::doctype::Snapshot;
use crossfade::plan::Renames;
use serde_json::{Value, json};

use super::many_clients::{Clients, Seen, Urls, Versions as At};
use super::server::{Server, Special};
use super::site::Site;
use super::versions::{Versions, doctype, field, live_plan, of_fields, snapshot};

/// Users, rows, seconds that a user waits between two requests, and requests in each part of the release.
fn size() -> (u64, u64, f64, u64) {
    if std::env::var_os("CROSSFADE_LONG").is_some() {
        (100, 1_000_000, 1.0, 3_000)
    } else {
        (12, 6_000, 0.1, 300)
    }
}

/// A field renamed, in a child table and in a Single too, and one with JSON; a text that becomes a number, a number that
/// becomes a text, a text that becomes a date; a text that gets longer; a field added, one removed, one that becomes unique;
/// a child table and a DocType added, a DocType removed, one whose names are numbers renamed.
fn all_kinds() -> ([Snapshot; 2], Renames) {
    let table =
        |name: &str, options: &str| json!({ "fieldname": name, "fieldtype": "Table", "options": options });
    let child = json!({ "istable": 1 });
    let blue = [
        doctype(
            "Deal",
            &[
                json!({ "fieldname": "customer", "fieldtype": "Data", "search_index": 1 }),
                json!({ "fieldname": "count", "fieldtype": "Data", "search_index": 1 }),
                field("code", "Int"),
                field("day", "Data"),
                field("note", "Small Text"),
                field("serial", "Data"),
                field("extra", "JSON"),
                field("gone", "Data"),
                table("items", "Deal Row"),
            ],
            &json!({}),
        ),
        doctype("Deal Row", &[field("qty", "Int")], &child),
        doctype("Thing", &[field("title", "Data")], &json!({})),
    ];
    let green = [
        doctype(
            "Deal",
            &[
                json!({ "fieldname": "client", "fieldtype": "Data", "search_index": 1 }),
                json!({ "fieldname": "count", "fieldtype": "Int", "search_index": 1 }),
                field("code", "Data"),
                field("day", "Date"),
                field("note", "Long Text"),
                json!({ "fieldname": "serial", "fieldtype": "Data", "unique": 1 }),
                field("details", "JSON"),
                json!({ "fieldname": "channel", "fieldtype": "Data", "default": "web" }),
                table("items", "Deal Row"),
                table("taxes", "Deal Tax"),
            ],
            &json!({}),
        ),
        doctype("Deal Row", &[field("quantity", "Int")], &child),
        doctype("Deal Tax", &[field("amount", "Currency")], &child),
        doctype("Other Thing", &[field("title", "Data")], &json!({})),
    ];
    let fields = [
        ("Deal", "client", "customer"),
        ("Deal", "details", "extra"),
        ("Deal Row", "quantity", "qty"),
        ("Deal Settings", "mark", "logo"),
    ];
    let doctypes = [("Case".to_owned(), "Ticket".to_owned())].into();
    let all = |deal: &[Value], beside: [Value; 3]| snapshot(&[deal, &beside].concat());
    (
        [all(&blue, beside("Ticket", "logo")), all(&green, beside("Case", "mark"))],
        Renames { doctypes, ..of_fields(&fields) },
    )
}

/// A document whose name is a number, one that names DocTypes, and a Single.
fn beside(numbered: &str, logo: &str) -> [Value; 3] {
    let link = json!({ "fieldname": "reference_doctype", "fieldtype": "Link", "options": "DocType" });
    let to =
        json!({ "fieldname": "reference_name", "fieldtype": "Dynamic Link", "options": "reference_doctype" });
    let (colour, logo) = (field("colour", "Data"), field(logo, "Data"));
    [
        doctype(numbered, &[field("subject", "Data")], &json!({ "autoname": "autoincrement" })),
        doctype("Comment", &[link, to], &json!({})),
        doctype("Deal Settings", &[colour, logo], &json!({ "issingle": 1 })),
    ]
}

/// The site with rows that the casts have something to do with.
fn shop(name: &str, rows: u64) -> Site {
    let options = ["--innodb-buffer-pool-size=3G", "--innodb-log-file-size=1G"];
    let server: &'static Server =
        Box::leak(Box::new(Server::start(&Special { options: &options, disk: None })));
    let ([blue, green], renames) = all_kinds();
    let site = Versions::renaming(["15.41.0"; 2], [&blue, &green], renames.clone()).site(server, name);
    site.admin(
        "DROP TABLE __global_search; CREATE TABLE __global_search (doctype varchar(100), name varchar(140), content text, \
         title varchar(140), route varchar(140), published int(1) NOT NULL DEFAULT 0, UNIQUE KEY k (doctype, name)) ENGINE=MyISAM; \
         CREATE TABLE __Auth (doctype varchar(140) NOT NULL, name varchar(255) NOT NULL, fieldname varchar(140) NOT NULL, \
         password text NOT NULL, encrypted int(1) NOT NULL DEFAULT 0, PRIMARY KEY (doctype, name, fieldname)); \
         ALTER TABLE tabComment ADD INDEX reference (reference_doctype, reference_name)",
    );
    site.admin(&format!(
        "INSERT INTO tabDeal (name, creation, modified, customer, count, code, day, note, serial, gone) \
         SELECT CONCAT('D', LPAD(seq, 7, '0')) AS name, NOW(6), NOW(6), CONCAT('c', seq), IF(seq % 3, seq, CONCAT('no ', seq)), seq, \
         IF(seq % 2, '2024-01-31', 'soon'), 'n', CONCAT('s', seq), CONCAT('g', seq) FROM seq_1_to_{rows} ORDER BY name; \
         INSERT INTO `tabDeal Row` (name, parent, parenttype, parentfield, qty) SELECT CONCAT('R', seq), CONCAT('D', LPAD(seq, 7, '0')), \
         'Deal', 'items', seq FROM seq_1_to_{rows}"
    ));
    site.plan(live_plan(&site, [&blue, &green], renames));
    site
}

/// What is not as it has to be in the rows that nobody wrote.
const WRONG: &str = "SELECT COUNT(*) FROM tabDeal WHERE note = 'n' AND NOT (BINARY client <=> CONCAT('c', code) AND \
                     count <=> IF(code % 3, code, 0) AND day <=> IF(code % 2, '2024-01-31', NULL) AND channel <=> 'web')";

/// Says what a command took.
fn timed(site: &Site, command: &str, more: &[&str]) {
    let begun = Instant::now();
    site.run(command, more).ok();
    println!("{command} {}: {:.1} s", more.first().unwrap_or(&""), begun.elapsed().as_secs_f64());
}

/// Up to the moment at which both versions serve.
fn both_serve(site: &Site) -> Clients {
    let (users, rows, pause, requests) = size();
    timed(site, "isolate", &[]);
    timed(site, "handover", &["--quiet-seconds", "0"]);
    let urls = Urls {
        blue: site.url(&site.schema, "blue%27s%20%5C%20%22secret%22", &site.schema),
        base: site.url(&site.name, "base", &site.name),
    };
    let clients = Clients::start(&urls, users, rows, Duration::from_secs_f64(pause));
    clients.make(requests);
    timed(site, "expand", &[]);
    // Green's migrate rewrites the metadata; blue has its own.
    site.base("DELETE FROM tabDocType WHERE name = 'Settings'; UPDATE tabDocField SET fieldname = 'x'");
    clients.are(At::Both);
    clients.make(requests);
    timed(site, "verify", &[]);
    clients
}

#[track_caller]
fn unharmed(clients: Clients) {
    let Seen { requests, errors, sent_again, slowest } = clients.end();
    println!(
        "{requests} requests, {} errors, {sent_again} NOWAIT sent again, slowest {slowest:.0?}",
        errors.len()
    );
    assert!(errors.is_empty(), "{:#?}", &errors[..errors.len().min(5)]);
}

#[test]
#[ignore = "needs mariadbd"]
fn all_kinds_of_change_are_released_under_many_users() {
    let (_, rows, _, requests) = size();
    let site = shop("load_on", rows);
    let clients = both_serve(&site);
    clients.make(requests);
    clients.are(At::Green);
    let file = site.server.directory.join("backup.gz");
    timed(&site, "contract", &["--backup", file.to_str().unwrap()]);
    clients.make(requests);
    unharmed(clients);
    assert_eq!(site.base(WRONG), "0");
    let traces = site.traces();
    assert!(!traces.contains("__r1") && !traces.contains("trigger\t"), "{traces}");
}

#[test]
#[ignore = "needs mariadbd"]
fn all_kinds_of_change_are_taken_back_under_many_users() {
    let (_, rows, _, requests) = size();
    let site = shop("load_back", rows);
    let clients = both_serve(&site);
    assert_eq!(site.base(WRONG), "0");
    clients.make(requests);
    clients.are(At::Blue);
    timed(&site, "rollback", &["--stage", "tables"]);
    clients.make(requests);
    clients.are(At::BlueInBase);
    timed(&site, "rollback", &["--stage", "finish"]);
    clients.make(requests);
    unharmed(clients);
    let wrong = "SELECT COUNT(*) FROM tabDeal WHERE note = 'n' AND NOT (BINARY customer <=> CONCAT('c', code) AND \
                 BINARY count <=> IF(code % 3, code, CONCAT('no ', code)) AND BINARY day <=> IF(code % 2, '2024-01-31', 'soon') \
                 AND gone <=> CONCAT('g', code))";
    assert_eq!(site.base(wrong), "0");
    let traces = site.traces();
    assert!(!traces.contains("__r1") && !traces.contains("trigger\t"), "{traces}");
}
