//! A server that goes away without a word: who waits for its answer notices by another connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Instant;

use super::plans;
use super::server::server;
use super::site::Site;
use super::versions::{WRONG, fill_usual, usual};

/// What is sent on the connection that holds the site's lock, and on the one that fills columns.
const LAST_WORDS: [&[u8]; 2] =
    [b"\x03CREATE SEQUENCE", b"\x03SET STATEMENT innodb_lock_wait_timeout = 0, sql_mode"];

/// Stands between a command and the server. The connection on which the last words come is cut off from the server, and the
/// command does not hear of it.
fn deaf_gate(server: u16, last_words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            let mut upstream = TcpStream::connect(("127.0.0.1", server)).unwrap();
            client.set_nodelay(true).unwrap();
            upstream.set_nodelay(true).unwrap();
            let (mut answers, mut back) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            std::thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(read @ 1..) = client.read(&mut buffer) {
                    let said = &buffer[..read];
                    if said.get(4..).is_some_and(|said| said.starts_with(last_words)) {
                        upstream.shutdown(std::net::Shutdown::Both).unwrap();
                        // Held open, and silent.
                        std::thread::park();
                    }
                    upstream.write_all(said).unwrap();
                }
                let _ = upstream.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    port
}

/// Runs expand through such a gate.
#[track_caller]
fn notices(site: &Site, last_words: &'static [u8]) {
    let (port, gate) = (format!(":{}/", site.server.port), deaf_gate(site.server.port, last_words));
    let expand = site.command("expand", &[]);
    let arguments = expand.get_args().map(|text| {
        let text = text.to_str().unwrap();
        if text.contains(&port) {
            text.replace(&port, &format!(":{gate}/")) + "?ssl-mode=disabled"
        } else {
            text.to_owned()
        }
    });
    let begun = Instant::now();
    let ran = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_crossfade")])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    println!("noticed after {:?}", begun.elapsed());
    assert_eq!(ran.status.code(), Some(1), "{text}");
    assert!(text.contains("failed to keep the connections"), "{text}");
    site.run("expand", &[]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn a_server_that_is_gone_without_a_word_does_not_hold_ddl_for_ever() {
    let site = Site::small("half_open");
    site.plan(plans::additive());
    site.handed_over();
    notices(&site, LAST_WORDS[0]);
}

#[test]
#[ignore = "needs mariadbd"]
fn a_server_that_is_gone_without_a_word_does_not_hold_a_fill_for_ever() {
    let versions = usual();
    let site = versions.site(server(), "half_open_fill");
    fill_usual(&site, 3);
    site.handed_over();
    notices(&site, LAST_WORDS[1]);
    assert_eq!(site.base(WRONG), "0");
}
