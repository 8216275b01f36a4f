//! A DocType under two names: both versions at work through the whole release, to its end and back.
//!
//! Two clients, one a colour, send what Frappe sends for a document with a comment, a version, a file, an assignment and
//! a password. Each reads, under its own name of the DocType, what any of them has written before.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossfade::plan::{Plan, Verdict};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::frappe_site::real_site;
use super::sample_app::Version;
use super::site::{Site, wait_for};

/// What blue and green call the DocType.
const NAMES: [&str; 2] = ["Acme Tag", "Acme Label"];

/// What both clients have written so far and not deleted.
type Documents = Arc<Mutex<Vec<String>>>;

/// A client of one colour.
struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, Vec<String>)>,
}

impl Client {
    fn start(url: String, side: &'static str, doctype: &'static str, documents: &Documents) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, documents) = (Arc::clone(&stop), Arc::clone(documents));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (mut number, mut errors) = (0, Vec::new());
            while !stopped.load(Ordering::SeqCst) {
                number += 1;
                let name = format!("{side}-{number}");
                let known = documents.lock().unwrap();
                let other = known.get(usize::try_from(number * 7919).unwrap() % known.len().max(1)).cloned();
                let gone = known.iter().find(|known| known.starts_with(side)).cloned();
                let gone = gone.filter(|_| number % 5 == 0);
                drop(known);
                if let Some(gone) = &gone {
                    documents.lock().unwrap().retain(|known| known != gone);
                }
                match runtime.block_on(request(&url, doctype, &name, other.as_deref(), gone.as_deref())) {
                    Ok(wrong) => {
                        let mut documents = documents.lock().unwrap();
                        documents.push(name);
                        // One that is not listed any more was being deleted, table by table, as it was looked at.
                        let wrong = wrong.into_iter().filter(|(looked, _)| documents.contains(looked));
                        errors.extend(
                            wrong.map(|(looked, found)| {
                                format!("silent, {side} {number}: {looked} has {found}")
                            }),
                        );
                    }
                    Err(error) => errors.push(format!("hard, {side} {number}: {error}")),
                }
            }
            (number, errors)
        });
        Self { stop, thread }
    }

    /// Stops it; it must have seen no error of either kind.
    #[track_caller]
    fn unharmed(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        let (requests, errors) = self.thread.join().unwrap();
        assert!(errors.is_empty(), "{} of {requests}: {:#?}", errors.len(), &errors[..errors.len().min(5)]);
        requests
    }
}

/// The tables beside the document's own: column of the DocType, column of the name.
const BESIDE: [(&str, &str, &str); 6] = [
    ("tabComment", "reference_doctype", "reference_name"),
    ("tabVersion", "ref_doctype", "docname"),
    ("tabFile", "attached_to_doctype", "attached_to_name"),
    ("tabToDo", "reference_type", "reference_name"),
    ("tabTag Link", "document_type", "document_name"),
    ("__Auth", "doctype", "name"),
];

/// One request: a new document with all that belongs to it, a save of it, a look at another one, a delete.
///
/// Returns the documents that were not found whole, each with the number of its rows table by table.
#[expect(clippy::too_many_lines, reason = "one arm for each request that Frappe makes")]
async fn request(
    url: &str,
    doctype: &str,
    name: &str,
    other: Option<&str>,
    gone: Option<&str>,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let mut connection = MySqlConnection::connect(url).await?;
    connection.execute("START TRANSACTION").await?;
    let mut statements = vec![format!(
        "INSERT INTO `tab{doctype}` (name, owner, creation, modified, modified_by, docstatus, idx, tag_name) \
         VALUES ('{name}', 'a', NOW(6), NOW(6), 'a', 0, 0, '{name}')"
    )];
    for (table, of, column) in BESIDE {
        statements.push(if table == "__Auth" {
            format!(
                "INSERT INTO __Auth (doctype, name, fieldname, password, encrypted) VALUES ('{doctype}', '{name}', 'key', 'p', 1) \
                 ON DUPLICATE KEY UPDATE password = VALUES(password)"
            )
        } else {
            format!(
                "INSERT INTO `{table}` (name, owner, creation, modified, {of}, {column}) VALUES ('{name}', 'a', NOW(6), NOW(6), '{doctype}', '{name}')"
            )
        });
    }
    statements.push(format!(
        "UPDATE tabComment SET modified = NOW(6), reference_doctype = '{doctype}', reference_name = '{name}', content = 'c' WHERE name = '{name}'"
    ));
    statements.push(format!(
        "INSERT INTO __UserSettings (user, doctype, data) VALUES ('{name}', '{doctype}', '{{}}') ON DUPLICATE KEY UPDATE data = VALUES(data)"
    ));
    for sql in statements {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    }
    connection.execute("COMMIT").await?;
    // Each by itself: two clients that delete in several of these tables at once deadlock without a release, too.
    if let Some(gone) = gone {
        let mut deletes = vec![
            format!("DELETE FROM `tab{doctype}` WHERE name = '{gone}'"),
            format!(
                "DELETE FROM __Auth WHERE doctype = '{doctype}' AND name = '{gone}' AND fieldname = 'key'"
            ),
        ];
        let beside = BESIDE.iter().filter(|(table, ..)| *table != "__Auth");
        deletes.extend(beside.map(|(table, of, _)| {
            format!("DELETE FROM `{table}` WHERE name = '{gone}' AND {of} = '{doctype}'")
        }));
        for sql in deletes {
            connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
        }
    }
    let mut wrong = Vec::new();
    for looked in [Some(name), other].into_iter().flatten() {
        let parts: Vec<String> = BESIDE
            .iter()
            .map(|(table, of, column)| {
                format!("(SELECT COUNT(*) FROM `{table}` WHERE {of} = '{doctype}' AND {column} = '{looked}')")
            })
            .collect();
        let sql = format!(
            "SELECT CONCAT_WS(' ', (SELECT COUNT(*) FROM `tab{doctype}` WHERE name = '{looked}'), {})",
            parts.join(", ")
        );
        let found: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
        if found != "1 1 1 1 1 1 1" {
            wrong.push((looked.to_owned(), found));
        }
    }
    connection.close().await?;
    Ok(wrong)
}

