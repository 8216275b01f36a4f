//! A server that goes away without a word: who waits for its answer notices by another connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Instant;

use super::plans;
use super::site::Site;

/// A statement of the plan on the connection that holds the site's lock.
const LAST_WORDS: &[u8] = b"\x03CREATE SEQUENCE";

/// Stands between a command and the server. The connection on which [`LAST_WORDS`] come is cut off from the server, and the
/// command does not hear of it.
fn deaf_gate(server: u16) -> u16 {
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
                    if said.get(4..).is_some_and(|said| said.starts_with(LAST_WORDS)) {
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

#[test]
#[ignore = "needs mariadbd"]
fn a_server_that_is_gone_without_a_word_does_not_hold_a_command_for_ever() {
    let site = Site::small("half_open");
    site.plan(plans::additive());
    site.run("isolate", &[]).ok();
    site.run("handover", &["--quiet-seconds", "0"]).ok();
    let (port, gate) = (format!(":{}/", site.server.port), deaf_gate(site.server.port));
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
    assert!(text.contains("failed to keep the site's lock"), "{text}");
    site.run("expand", &[]).ok();
}
