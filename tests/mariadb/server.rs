//! One MariaDB for all tests of this process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// A server in a temporary directory.
///
/// `CROSSFADE_MARIADB_ROOT` names the root of another system (as mmdebstrap makes one) whose MariaDB is used then: it is
/// started by `chroot`, and its data is in the `tmp` of that root.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) directory: PathBuf,
    arguments: Vec<String>,
    zone: &'static str,
    // Their standard inputs are the pipes whose ends stop the server, however this process ends.
    keepers: Mutex<Vec<Child>>,
}

/// How a server differs from the usual one.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Special<'a> {
    /// Options after the usual ones; the last one of a name wins.
    pub(crate) options: &'a [&'a str],
    /// Size of a disk of its own (tmpfs, as root), such as `200m`.
    pub(crate) disk: Option<&'a str>,
}

/// The server, started at first use.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&Special::default()))
}

/// Where servers have their directories.
fn within() -> PathBuf {
    root().map_or_else(std::env::temp_dir, |root| root.join("tmp"))
}

/// A data directory as a new server has it, made once and copied for each.
fn template() -> &'static Path {
    // Nothing drops what is static: like a server's, its keeper ends when this process does, and removes it.
    static TEMPLATE: OnceLock<(tempfile::TempDir, Child)> = OnceLock::new();
    let (made, _) = TEMPLATE.get_or_init(|| {
        let directory = tempfile::Builder::new().prefix("crossfade-template").tempdir_in(within()).unwrap();
        let keeper = Command::new("sh")
            .args(["-c", r#"read -r _; rm -rf "$1""#, "sh"])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let install = program("mariadb-install-db");
        let made = Command::new(&install[0])
            .args(&install[1..])
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", seen(&directory.path().join("data"))))
            .args(user_option())
            .output()
            .expect("mariadb-install-db is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        (directory, keeper)
    });
    made.path()
}

/// The root of the system whose MariaDB is used.
fn root() -> Option<PathBuf> {
    std::env::var_os("CROSSFADE_MARIADB_ROOT").map(PathBuf::from)
}

/// A program of that system.
fn program(name: &str) -> Vec<String> {
    match root() {
        Some(root) => vec!["chroot".to_owned(), root.display().to_string(), name.to_owned()],
        None => vec![name.to_owned()],
    }
}

/// A path as that system sees it.
fn seen(path: &Path) -> String {
    match root() {
        Some(root) => format!("/{}", path.strip_prefix(root).unwrap().display()),
        None => path.display().to_string(),
    }
}

impl Server {
    /// Another server than that of all tests: one that may be killed, or that is a special one.
    pub(crate) fn start(special: &Special<'_>) -> Self {
        Self::start_in_zone(special, "UTC0")
    }

    /// The same on a machine whose clock shows another time zone, as `TZ` has it.
    pub(crate) fn start_in_zone(special: &Special<'_>, zone: &'static str) -> Self {
        let directory =
            tempfile::Builder::new().prefix("crossfade-mariadb").tempdir_in(within()).unwrap().keep();
        let data = directory.join("data");
        std::fs::create_dir(&data).unwrap();
        if let Some(size) = special.disk {
            let options = format!("size={size}");
            run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&data));
        }
        run(Command::new("cp").arg("-a").arg(template().join("data/.")).arg(&data));
        let port = free_port();
        // A folder of its own: a server that starts removes the temporary tables of all others in a shared one.
        std::fs::create_dir(directory.join("tmp")).unwrap();
        let mut arguments = program(mariadbd());
        arguments.push("--no-defaults".to_owned());
        arguments.extend(user_option().map(str::to_owned));
        arguments.extend([
            format!("--datadir={}", seen(&data)),
            format!("--socket={}", seen(&directory.join("socket"))),
            format!("--pid-file={}", seen(&directory.join("pid"))),
            format!("--tmpdir={}", seen(&directory.join("tmp"))),
            format!("--port={port}"),
            format!("--log-bin={}", seen(&data.join("binlog"))),
        ]);
        let more = [
            "--bind-address=127.0.0.1",
            "--server-id=1",
            "--binlog-format=ROW",
            "--max-connections=500",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
            "--log-bin-trust-function-creators=1",
            "--innodb-flush-log-at-trx-commit=1",
        ];
        arguments.extend(more.map(str::to_owned));
        arguments.extend(special.options.iter().map(|option| (*option).to_owned()));
        let server = Self { port, directory, arguments, zone, keepers: Mutex::default() };
        server.serve();
        server.root(
            "CREATE USER admin@'%' IDENTIFIED BY 'admin secret'; \
             GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, \
             LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, TRIGGER ON *.* TO admin@'%' WITH GRANT OPTION; \
             GRANT CREATE USER, PROCESS ON *.* TO admin@'%'",
        );
        let credentials = server.credentials();
        std::fs::create_dir(&credentials).unwrap();
        std::fs::write(credentials.join("username"), "admin\n").unwrap();
        std::fs::write(credentials.join("password"), "admin secret\n").unwrap();
        server
    }

    /// Starts it, and waits until it answers.
    fn serve(&self) {
        let script = r#""$@" & server=$!; read -r _; kill "$server"; wait "$server"; umount "$DIRECTORY/data" 2> /dev/null; rm -rf "$DIRECTORY""#;
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("server.log"))
            .unwrap();
        let keeper = Command::new("sh")
            .args(["-c", script, "sh"])
            .args(&self.arguments)
            .env("DIRECTORY", &self.directory)
            .env("TZ", self.zone)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.keepers.lock().unwrap().push(keeper);
        self.wait_until_ready();
    }

    /// SIGKILL, and a new one on the same data.
    pub(crate) fn kill_and_serve(&self) {
        let file = self.directory.join("pid");
        let pid = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
        while Path::new("/proc")
            .join(pid.trim())
            .join("fd")
            .read_dir()
            .is_ok_and(|mut files| files.next().is_some())
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.serve();
    }

    /// The administrator's Secret, as it is mounted into a Job.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.directory.join("credentials")
    }

    /// Runs SQL as root; panics if the server says no.
    pub(crate) fn root(&self, sql: &str) -> String {
        self.client("root", "", "", sql).unwrap()
    }

    /// Runs SQL by the `mariadb` client: rows as tab-separated lines, or the server's error.
    pub(crate) fn client(
        &self,
        user: &str,
        password: &str,
        database: &str,
        sql: &str,
    ) -> Result<String, String> {
        self.client_from(user, password, database, sql.as_bytes())
    }

    /// The same with a whole script.
    pub(crate) fn client_from(
        &self,
        user: &str,
        password: &str,
        database: &str,
        sql: &[u8],
    ) -> Result<String, String> {
        use std::io::Write;
        let mut child = Command::new("mariadb")
            .args(["--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4"])
            .args(["--host=127.0.0.1", "--protocol=TCP", &format!("--port={}", self.port)])
            .args([&format!("--user={user}"), &format!("--password={password}"), database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the mariadb client is installed");
        let mut input = child.stdin.take().unwrap();
        let sql = sql.to_owned();
        let writer = std::thread::spawn(move || {
            let _ = input.write_all(&sql);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn wait_until_ready(&self) {
        let begun = Instant::now();
        while self.client("root", "", "", "SELECT 1").is_err() {
            let log = || std::fs::read_to_string(self.directory.join("server.log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_mins(1), "mariadbd does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn mariadbd() -> &'static str {
    if root().is_some() || Path::new("/usr/sbin/mariadbd").exists() {
        "/usr/sbin/mariadbd"
    } else {
        "mariadbd"
    }
}

/// Runs a command that must succeed.
fn run(command: &mut Command) {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// As root the server asks to be told so.
fn user_option() -> Option<&'static str> {
    let id = Command::new("id").arg("-u").output().unwrap();
    (id.stdout.trim_ascii() == b"0").then_some("--user=root")
}

/// A port that nobody has now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
