//! The end of a release leaves nothing behind.

use super::holder::Holder;
use super::plans;
use super::site::Site;

#[test]
#[ignore = "needs mariadbd"]
fn a_release_leaves_green_and_nothing_else() {
    let site = Site::small("con_nothing");
    let before = site.traces();
    site.plan(plans::additive());
    site.expanded();
    site.blue("INSERT INTO tabOrder (name, title) VALUES ('B1', 'kept')");
    site.blue("UPDATE tabSingles SET value = 'kept' WHERE doctype = 'Settings' AND field = 'logo'");
    // As one that was killed while it tried statements leaves it.
    site.admin("CREATE TABLE __crossfade_try LIKE tabOrder");
    site.run("contract", &[]).ok();
    let mut wanted: Vec<String> = before.lines().map(str::to_owned).collect();
    wanted.extend(
        [
            "object\t__crossfade_ledger\tBASE TABLE",
            "object\ttabOrder Tax\tBASE TABLE",
            "object\ttax_id_seq\tSEQUENCE",
        ]
        .map(str::to_owned),
    );
    let mut after: Vec<String> = site.traces().lines().map(str::to_owned).collect();
    wanted.sort();
    after.sort();
    assert_eq!(after, wanted);
    assert_eq!(site.base("SELECT title FROM tabOrder WHERE name = 'B1'"), "kept");
    assert_eq!(site.base("SELECT value FROM tabSingles WHERE field = 'logo'"), "kept");
    assert_eq!(site.admin("SELECT COUNT(*) FROM __crossfade_ledger WHERE state <> 'done' OR release_schema <> 'con_nothing__r1'"), "0");
    site.run("contract", &[]).ok();
    let back = site.run("rollback", &["--stage", "tables"]);
    assert_eq!((back.code, back.output.contains("there is no way back")), (3, true), "{}", back.output);
}

#[test]
#[ignore = "needs mariadbd"]
fn a_contract_refuses_while_blue_is_connected_and_does_not_shut_it_out() {
    let site = Site::small("con_alive");
    site.plan(plans::additive());
    site.expanded();
    let blue = Holder::new(site.server, site.blue_login(), "DO SLEEP(600)");
    let refused = site.run("contract", &[]);
    assert_eq!(refused.code, 3, "{}", refused.output);
    assert!(refused.output.contains("blue is still connected as con_alive__r1 (1)"), "{}", refused.output);
    site.blue("SELECT COUNT(*) FROM tabOrder");
    blue.leave();
    site.run("contract", &[]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn a_second_release_on_top_of_the_first_works_the_same_way() {
    let mut site = Site::small("con_second");
    site.plan(plans::additive());
    site.expanded();
    let given = site.blue("SELECT NEXTVAL(line_id_seq)").parse::<i64>().unwrap();
    site.run("contract", &[]).ok();
    site.schema = "con_second__r2".to_owned();
    site.plan(plans::additive());
    site.expanded();
    assert_eq!(site.blue("SELECT channel FROM tabOrder WHERE name = 'O1'"), "web");
    assert!(site.blue("SELECT NEXTVAL(line_id_seq)").parse::<i64>().unwrap() > given);
    site.run("contract", &[]).ok();
}
