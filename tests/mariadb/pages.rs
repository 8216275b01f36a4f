//! What the pages say to type beside a database is typed, as it stands there: on a bench in the reader's home and its site.
//! `tests/docs/tried.rs` counts the lines that these tests follow as tried.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::no_wait_entry::python;
use super::redis_server::Redis;
use super::replication::{leaked, replica_of};
use super::site::{METADATA, Ran, Site};

#[allow(dead_code, reason = "tests/docs needs the lines' numbers")]
#[path = "../docs/shell.rs"]
mod shell;
use shell::typed;

const INSTALLED: &str = "
INSERT INTO `tabInstalled Application` VALUES ('1', 'frappe', '15.41.0', 1), ('2', 'shop', '1.0.0', 2);
UPDATE tabOrder SET title = CONCAT('title of ', name);
";

/// A reader at work in his home, which is also where he stands.
struct Reader {
    home: TempDir,
    names: Vec<(&'static str, String)>,
}

impl Reader {
    fn new(site: &Site) -> Self {
        let home = TempDir::new().unwrap();
        for folder in ["admin", ".erp-db", "DIR"] {
            symlink(site.server.credentials(), home.path().join(folder)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_crossfade"), home.path().join("crossfade")).unwrap();
        let address = format!("127.0.0.1:{}", site.server.port);
        let names = vec![
            ("db.example.com:3306/SITE_DB_NAME", format!("{address}/{}", site.name)),
            ("db.example.com:3306/erp", format!("{address}/{}", site.name)),
            ("127.0.0.1:3306/_1bd3e0294da19198", format!("{address}/{}", site.name)),
            ("HOST/site", format!("{address}/{}", site.name)),
            ("127.0.0.1:8080", "127.0.0.1:0".into()),
            ("/backup/", format!("{}/", home.path().display())),
            // Its checkout is the bench, and what decides is a verdict.
            (
                "crossfade plan --blue released.json --green . ",
                "cd bench; crossfade plan --blue released.json --green . ".into(),
            ),
            ("code=$?", "code=$?; [ ${code:-0} -lt 3 ]".into()),
        ];
        Self { home, names }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The bench of the site, with these fields in its orders.
    fn bench(&self, fields: &[&str]) {
        self.bench_in("bench", fields);
    }

    /// The same in another folder.
    fn bench_in(&self, bench: &str, fields: &[&str]) {
        self.write(&format!("{bench}/sites/apps.txt"), "frappe\nshop\n");
        for (app, version) in [("frappe", "15.41.0"), ("shop", "1.0.0")] {
            let title = if app == "shop" { "Shop\n" } else { "Core\n" };
            self.write(
                &format!("{bench}/apps/{app}/{app}/__init__.py"),
                &format!("__version__ = \"{version}\"\n"),
            );
            self.write(&format!("{bench}/apps/{app}/{app}/modules.txt"), title);
            self.write(&format!("{bench}/apps/{app}/{app}/patches.txt"), "");
            self.write(&format!("{bench}/apps/{app}/{app}/hooks.py"), &format!("app_name = '{app}'\n"));
        }
        let data = |name: &&str| json!({ "fieldname": name, "fieldtype": "Data" });
        let fields: Vec<Value> = fields.iter().map(data).collect();
        let order = json!({ "doctype": "DocType", "name": "Order", "module": "Shop", "fields": fields });
        self.write(&format!("{bench}/apps/shop/shop/shop/doctype/order/order.json"), &order.to_string());
    }

    /// Types the lines of a page that `part` names, in a shell that stops at the first that fails.
    fn follow(&self, page: &str, part: &str) -> Ran {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let lines: Vec<String> =
            typed(&text, part).into_iter().map(|line| self.in_his_words(line.text)).collect();
        assert!(!lines.is_empty(), "{page} has no command of '{part}'");
        self.types(&lines.join("\n"))
    }

    fn in_his_words(&self, line: String) -> String {
        let line = self.names.iter().fold(line, |line, (theirs, ours)| line.replace(theirs, ours));
        // Until Ctrl+C, and until it is over.
        if line.starts_with("crossfade editor") {
            format!("timeout --preserve-status --signal=INT 3 {line}")
        } else if line.starts_with("crossfade relay") {
            format!("timeout --preserve-status 3 {line}")
        } else {
            line
        }
    }

    fn types(&self, commands: &str) -> Ran {
        let home = self.home.path();
        let path = format!("{}:{}", home.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell
            .args(["-euo", "pipefail", "-c", commands])
            .current_dir(home)
            .env("HOME", home)
            .env("PATH", path);
        let output = shell.env_remove("CROSSFADE_DATABASE").output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Ran { code: output.status.code().unwrap_or(-1), output: String::from_utf8_lossy(&text).into_owned() }
    }

    /// Puts each app under Git as it is, and names that version.
    fn commit(&self, tag: &str) {
        let git = "git -c init.defaultBranch=main -c user.name=t -c user.email=t@example.com";
        let each =
            format!("cd $app && {git} init -q && {git} add -A && {git} commit -qm x && {git} tag {tag}");
        self.types(&format!("for app in ~/bench/apps/*; do ({each}); done")).ok();
    }
}

fn site() -> (Site, Reader) {
    let site = Site::small_on(leaked(&[]), "site").next();
    site.admin(METADATA);
    site.admin(INSTALLED);
    let reader = Reader::new(&site);
    reader.bench(&["title", "amount"]);
    (site, reader)
}

#[test]
#[ignore = "needs mariadbd"]
fn a_plan_a_release_and_a_restore_go_as_the_pages_say() {
    let (site, reader) = site();
    reader
        .types("crossfade snapshot --bench ~/bench --out released.json && cp released.json erp-15.41.0.json")
        .ok();
    reader.bench(&["amount", "note"]);
    let planned = reader.follow("docs/how-to/plan-in-ci.md", "crossfade plan --blue erp-15.41.0.json");
    assert!(planned.code < 3 && planned.output.contains("note"), "{}", planned.output);
    let planned = reader.follow("docs/how-to/large-tables.md", "crossfade plan");
    assert!(planned.code < 3 && planned.output.contains("note"), "{}", planned.output);
    // The pipeline stands in the bench, and the policy is that of the page.
    let policy =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/how-to/plan-in-ci.md")).unwrap();
    let (_, policy) = policy.split_once("```yaml\nrules:").unwrap();
    reader.write("bench/crossfade-policy.yaml", &format!("rules:{}", policy.split("```").next().unwrap()));
    reader.types("cp released.json bench/released.json").ok();
    reader.follow("docs/how-to/plan-in-ci.md", "> plan.md").ok();
    let told = fs::read_to_string(reader.home.path().join("bench/plan.md")).unwrap();
    assert!(told.contains("note") && told.contains("exported in May"), "{told}");

    let database = format!("--database mysql://127.0.0.1:{}/site --credentials DIR", site.server.port);
    let made = format!(
        "crossfade --output json plan --blue released.json --green ~/bench {database} > plan.json || [ $? -lt 3 ]"
    );
    reader.types(&made).ok();
    reader.write("sites/x/site_config.json", "{\"db_name\": \"site\", \"db_password\": \"base\"}");
    reader.follow("docs/explanation/isolation.md", "crossfade isolate").ok();
    let config = fs::read_to_string(reader.home.path().join("sites/x/site_config.blue.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["db_name"], "site__r2");
    reader.types(&format!("crossfade expand --plan plan.json --schema site__r2 {database}")).ok();
    // Green's migrate.
    site.admin("DELETE FROM tabDocField WHERE fieldname = 'title'");
    let before = site.admin("SELECT name, title FROM tabOrder ORDER BY name");
    reader.follow("docs/how-to/restore.md", "crossfade contract").ok();
    let refused = site.server.client("admin", "admin secret", "site", "SELECT title FROM tabOrder");
    assert!(refused.is_err_and(|error| error.contains("1054")), "the field's column is still there");
    reader.follow("docs/how-to/restore.md", "crossfade restore").ok();
    assert_eq!(site.admin("SELECT name, title FROM tabOrder ORDER BY name"), before);
}

#[test]
#[ignore = "needs mariadbd"]
fn the_doctor_and_the_editor_are_called_as_the_pages_say() {
    let (site, mut reader) = site();
    let replica = replica_of(site.server);
    reader.names.push(("db-replica.example.com:3306", format!("127.0.0.1:{}", replica.port)));
    let asked = reader.follow("docs/how-to/managed-databases.md", "SITE_DB_NAME --credentials admin");
    let grant = "GRANT CONNECTION ADMIN ON *.* TO `admin`@`%`;";
    assert!(asked.code == 3 && asked.output.contains(grant), "{}", asked.output);
    site.server.root(grant);
    reader.follow("docs/how-to/managed-databases.md", "SITE_DB_NAME --credentials admin").ok();
    reader.commit("v15.41.0");
    let opened = reader.follow("docs/how-to/edit-doctypes.md", "crossfade editor --app").ok();
    assert!(opened.contains("http://127.0.0.1:"), "{opened}");
    let opened = reader.follow("docs/how-to/edit-doctypes.md", "# Edit DocTypes").ok();
    assert!(opened.contains("http://127.0.0.1:"), "{opened}");
}

/// Green's migrate as far as the database sees it: metadata, and an `ALTER` that changes nothing.
const MIGRATE: &str = r"#!/usr/bin/env PYTHON
import os, sys
import pymysql
assert sys.argv[1:] == ['--site', 'x', 'migrate', '--skip-search-index'], sys.argv
assert os.path.basename(os.getcwd()) == 'green'
connection = pymysql.connect(host='127.0.0.1', port=PORT, user='site', password='base', database='site', autocommit=True)
cursor = connection.cursor()
cursor.execute('UPDATE tabDocField SET fieldname = %s WHERE fieldname = %s', ('note', 'title'))
cursor.execute('ALTER TABLE tabOrder MODIFY amount varchar(140)')
";

/// A release by hand, as far as its page goes before one decides; Redis lives as long as it is needed.
fn released_by_hand() -> (Site, Reader, Redis) {
    let (site, reader) = site();
    let redis = Redis::start();
    reader.bench_in("blue", &["title", "amount"]);
    reader.bench_in("green", &["amount", "note"]);
    for (colour, database) in [("blue", 1), ("green", 2)] {
        let config = json!({
            "redis_cache": redis.url(database), "redis_queue": redis.url(0), "bench_id": colour
        });
        reader.write(&format!("{colour}/sites/common_site_config.json"), &config.to_string());
    }
    reader.write("blue/sites/x/site_config.json", "{\"db_name\": \"site\", \"db_password\": \"base\"}");
    let migrate = MIGRATE
        .replace("PYTHON", &python().display().to_string())
        .replace("PORT", &site.server.port.to_string());
    reader.write("migrate.py", &migrate);
    reader.types("rm -r bench; mv migrate.py bench; chmod +x bench").ok();
    reader.follow("docs/how-to/by-hand.md", "## 1.").ok();
    reader.follow("docs/how-to/by-hand.md", "## 2.").ok();
    reader.follow("docs/how-to/by-hand.md", "## 3.").ok();
    let config = fs::read_to_string(reader.home.path().join("blue/sites/x/site_config.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&config).unwrap()["db_name"], "site__r2");
    let said = reader.follow("docs/how-to/by-hand.md", "## 4.").ok();
    assert!(said.contains("\"algorithm\": \"ALGORITHM=NOCOPY\""), "{said}");
    assert_eq!(site.base("SELECT COUNT(note) FROM tabOrder"), "0");
    (site, reader, redis)
}

#[test]
#[ignore = "needs mariadbd and redis-server"]
fn a_release_by_hand_goes_as_its_page_says() {
    let (site, reader, redis) = released_by_hand();
    redis.ask(1, &["SET", "site__r2|role", "cached"]);
    reader.follow("docs/how-to/by-hand.md", "## 5.").ok();
    assert!(!site.traces().contains("site__r2"), "{}", site.traces());
    assert!(redis.keys(1).is_empty() && reader.home.path().join("site-r2.gz").exists());
    assert_eq!(site.base("SELECT fieldname FROM tabDocField WHERE name = 'f1'"), "note");
}

#[test]
#[ignore = "needs mariadbd and redis-server"]
fn a_release_by_hand_is_taken_back_as_its_page_says() {
    let (site, reader, _redis) = released_by_hand();
    reader.follow("docs/how-to/by-hand.md", "## Back to blue").ok();
    assert!(!site.traces().contains("site__r2"), "{}", site.traces());
    let config = fs::read_to_string(reader.home.path().join("blue/sites/x/site_config.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&config).unwrap()["db_name"], "site");
    assert_eq!(site.base("SELECT fieldname FROM tabDocField WHERE name = 'f1'"), "title");
}
