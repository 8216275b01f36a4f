//! Renames of every kind of DocType at once, with names that are hard to quote: a table with a child table and renamed
//! fields, numbers as names, a Single, the longest name. Killed between steps, forth and back.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crossfade::doctype::{AppReader, FrappeVersion, Snapshot};
use crossfade::plan::{Input, Renames, Verdict, plan};
use serde_json::{Value, json};

use super::kills::kill_once;
use super::site::Site;
use super::versions::live_plan;

const OLD: &str = "Old `tag' \"x";
const NEW: &str = "New 'label` \\";
/// As long as a table's name can be: 61 characters behind `tab`.
const LONG: &str = "Long name of a DocType that is exactly sixty one characters x";

fn field(name: &str, kind: &str, options: &str) -> Value {
    json!({ "fieldname": name, "fieldtype": kind, "options": options })
}

fn snapshot(doctypes: &[(&str, &str, Vec<Value>)]) -> Snapshot {
    let mut reader = AppReader::new("shop");
    for (at, (name, kind, fields)) in doctypes.iter().enumerate() {
        let mut doctype = json!({ "doctype": "DocType", "name": name, "module": "Shop", "fields": fields });
        match *kind {
            "autoincrement" => doctype["autoname"] = json!("autoincrement"),
            "" => {}
            flag => doctype[flag] = json!(1),
        }
        reader.add(&format!("a/b/doctype/d{at}/d{at}.json"), doctype.to_string().as_bytes()).unwrap();
    }
    Snapshot::new(vec![reader.finish()])
}

/// What both versions have under one name.
fn shared() -> Vec<(&'static str, &'static str, Vec<Value>)> {
    vec![
        (
            "Comment",
            "",
            vec![
                field("reference_doctype", "Link", "DocType"),
                field("reference_name", "Dynamic Link", "reference_doctype"),
            ],
        ),
        (
            "Shortcut",
            "",
            vec![
                field("link_type", "Select", "DocType\nPage"),
                field("link_to", "Dynamic Link", "link_type"),
            ],
        ),
        ("Bulk", "issingle", vec![field("target", "Link", "DocType")]),
    ]
}

fn snapshots() -> (Snapshot, Snapshot) {
    let mut blue = shared();
    blue.extend([
        (
            OLD,
            "",
            vec![
                field("title", "Data", ""),
                field("secret", "Password", ""),
                field("items", "Table", "Tag Row"),
            ],
        ),
        ("Tag Row", "istable", vec![field("qty", "Int", "")]),
        ("Count", "autoincrement", vec![field("text", "Data", "")]),
        ("Preferences", "issingle", vec![field("colour", "Data", ""), field("logo", "Data", "")]),
        ("Short", "", vec![field("text", "Data", "")]),
    ]);
    let mut green = shared();
    green.extend([
        (
            NEW,
            "",
            vec![
                field("caption", "Data", ""),
                field("secret", "Password", ""),
                field("lines", "Table", "Label Row"),
            ],
        ),
        ("Label Row", "istable", vec![field("qty", "Int", "")]),
        ("Number", "autoincrement", vec![field("text", "Data", "")]),
        ("Options", "issingle", vec![field("colour", "Data", ""), field("mark", "Data", "")]),
        (LONG, "", vec![field("text", "Data", "")]),
    ]);
    (snapshot(&blue), snapshot(&green))
}

fn renames() -> Renames {
    let pair = |new: &str, old: &str| (new.to_owned(), old.to_owned());
    let of = |doctype: &str, new: &str, old: &str| ((doctype.to_owned(), new.to_owned()), old.to_owned());
    Renames {
        doctypes: [
            pair(NEW, OLD),
            pair("Label Row", "Tag Row"),
            pair("Number", "Count"),
            pair("Options", "Preferences"),
            pair(LONG, "Short"),
        ]
        .into(),
        fields: [of(NEW, "caption", "title"), of(NEW, "lines", "items"), of("Options", "mark", "logo")]
            .into(),
    }
}

