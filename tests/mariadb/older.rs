//! Transactions that were open before a release made something: a table or an index is error 1412 to them, so nothing leads
//! them there.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::one_table;
use super::plans;
use super::site::{Site, wait_for};
use super::started::Started;

/// A transaction that has its snapshot, and has read one table.
async fn opened(url: &str, read: &str) -> MySqlConnection {
    let mut user = MySqlConnection::connect(url).await.unwrap();
    user.execute("START TRANSACTION").await.unwrap();
    user.execute(sqlx::raw_sql(AssertSqlSafe(read.to_owned()))).await.unwrap();
    user
}

/// It stands still for a while and is not done.
fn waits(command: &mut Started) {
    for _ in 0..15 {
        std::thread::sleep(Duration::from_millis(100));
        assert!(command.is_at_work(), "it did not wait");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn a_save_whose_transaction_is_older_than_blues_copies_goes_through() {
    let site = Site::small("older_copies");
    site.plan(plans::neutral());
    let url = site.url(&site.name, "base", &site.name);
    let mut user = opened(&url, "SELECT * FROM tabOrder").await;
    let mut isolate = Started::new(&site, "isolate", &[]);
    let made = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'older_copies__r1' AND TABLE_NAME = 'tabWorkspace'";
    wait_for("the last copy", || site.server.root(made) == "1");
    waits(&mut isolate);
    for save in [
        "DELETE FROM tabSingles WHERE doctype = 'Settings'",
        "INSERT INTO tabSingles VALUES ('Settings', 'colour', 'blue')",
        "UPDATE tabWorkspace SET title = 'of a user' WHERE name = 'Home'",
        "COMMIT",
    ] {
        user.execute(save).await.unwrap();
    }
    isolate.end().ok();
    let read = "SELECT field, value FROM tabSingles WHERE doctype = 'Settings'; SELECT title FROM tabWorkspace WHERE name = 'Home'";
    assert_eq!(site.blue(read), "colour\tblue\nof a user");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn one_that_does_not_end_is_named_and_not_waited_for_any_longer() {
    let site = Site::small("older_long");
    site.plan(plans::neutral());
    let url = site.url(&site.name, "base", &site.name);
    let mut dump = opened(&url, "SELECT * FROM tabOrder").await;
    let said = site.run("isolate", &["--ddl-budget", "2"]).ok();
    assert!(said.contains("a copy of blue's is newer than 1 transactions"), "{said}");
    assert!(said.contains("goes on: connection ") && said.contains("of user older_long"), "{said}");
    dump.execute("SELECT * FROM tabOrder").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn blues_view_shows_an_indexed_column_when_nobody_is_older_than_the_index() {
    let site = one_table::site("older_view");
    site.admin("INSERT INTO tabDeal (name, a, b) SELECT CONCAT('D', seq), seq, seq FROM seq_1_to_500");
    let url = site.url(&site.schema, "blue%27s%20%5C%20%22secret%22", &site.schema);
    let mut user = opened(&url, "SELECT * FROM tabOrder").await;
    let mut expand = Started::new(&site, "expand", &[]);
    wait_for("blue's indexes", || one_table::indexes(&site).contains("b__blue"));
    waits(&mut expand);
    for query in ["SELECT name FROM tabDeal WHERE a = '7'", "SELECT COUNT(*) FROM tabDeal", "COMMIT"] {
        user.execute(query).await.unwrap();
    }
    expand.end().ok();
    assert_eq!(site.blue("SELECT name FROM tabDeal WHERE a = '7'"), "D7");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn an_index_of_a_field_that_was_there_is_used_when_nobody_is_older_than_it() {
    let site = one_table::site("older_index");
    site.admin("INSERT INTO tabDeal (name, c, g) SELECT CONCAT('D', seq), seq, seq FROM seq_1_to_500");
    let url = site.url(&site.schema, "blue%27s%20%5C%20%22secret%22", &site.schema);
    let mut user = opened(&url, "SELECT * FROM tabOrder").await;
    let mut expand = Started::new(&site, "expand", &["--ddl-budget", "8"]);
    wait_for("the plain indexes", || one_table::indexes(&site).contains(",c,d"));
    waits(&mut expand);
    for query in ["SELECT name FROM tabDeal WHERE c = '7'", "SELECT COUNT(*) FROM tabDeal", "COMMIT"] {
        user.execute(query).await.unwrap();
    }
    expand.end().ok();
    let ignored = "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'older_index' AND IGNORED = 'YES'";
    assert_eq!(site.server.root(ignored), "0");
}
