//! A real site of Frappe 15.41 (230 tables): its dump is not part of this repository. `CROSSFADE_SHARED` names the
//! directory that has it as `frappe-site/`; without it these tests say so and pass.

use std::io::Read;
use std::path::PathBuf;

use crossfade::plan::{Effect, Plan, Step, Undo, Verdict, Work};

use super::plans;
use super::sample_app::{self, Version};
use super::site::Site;
use super::traffic::{Client, work_on};

/// What a release always freezes, and some of what its migrate rewrites.
const FROZEN: [(&str, bool); 15] = [
    ("tabDocType", false),
    ("tabDocField", false),
    ("tabDocPerm", false),
    ("tabDocType Action", false),
    ("tabDocType Link", false),
    ("tabDocType State", false),
    ("tabCustom Field", false),
    ("tabProperty Setter", false),
    ("tabPatch Log", false),
    ("tabInstalled Application", false),
    ("tabSingles", true),
    ("tabWorkspace", true),
    ("tabWorkspace Link", true),
    ("tabNavbar Item", true),
    ("tabScheduled Job Type", true),
];

fn dump() -> Option<(Vec<u8>, Vec<u8>)> {
    let shared = std::env::var_os("CROSSFADE_SHARED").map(PathBuf::from)?;
    let schema = std::fs::read(shared.join("frappe-site/site-schema.sql")).ok()?;
    let packed = std::fs::File::open(shared.join("frappe-site/site-data.sql.gz")).ok()?;
    let mut data = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut data).unwrap();
    Some((schema, data))
}

/// A site with the dump's tables and rows; `None`, said aloud, where there is no dump.
pub(crate) fn real_site(name: &str) -> Option<Site> {
    let Some((schema, data)) = dump() else {
        println!("skipped: CROSSFADE_SHARED does not name a directory with frappe-site/site-schema.sql");
        return None;
    };
    let site = Site::empty(name);
    site.server.client_from("root", "", name, &schema).unwrap();
    site.server.client_from("root", "", name, &data).unwrap();
    Some(site)
}

fn frozen_plan() -> Plan {
    let frozen = FROZEN.iter().map(|(table, writable)| plans::frozen(table, *writable)).collect();
    let singles = ["float_precision", "time_zone", "language"]
        .map(|field| plans::single("System Settings", field))
        .to_vec();
    Plan { verdict: Verdict::Additive, frozen, singles, ..plans::neutral() }
}

/// A field with a default, as Frappe's sync adds it.
fn field_added() -> Plan {
    let sql =
        "ALTER TABLE `tabAcme Order` ADD COLUMN `channel` varchar(140) DEFAULT 'web', ALGORITHM=INSTANT";
    let effect =
        Effect::ColumnsExist { table: "tabAcme Order".to_owned(), columns: vec!["channel".to_owned()] };
    Plan { expand: vec![plans::step("0001", sql, effect)], ..frozen_plan() }
}

/// A child table with its orphan guard.
fn child_table_added() -> Plan {
    let table = "CREATE TABLE `tabAcme Order Tax` (name varchar(140) PRIMARY KEY, creation datetime(6), \
                 modified datetime(6), modified_by varchar(140), owner varchar(140), \
                 docstatus int(1) NOT NULL DEFAULT 0, idx int(8) NOT NULL DEFAULT 0, title varchar(140), \
                 parent varchar(140), parentfield varchar(140), parenttype varchar(140), INDEX parent (parent)) \
                 ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET=utf8mb4 COLLATE=utf8mb4_unicode_ci";
    let trigger = || "__crossfade_orphans_acme_order".to_owned();
    let guard = format!(
        "CREATE TRIGGER `{}` AFTER DELETE ON `tabAcme Order` FOR EACH ROW \
         DELETE FROM `tabAcme Order Tax` WHERE parent = OLD.name AND parenttype = 'Acme Order'",
        trigger()
    );
    let undo = Undo {
        optional: false,
        sql: format!("DROP TRIGGER IF EXISTS `{}`", trigger()),
        effect: Effect::TriggerAbsent { trigger: trigger() },
        work: Work::Statement,
    };
    Plan {
        expand: vec![
            plans::step("0001", table, Effect::TableExists { table: "tabAcme Order Tax".to_owned() }),
            Step {
                undo: vec![undo],
                ..plans::step("0002", &guard, Effect::TriggerExists { trigger: trigger() })
            },
        ],
        ..frozen_plan()
    }
}

