//! What a contract drops is kept before it is dropped, and can be put back byte for byte.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use crossfade::plan::{Change, Effect, Plan, Verdict};
use sqlx::{Connection, Executor, MySqlConnection};

use super::boundaries::kill_at_some;
use super::holder::Holder;
use super::kills::kill_and_finish;
use super::plans;
use super::server::{Server, Special, server};
use super::site::Site;

const ODD: &str = "CREATE TABLE `tabOdd ``Table` (name varchar(140) PRIMARY KEY, i int NOT NULL DEFAULT 5, b bigint(20), \
    f double, g float, d decimal(21,9) NOT NULL DEFAULT 0, t text, l longtext CHARACTER SET latin1, j json, day date, \
    at datetime(6), clock time(6), raw longblob, bits bit(9), KEY i (i), KEY both_of (i, b)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC; \
    INSERT INTO `tabOdd ``Table` VALUES \
    ('a', -2147483648, 9223372036854775807, 0.1, 123456789, 123456789012.123456789, 'q\"''`\\\\ \\0 \\n', 'caf\\xe9', '{\"a\": 1}', '2024-02-29', '2024-02-29 23:59:59.999999', '-838:59:59', X'00ff0a0d1a27', b'101010101'), \
    ('', 0, NULL, -1e308, -0.1, -0.000000001, '', '', NULL, NULL, NULL, NULL, '', NULL), \
    ('ünï \u{1F600}', 7, 0, 3.141592653589793, 3.4028234e38, 0, '\u{1F600} 日本', NULL, '[]', '0000-00-00', '0000-00-00 00:00:00', '00:00:00', NULL, b'0')";

fn change(kind: &str, doctype: &str, field: Option<&str>) -> Change {
    Change {
        app: "app".to_owned(),
        doctype: doctype.to_owned(),
        kind: kind.to_owned(),
        field: field.map(str::to_owned),
        old: None,
        new: None,
        storage: "table".to_owned(),
        ddl: false,
        cls: "contract".to_owned(),
        verdict: Verdict::ContractOnly,
        why: String::new(),
        naive: String::new(),
        data: None,
        steps: Vec::new(),
    }
}

/// A release that removes fields of two tables and a DocType, and drops a column of its own at its end.
fn removing() -> Plan {
    let mut drop = plans::step(
        "c002",
        "ALTER TABLE tabOrder DROP COLUMN amount__blue, ALGORITHM=INSTANT",
        Effect::ColumnsAbsent { table: "tabOrder".to_owned(), columns: vec!["amount__blue".to_owned()] },
    );
    "drop blue's column".clone_into(&mut drop.title);
    Plan {
        verdict: Verdict::ContractOnly,
        changes: vec![
            change("field_removed", "Order", Some("amount")),
            change("field_removed", "Order", Some("title")),
            change("field_removed", "Order", Some("code")),
            change("field_removed", "Order", Some("rate")),
            change("field_removed", "Order", Some("tags")),
            change("field_removed", "Order Item", Some("qty")),
            change("doctype_removed", "Odd `Table", None),
            change("doctype_removed", "Settings", None),
        ],
        contract: vec![drop],
        ..plans::neutral()
    }
}

fn site(name: &str) -> (Site, String) {
    site_on(server(), name)
}

fn site_on(server: &'static Server, name: &str) -> (Site, String) {
    let site = Site::small_on(server, name);
    site.admin(ODD);
    site.admin(
        "ALTER TABLE tabOrder ADD COLUMN amount__blue longtext, ADD COLUMN code int NOT NULL DEFAULT 0, ADD COLUMN rate float, \
         ADD COLUMN tags json, ADD KEY title_index (title); \
         UPDATE tabOrder SET amount = 1.5, amount__blue = CONCAT('no number ', name, CHAR(0), CHAR(10)), \
         code = IF(name = 'O1', 2000, 2001), rate = 16777215, tags = '[1]'; \
         ALTER TABLE tabOrder ADD UNIQUE KEY code (code); \
         INSERT INTO tabOrder (name, amount, amount__blue, code, rate) SELECT seq, seq / 7, NULL, seq, seq / 7 FROM seq_1_to_1000",
    );
    site.plan(removing());
    site.expanded();
    // Green's migrate: title and qty are fields again (one by hand), amount is none.
    site.base(
        "DELETE FROM tabDocField WHERE fieldname IN ('amount', 'qty', 'title'); \
         INSERT INTO `tabCustom Field` VALUES ('c', 'Order Item', 'qty')",
    );
    let file = site.server.directory.join(format!("{name}.backup"));
    (site, file.to_str().unwrap().to_owned())
}

