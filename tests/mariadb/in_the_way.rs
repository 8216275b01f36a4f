//! Who is in the way of a statement or of a fill: how long already, whatever the server's clock shows, and nobody else is
//! ended for it.

use sqlx::{Connection, Executor, MySqlConnection};

use super::plans;
use super::replication::leaked;
use super::server::{Server, Special};
use super::site::{Site, wait_for};
use super::started::Paused;
use super::versions::{WRONG, fill_usual, usual};

const MAY_END: &str = "GRANT CONNECTION ADMIN ON *.* TO admin@'%'";

fn ready(server: &'static Server, name: &str) -> Site {
    let site = Site::small_on(server, name);
    site.plan(plans::additive());
    handed_over(site)
}

fn handed_over(site: Site) -> Site {
    site.handed_over();
    site
}

/// A transaction that has begun with the statements and stays open.
async fn transaction(site: &Site, statements: &[&'static str]) -> MySqlConnection {
    let mut connection = MySqlConnection::connect(&site.url("root", "", &site.name)).await.unwrap();
    connection.execute("START TRANSACTION").await.unwrap();
    for sql in statements {
        connection.execute(*sql).await.unwrap();
    }
    connection
}

/// Waits until somebody has been idle for two seconds: he is older than who begins now.
fn wait_until_old(site: &Site, connection: i64) {
    let sql = format!("SELECT TIME FROM information_schema.PROCESSLIST WHERE ID = {connection}");
    wait_for("two seconds", || site.server.root(&sql).parse::<u64>().unwrap() >= 2);
}

async fn id(connection: &mut MySqlConnection) -> i64 {
    let (id,) = sqlx::query_as("SELECT CAST(CONNECTION_ID() AS SIGNED)").fetch_one(connection).await.unwrap();
    id
}

/// How old the output says that a transaction is.
fn age(output: &str) -> Option<i64> {
    let (_, rest) = output.split_once("has a transaction open for ")?;
    rest.split_once(" s")?.0.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn how_old_a_transaction_is_does_not_depend_on_the_time_zone_of_the_server() {
    for (zone, name) in [("IST-5:30", "way_east"), ("EST5", "way_west")] {
        let server: &'static Server = Box::leak(Box::new(Server::start_in_zone(&Special::default(), zone)));
        server.root(MAY_END);
        let site = ready(server, name);
        let mut holder = transaction(&site, &["SELECT * FROM tabOrder"]).await;
        let busy = site.run("expand", &["--ddl-budget", "3", "--kill-blockers-after", "3600"]);
        assert_eq!(busy.code, 1, "{}", busy.output);
        assert!(age(&busy.output).is_some_and(|age| (2..=60).contains(&age)), "{zone}: {}", busy.output);
        holder.execute("SELECT 1").await.unwrap();
        let done = site.run("expand", &["--ddl-budget", "30", "--kill-blockers-after", "1"]).ok();
        assert!(done.contains("1 connections ended"), "{zone}: {done}");
        assert!(holder.execute("SELECT 1").await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn where_the_server_names_who_holds_a_table_an_older_report_on_another_one_goes_on() {
    let server = leaked(&[]);
    server.root(&format!("INSTALL SONAME 'metadata_lock_info'; {MAY_END}"));
    let site = ready(server, "way_named");
    let mut report = transaction(&site, &["SELECT * FROM tabLine"]).await;
    wait_until_old(&site, id(&mut report).await);
    let mut holder = transaction(&site, &["SELECT * FROM tabOrder"]).await;
    let done = site.run("expand", &["--ddl-budget", "30", "--kill-blockers-after", "1"]).ok();
    assert!(done.contains("1 connections ended"), "{done}");
    report.execute("SELECT 1").await.unwrap();
    assert!(holder.execute("SELECT 1").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn a_fill_ends_who_holds_its_rows_and_not_an_older_reader() {
    let server = leaked(&[]);
    server.root(MAY_END);
    let site = usual().site(server, "way_rows");
    fill_usual(&site, 2_000);
    let site = handed_over(site);
    let mut report = transaction(&site, &["SELECT * FROM tabOrder"]).await;
    wait_until_old(&site, id(&mut report).await);
    let expand = Paused::before_the_first_row(&site, "expand", &["--kill-blockers-after", "2"]);
    let rows = "SELECT * FROM tabDeal WHERE name IN ('D000007', 'D001500') FOR UPDATE";
    let mut holder = transaction(&site, &[rows]).await;
    expand.go_on();
    let text = expand.end().ok();
    assert!(text.contains("ended a connection that was in the way of tabDeal"), "{text}");
    assert_eq!(text.matches("[kill]").count(), 1, "{text}");
    assert!(text.contains("no statement met a busy table, 1 connections ended"), "{text}");
    report.execute("SELECT 1").await.unwrap();
    assert!(holder.execute("SELECT 1").await.is_err());
    assert_eq!(site.base(WRONG), "0");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn who_was_ended_and_rolls_back_is_not_ended_again() {
    let server = leaked(&["--innodb-flush-log-at-trx-commit=2"]);
    server.root(MAY_END);
    let site = usual().site(server, "way_rollback");
    fill_usual(&site, 40_000);
    let site = handed_over(site);
    let _holder = transaction(&site, &["UPDATE tabDeal SET note = REPEAT('x', 300)"]).await;
    let done = site.run("expand", &["--kill-blockers-after", "1"]).ok();
    assert!(done.contains(", 1 connections ended"), "{done}");
}