/// Plans from two benches and the live site.
fn planned(site: &Site, blue: &Path, green: &Path, more: &[&str]) -> Plan {
    let plan = Command::new(env!("CARGO_BIN_EXE_crossfade"))
        .args(["plan", "--output", "json", "--site", "s.example", "--blue"])
        .arg(blue)
        .arg("--green")
        .arg(green)
        .arg("--database")
        .arg(format!("mysql://127.0.0.1:{}/{}", site.server.port, site.name))
        .arg("--credentials")
        .arg(site.server.credentials())
        .args(more)
        .output()
        .unwrap();
    assert!(!plan.stdout.is_empty(), "{}", String::from_utf8_lossy(&plan.stderr));
    let plan: Plan = serde_json::from_slice(&plan.stdout).unwrap();
    println!("{}: {}; {} steps", site.name, plan.summary, plan.expand.len());
    plan
}

/// The real site with documents that the rename has to do with, and the plan of the rename.
fn tagged(name: &str) -> Option<Site> {
    let site = real_site(name)?;
    let documents: Vec<String> = BESIDE
        .iter()
        .map(|(table, of, column)| {
            if *table == "__Auth" {
                "INSERT INTO __Auth SELECT 'Acme Tag', CONCAT('old-', seq), 'key', 'p', 1 FROM seq_1_to_3000".to_owned()
            } else {
                format!("INSERT INTO `{table}` (name, {of}, {column}) SELECT CONCAT('old-', seq), IF(seq <= 3000, 'Acme Tag', 'User'), CONCAT('old-', seq) FROM seq_1_to_6000")
            }
        })
        .collect();
    site.admin(&format!(
        "{}; INSERT INTO `tabAcme Tag` (name, tag_name) SELECT CONCAT('old-', seq), CONCAT('old-', seq) FROM seq_1_to_3000; \
         INSERT INTO __UserSettings (user, doctype, data) VALUES ('u', 'Acme Tag', 'd'), ('u', 'User', 'd'); \
         INSERT INTO __global_search (doctype, name, content) VALUES ('Acme Tag', 'old-1', 'needle'), ('User', 'u', 'needle'); \
         INSERT INTO `tabCustom Field` (name, dt, fieldname, fieldtype, options) VALUES ('c1', 'Acme Tag', 'x', 'Data', NULL), ('c2', 'User', 'y', 'Link', 'Acme Tag'); \
         INSERT INTO `tabCustom DocPerm` (name, parent, role) VALUES ('p1', 'Acme Tag', 'All'); \
         INSERT INTO `tabProperty Setter` (name, doc_type, property, value) VALUES ('s1', 'Acme Tag', 'x', 'y'), ('s2', 'User', 'options', 'Acme Tag'); \
         INSERT INTO tabReport (name, ref_doctype) VALUES ('r1', 'Acme Tag')",
        documents.join("; ")
    ));
    let green = Version::read("i_doctype_renamed");
    let plan = planned(&site, Version::read("base").bench().path(), green.bench().path(), &green.declared);
    assert_eq!(plan.verdict, Verdict::Mapped, "{:#?}", plan.changes);
    site.plan(plan);
    Some(site)
}

fn blue(site: &Site, documents: &Documents) -> Client {
    let url = site.url(&site.schema, "blue's%20%5C%20%22secret%22", &site.schema);
    Client::start(url, "blue", NAMES[0], documents)
}

/// Waits until both colours have written documents beside each other.
#[track_caller]
fn written(documents: &Documents) {
    let now = documents.lock().unwrap().len();
    wait_for("documents", || {
        let documents = documents.lock().unwrap();
        documents.len() > now + 30 && documents.iter().filter(|name| name.starts_with("green-")).count() > 10
    });
}

fn green(site: &Site, documents: &Documents) -> Client {
    Client::start(site.url(&site.name, "base", &site.name), "green", NAMES[1], documents)
}

