//! A site in the test server: its database, its user, blue's schema, and the commands that work on it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crossfade::plan::Plan;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::server::{Server, server};

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) output: String,
}

impl Ran {
    /// The output, if the command succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}", self.output);
        self.output
    }

    /// What the command counted, by its last line of `--output json`: what the operator reads.
    pub(crate) fn figures(&self) -> serde_json::Value {
        let line = self.output.lines().rev().find(|line| line.starts_with('{')).expect("a line of JSON");
        serde_json::from_str::<serde_json::Value>(line).expect(line)["figures"].clone()
    }
}

/// One site; its name is that of the test.
pub(crate) struct Site {
    pub(crate) server: &'static Server,
    pub(crate) name: String,
    pub(crate) schema: String,
    directory: PathBuf,
}

/// A schema like Frappe's, as small as possible.
pub(crate) const SMALL: &str = "
CREATE TABLE tabDocType (name varchar(140) PRIMARY KEY, module varchar(140), custom int(1) NOT NULL DEFAULT 0);
CREATE TABLE tabDocField (name varchar(140) PRIMARY KEY, parent varchar(140), fieldname varchar(140), KEY parent (parent));
CREATE TABLE `tabCustom Field` (name varchar(140) PRIMARY KEY, dt varchar(140), fieldname varchar(140));
CREATE TABLE tabWorkspace (name varchar(140) PRIMARY KEY, title varchar(140), idx int(8) NOT NULL DEFAULT 0);
CREATE TABLE tabSingles (doctype varchar(255), field varchar(255), value longtext, KEY singles (doctype, field));
CREATE TABLE tabOrder (name varchar(140) PRIMARY KEY, modified datetime(6), title varchar(140), amount decimal(21,9) NOT NULL DEFAULT 0);
CREATE TABLE `tabOrder Item` (name varchar(140) PRIMARY KEY, parent varchar(140), parenttype varchar(140), qty int(11) NOT NULL DEFAULT 0, KEY parent (parent));
CREATE TABLE `tab``odd \"name` (name varchar(140) PRIMARY KEY, `a``b` int);
CREATE TABLE __global_search (doctype varchar(100), name varchar(140), content text, UNIQUE KEY k (doctype, name), FULLTEXT KEY content (content)) ENGINE=MyISAM;
CREATE TABLE tabLine (name bigint(20) PRIMARY KEY, text varchar(140));
CREATE SEQUENCE line_id_seq START WITH 1 INCREMENT BY 1 NOCACHE NOCYCLE;
CREATE VIEW order_titles AS SELECT title, COUNT(*) AS orders FROM tabOrder GROUP BY title;
INSERT INTO tabDocType VALUES ('Order', 'Sales', 0), ('Order Item', 'Sales', 0), ('Settings', 'Core', 0);
INSERT INTO tabDocField VALUES ('f1', 'Order', 'title'), ('f2', 'Order', 'amount'), ('f3', 'Order Item', 'qty');
INSERT INTO tabWorkspace VALUES ('Home', 'Home', 1), ('Sales', 'Sales', 2);
INSERT INTO tabSingles VALUES ('Settings', 'colour', 'red'), ('Settings', 'logo', 'a.png'), ('Settings', 'modified', 't0'), ('Own', 'x', '1');
INSERT INTO tabOrder (name, modified, title) VALUES ('O1', NOW(6), 'one'), ('O2', NOW(6), 'two');
INSERT INTO `tabOrder Item` VALUES ('I1', 'O1', 'Order', 5), ('I2', 'O2', 'Order', 6);
INSERT INTO tabLine VALUES (NEXTVAL(line_id_seq), 'first');
";

/// Beside [`SMALL`], what a plan of a live site reads: its apps, its patches, its customisations.
pub(crate) const METADATA: &str = "
CREATE TABLE `tabPatch Log` (name varchar(140) PRIMARY KEY, patch longtext);
CREATE TABLE `tabInstalled Application` (name varchar(140) PRIMARY KEY, app_name varchar(140), app_version varchar(140), idx int(8) NOT NULL DEFAULT 0);
ALTER TABLE `tabCustom Field` ADD COLUMN fieldtype varchar(140), ADD COLUMN `length` int(11) NOT NULL DEFAULT 0;
ALTER TABLE tabDocField ADD COLUMN parenttype varchar(140), ADD COLUMN idx int(8) NOT NULL DEFAULT 0, ADD COLUMN fieldtype varchar(140);
";

impl Site {
    /// A site with the small schema.
    pub(crate) fn small(name: &str) -> Self {
        Self::small_on(server(), name)
    }

    /// The same on another server.
    pub(crate) fn small_on(server: &'static Server, name: &str) -> Self {
        let site = Self::on(server, name);
        site.admin(SMALL);
        site
    }

    /// A site without tables.
    pub(crate) fn empty(name: &str) -> Self {
        Self::on(server(), name)
    }

