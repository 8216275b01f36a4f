//! The settings of both versions stay whole although each save deletes all rows of its DocType.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::plans;
use super::server::server;
use super::site::{Site, wait_for};
use super::traffic::{Client, work_on};
use super::versions::{Versions, doctype, field};

/// What a save of a Single is in SQL: everything goes, then what the version knows comes.
fn save(doctype: &str, fields: &[(&str, &str)]) -> String {
    let rows: Vec<String> = fields
        .iter()
        .map(|(field, value)| {
            format!(
                "INSERT INTO tabSingles (doctype, field, value) VALUES ('{doctype}', '{field}', '{value}');"
            )
        })
        .collect();
    format!(
        "START TRANSACTION; DELETE FROM tabSingles WHERE doctype = '{doctype}'; {} COMMIT;",
        rows.join(" ")
    )
}

fn settings(doctype: &str) -> String {
    format!("SELECT field, value FROM tabSingles WHERE doctype = '{doctype}' ORDER BY field")
}

#[test]
#[ignore = "needs mariadbd"]
fn a_save_by_either_version_keeps_what_only_the_other_knows() {
    let site = Site::small("singles_both");
    site.plan(plans::neutral());
    site.base("INSERT INTO tabSingles VALUES ('Settings', 'only_blue', 'b')");
    site.expanded();
    // Green saves: it knows only_green and has forgotten only_blue.
    site.base(&save(
        "Settings",
        &[("colour", "green"), ("logo", "g.png"), ("modified", "t1"), ("only_green", "g")],
    ));
    assert_eq!(site.blue(&settings("Settings")), "colour\tgreen\nlogo\tg.png\nmodified\tt1\nonly_blue\tb");
    // Blue saves: it does not know only_green.
    site.blue(&save(
        "Settings",
        &[("colour", "blue"), ("logo", "b.png"), ("modified", "t2"), ("only_blue", "b2")],
    ));
    assert_eq!(site.base(&settings("Settings")), "colour\tblue\nlogo\tb.png\nmodified\tt2\nonly_green\tg");
    assert_eq!(site.blue(&settings("Settings")), "colour\tblue\nlogo\tb.png\nmodified\tt2\nonly_blue\tb2");
    // A DocType that the plan does not name lives in the database alone: all of it is shared.
    site.blue(&save("Own", &[("x", "2"), ("y", "3")]));
    assert_eq!(site.base(&settings("Own")), "x\t2\ny\t3");
    // One value, and a rename of a field by an UPDATE.
    site.base("UPDATE tabSingles SET value = 'gold' WHERE doctype = 'Settings' AND field = 'colour'");
    site.base("UPDATE tabSingles SET field = 'z' WHERE doctype = 'Own' AND field = 'y'");
    assert_eq!(site.blue("SELECT value FROM tabSingles WHERE field = 'colour'"), "gold");
    assert_eq!(site.blue(&settings("Own")), "x\t2\nz\t3");
    // A save that is rolled back leaves no trace on either side.
    site.blue(&save("Own", &[("x", "99")]).replace("COMMIT", "ROLLBACK"));
    assert_eq!(site.base(&settings("Own")), site.blue(&settings("Own")));
}

#[test]
#[ignore = "needs mariadbd"]
fn many_saves_of_both_versions_end_in_step() {
    let site = Site::small("singles_many");
    site.plan(plans::neutral());
    site.expanded();
    let (blue_url, base_url) = (
        site.url(&site.schema, "blue%27s%20%5C%20%22secret%22", &site.schema),
        site.url(&site.name, "base", &site.name),
    );
    let client = |url: String, only: &'static str, doctype: &'static str| {
        Client::start(vec![url], move |number| {
            let insert = |field: &str| {
                format!("INSERT INTO tabSingles VALUES ('{doctype}', '{field}', '{only} {number}')")
            };
            vec![
                format!(
                    "SELECT value FROM tabSingles WHERE doctype = '{doctype}' AND field = 'modified' FOR UPDATE"
                ),
                format!("DELETE FROM tabSingles WHERE doctype = '{doctype}'"),
                insert("colour"),
                insert("logo"),
                insert("modified"),
                insert(only),
            ]
        })
    };
    let clients = [client(blue_url, "only_blue", "Settings"), client(base_url, "only_green", "Settings")];
    work_on(&clients, 100);
    let seen: Vec<_> = clients.into_iter().map(Client::end).collect();
    let statements: u64 = seen.iter().map(|seen| seen.statements).sum();
    let errors: Vec<&String> = seen.iter().flat_map(|seen| &seen.errors).collect();
    // The two lock the same rows from opposite sides: InnoDB may choose a victim, as it does today when two
    // requests save one Single. Nothing else may happen.
    assert!(errors.iter().all(|error| error.contains("1213") || error.contains("1020")), "{errors:?}");
    println!(
        "{statements} statements of two versions that save one Single without a pause, {} deadlocks",
        errors.len()
    );
    let shared = "SELECT field, value FROM tabSingles WHERE doctype = 'Settings' AND field NOT LIKE 'only%' ORDER BY field";
    assert_eq!(site.base(shared), site.blue(shared));
    assert_eq!(site.base(shared).lines().count(), 3);
    assert_eq!(site.base("SELECT COUNT(*) FROM tabSingles WHERE field = 'only_green'"), "1");
    assert_eq!(site.blue("SELECT COUNT(*) FROM tabSingles WHERE field = 'only_blue'"), "1");
}