fn tables(site: &Site) -> Vec<String> {
    site.admin(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
         AND table_type = 'BASE TABLE' AND table_name NOT LIKE '\\_\\_crossfade%' ORDER BY 1",
    )
    .lines()
    .map(str::to_owned)
    .collect()
}

/// Checksums of the rows of all tables but one.
fn checksums(site: &Site, without: &str) -> String {
    let names: Vec<String> = tables(site)
        .into_iter()
        .filter(|name| !name.starts_with(without))
        .map(|name| format!("`{name}`"))
        .collect();
    site.admin(&format!("CHECKSUM TABLE {} EXTENDED", names.join(", ")))
}

/// Rows of every table as one user sees them.
fn counts(site: &Site, names: &[String], run: impl Fn(&str) -> String) -> String {
    let _ = site;
    let parts: Vec<String> = names
        .iter()
        .map(|name| format!("SELECT '{}', COUNT(*) FROM `{name}`", name.replace('\'', "''")))
        .collect();
    run(&parts.join(" UNION ALL "))
}

#[test]
#[ignore = "needs mariadbd"]
fn a_field_is_added_to_a_real_site() {
    let Some(site) = real_site("real_add") else { return };
    let before = (site.traces(), checksums(&site, "tabAcme Order"));
    let names = tables(&site);
    site.plan(field_added());
    println!("{}", site.run("isolate", &[]).ok().lines().last().unwrap());
    assert_eq!(counts(&site, &names, |sql| site.blue(sql)), counts(&site, &names, |sql| site.base(sql)));
    site.run("handover", &["--quiet-seconds", "0"]).ok();
    println!("{}", site.run("expand", &[]).ok().lines().last().unwrap());
    site.blue("INSERT INTO `tabAcme Order` (name, title) VALUES ('of-blue', 'b')");
    site.base("INSERT INTO `tabAcme Order` (name, title, channel) VALUES ('of-green', 'g', 'app')");
    assert_eq!(site.base("SELECT channel FROM `tabAcme Order` WHERE name = 'of-blue'"), "web");
    assert_eq!(site.blue("SELECT title FROM `tabAcme Order` WHERE name = 'of-green'"), "g");
    site.blue("UPDATE `tabAcme Order` SET title = 'b2' WHERE name = 'of-green'");
    assert_eq!(site.base("SELECT title, channel FROM `tabAcme Order` WHERE name = 'of-green'"), "b2\tapp");
    assert!(site.try_blue("SELECT channel FROM `tabAcme Order`").unwrap_err().contains("ERROR 1054"));
    site.run("contract", &[]).ok();
    assert_eq!(checksums(&site, "tabAcme Order"), before.1, "no other table may have changed");
    let after = site.traces();
    let left: Vec<&str> = after.lines().filter(|line| !before.0.contains(line)).collect();
    assert_eq!(left, ["object\t__crossfade_ledger\tBASE TABLE"]);
}

#[test]
#[ignore = "needs mariadbd"]
fn a_child_table_is_added_to_a_real_site_and_taken_back() {
    let Some(site) = real_site("real_child") else { return };
    let metadata_before = checksums(&site, "tabAcme");
    site.plan(child_table_added());
    site.expanded();
    site.base("INSERT INTO `tabAcme Order` (name) VALUES ('o1'), ('o2')");
    site.base("INSERT INTO `tabAcme Order Tax` (name, parent, parenttype) VALUES ('t1', 'o1', 'Acme Order'), ('t2', 'o2', 'Acme Order')");
    site.blue("DELETE FROM `tabAcme Order` WHERE name = 'o1'");
    assert_eq!(site.base("SELECT name FROM `tabAcme Order Tax`"), "t2");
    // What green's migrate does to the metadata.
    site.base(
        "DELETE FROM tabDocField WHERE parent = 'Acme Order'; DELETE FROM tabWorkspace; DELETE FROM `tabPatch Log`; \
         ALTER TABLE tabDocType ADD COLUMN new_in_green varchar(140); UPDATE tabDocType SET new_in_green = 'x'",
    );
    site.run("rollback", &["--stage", "tables"]).ok();
    site.run("rollback", &["--stage", "finish"]).ok();
    assert_eq!(
        checksums(&site, "tabAcme"),
        metadata_before,
        "all rows but the app's own must be blue's again"
    );
    site.expanded();
    site.run("contract", &[]).ok();
}

