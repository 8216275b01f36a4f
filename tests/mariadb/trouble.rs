//! What goes wrong on real servers: each ends in waiting within the budget or in a clear error, and the next run goes on.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::plans;
use super::server::{Server, Special, server};
use super::site::{Ran, Site, wait_for};
use super::started::Paused;
use super::versions::{WRONG, fill_usual, usual};

fn ready(name: &str) -> Site {
    let site = Site::small(name);
    site.plan(plans::additive());
    site.handed_over();
    site
}

/// An expand of a site that stands before its first row.
fn paused(site: &Site) -> Paused {
    site.handed_over();
    Paused::before_the_first_row(site, "expand", &[])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn lock_tables_by_an_idle_connection_is_named_and_outlasted() {
    let site = ready("tr_lock");
    let mut holder = MySqlConnection::connect(&site.url("root", "", "tr_lock")).await.unwrap();
    holder.execute("LOCK TABLES tabOrder READ").await.unwrap();
    let busy = site.run("expand", &["--ddl-budget", "2", "--output", "json"]);
    assert_eq!(busy.code, 1, "{}", busy.output);
    let figures = busy.figures();
    assert_eq!((&figures["failure"], &figures["lockBudgetUsedPercent"]), (&"Busy".into(), &100.into()));
    assert!(figures["lockWaits"].as_u64().unwrap() > 5, "{figures}");
    assert!(
        busy.output.contains("of user root sleeps for") && busy.output.contains("LOCK TABLES"),
        "{}",
        busy.output
    );
    holder.execute("UNLOCK TABLES").await.unwrap();
    site.run("expand", &[]).ok();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn a_blocker_is_ended_only_if_the_user_said_so_and_then_by_name() {
    let site = ready("tr_kill");
    site.server.root(
        "CREATE USER killer@'%' IDENTIFIED BY 'killer'; GRANT ALL ON *.* TO killer@'%' WITH GRANT OPTION; \
         REVOKE SUPER, CONNECTION ADMIN ON *.* FROM killer@'%'",
    );
    let mut holder = MySqlConnection::connect(&site.url("root", "", "tr_kill")).await.unwrap();
    holder.execute("START TRANSACTION").await.unwrap();
    holder.execute("SELECT * FROM tabOrder").await.unwrap();
    let busy = site.run("expand", &["--ddl-budget", "2"]);
    assert_eq!(busy.code, 1, "{}", busy.output);
    assert!(busy.output.contains("idle in transaction"), "{}", busy.output);
    let kill = ["--ddl-budget", "30", "--kill-blockers-after", "1"];
    let unable = site.as_administrator("killer", "expand", &kill);
    let text = String::from_utf8_lossy(&unable.stderr).into_owned();
    assert!(!unable.status.success() && text.contains("crossfade doctor"), "{text}");
    holder.execute("SELECT 1").await.unwrap();
    site.server.root("GRANT CONNECTION ADMIN ON *.* TO killer@'%'");
    let done = site.as_administrator("killer", "expand", &kill);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(text.contains("ended a connection that was in the way of step 0001: connection"), "{text}");
    assert!(text.contains("1 connections ended"), "{text}");
    assert!(holder.execute("SELECT 1").await.is_err());
}

#[test]
#[ignore = "needs mariadbd"]
fn a_dump_in_one_transaction_is_not_broken_and_is_outlasted() {
    let site = ready("tr_dump");
    // More than fits into the pipe and the server's buffers: the dump stands in the middle of the table.
    site.admin(
        "INSERT INTO tabOrder (name, title) SELECT CONCAT('X', seq), REPEAT('x', 140) FROM seq_1_to_60000",
    );
    let mut dump = Command::new("mariadb-dump")
        .args([
            "--no-defaults",
            "--host=127.0.0.1",
            "--protocol=TCP",
            "--user=root",
            "--single-transaction",
            "--quick",
        ])
        .args([&format!("--port={}", site.server.port), "tr_dump", "tabOrder"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = dump.stdout.take().unwrap();
    let mut text = vec![0; 4096];
    output.read_exact(&mut text).unwrap();
    let busy = site.run("expand", &["--ddl-budget", "2"]);
    assert_eq!(busy.code, 1, "{}", busy.output);
    assert!(busy.output.contains("SQL_NO_CACHE"), "{}", busy.output);
    let reader = std::thread::spawn(move || {
        output.read_to_end(&mut text).unwrap();
        text
    });
    site.run("expand", &[]).ok();
    assert!(dump.wait().unwrap().success());
    assert!(String::from_utf8_lossy(&reader.join().unwrap()).contains("Dump completed"));
}

/// The same on the way back: it ends with these words, the next run goes on, and blue has what it had.
fn and_back(site: &Site, trouble: impl FnOnce(), words: &str, mend: impl FnOnce()) {
    let read = "SELECT name, customer, count, code FROM tabDeal ORDER BY name";
    let shown = site.blue(read);
    let rollback = Paused::before_the_first_row(site, "rollback", &["--stage", "tables"]);
    trouble();
    rollback.go_on();
    let Ran { code, output } = rollback.end();
    assert!(code == 1 && output.contains(words), "{code}: {output}");
    mend();
    site.run("rollback", &["--stage", "tables"]).ok();
    assert_eq!((site.blue(read), site.base(read)), (shown.clone(), shown));
    site.run("rollback", &["--stage", "finish"]).ok();
}

/// Ends the connections of a command.
fn end_connections(site: &Site) {
    let ids = format!(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'admin' AND DB = '{}'",
        site.name
    );
    let ids = site.server.root(&ids);
    let kills: Vec<String> = ids.lines().map(|id| format!("KILL CONNECTION {id}")).collect();
    assert!(!kills.is_empty());
    site.server.root(&kills.join("; "));
}

#[test]
#[ignore = "needs mariadbd"]
fn a_connection_that_is_ended_is_an_error_that_says_to_start_again() {
    let site = usual().site(server(), "tr_lost");
    fill_usual(&site, 2_000);
    let expand = paused(&site);
    end_connections(&site);
    expand.go_on();
    let Ran { code, output: text } = expand.end();
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("start the command again"), "{text}");
    site.run("expand", &[]).ok();
    assert_eq!(site.base(WRONG), "0");
    and_back(&site, || end_connections(&site), "start the command again", || ());
}

#[test]
#[ignore = "needs mariadbd"]
fn a_server_that_becomes_read_only_is_named() {
    let server: &'static Server = Box::leak(Box::new(Server::start(&Special::default())));
    let site = usual().site(server, "tr_readonly");
    fill_usual(&site, 2_000);
    let expand = paused(&site);
    let read_only = |on: u8| drop(server.root(&format!("SET GLOBAL read_only = {on}")));
    read_only(1);
    expand.go_on();
    let Ran { code, output: text } = expand.end();
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("The server is read-only: give the address of the primary"), "{text}");
    read_only(0);
    site.run("expand", &[]).ok();
    assert_eq!(site.base(WRONG), "0");
    and_back(&site, || read_only(1), "The server is read-only", || read_only(0));
}

#[test]
#[ignore = "needs mariadbd"]
fn a_full_disk_is_named_and_with_room_it_goes_on() {
    let options = ["--skip-log-bin", "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M"];
    let server: &'static Server =
        Box::leak(Box::new(Server::start(&Special { options: &options, disk: Some("400m") })));
    let site = usual().site(server, "tr_full");
    fill_usual(&site, 20_000);
    let expand = paused(&site);
    let ballast = server.directory.join("data/ballast");
    // All that is left; a write that does not fit ends short.
    let fill = || {
        let mut file = std::fs::File::create(&ballast).unwrap();
        let block = vec![0; 1 << 16];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    };
    fill();
    expand.go_on();
    let Ran { code, output: text } = expand.end();
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("The server's disk is full: make room"), "{text}");
    std::fs::remove_file(&ballast).unwrap();
    site.run("expand", &[]).ok();
    assert_eq!(site.base(WRONG), "0");
    site.run("contract", &["--without-backup"]).ok();
    let site = usual().site(server, "tr_full_back");
    fill_usual(&site, 20_000);
    site.expanded();
    and_back(&site, fill, "The server's disk is full", || std::fs::remove_file(&ballast).unwrap());
}

/// Blue gives the last document a name behind the last row that the fill knows of.
#[test]
#[ignore = "needs mariadbd"]
fn a_document_that_gets_another_name_under_a_fill_keeps_its_values_there_and_back() {
    let site = usual().site(server(), "tr_renamed");
    fill_usual(&site, 2_000);
    let read = "SELECT name, customer, count, code FROM tabDeal ORDER BY name";
    let rename = |from: &str, to: &str| {
        site.blue(&format!("UPDATE tabDeal SET name = '{to}' WHERE name = '{from}'"));
        site.blue(read)
    };
    let expand = paused(&site);
    let shown = rename("D002000", "E2000");
    expand.go_on();
    expand.end().ok();
    assert_eq!(site.blue(read), shown);
    assert_eq!(
        site.base("SELECT client, count, code FROM tabDeal WHERE name = 'E2000'"),
        "c2000\t2000\t2000"
    );
    site.run("verify", &[]).ok();
    let rollback = Paused::before_the_first_row(&site, "rollback", &["--stage", "tables"]);
    let shown = rename("E2000", "F2000");
    rollback.go_on();
    rollback.end().ok();
    assert_eq!(site.blue(read), shown);
    assert_eq!(site.base(read), shown);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn what_is_renamed_in_rows_of_others_holds_no_row_while_it_waits_for_another() {
    let site = usual().site(server(), "tr_rows");
    site.admin(
        "INSERT INTO tabReport VALUES ('a', 'Deal', '[\"customer\"]'), ('b', 'Deal', '[\"customer\"]'); \
         INSERT INTO __UserSettings VALUES ('a', 'Deal', '[\"customer\"]'), ('b', 'Deal', '[\"customer\"]')",
    );
    site.expanded();
    let url = site.url(&site.name, "base", &site.name);
    let mut holders = Vec::new();
    for (table, key) in [("tabReport", "name"), ("__UserSettings", "user")] {
        let mut holder = MySqlConnection::connect(&url).await.unwrap();
        holder.execute("START TRANSACTION").await.unwrap();
        let sql = format!("SELECT * FROM {table} WHERE {key} = 'b' FOR UPDATE");
        holder.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
        holders.push((table, key, holder));
    }
    let mut contract = site.start("contract", &["--without-backup"]);
    for (table, key, mut holder) in holders {
        let running = format!(
            "SELECT COUNT(*) FROM __crossfade_ledger WHERE part = 'contract' AND state = 'running' AND step LIKE '%rename-in-{table}'"
        );
        wait_for("the statement", || site.admin(&running) == "1");
        // Another user of green's saves a row that the statement has read before that one.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            site.base(&format!(
                "SET innodb_lock_wait_timeout = 1; UPDATE {table} SET {key} = {key} WHERE {key} = 'a'"
            ));
        }
        assert!(contract.try_wait().unwrap().is_none(), "it goes on trying");
        holder.execute("COMMIT").await.unwrap();
    }
    assert!(contract.wait().unwrap().success());
    let left = "SELECT COUNT(*) FROM tabReport WHERE json LIKE '%customer%'; SELECT COUNT(*) FROM __UserSettings WHERE data LIKE '%customer%'";
    assert_eq!(site.base(left), "0\n0");
}
