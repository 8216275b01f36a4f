//! A port of a Pod on this machine's loopback, by `kubectl port-forward`, for programs that run outside of the cluster.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use super::Fallible;
use super::cluster::{Namespace, program};

/// Forwards as long as it lives.
#[derive(Debug)]
pub struct Forward {
    /// Port on 127.0.0.1.
    pub port: u16,
    kubectl: Child,
    // kubectl speaks of each connection, and ends when nobody is there to hear it.
    said: BufReader<ChildStdout>,
}

impl Forward {
    /// Begins, and waits until the port is open.
    pub fn new(namespace: &Namespace, to: &str, port: u16) -> Fallible<Self> {
        let mut kubectl = program("kubectl");
        kubectl.args([
            "-n",
            &namespace.name,
            "port-forward",
            "--address",
            "127.0.0.1",
            to,
            &format!(":{port}"),
        ]);
        let mut kubectl = kubectl.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let said = kubectl.stdout.take().ok_or("kubectl has no output")?;
        let mut forward = Self { port: 0, kubectl, said: BufReader::new(said) };
        let mut line = String::new();
        forward.said.read_line(&mut line)?;
        // "Forwarding from 127.0.0.1:36983 -> 3306"
        let mine = line.split_whitespace().find_map(|word| word.strip_prefix("127.0.0.1:")?.parse().ok());
        forward.port = mine.ok_or_else(|| format!("kubectl forwards no port of {to}: {line:?}"))?;
        Ok(forward)
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.kubectl.kill();
        let _ = self.kubectl.wait();
    }
}