/// The planner's plan of a release of the sample app from `base` to another version, against the live site.
fn planned(site: &Site, green: &Version) -> Plan {
    let (blue, green_bench) = (Version::read("base").bench(), green.bench());
    let plan = std::process::Command::new(env!("CARGO_BIN_EXE_crossfade"))
        .args(["plan", "--output", "json", "--site", "s.example"])
        .args(&green.declared)
        .arg("--blue")
        .arg(blue.path())
        .arg("--green")
        .arg(green_bench.path())
        .arg("--database")
        .arg(format!("mysql://127.0.0.1:{}/{}", site.server.port, site.name))
        .arg("--credentials")
        .arg(site.server.credentials())
        .output()
        .unwrap();
    assert!(plan.status.code() != Some(1), "{}", String::from_utf8_lossy(&plan.stderr));
    serde_json::from_slice(&plan.stdout).unwrap()
}

/// Plans by the real planner against the live site, then runs that plan to its end.
fn release_by_the_planner(name: &str, green: &str) -> Option<Site> {
    let site = real_site(name)?;
    let plan = planned(&site, &Version::read(green));
    assert_eq!(plan.verdict, Verdict::Additive, "{}", plan.summary);
    println!("{name}: {}; {} steps, {} frozen", plan.summary, plan.expand.len(), plan.frozen.len());
    site.plan(plan);
    site.expanded();
    site.run("verify", &[]).ok();
    Some(site)
}

/// All columns of a table of the app but its keys, with a value for each.
fn values(site: &Site, database: &str, table: &str, seed: u32) -> Vec<(String, String)> {
    let rows = site.server.root(&format!(
        "SELECT COLUMN_NAME, DATA_TYPE, COALESCE(CHARACTER_MAXIMUM_LENGTH, 0) FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = '{database}' AND TABLE_NAME = '{table}' AND COLUMN_NAME <> 'name' AND COLUMN_NAME NOT LIKE '%\\_\\_blue' \
         AND COLUMN_NAME NOT LIKE 'crossfade\\_blue%' ORDER BY ORDINAL_POSITION"
    ));
    let value = |kind: &str| match kind {
        "varchar" | "text" | "longtext" | "mediumtext" => format!("'{seed}'"),
        "date" => "'2024-02-29'".to_owned(),
        "datetime" => "'2024-02-29 12:34:56.789000'".to_owned(),
        "time" => "'12:34:56'".to_owned(),
        _ => format!("{}", seed % 2),
    };
    rows.lines()
        .filter_map(|line| {
            let mut words = line.split('\t');
            let (name, kind) = (words.next()?, words.next()?);
            Some((format!("`{name}`"), value(kind)))
        })
        .collect()
}

/// A version writes all that it knows of a new row, changes all of it, and reads what it wrote.
#[track_caller]
fn works(site: &Site, database: &str, run: impl Fn(&str) -> String, tables: &[&str], seed: u32) {
    for table in tables {
        let (first, then) = (values(site, database, table, seed), values(site, database, table, seed + 1));
        let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
        let new: Vec<&str> = first.iter().map(|(_, value)| value.as_str()).collect();
        let set: Vec<String> = then.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let is: Vec<String> = then.iter().map(|(name, value)| format!("{name} <=> {value}")).collect();
        let row = format!("`name` = 'by {seed}'");
        let read = run(&format!(
            "INSERT INTO `{table}` (`name`, {}) VALUES ('by {seed}', {}); \
             UPDATE `{table}` SET {} WHERE {row}; SELECT COUNT(*) FROM `{table}` WHERE {row} AND {}",
            names.join(", "),
            new.join(", "),
            set.join(", "),
            is.join(" AND ")
        ));
        assert_eq!(read, "1", "{table} in {database}");
    }
}