/// Rows that name the DocType, table by table, as one side sees them.
fn named(doctype: &str, run: impl Fn(&str) -> String) -> String {
    let parts: Vec<String> = BESIDE
        .iter()
        .chain(&[
            ("tabReport", "ref_doctype", "name"),
            ("tabCustom DocPerm", "parent", "name"),
            ("__UserSettings", "doctype", "user"),
        ])
        .map(|(table, of, column)| {
            format!("SELECT '{table}', {column} FROM `{table}` WHERE BINARY {of} = '{doctype}' ORDER BY 2")
        })
        .collect();
    run(&format!("{}; SELECT name, tag_name FROM `tab{doctype}` ORDER BY name", parts.join("; ")))
}

#[test]
#[ignore = "needs mariadbd"]
fn both_versions_work_on_a_renamed_doctype_of_a_real_site_until_its_end() {
    let Some(site) = tagged("renamed_end") else { return };
    let documents = Documents::default();
    site.handed_over();
    let blues = blue(&site, &documents);
    println!("{}", site.run("expand", &[]).ok().lines().last().unwrap());
    let greens = green(&site, &documents);
    written(&documents);
    site.run("verify", &[]).ok();
    println!("{} requests of blue, {} of green", blues.unharmed(), greens.unharmed());
    assert_eq!(named("Acme Tag", |sql| site.blue(sql)), named("Acme Label", |sql| site.base(sql)));
    // The metadata is green's alone.
    let metadata = "SELECT name FROM tabDocType WHERE name LIKE 'Acme %l' OR name = 'Acme Tag'; \
                    SELECT COUNT(*) FROM tabDocField WHERE parent IN ('Acme Tag', 'Acme Label'); \
                    SELECT dt FROM `tabCustom Field` ORDER BY name; SELECT options FROM `tabCustom Field` WHERE name = 'c2'; \
                    SELECT doc_type, value FROM `tabProperty Setter` WHERE name LIKE 's_' ORDER BY name";
    assert_eq!(site.blue(metadata), "Acme Tag\n2\nAcme Tag\nUser\nAcme Tag\nAcme Tag\ty\nUser\tAcme Tag");
    assert_eq!(
        site.base(metadata),
        "Acme Label\n2\nAcme Label\nUser\nAcme Label\nAcme Label\ty\nUser\tAcme Label"
    );
    assert_eq!(
        // By default MyISAM finds no word that more than half of the rows have.
        site.base("SELECT doctype FROM __global_search WHERE MATCH(content) AGAINST('needle' IN BOOLEAN MODE) ORDER BY 1"),
        "Acme Label\nAcme Tag\nUser"
    );
    let before = named("Acme Label", |sql| site.base(sql));
    site.run("contract", &["--without-backup"]).ok();
    assert_eq!(named("Acme Label", |sql| site.base(sql)), before);
    assert_eq!(site.base("SELECT COUNT(*) FROM __global_search WHERE doctype = 'Acme Tag'; SELECT COUNT(*) FROM __global_search"), "0\n2");
    let left = "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'renamed_end' AND COLUMN_NAME LIKE '%\\_\\_blue'; \
                SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'renamed_end'; \
                SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'tabAcme Tag' AND TABLE_SCHEMA LIKE 'renamed_end%'; \
                SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'renamed_end' AND INDEX_NAME LIKE 'crossfade%'";
    assert_eq!(site.server.root(left), "0\n0\n0\n0");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_renamed_doctype_of_a_real_site_goes_back_with_all_that_green_wrote() {
    let Some(site) = tagged("renamed_back") else { return };
    let shape = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT FROM information_schema.COLUMNS \
                 WHERE TABLE_SCHEMA = 'renamed_back' AND TABLE_NAME <> '__crossfade_ledger' ORDER BY 1, 2; \
                 SELECT TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME FROM information_schema.STATISTICS \
                 WHERE TABLE_SCHEMA = 'renamed_back' AND TABLE_NAME <> '__crossfade_ledger' ORDER BY 1, 2, 3";
    let before = site.server.root(shape);
    let documents = Documents::default();
    site.handed_over();
    let blues = blue(&site, &documents);
    site.run("expand", &[]).ok();
    let greens = green(&site, &documents);
    written(&documents);
    let of_green = greens.unharmed();
    site.run("rollback", &["--stage", "tables"]).ok();
    println!("{} requests of blue, {of_green} of green", blues.unharmed());
    assert_eq!(named("Acme Tag", |sql| site.blue(sql)), named("Acme Tag", |sql| site.base(sql)));
    assert!(
        site.base("SELECT COUNT(*) FROM `tabAcme Tag` WHERE name LIKE 'green-%'").parse::<u64>().unwrap() > 5
    );
    site.run("rollback", &["--stage", "finish"]).ok();
    assert_eq!(site.server.root(shape), before);
    assert_eq!(site.base("SELECT COUNT(*) FROM __global_search; SELECT dt FROM `tabCustom Field` WHERE name = 'c1'; SELECT name FROM tabDocType WHERE name LIKE 'Acme T%'"), "2\nAcme Tag\nAcme Tag");
    assert!(!site.traces().contains("trigger\t"), "{}", site.traces());
}