    /// A site without tables on another server.
    pub(crate) fn on(server: &'static Server, name: &str) -> Self {
        let schema = format!("{name}__r1");
        let directory = server.directory.join(name);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("blue-password"), "blue's \\ \"secret\"\n").unwrap();
        server.root(&format!(
            "CREATE DATABASE {name}; CREATE USER {name}@'%' IDENTIFIED BY 'base'; \
             GRANT ALL PRIVILEGES ON `{}`.* TO {name}@'%'",
            name.replace('_', "\\_")
        ));
        Self { server, name: name.to_owned(), schema, directory }
    }

    /// Runs SQL as the administrator in the base.
    #[track_caller]
    pub(crate) fn admin(&self, sql: &str) -> String {
        self.server.client("admin", "admin secret", &self.name, sql).unwrap()
    }

    /// Runs SQL as the tables' own user: blue before the hand-over, green after it.
    pub(crate) fn try_base(&self, sql: &str) -> Result<String, String> {
        self.server.client(&self.name, "base", &self.name, sql)
    }

    /// The same, which must succeed.
    #[track_caller]
    pub(crate) fn base(&self, sql: &str) -> String {
        self.try_base(sql).unwrap()
    }

    /// Runs SQL as blue's user in blue's schema.
    pub(crate) fn try_blue(&self, sql: &str) -> Result<String, String> {
        let [user, password, database] = self.blue_login();
        self.server.client(user, password, database, sql)
    }

    /// The same, which must succeed.
    #[track_caller]
    pub(crate) fn blue(&self, sql: &str) -> String {
        self.try_blue(sql).unwrap()
    }

    /// User, password and database of blue's.
    pub(crate) fn blue_login(&self) -> [&str; 3] {
        [&self.schema, "blue's \\ \"secret\"", &self.schema]
    }

    /// URL for a driver.
    pub(crate) fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!("mysql://{user}:{password}@127.0.0.1:{}/{database}", self.server.port)
    }

    /// Writes the plan that the next commands use.
    pub(crate) fn plan(&self, plan: Plan) {
        let json = serde_json::to_vec(&plan.seal().unwrap()).unwrap();
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&json).unwrap();
        std::fs::write(self.directory.join("plan.json.gz"), packed.finish().unwrap()).unwrap();
    }

    /// A command with what all of them take.
    pub(crate) fn command(&self, name: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossfade"));
        command
            .arg(name)
            .arg("--database")
            .arg(format!("mysql://127.0.0.1:{}/{}", self.server.port, self.name));
        command.arg("--credentials").arg(self.server.credentials());
        if name != "handover" {
            command.arg("--schema").arg(&self.schema).arg("--plan").arg(self.directory.join("plan.json.gz"));
        }
        if name == "isolate" {
            command.arg("--schema-password-file").arg(self.directory.join("blue-password"));
        }
        // Nobody comes back once they are gone, unless a test says so.
        if matches!(name, "rollback" | "contract") && !more.contains(&"--quiet-seconds") {
            command.args(["--quiet-seconds", "0"]);
        }
        command.args(more).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, name: &str, more: &[&str]) -> Ran {
        let output = self.command(name, more).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Ran { code: output.status.code().unwrap_or(-1), output: String::from_utf8_lossy(&text).into_owned() }
    }

    /// Runs a command with the credentials of an administrator whose password is its name.
    pub(crate) fn as_administrator(&self, name: &str, command: &str, more: &[&str]) -> std::process::Output {
        let directory = self.server.directory.join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("username"), name).unwrap();
        std::fs::write(directory.join("password"), name).unwrap();
        let usual = self.server.credentials().into_os_string();
        let command = self.command(command, more);
        let arguments =
            command.get_args().map(|text| if text == usual { directory.as_os_str() } else { text });
        Command::new(env!("CARGO_BIN_EXE_crossfade")).args(arguments).output().unwrap()
    }

    /// The same site in its second release.
    pub(crate) fn next(self) -> Self {
        Self { schema: format!("{}__r2", self.name), ..self }
    }

    /// Starts a command, to be killed.
    pub(crate) fn start(&self, name: &str, more: &[&str]) -> Child {
        self.command(name, more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Isolates and hands over.
    #[track_caller]
    pub(crate) fn handed_over(&self) {
        self.run("isolate", &[]).ok();
        self.run("handover", &["--quiet-seconds", "0"]).ok();
    }

    /// The same, and expands.
    #[track_caller]
    pub(crate) fn expanded(&self) {
        self.handed_over();
        self.run("expand", &[]).ok();
    }

    /// Definitions and checksums of all tables of the base, and its triggers: equal means byte for byte the same.
    pub(crate) fn fingerprint(&self) -> String {
        let names = self.admin(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' \
             AND TABLE_NAME NOT LIKE '\\_\\_crossfade%' ORDER BY 1",
        );
        let quoted: Vec<String> =
            names.lines().map(|name| format!("`{}`", name.replace('`', "``"))).collect();
        let shown: Vec<String> = quoted.iter().map(|name| format!("SHOW CREATE TABLE {name}")).collect();
        let text = self.admin(&format!(
            "{}; CHECKSUM TABLE {} EXTENDED; SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS \
             WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1",
            shown.join("; "),
            quoted.join(", ")
        ));
        text.replace(&self.schema, "SCHEMA").replace(&format!("{}.", self.name), "SITE.")
    }

    /// Everything on the server that could be left behind by a release: databases, users, rights, triggers.
    pub(crate) fn traces(&self) -> String {
        let like = format!("LIKE '{}%'", self.name.replace('_', "\\_"));
        self.server.root(&format!(
            "SELECT 'database', schema_name FROM information_schema.schemata WHERE schema_name {like} ORDER BY 2; \
             SELECT 'user', user, host FROM mysql.user WHERE user {like} ORDER BY 2; \
             SELECT 'database right', db, user FROM mysql.db WHERE REPLACE(db, '\\\\', '') {like} ORDER BY 2, 3; \
             SELECT 'table right', db, user, table_name FROM mysql.tables_priv WHERE db {like} ORDER BY 2, 3, 4; \
             SELECT 'trigger', trigger_name FROM information_schema.triggers WHERE trigger_schema {like} ORDER BY 2; \
             SELECT 'object', table_name, table_type FROM information_schema.tables WHERE table_schema = '{}' ORDER BY 2",
            self.name
        ))
    }
}

/// Waits for a condition, at most two minutes: beside other suites on two processors a second's work takes many.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed().as_secs() < 120, "waited two minutes for {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
