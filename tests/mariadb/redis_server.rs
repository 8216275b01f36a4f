//! A redis-server of a test's own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::server::free_port;
use super::site::wait_for;

/// A Redis with a password that ends with the test.
pub(crate) struct Redis {
    pub(crate) port: u16,
    child: Child,
    directory: tempfile::TempDir,
    tls: bool,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), free_port(), false)
    }

    /// One that takes TLS alone, with a certificate for `localhost` that is its own authority.
    pub(crate) fn start_with_tls() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(directory.path())
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self::start_with(directory, free_port(), true)
    }

    fn start_with(directory: tempfile::TempDir, port: u16, tls: bool) -> Self {
        let redis = Self { port, child: serve(directory.path(), port, tls), directory, tls };
        wait_for("redis", || redis.ask(0, &["PING"]) == "PONG");
        redis
    }

    /// SIGKILL, and a new one without data on the same port.
    pub(crate) fn kill_and_start(&mut self) {
        self.kill_for(|| {});
    }

    /// The same; what is done meanwhile finds no server.
    pub(crate) fn kill_for(&mut self, meanwhile: impl FnOnce()) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        meanwhile();
        self.child = serve(self.directory.path(), self.port, self.tls);
        wait_for("redis", || self.ask(0, &["PING"]) == "PONG");
    }

    pub(crate) fn certificate(&self) -> std::path::PathBuf {
        self.directory.path().join("cert.pem")
    }

    pub(crate) fn ask(&self, database: u8, arguments: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.env("REDISCLI_AUTH", "s3cret");
        if self.tls {
            command.args(["--tls", "--cacert"]).arg(self.certificate()).args(["-h", "localhost"]);
        }
        let output = command
            .args(["-p", &self.port.to_string(), "-n", &database.to_string()])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub(crate) fn keys(&self, database: u8) -> Vec<String> {
        let mut keys: Vec<String> = self.ask(database, &["KEYS", "*"]).lines().map(str::to_owned).collect();
        keys.retain(|key| !key.is_empty());
        keys.sort();
        keys
    }

    pub(crate) fn url(&self, database: u8) -> String {
        format!("redis://:s3cret@127.0.0.1:{}/{database}", self.port)
    }

    /// A connection of a driver, as a bench has it.
    pub(crate) fn connect(&self, database: u8) -> redis::Connection {
        redis::Client::open(self.url(database)).unwrap().get_connection().unwrap()
    }
}

fn serve(directory: &Path, port: u16, tls: bool) -> Child {
    let port = port.to_string();
    let mut command = Command::new("redis-server");
    command.args(["--save", "", "--bind", "127.0.0.1", "--requirepass", "s3cret"]);
    if tls {
        command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
        command.args([
            "--tls-cert-file",
            "cert.pem",
            "--tls-key-file",
            "key.pem",
            "--tls-ca-cert-file",
            "cert.pem",
        ]);
    } else {
        command.args(["--port", &port]);
    }
    command.current_dir(directory).stdout(Stdio::null()).spawn().expect("redis-server is installed")
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end: exit code and all that it printed.
pub(crate) fn crossfade(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_crossfade")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}
