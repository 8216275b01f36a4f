//! The running editor or dashboard, and a browser as far as HTTP goes: the cookie of the printed address, the token of the page.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The program, ended with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    /// What lets a browser in.
    pub(crate) key: String,
    pub(crate) cookie: String,
    pub(crate) token: String,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts the editor for an app.
    pub(crate) fn editor(app: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("crossfade"));
        command.arg("editor").arg("--app").arg(app).args(["--port", "0"]).args(arguments);
        command.env_remove("CROSSFADE_DATABASE");
        Self::of(command)
    }

    /// Starts a command that serves the page, and does what a browser does with the printed address.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://127.0.0.1:").unwrap_or_else(|| panic!("{line:?}"));
        let (port, key) = address.split_once("/?key=").unwrap();
        let (port, key) = (port.parse().unwrap(), key.to_owned());
        let mut editor = Self { child, port, key, cookie: String::new(), token: String::new() };
        let answer = editor.raw(&editor.get("/?key=", &editor.key.clone()));
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{answer:?}");
        answer.header("set-cookie").split(';').next().unwrap().clone_into(&mut editor.cookie);
        let page = editor.call("GET", "/", None);
        let (_, token) =
            page.body.split_once("name=\"csrf-token\" content=\"").unwrap_or_else(|| panic!("{page:?}"));
        token.split('"').next().unwrap().clone_into(&mut editor.token);
        editor
    }

    fn get(&self, path: &str, more: &str) -> String {
        format!("GET {path}{more} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", self.port)
    }

    /// Sends these bytes and reads all of the answer.
    pub(crate) fn raw(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Answer { status, headers, body: body.to_owned() }
    }

    /// A request of the page.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        let origin = format!("http://127.0.0.1:{}", self.port);
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nOrigin: {origin}\r\nSec-Fetch-Site: same-origin\r\n\
             Cookie: {}\r\nX-CSRF-Token: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            self.cookie,
            self.token,
            body.len(),
        ))
    }

    /// The answer to a question that is answered.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call("POST", path, Some(body));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// A DocType's file as the API gives it.
    pub(crate) fn file(&self, name: &str) -> Value {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let answer = self.call("GET", &format!("/api/doctypes/{}", name.replace('+', "%20")), None);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// An open stream of events.
    pub(crate) fn events(&self, path: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nCookie: {}\r\n\r\n",
            self.port, self.cookie
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0, "the stream ended before it began");
        }
        reader
    }

    /// Asks the program to end, and gives its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}