/// Each version sees the rows that the other left, with the values of every column that both have under one name and type; `verify`
/// compares those that they have under two. Then each deletes the other's.
#[track_caller]
fn see_each_other(site: &Site, tables: &[&str]) {
    for table in tables {
        let columns = |database: &str| {
            site.server.root(&format!(
                "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS \
                 WHERE TABLE_SCHEMA = '{database}' AND TABLE_NAME = '{table}' ORDER BY COLUMN_NAME"
            ))
        };
        let of_base = columns(&site.name);
        let of_base: std::collections::BTreeSet<&str> = of_base.lines().collect();
        let of_blue = columns(&site.schema);
        let shared: Vec<String> = of_blue
            .lines()
            .filter(|column| of_base.contains(column))
            .filter_map(|column| Some(format!("`{}`", column.split('\t').next()?)))
            .collect();
        let read = format!(
            "SELECT {} FROM `{table}` WHERE `name` IN ('by 10', 'by 20') ORDER BY `name`",
            shared.join(", ")
        );
        let seen = site.blue(&read);
        assert_eq!(seen.lines().count(), 2, "{table}: {seen}");
        assert_eq!(seen, site.base(&read), "{table}");
    }
    site.run("verify", &[]).ok();
    for table in tables {
        site.blue(&format!("DELETE FROM `{table}` WHERE `name` = 'by 20'"));
        site.base(&format!("DELETE FROM `{table}` WHERE `name` = 'by 10'"));
        let left = format!("SELECT COUNT(*) FROM `{table}` WHERE `name` IN ('by 10', 'by 20')");
        assert_eq!([site.blue(&left), site.base(&left)], ["0", "0"], "{table}");
    }
}

/// A client of one colour that writes all it knows of rows of its own, and one that both write.
fn writer(site: &Site, url: String, database: &str, table: &'static str, colour: &'static str) -> Client {
    let columns = values(site, database, table, 0);
    Client::start(vec![url], move |number| {
        let set = |seed: u64| {
            let pairs = columns.iter().map(|(name, value)| {
                format!("{name} = {}", if value == "'0'" { format!("'{seed}'") } else { value.clone() })
            });
            pairs.collect::<Vec<_>>().join(", ")
        };
        // What is unique in a version must be so among both writers and the rows that are there, which have numbers of 1,000,000 and more.
        let seed = number * 2 + u64::from(colour == "blue");
        vec![
            format!("INSERT INTO `{table}` SET `name` = '{colour}{number}', {}", set(seed + 10_000_000)),
            format!("UPDATE `{table}` SET {} WHERE `name` = '{colour}{number}'", set(seed + 20_000_000)),
            format!("SELECT * FROM `{table}` WHERE `name` = '{colour}{number}'"),
            format!("DELETE FROM `{table}` WHERE `name` = '{colour}{number}'"),
        ]
    })
}

