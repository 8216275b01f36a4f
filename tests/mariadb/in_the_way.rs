//! Who is in the way of a statement or of a fill: how long already, whatever the server's clock shows, and nobody else is
//! ended for it.

use sqlx::{Connection, Executor, MySqlConnection};

use super::plans;
use super::server::{Server, Special};
use super::site::Site;

const MAY_END: &str = "GRANT CONNECTION ADMIN ON *.* TO admin@'%'";

fn ready(server: &'static Server, name: &str) -> Site {
    let site = Site::small_on(server, name);
    site.plan(plans::additive());
    handed_over(site)
}

fn handed_over(site: Site) -> Site {
    site.run("isolate", &[]).ok();
    site.run("handover", &["--quiet-seconds", "0"]).ok();
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