/// What triggers ask is read under a lock: an expand that waited for one user's would have everybody wait behind it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn an_expand_never_waits_for_a_save_of_a_single() {
    let site = Site::small("singles_wait");
    site.plan(plans::neutral());
    site.run("isolate", &[]).ok();
    let url = site.url(&site.schema, "blue%27s%20%5C%20%22secret%22", &site.schema);
    let mut user = MySqlConnection::connect(&url).await.unwrap();
    for statement in save("Own", &[("x", "2")]).replace("COMMIT;", "").split_terminator("; ") {
        user.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    }
    // So long it waits for transactions that are older than a list of its own.
    let mut expand = site.start("expand", &["--ddl-budget", "10"]);
    // The last that comes before the list of fields: what is left keeps users' own workspaces in step.
    let mirrors = "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = 'singles_wait' AND trigger_name LIKE '%mirror%'";
    wait_for("the other mirrors to go", || site.server.root(mirrors) == "3");
    let waiting = "SELECT trx_query FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%singles\\_wait%'";
    for _ in 0..10 {
        assert_eq!(site.server.root(waiting), "");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(expand.try_wait().unwrap().is_none(), "it is done beside the save");
    user.execute("COMMIT").await.unwrap();
    assert!(expand.wait().unwrap().success());
    assert_eq!(site.base(&settings("Own")), "x\t2");
}

#[test]
#[ignore = "needs mariadbd"]
fn settings_of_another_collation_than_frappes_are_kept_in_step() {
    let site = Site::small("singles_collation");
    site.admin("ALTER TABLE tabSingles CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
    site.plan(plans::neutral());
    site.run("isolate", &[]).ok();
    site.base(&save("Settings", &[("colour", "of blue"), ("logo", "b.png")]));
    site.run("handover", &["--quiet-seconds", "0"]).ok();
    site.run("expand", &[]).ok();
    site.base(&save("Settings", &[("colour", "of green"), ("only_green", "g")]));
    assert_eq!(site.blue(&settings("Settings")), "colour\tof green");
    site.blue(&save("Settings", &[("colour", "of blue"), ("logo", "b.png"), ("only_blue", "b")]));
    assert_eq!(site.base(&settings("Settings")), "colour\tof blue\nlogo\tb.png\nonly_green\tg");
    site.run("verify", &[]).ok();
}

/// `tabSingles` keeps texts: each version casts what it reads, and writes that.
#[test]
#[ignore = "needs mariadbd"]
fn a_setting_that_one_version_reads_as_another_number_is_counted_and_named() {
    let limits = |most: &str, rate: &str| {
        let fields = [field("most", most), field("rate", rate), field("none", most), field("same", "Int")];
        doctype("Limits", &fields, &json!({ "issingle": 1 }))
    };
    let versions = Versions::new(&[limits("Data", "Float")], &[limits("Int", "Data")], &[]);
    let site = versions.site(server(), "singles_misread");
    let set = |most: &str, rate: &str| {
        site.base(&save("Limits", &[("most", most), ("rate", rate), ("none", ""), ("same", "x")]));
    };
    set("12", "1.50");
    site.handed_over();
    let said = site.run("expand", &[]).ok();
    assert!(!said.contains("Limits."), "{said}");
    let cases = [
        (["a dozen", "1.5"], "Limits.most holds what is no such number to green", "a dozen"),
        (["12", "one half"], "Limits.rate holds what is no such number to blue", "one half"),
    ];
    for ([most, rate], misread, value) in cases {
        set(most, rate);
        let said = site.run("verify", &[]).ok();
        assert!(said.contains(misread) && said.matches("Limits.").count() == 1, "{said}");
        assert!(said.contains("1 values do not fit the other side") && !said.contains(value), "{said}");
    }
}
