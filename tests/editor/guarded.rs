//! Strangers are not let in: other sites, other names for this machine, other users of it.

use std::fmt::Write as _;

use serde_json::json;

use crate::client::Server;
use crate::shop::Shop;

/// A verdict is asked for with these headers in the place of the page's own; an empty one is left out.
fn ask(editor: &Server, headers: &[(&str, &str)]) -> u16 {
    let body = json!({ "drafts": [] }).to_string();
    let host = format!("127.0.0.1:{}", editor.port);
    let origin = format!("http://{host}");
    let length = body.len().to_string();
    let mut all = vec![
        ("Host", host.as_str()),
        ("Origin", &origin),
        ("Cookie", &editor.cookie),
        ("X-CSRF-Token", &editor.token),
        ("Content-Type", "application/json"),
        ("Content-Length", &length),
        ("Connection", "close"),
    ];
    for (name, value) in headers {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let mut request = "POST /api/verdict HTTP/1.1\r\n".to_owned();
    for (name, value) in all.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    editor.raw(&format!("{request}\r\n{body}")).status
}

#[test]
fn only_the_page_itself_may_ask() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let localhost = format!("localhost:{}", editor.port);
    assert_eq!(ask(&editor, &[]), 200);
    assert_eq!(ask(&editor, &[("Host", &localhost), ("Origin", &format!("http://{localhost}"))]), 200);
    for (headers, status) in [
        // A name of somebody's that leads to 127.0.0.1.
        (&[("Host", "evil.example:4680"), ("Origin", "http://evil.example:4680")][..], 421),
        (&[("Host", "127.0.0.1")], 421),
        (&[("Origin", "http://evil.example")], 403),
        (&[("Origin", "null")], 403),
        (&[("Origin", &format!("https://127.0.0.1:{}", editor.port))], 403),
        (&[("Sec-Fetch-Site", "cross-site")], 403),
        (&[("Sec-Fetch-Site", "same-site")], 403),
        (&[("X-CSRF-Token", "")], 403),
        (&[("X-CSRF-Token", "0")], 403),
        // Another user of this machine.
        (&[("Cookie", "")], 401),
        (&[("Cookie", &format!("{}0", editor.cookie))], 401),
        (&[("Content-Type", "text/plain")], 415),
    ] {
        assert_eq!(ask(&editor, headers), status, "{headers:?}");
    }
}

#[test]
fn the_page_itself_needs_the_printed_address() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let get = |path: &str| {
        editor.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            editor.port
        ))
    };
    for path in ["/", "/?key=0", "/api/workspace", "/api/events", "/index.html"] {
        let answer = get(path);
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.body.contains(&editor.token), "{path}");
    }
}

#[test]
fn every_answer_bears_the_policy() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    for path in ["/", "/api/workspace", "/nothing", "/../Cargo.toml", "/.git/config", "/%2e%2e/package.json"]
    {
        let answer = editor.call("GET", path, None);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{path}: {policy}"
        );
        assert_eq!(
            (answer.header("x-content-type-options"), answer.header("referrer-policy")),
            ("nosniff", "no-referrer"),
            "{path}"
        );
        assert!(path == "/" || path == "/api/workspace" || answer.status == 404, "{path}: {}", answer.status);
    }
}