/// Rows and definitions of the tables that lose something.
fn content(site: &Site) -> String {
    let rows = site.admin(
        "SELECT name, title, HEX(title), amount, HEX(amount__blue), code, CAST(rate AS DOUBLE), tags FROM tabOrder ORDER BY name; \
         SELECT HEX(name), i, b, f, CAST(g AS DOUBLE), d, HEX(t), HEX(l), HEX(j), day, at, clock, HEX(raw), bits + 0 FROM `tabOdd ``Table` ORDER BY name",
    );
    let sums = site.admin("CHECKSUM TABLE tabOrder, `tabOdd ``Table`");
    let odd = site.admin("SHOW CREATE TABLE `tabOdd ``Table`");
    let columns = site.admin("SHOW COLUMNS FROM tabOrder");
    format!("{rows}\n{sums}\n{odd}\n{columns}")
}

#[test]
#[ignore = "needs mariadbd"]
fn what_is_dropped_comes_back_byte_for_byte() {
    let (site, file) = site("restore_all");
    site.blue("INSERT INTO tabWorkspace VALUES ('Mine', 'of blue', 3)");
    let before = content(&site);
    let refused = site.run("contract", &["--drop-removed"]);
    assert_eq!((refused.code, refused.output.contains("--backup FILE")), (3, true), "{}", refused.output);
    assert_eq!(content(&site), before);
    let output = site.run("contract", &["--drop-removed", "--backup", &file]).ok();
    println!("{output}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let left = site.admin("SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY 1) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'restore_all' AND TABLE_NAME = 'tabOrder'");
    assert_eq!(left, "modified,name");
    assert!(site.try_base("SELECT 1 FROM `tabOdd ``Table`").is_err());
    assert_eq!(site.base("SELECT qty FROM `tabOrder Item` ORDER BY name"), "5\n6", "it is a custom field");
    assert!(!site.traces().contains("__r1"), "{}", site.traces());
    // Twice: it is idempotent. Killed: it goes on.
    kill_and_finish(&site, "restore", &["--backup", &file], 12, Duration::from_secs(1));
    assert_eq!(content(&site), before);
    site.base("UPDATE tabOrder SET title = 'newer' WHERE name = 'O1'");
    site.run("restore", &["--backup", &file]).ok();
    assert_eq!(
        site.base("SELECT title FROM tabOrder WHERE name = 'O1'"),
        "newer",
        "what was put back is not put back again"
    );
    // Killed between the new name and the word in the ledger.
    let running =
        "UPDATE __crossfade_ledger SET state = 'running' WHERE step = 'table-restore_all-tabOdd `Table'";
    site.admin(running);
    site.run("restore", &["--backup", &file]).ok();
    // The same without a word of ours that it is ours.
    site.admin(&format!("{running}; DELETE FROM __crossfade_ledger WHERE step LIKE 'name-%'"));
    let refused = site.run("restore", &["--backup", &file]);
    assert_eq!((refused.code, refused.output.contains("rename it before")), (3, true), "{}", refused.output);
    site.admin(&running.replace("'running'", "'done'"));
    // Blue's own copies on demand.
    site.server.root("CREATE DATABASE restore_all__copies");
    site.run("restore", &["--backup", &file, "--copies-into", "restore_all__copies"]).ok();
    assert_eq!(
        site.server.root("SELECT title FROM restore_all__copies.tabWorkspace WHERE name = 'Mine'"),
        "of blue"
    );
    assert_eq!(site.server.root("SELECT COUNT(*) FROM restore_all__copies.tabDocField"), "3");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_backup_that_cannot_be_written_or_read_stops_everything() {
    let (site, file) = site("restore_bad");
    let before = content(&site);
    // A disk that is full: no byte goes into a file.
    let command = site.command("contract", &["--drop-removed", "--backup", &file]);
    let full = Command::new("sh")
        .args(["-c", r#"trap '' XFSZ; ulimit -f 0; exec "$@""#, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(1), "{}", String::from_utf8_lossy(&full.stderr));
    assert!(!std::path::Path::new(&file).exists());
    let nowhere = site.run("contract", &["--drop-removed", "--backup", "/no/such/folder/file"]);
    assert_eq!(nowhere.code, 1, "{}", nowhere.output);
    assert_eq!(content(&site), before);
    // Blue is not shut out, and the way back is open.
    site.blue("SELECT COUNT(*) FROM tabOrder");
    site.run("contract", &["--drop-removed", "--backup", &file]).ok();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let refused = site.run("restore", &["--backup", &file]);
    assert_eq!(
        (refused.code, refused.output.contains("the backup cannot be used")),
        (3, true),
        "{}",
        refused.output
    );
    assert!(site.try_base("SELECT 1 FROM `tabOdd ``Table`").is_err(), "nothing is put back of a broken file");
}

#[test]
#[ignore = "needs mariadbd"]
fn removed_columns_and_tables_stay_unless_the_policy_says_drop() {
    let (site, _) = site("restore_policy");
    site.run("contract", &["--without-backup"]).ok();
    assert!(site.try_base("SELECT title, amount FROM tabOrder; SELECT i FROM `tabOdd ``Table`").is_ok());
    assert!(site.try_base("SELECT amount__blue FROM tabOrder").is_err());
}

#[test]
#[ignore = "needs mariadbd"]
fn a_contract_refuses_while_anybody_uses_blues_schema() {
    let (site, file) = site("restore_used");
    let report = Holder::new(site.server, ["admin", "admin secret", "restore_used__r1"], "DO SLEEP(600)");
    let refused = site.run("contract", &["--backup", &file]);
    assert_eq!((refused.code, refused.output.contains("admin")), (3, true), "{}", refused.output);
    report.leave();
    site.run("contract", &["--backup", &file]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn what_a_contract_that_was_killed_kept_brings_all_of_it_back() {
    let (site, file) = site("restore_killed");
    let before = content(&site);
    let kills = kill_at_some(&site, "contract", &["--drop-removed", "--backup", &file], 5);
    assert!(site.try_base("SELECT title FROM tabOrder").is_err());
    let more = kill_at_some(&site, "restore", &["--backup", &file], 5);
    println!("{kills} and {more} kills");
    assert!(kills > 3 && more > 1, "{kills} and {more} kills");
    assert_eq!(content(&site), before);
}

#[test]
#[ignore = "needs mariadbd"]
fn what_a_later_contract_drops_is_kept_beside_what_an_earlier_one_kept() {
    let (site, first) = site("restore_again");
    let before = content(&site);
    let [second, third] = ["-2", "-3"].map(|number| first.replace(".backup", &format!("{number}.backup")));
    site.run("contract", &["--backup", &first]).ok();
    // The policy is changed.
    let again = ["--drop-removed", "--backup", &first];
    let said = site.run("contract", &again).ok();
    assert!(said.contains(&format!("kept in {second}; restore it before {first}")), "{said}");
    // A field that was the site's own is gone meanwhile, and is in neither.
    site.base("DELETE FROM `tabCustom Field`");
    let refused = site.run("contract", &["--drop-removed"]);
    let says_what = refused.output.contains("refused: qty of tabOrder Item would be dropped");
    assert_eq!((refused.code, says_what), (3, true), "{}", refused.output);
    site.run("contract", &again).ok();
    site.run("contract", &again).ok();
    assert!(site.try_base("SELECT qty FROM `tabOrder Item`").is_err());
    for file in [&third, &second, &first] {
        site.run("restore", &["--backup", file]).ok();
    }
    assert_eq!(content(&site), before);
    assert_eq!(site.base("SELECT qty FROM `tabOrder Item` ORDER BY name"), "5\n6");
}

#[test]
#[ignore = "needs mariadbd"]
fn blue_stays_shut_out_once_the_contract_has_begun() {
    let (site, file) = site("restore_begun");
    site.blue("SELECT COUNT(*) FROM tabOrder");
    site.admin(
        "INSERT INTO __crossfade_ledger (release_schema, part, step, plan_hash, statement, state, started) \
         VALUES ('restore_begun__r1', 'contract', 'schema', '', '', 'running', NOW(6))",
    );
    let failed = site.run("contract", &["--backup", "/no/such/folder/file"]);
    assert_eq!(failed.code, 1, "{}", failed.output);
    assert!(site.try_blue("SELECT 1").is_err(), "nobody carries over what blue writes now");
    let report = Holder::new(site.server, ["admin", "admin secret", "restore_begun__r1"], "DO SLEEP(600)");
    let refused = site.run("contract", &["--backup", &file]);
    assert_eq!(refused.code, 3, "{}", refused.output);
    assert!(site.try_blue("SELECT 1").is_err(), "nobody carries over what blue writes now");
    report.leave();
    site.run("contract", &["--backup", &file]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn long_rows_come_back_as_the_server_takes_them() {
    let options = ["--max-allowed-packet=1M"];
    let server = Box::leak(Box::new(Server::start(&Special { options: &options, ..Special::default() })));
    let (site, file) = site_on(server, "restore_long");
    site.admin(
        "UPDATE tabOrder SET amount__blue = REPEAT(CONCAT(name, CHAR(0)), 1200); \
         UPDATE `tabOdd ``Table` SET raw = REPEAT('y', 300000)",
    );
    let before = content(&site);
    let said = site.run("contract", &["--drop-removed", "--backup", &file]).ok();
    assert!(!said.contains("max_allowed_packet"), "{said}");
    site.run("restore", &["--backup", &file]).ok();
    assert_eq!(content(&site), before);

    let (site, file) = site_on(server, "restore_longer");
    site.admin("UPDATE tabOrder SET amount__blue = REPEAT('x', 700000) WHERE name = 'O2'");
    let before = content(&site);
    let said = site.run("contract", &["--drop-removed", "--backup", &file]).ok();
    let says_how_long = "a row of tabOrder takes 1400";
    assert!(said.contains(says_how_long) && said.contains("max_allowed_packet is 1048576"), "{said}");
    let refused = site.run("restore", &["--backup", &file]);
    let says_what = refused.output.contains("SET GLOBAL max_allowed_packet = 2097152");
    assert_eq!((refused.code, says_what), (3, true), "{}", refused.output);
    server.root("SET GLOBAL max_allowed_packet = 2097152");
    site.run("restore", &["--backup", &file]).ok();
    // What HEX gives depends on it.
    server.root("SET GLOBAL max_allowed_packet = 1048576");
    assert_eq!(content(&site), before);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn a_row_that_is_taken_is_tried_again_within_the_budget_and_who_has_it_is_named() {
    let (site, file) = site("restore_taken");
    let before = content(&site);
    site.run("contract", &["--drop-removed", "--backup", &file]).ok();
    site.run("restore", &["--backup", &file]).ok();
    // As one that was killed after the columns were there.
    site.admin(
        "UPDATE __crossfade_ledger SET state = 'running' WHERE step LIKE 'columns-%tabOrder%'; \
         UPDATE tabOrder SET title = 'not yet'",
    );
    let mut holder = MySqlConnection::connect(&site.url("root", "", "restore_taken")).await.unwrap();
    holder.execute("START TRANSACTION").await.unwrap();
    holder.execute("UPDATE tabOrder SET title = 'taken' WHERE name = 'O2'").await.unwrap();
    let busy = site.run("restore", &["--backup", &file, "--ddl-budget", "1"]);
    assert_eq!(busy.code, 1, "{}", busy.output);
    assert!(
        busy.output.contains("failed to fill ") && busy.output.contains("idle in transaction"),
        "{}",
        busy.output
    );
    holder.execute("ROLLBACK").await.unwrap();
    site.run("restore", &["--backup", &file]).ok();
    assert_eq!(content(&site), before);
}

#[test]
#[ignore = "needs mariadbd"]
fn an_index_that_cannot_be_unique_any_more_keeps_nothing_back() {
    let (site, file) = site("restore_unique");
    site.run("contract", &["--drop-removed", "--backup", &file]).ok();
    site.base("INSERT INTO tabOrder (name) VALUES ('G1'), ('G2')");
    let said = site.run("restore", &["--backup", &file]).ok();
    assert!(said.contains("tabOrder goes without an index") && said.contains("`code`"), "{said}");
    let codes = "SELECT name, code FROM tabOrder WHERE name IN ('O1', 'G1', 'G2') ORDER BY name";
    assert_eq!(site.base(codes), "G1\t0\nG2\t0\nO1\t2000");
    assert!(site.try_base("SELECT i FROM `tabOdd ``Table`").is_ok());
}

#[test]
#[ignore = "needs mariadbd"]
fn a_column_that_something_else_needs_stays_and_holds_nothing_up() {
    let (site, file) = site("restore_needed");
    site.admin(
        "ALTER TABLE tabOrder ADD CONSTRAINT some CHECK (amount >= 0 OR rate >= 0), ADD COLUMN loud varchar(140) AS (UPPER(title)) VIRTUAL; \
         CREATE TABLE tabCoupon (name varchar(140) PRIMARY KEY, code int, odd varchar(140), \
         FOREIGN KEY (code) REFERENCES tabOrder (code), FOREIGN KEY (odd) REFERENCES `tabOdd ``Table` (name)); \
         DELETE FROM `tabCustom Field`; ALTER TABLE `tabOrder Item` ADD FULLTEXT KEY words (parenttype)",
    );
    let said = site.run("contract", &["--drop-removed", "--backup", &file]).ok();
    for what in [
        "amount of tabOrder stays: ",
        "rate of tabOrder stays: ",
        "title of tabOrder stays: ",
        "qty of tabOrder Item stays: ALGORITHM=NOCOPY is not supported",
        "code of tabOrder stays: a foreign key",
        "tabOdd `Table stays: a foreign key",
    ] {
        assert!(said.contains(what), "{what}: {said}");
    }
    let left = site.admin("SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY 1) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'restore_needed' AND TABLE_NAME = 'tabOrder'");
    assert_eq!(left, "amount,code,loud,modified,name,rate,title");
    assert!(!site.traces().contains("__crossfade_try"), "{}", site.traces());
}
