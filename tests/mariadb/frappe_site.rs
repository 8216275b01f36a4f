//! A real site of Frappe 15.41 (230 tables): its dump is not part of this repository. `CROSSFADE_SHARED` names the
//! directory that has it as `frappe-site/`; without it these tests say so and pass.

use std::io::Read;
use std::path::PathBuf;

use crossfade::plan::{Effect, Plan, Step, Undo, Verdict, Work};

use super::plans;
use super::site::Site;

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

/// A bench with the sample app in one of its versions.
pub(crate) fn bench(version: &str) -> tempfile::TempDir {
    let shared = std::env::var_os("CROSSFADE_SHARED").map(PathBuf::from).unwrap();
    let bench = tempfile::tempdir().unwrap();
    let app = bench.path().join("apps/acme/acme");
    let doctypes = app.join("acme/doctype");
    std::fs::create_dir_all(bench.path().join("sites")).unwrap();
    std::fs::create_dir_all(&doctypes).unwrap();
    std::fs::write(bench.path().join("sites/apps.txt"), "frappe\nacme\n").unwrap();
    // Frappe itself is the same in both versions: its name and version are all that the planner needs.
    let frappe = bench.path().join("apps/frappe/frappe");
    std::fs::create_dir_all(&frappe).unwrap();
    std::fs::write(frappe.join("__init__.py"), "__version__ = \"15.41.0\"\n").unwrap();
    std::fs::write(frappe.join("modules.txt"), "Core\n").unwrap();
    std::fs::write(app.join("__init__.py"), format!("__version__ = \"{version}\"\n")).unwrap();
    std::fs::write(app.join("hooks.py"), "app_name = \"acme\"\n").unwrap();
    std::fs::write(app.join("modules.txt"), "Acme\n").unwrap();
    for file in std::fs::read_dir(shared.join("frappe-site/acme_doctypes").join(version)).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let target = if stem == "patches" {
            app.join("patches.txt")
        } else {
            std::fs::create_dir_all(doctypes.join(&stem)).unwrap();
            doctypes.join(&stem).join(format!("{stem}.json"))
        };
        std::fs::copy(&path, target).unwrap();
    }
    bench
}

/// Plans by the real planner against the live site, then runs that plan to its end.
fn release_by_the_planner(name: &str, green: &str) -> Option<Site> {
    let site = real_site(name)?;
    let (blue, green) = (bench("base"), bench(green));
    let plan = std::process::Command::new(env!("CARGO_BIN_EXE_crossfade"))
        .args(["plan", "--output", "json", "--site", "s.example"])
        .arg("--blue")
        .arg(blue.path())
        .arg("--green")
        .arg(green.path())
        .arg("--database")
        .arg(format!("mysql://127.0.0.1:{}/{name}", site.server.port))
        .arg("--credentials")
        .arg(site.server.credentials())
        .output()
        .unwrap();
    assert!(plan.status.success(), "{}", String::from_utf8_lossy(&plan.stderr));
    let plan: Plan = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan.verdict, Verdict::Additive, "{}", plan.summary);
    println!("{name}: {}; {} steps, {} frozen", plan.summary, plan.expand.len(), plan.frozen.len());
    site.plan(plan);
    site.expanded();
    site.run("verify", &[]).ok();
    Some(site)
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
