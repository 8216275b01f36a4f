//! A backup that is taken while both versions serve, loaded into another database of the same server, as a copy to try things on.

use std::process::Command;

use super::plans;
use super::site::Site;

const TRIGGERS: &str = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ";

/// What `bench backup` runs in green, and what somebody loads elsewhere.
fn copy(site: &Site, to: &str) {
    let dump = Command::new("mariadb-dump")
        .args([
            "--no-defaults",
            "--host=127.0.0.1",
            "--protocol=TCP",
            &format!("--port={}", site.server.port),
        ])
        .args(["--user=root", "--single-transaction", "--quick", "--lock-tables=false", &site.name])
        .output()
        .expect("mariadb-dump is installed");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    site.server.root(&format!("CREATE DATABASE {to}"));
    site.server.client_from("root", "", to, &dump.stdout).unwrap();
}

#[test]
#[ignore = "needs mariadbd"]
fn a_copy_of_a_site_in_the_middle_of_a_release_changes_nothing_of_the_site() {
    let site = Site::small("dumped");
    site.plan(plans::neutral());
    site.expanded();
    let of_the_site = format!("{TRIGGERS}'dumped'");
    let before = site.server.root(&of_the_site);
    copy(&site, "dumped_copy");
    assert_eq!(site.server.root(&of_the_site), before, "the backup's triggers are the copy's");
    assert_ne!(site.server.root(&format!("{TRIGGERS}'dumped_copy'")), "0");
    // Its settings are its own.
    let save = "UPDATE tabSingles SET value = 'of the copy' WHERE field = 'colour'";
    site.server.client("root", "", "dumped_copy", save).unwrap();
    assert_eq!(site.blue("SELECT value FROM tabSingles WHERE field = 'colour'"), "red");
    assert_eq!(site.base("SELECT value FROM tabSingles WHERE field = 'colour'"), "red");
    // Those of the two versions are in step as before.
    site.base("UPDATE tabSingles SET value = 'gold' WHERE field = 'colour'");
    assert_eq!(site.blue("SELECT value FROM tabSingles WHERE field = 'colour'"), "gold");
    site.run("rollback", &["--stage", "tables"]).ok();
    site.run("rollback", &["--stage", "finish"]).ok();
    // A copy that is loaded when the release is over brings the site nothing either.
    assert_eq!(site.server.root(&of_the_site), "0");
    site.base("UPDATE tabSingles SET value = 'red' WHERE field = 'colour'");
}
