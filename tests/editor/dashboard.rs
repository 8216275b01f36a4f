//! The dashboard's door: the same guard as the editor's, its own refusals, and an API server that is not there told in words.

use std::io::BufRead as _;
use std::process::Command;

use serde_json::json;

use crate::client::Server;

/// A dashboard whose API server nobody is.
fn dashboard(arguments: &[&str]) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    // Port 1 is nobody's.
    let text = "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u, namespace: erp}}],
        clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {token: a-secret-token}}]}";
    std::fs::write(&kubeconfig, text).unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("crossfade"));
    command.args(["dashboard", "--port", "0"]).args(arguments).env("KUBECONFIG", &kubeconfig);
    (folder, Server::of(command))
}

const SAY: &str = "/api/releases/erp/shop/say";

#[test]
fn an_api_server_that_is_not_there_is_told_in_words_and_without_credentials() {
    let (_folder, dashboard) = dashboard(&[]);
    let answer = dashboard.call("GET", "/api/releases/erp/shop/plan", None);
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(answer.body.starts_with("failed to read FrappeRelease 'shop': "), "{answer:?}");
    for (path, expected) in [
        ("/api/releases/events", "the FrappeReleases cannot be seen: "),
        ("/api/releases/erp/shop/events", "the FrappeReleases cannot be seen: "),
    ] {
        let lines = dashboard.events(path).lines().map(Result::unwrap);
        let told = lines.into_iter().find(|line| line.starts_with("data: ")).unwrap();
        assert!(told.contains(expected) && !told.contains("a-secret-token"), "{path}: {told}");
    }
}

#[test]
fn a_wall_says_nothing() {
    let (_folder, wall) = dashboard(&["--read-only"]);
    let answer = wall.call("POST", SAY, Some(&json!({"command": "pause", "mark": ""})));
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.body.contains("--read-only"), "{answer:?}");
}

#[test]
fn strangers_say_nothing_and_see_nothing() {
    let (_folder, dashboard) = dashboard(&[]);
    let ask = |headers: &str| {
        dashboard
            .raw(&format!(
                "POST {SAY} HTTP/1.1\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            ))
            .status
    };
    let host = format!("Host: 127.0.0.1:{}\r\n", dashboard.port);
    let cookie = format!("Cookie: {}\r\n", dashboard.cookie);
    let token = format!("X-CSRF-Token: {}\r\n", dashboard.token);
    assert_eq!(ask(&format!("Host: evil.example\r\n{cookie}{token}")), 421);
    assert_eq!(ask(&format!("{host}{cookie}{token}Origin: http://evil.example\r\n")), 403);
    assert_eq!(ask(&format!("{host}{cookie}")), 403);
    assert_eq!(ask(&format!("{host}{token}")), 401);
    assert_eq!(ask(&format!("{host}{cookie}{token}Content-Type: text/plain\r\n")), 415);
    let page = dashboard.call("GET", "/", None);
    assert!(
        page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"),
        "{page:?}"
    );
    let stream =
        dashboard.raw(&format!("GET /api/releases/events HTTP/1.1\r\n{host}Connection: close\r\n\r\n"));
    assert_eq!(stream.status, 401);
}

#[test]
fn an_open_stream_does_not_keep_the_dashboard_from_ending() {
    let (_folder, mut dashboard) = dashboard(&[]);
    let _open = dashboard.events("/api/releases/erp/shop/events");
    assert_eq!(dashboard.terminate(), Some(0));
}