/// A name as SQL: an identifier of its table, or a text.
fn table(doctype: &str) -> String {
    format!("`tab{}`", doctype.replace('`', "``"))
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A site with blue's tables and rows, and the plan that the site's own facts lead to.
fn site(name: &str) -> Site {
    let site = Site::small(name);
    site.admin(
        "DROP TABLE __global_search; ALTER TABLE `tabCustom Field` ADD COLUMN insert_after varchar(140); \
         CREATE TABLE __global_search (doctype varchar(100), name varchar(140), content text, title varchar(140), route varchar(140), \
         published int(1) NOT NULL DEFAULT 0, UNIQUE KEY k (doctype, name), FULLTEXT KEY content (content)) ENGINE=MyISAM; \
         CREATE TABLE __Auth (doctype varchar(140) NOT NULL, name varchar(255) NOT NULL, fieldname varchar(140) NOT NULL, \
         password text NOT NULL, encrypted int(1) NOT NULL DEFAULT 0, PRIMARY KEY (doctype, name, fieldname)); \
         CREATE TABLE __UserSettings (user varchar(180) NOT NULL, doctype varchar(180) NOT NULL, data text, UNIQUE KEY user (user, doctype)); \
         CREATE TABLE `tabProperty Setter` (name varchar(140) PRIMARY KEY, doc_type varchar(140), field_name varchar(140), property varchar(140), value text)",
    );
    let frappe = FrappeVersion::parse("15.41.0");
    let (blue, green) = snapshots();
    let nothing = Snapshot::new(Vec::new());
    let first = plan(&Input { green_frappe: frappe, ..Input::new(&nothing, &blue) }).unwrap();
    for step in &first.expand {
        site.admin(&step.sql);
    }
    let (old, of) = (table(OLD), text(OLD));
    site.admin(&format!(
        "ALTER TABLE tabComment ADD INDEX of (reference_doctype), ADD INDEX reference (reference_doctype, reference_name); \
         INSERT INTO {old} (name, title) VALUES ('T1', 'one'), ('T2', 'two'); \
         INSERT INTO `tabTag Row` (name, parent, parenttype, parentfield) VALUES ('R1', 'T1', {of}, 'items'), ('R2', 'X', 'Other', 'items'); \
         INSERT INTO tabCount (name, text) VALUES (NEXTVAL(count_id_seq), 'one'); \
         INSERT INTO tabShort (name) VALUES ('S1'); \
         INSERT INTO tabSingles VALUES ('Preferences', 'name', 'Preferences'), ('Preferences', 'colour', 'red'), ('Preferences', 'logo', 'a.png'), ('Bulk', 'target', {of}); \
         INSERT INTO __Auth VALUES ({of}, 'T1', 'secret', 'p', 1), ('User', 'u', 'password', 'p', 0), ('Preferences', 'Preferences', 'key', 'p', 1); \
         INSERT INTO __UserSettings VALUES ('u', {of}, 'd'); \
         INSERT INTO __global_search (doctype, name) VALUES ({of}, 'T1'); \
         INSERT INTO tabComment (name, reference_doctype, reference_name) VALUES ('C1', {of}, 'T1'), ('C2', 'Preferences', 'Preferences'), ('C3', 'DocType', {of}), ('C4', 'Order', 'O1'); \
         INSERT INTO tabShortcut (name, link_type, link_to) VALUES ('K1', 'DocType', {of}), ('K2', 'Page', {of}); \
         INSERT INTO tabDocType (name) VALUES ({of}), ('Preferences'), ('Count'), ('Short'), ('Tag Row')"
    ));
    let plan = live_plan(&site, [&blue, &green], renames());
    assert_eq!(plan.verdict, Verdict::Mapped, "{:#?}", plan.changes);
    site.plan(plan);
    site.handed_over();
    site
}

/// What a version knows of all this, under its own names.
fn read(run: impl Fn(&str) -> String, is_green: bool) -> String {
    let (tag, title, row, items) =
        if is_green { (NEW, "caption", "Label Row", "lines") } else { (OLD, "title", "Tag Row", "items") };
    let (count, single, logo, short) = if is_green {
        ("Number", "Options", "mark", LONG)
    } else {
        ("Count", "Preferences", "logo", "Short")
    };
    let of = text(tag);
    run(&format!(
        "SELECT name, {title} FROM {tag_table} ORDER BY name; \
         SELECT name, parent FROM `tab{row}` WHERE parenttype = {of} AND parentfield = '{items}' ORDER BY name; \
         SELECT COUNT(*), MIN(text) FROM `tab{count}`; SELECT name FROM {short_table} ORDER BY name; \
         SELECT COUNT(*) FROM tabSingles WHERE doctype = '{single}'; \
         SELECT IF(field = '{logo}', 'logo', field), IF(value = '{single}', 'itself', value) FROM tabSingles WHERE doctype = '{single}' ORDER BY 1; \
         SELECT value = {of} FROM tabSingles WHERE doctype = 'Bulk'; \
         SELECT name, fieldname, password FROM __Auth WHERE doctype = {of} ORDER BY name; \
         SELECT password FROM __Auth WHERE doctype = '{single}' AND name = '{single}'; \
         SELECT user, data FROM __UserSettings WHERE doctype = {of} ORDER BY user; \
         SELECT name, reference_name FROM tabComment WHERE reference_doctype = {of} ORDER BY name; \
         SELECT name FROM tabComment WHERE reference_doctype = '{single}' AND reference_name = '{single}' ORDER BY name; \
         SELECT name FROM tabShortcut WHERE link_type = 'DocType' AND link_to = {of} ORDER BY name; \
         SELECT COUNT(*) FROM tabDocType WHERE name IN ({of}, '{single}', '{count}', {short}, '{row}')",
        tag_table = table(tag),
        short_table = table(short),
        short = text(short),
    ))
}

/// A version at work on all of it; `at` makes its names new ones.
fn write(run: impl Fn(&str) -> String, is_green: bool, at: &str) {
    let (tag, title, row, items) =
        if is_green { (NEW, "caption", "Label Row", "lines") } else { (OLD, "title", "Tag Row", "items") };
    let (count, single, logo, short) = if is_green {
        ("Number", "Options", "mark", LONG)
    } else {
        ("Count", "Preferences", "logo", "Short")
    };
    let of = text(tag);
    run(&format!(
        "INSERT INTO {tag_table} (name, {title}) VALUES ('{at}', '{at}'); UPDATE {tag_table} SET {title} = '{at}' WHERE name = 'T1'; \
         INSERT INTO `tab{row}` (name, parent, parenttype, parentfield) VALUES ('{at}', '{at}', {of}, '{items}'); \
         INSERT INTO `tab{count}` (name, text) VALUES (NEXTVAL({sequence}_id_seq), 'one'); \
         INSERT INTO {short_table} (name) VALUES ('{at}'); \
         START TRANSACTION; DELETE FROM tabSingles WHERE doctype = '{single}'; \
         INSERT INTO tabSingles VALUES ('{single}', 'name', '{single}'), ('{single}', 'colour', '{at}'), ('{single}', '{logo}', '{at}'); COMMIT; \
         UPDATE tabSingles SET value = '{at}2' WHERE doctype = '{single}' AND field = '{logo}'; \
         DELETE FROM tabSingles WHERE doctype = 'Bulk'; INSERT INTO tabSingles VALUES ('Bulk', 'target', {of}); \
         INSERT INTO __Auth (doctype, name, fieldname, password, encrypted) VALUES ({of}, 'T1', 'secret', '{at}', 1) ON DUPLICATE KEY UPDATE password = VALUES(password); \
         INSERT INTO __Auth (doctype, name, fieldname, password, encrypted) VALUES ({of}, '{at}', 'secret', 'p', 1) ON DUPLICATE KEY UPDATE password = VALUES(password); \
         INSERT INTO __Auth (doctype, name, fieldname, password, encrypted) VALUES ('{single}', '{single}', 'key', '{at}', 1) ON DUPLICATE KEY UPDATE password = VALUES(password); \
         INSERT INTO __UserSettings (user, doctype, data) VALUES ('u', {of}, '{at}') ON DUPLICATE KEY UPDATE data = VALUES(data); \
         INSERT INTO tabComment (name, reference_doctype, reference_name) VALUES ('{at}', {of}, '{at}'), ('{at}s', '{single}', '{single}'); \
         INSERT INTO tabShortcut (name, link_type, link_to) VALUES ('{at}', 'DocType', {of})",
        tag_table = table(tag),
        short_table = table(short),
        sequence = count.to_lowercase(),
    ));
}

/// Runs a command again and again, and kills it each time when some more of its steps are done; `after` comes between.
/// `CROSSFADE_EACH_STEP` asks for each of them, which takes minutes: a run looks at all steps before.
fn killed_after_each_step(site: &Site, command: &str, more: &[&str], mut after: impl FnMut(usize)) -> usize {
    let every = if std::env::var_os("CROSSFADE_EACH_STEP").is_some() { 1 } else { 5 };
    let (mut at, mut kills) = (0, 0);
    loop {
        let mut child =
            site.command(command, more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        let mut is_killed = false;
        for line in lines.map_while(Result::ok) {
            seen += usize::from(line.starts_with("[steps]"));
            if seen > at {
                child.kill().unwrap();
                is_killed = true;
                break;
            }
        }
        child.wait().unwrap();
        after(at);
        if !is_killed {
            site.run(command, more).ok();
            return kills;
        }
        kills += 1;
        at += every;
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn renamed_doctypes_of_every_kind_are_served_to_both_and_killed_between_steps() {
    let site = site("names_end");
    let kills = killed_after_each_step(&site, "expand", &[], |at| {
        write(|sql| site.blue(sql), false, &format!("b{at}"));
        assert!(read(|sql| site.blue(sql), false).contains(&format!("b{at}2")), "after step {at}");
    });
    println!("{kills} kills");
    assert!(kills > 5, "{kills}");
    site.run("verify", &[]).ok();
    assert_eq!(read(|sql| site.blue(sql), false), read(|sql| site.base(sql), true));
    for at in 0..3 {
        write(|sql| site.base(sql), true, &format!("g{at}"));
        assert_eq!(read(|sql| site.blue(sql), false), read(|sql| site.base(sql), true), "green {at}");
        write(|sql| site.blue(sql), false, &format!("x{at}"));
        assert_eq!(read(|sql| site.blue(sql), false), read(|sql| site.base(sql), true), "blue {at}");
    }
    // A job of green's that was queued under the old name.
    site.base(&format!(
        "INSERT INTO tabComment (name, reference_doctype, reference_name) VALUES ('job', {}, 'T1')",
        text(OLD)
    ));
    assert_eq!(read(|sql| site.blue(sql), false), read(|sql| site.base(sql), true));
    site.run("verify", &[]).ok();
    let before = read(|sql| site.base(sql), true);
    let backup = site.server.directory.join("names_end.gz");
    let backup = backup.to_str().unwrap();
    killed_after_each_step(&site, "contract", &["--backup", backup], |_| {});
    assert_eq!(read(|sql| site.base(sql), true), before);
    let of_doctype = "SELECT reference_name FROM tabComment WHERE name = 'C3'; SELECT doctype FROM __global_search; SELECT link_to FROM tabShortcut WHERE name = 'K2'";
    assert_eq!(site.base(of_doctype), format!("{0}\n{0}\n{OLD}", NEW.replace('\\', "\\\\")));
    let left = "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'names_end' AND COLUMN_NAME LIKE '%\\_\\_blue'; \
                SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'names_end'; \
                SELECT COUNT(*) FROM tabSingles WHERE doctype = 'Preferences'";
    assert_eq!(site.admin(left), "0\n0\n0");
    assert!(!site.traces().contains("__r1"), "{}", site.traces());
    // Also of a table that has a unique index alone.
    site.run("restore", &["--backup", backup]).ok();
    let of =
        format!("SELECT user, doctype = {}, doctype__blue = {} FROM __UserSettings", text(NEW), text(OLD));
    assert_eq!(site.admin(&of), "u\t1\t1");
}

#[test]
#[ignore = "needs mariadbd"]
fn renamed_doctypes_of_every_kind_go_back_though_killed_again_and_again() {
    let site = site("names_back");
    let shape = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS \
                 WHERE TABLE_SCHEMA = 'names_back' AND TABLE_NAME <> '__crossfade_ledger' AND COLUMN_NAME <> 'caption' ORDER BY 1, 2; \
                 SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS \
                 WHERE TABLE_SCHEMA = 'names_back' AND TABLE_NAME <> '__crossfade_ledger' ORDER BY 1, 2, SEQ_IN_INDEX";
    let before = site.server.root(shape);
    site.run("expand", &[]).ok();
    write(|sql| site.base(sql), true, "g");
    write(|sql| site.blue(sql), false, "b");
    let (mut kills, mut longest) = (0, Duration::from_secs(1));
    for at in 0..12 {
        kills += u32::from(kill_once(&site, "rollback", &["--stage", "tables"], &mut longest));
        write(|sql| site.blue(sql), false, &format!("back{at}"));
    }
    site.run("rollback", &["--stage", "tables"]).ok();
    let shown = read(|sql| site.blue(sql), false);
    println!("{kills} kills");
    assert_eq!(shown, read(|sql| site.base(sql), false));
    assert!(shown.contains("\ng\t") || shown.contains("\tg\n"), "{shown}");
    site.run("rollback", &["--stage", "finish"]).ok();
    assert_eq!(site.server.root(shape), before);
    assert!(!site.traces().contains("trigger\t"), "{}", site.traces());
    assert_eq!(read(|sql| site.base(sql), false), shown);
}
