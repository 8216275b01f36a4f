//! An index on a table in use: what was built is lost where somebody reads the table at the end, and is built again.

use std::time::Duration;

use crossfade::plan::{Effect, Plan, Verdict};
use sqlx::{Connection, Executor, MySqlConnection};

use super::plans;
use super::replication::leaked;
use super::site::Site;

/// The statement that builds the index, as the server shows it: its number and what it does.
async fn build(watcher: &mut MySqlConnection) -> Option<(i64, String)> {
    let sql = "SELECT CAST(QUERY_ID AS SIGNED), CAST(COALESCE(STATE, '') AS CHAR) FROM information_schema.PROCESSLIST \
               WHERE USER = 'admin' AND INFO LIKE 'ALTER TABLE%INPLACE%'";
    sqlx::query_as(sql).fetch_optional(watcher).await.unwrap()
}

const WAITS: &str = "Waiting for table metadata lock";

/// Waits for a build that is not one of `seen` and has the lock of its beginning.
async fn next_build(watcher: &mut MySqlConnection, seen: &[i64]) -> i64 {
    for _ in 0..6000 {
        if let Some((number, state)) = build(watcher).await
            && !seen.contains(&number)
            && state == "altering table"
        {
            return number;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    unreachable!("no index is built")
}

/// Reads the table until the build has ended, or `until_it_waits` for the reader; gives whether it did.
async fn read_beside(site: &Site, watcher: &mut MySqlConnection, number: i64, until_it_waits: bool) -> bool {
    let mut reader = MySqlConnection::connect(&site.url("root", "", &site.name)).await.unwrap();
    reader.execute("START TRANSACTION").await.unwrap();
    reader.execute("SELECT name FROM tabOrder LIMIT 1").await.unwrap();
    loop {
        let waits = match build(watcher).await {
            Some((same, state)) if same == number => state == WAITS,
            Some(_) | None => break,
        };
        if waits && until_it_waits {
            reader.execute("COMMIT").await.unwrap();
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    reader.execute("COMMIT").await.unwrap();
    false
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn an_index_that_takes_longer_than_the_budget_is_built_again_and_queues_at_its_end() {
    // The smallest buffer makes the build long.
    let server = leaked(&["--innodb-sort-buffer-size=65536"]);
    let site = Site::small_on(server, "index_again");
    site.admin(
        "INSERT INTO tabOrder (name, title) SELECT CONCAT('X', seq), CONCAT(MD5(seq), REPEAT('x', 100)) FROM seq_1_to_400000",
    );
    let sql = "ALTER TABLE `tabOrder` ADD INDEX `one` (`title`), ADD INDEX `two` (`title`, `name`), ALGORITHM=INPLACE, LOCK=NONE";
    let effect = Effect::IndexExists {
        table: "tabOrder".to_owned(),
        columns: vec!["title".to_owned()],
        unique: false,
    };
    site.plan(Plan {
        verdict: Verdict::Additive,
        expand: vec![plans::step("0001", sql, effect)],
        ..plans::neutral()
    });
    site.handed_over();
    let log = server.directory.join("index.log");
    let file = std::fs::File::create(&log).unwrap();
    let mut expand = site
        .command("expand", &["--ddl-budget", "2"])
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let mut watcher = MySqlConnection::connect(&site.url("root", "", "mysql")).await.unwrap();
    let mut seen = vec![next_build(&mut watcher, &[]).await];
    let begun = std::time::Instant::now();
    read_beside(&site, &mut watcher, seen[0], false).await;
    println!("the first build took {:?}", begun.elapsed());
    // The reader of the first one may still be seen when the second one begins: that one does not queue.
    let mut waited = false;
    while !waited && seen.len() < 4 {
        let number = next_build(&mut watcher, &seen).await;
        waited = read_beside(&site, &mut watcher, number, true).await;
        seen.push(number);
    }
    let code = expand.wait().unwrap().code();
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(code, Some(0), "{text}");
    assert!(waited, "{text}");
    assert!(text.contains("step 0001: in after "), "{text}");
}