/// A release of one version with both colours at work from beginning to end, to its contract or back.
fn release(version: &Version, way_back: bool) {
    let name = format!("acme_{}_{}", version.name, if way_back { "back" } else { "on" });
    let site = real_site(&name).unwrap();
    let plan = planned(&site, version);
    println!("{name}: {:?}, {}", plan.verdict, plan.summary);
    assert_ne!(plan.verdict, Verdict::Blocking, "{name}: {}", plan.summary);
    let schema = site.schema.clone();
    let orders = ["tabAcme Order", "tabAcme Order Item", "tabAcme Customer"];
    let columns = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ";
    let of_blue = |database: &str| {
        let live =
            site.server.root(&format!("{columns}'{database}' AND TABLE_NAME LIKE 'tabAcme%' ORDER BY 1, 2"));
        live.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    let before = of_blue(&name);
    site.plan(plan);
    site.handed_over();
    let blue_url = site.url(&schema, "blue%27s%20%5C%20%22secret%22", &schema);
    let blue = writer(&site, blue_url, &schema, "tabAcme Order", "blue");
    site.run("expand", &[]).ok();
    let green = writer(&site, site.url(&name, "base", &name), &name, "tabAcme Order", "green");
    // Green's migrate rewrites the metadata.
    site.base("UPDATE tabDocField SET modified = NOW() WHERE parent LIKE 'Acme%'; DELETE FROM tabDocType WHERE name = 'Acme Customer'");
    site.run("verify", &[]).ok();
    works(&site, &schema, |sql| site.blue(sql), &orders, 10);
    works(&site, &name, |sql| site.base(sql), &orders, 20);
    see_each_other(&site, &orders);
    assert_eq!(site.blue("SELECT COUNT(*) FROM tabDocType WHERE name = 'Acme Customer'"), "1");
    if way_back {
        unharmed(&name, green);
        site.run("rollback", &TABLES).ok();
        works(&site, &schema, |sql| site.blue(sql), &orders, 30);
        unharmed(&name, blue);
        site.run("rollback", &FINISH).ok();
        let after = of_blue(&name);
        let lost: Vec<_> = before.difference(&after).collect();
        assert!(lost.is_empty(), "{name}: blue's columns are not as they were: {lost:?}");
        assert_eq!(site.base("SELECT COUNT(*) FROM tabDocType WHERE name = 'Acme Customer'"), "1");
    } else {
        unharmed(&name, blue);
        site.run("contract", &["--without-backup"]).ok();
        works(&site, &name, |sql| site.base(sql), &orders, 30);
        unharmed(&name, green);
    }
    let traces = site.traces();
    assert!(!traces.contains("__r1") && !traces.contains("trigger\t"), "{name}: {traces}");
    site.server.root(&format!("DROP DATABASE {name}"));
}

#[track_caller]
fn unharmed(name: &str, client: Client) {
    work_on([&client], 2);
    let seen = client.end();
    assert!(seen.errors.is_empty(), "{name}: {} errors, first {}", seen.errors.len(), seen.errors[0]);
    assert!(seen.statements > 4, "{name}: only {} statements", seen.statements);
}

const TABLES: [&str; 2] = ["--stage", "tables"];
const FINISH: [&str; 2] = ["--stage", "finish"];

#[test]
#[ignore = "needs mariadbd"]
fn versions_of_the_sample_app_are_released_and_taken_back_under_the_hands_of_both_colours() {
    if dump().is_none() {
        println!("skipped: CROSSFADE_SHARED does not name a directory with frappe-site/site-schema.sql");
        return;
    }
    if std::env::var_os("CROSSFADE_LONG").is_none() {
        // All kinds at once; what is not in it is in the long form, `make versions`.
        release(&Version::read("all5"), false);
        release(&Version::read("all5"), true);
        return;
    }
    let alone = sample_app::all();
    assert_eq!(alone.len(), 16);
    let pairs = sample_app::pairs();
    assert_eq!(pairs.len(), 75);
    for version in alone.into_iter().chain(pairs) {
        for way_back in [false, true] {
            release(&version, way_back);
        }
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn the_planners_plan_of_an_added_field_runs_on_the_real_site() {
    let Some(site) = release_by_the_planner("planned_add", "a_add") else { return };
    site.blue("INSERT INTO `tabAcme Order` (name, title) VALUES ('of-blue', 'b')");
    assert_eq!(site.base("SELECT channel FROM `tabAcme Order` WHERE name = 'of-blue'"), "web");
    assert!(site.try_blue("UPDATE tabDocField SET idx = 0").unwrap_err().contains("ERROR 1142"));
    site.run("contract", &[]).ok();
    assert!(!site.traces().contains("planned_add__r1"));
}

#[test]
#[ignore = "needs mariadbd"]
fn the_planners_plan_of_a_child_table_runs_on_the_real_site_and_can_be_taken_back() {
    let Some(site) = release_by_the_planner("planned_child", "e_child") else { return };
    let delete = |order: &str| {
        site.base(&format!("INSERT INTO `tabAcme Order` (name) VALUES ('{order}')"));
        site.base(&format!(
            "INSERT INTO `tabAcme Order Tax` (name, parent, parenttype) VALUES ('tax-{order}', '{order}', 'Acme Order')"
        ));
        site.blue(&format!("DELETE FROM `tabAcme Order` WHERE name = '{order}'"));
        site.base("SELECT COUNT(*) FROM `tabAcme Order Tax`")
    };
    assert_eq!(delete("o1"), "0", "the orphan guard removes what blue does not know");
    site.run("rollback", &["--stage", "tables"]).ok();
    site.run("rollback", &["--stage", "finish"]).ok();
    assert!(!site.traces().contains("trigger\t"), "{}", site.traces());
    site.expanded();
    assert_eq!(delete("o2"), "0", "and again in the second attempt");
    site.run("contract", &[]).ok();
    assert!(!site.traces().contains("planned_child__r1") && !site.traces().contains("trigger\t"));
}
