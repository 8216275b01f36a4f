//! What runs in a bench's pods: `install`, `layout`, `probe`, by the real binary; no server is needed.

#![allow(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

fn crossfade(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_crossfade")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn an_installed_program_runs_and_brings_the_entry_along() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let (code, output) = crossfade(&["install", &text(directory.path())]);
        assert_eq!(code, 0, "{output}");
    }
    let version = Command::new(directory.path().join("crossfade")).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("crossfade "));
    let entry = std::fs::read_to_string(directory.path().join("entry/sitecustomize.py")).unwrap();
    assert!(entry.contains("lock_wait_timeout"));
}

#[test]
fn sites_are_laid_out_with_the_mounted_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    std::fs::create_dir_all(at("bench/sites/assets/app")).unwrap();
    std::fs::write(at("bench/sites/assets/app/x.js"), "x").unwrap();
    std::os::unix::fs::symlink("../../apps/app/public", at("bench/sites/assets/linked")).unwrap();
    std::fs::create_dir_all(at("config")).unwrap();
    std::fs::write(at("config/s.example.site_config.json"), "{\"db_name\": \"a\"}").unwrap();
    std::fs::write(at("config/common_site_config.json"), "{}").unwrap();
    std::fs::write(at("bench/sites/apps.txt"), "app\n").unwrap();
    let (bench, sites, config, volume) =
        (text(&at("bench")), text(&at("sites")), text(&at("config")), text(&at("volume")));
    let layout = ["layout", "--bench", &bench, "--sites", &sites, "--config", &config, "--site", "s.example"];
    // Twice: an init container may be run again.
    for _ in 0..2 {
        let (code, output) = crossfade(&[&layout[..], &["--volume", &volume]].concat());
        assert_eq!(code, 0, "{output}");
    }
    let read = |path: &str| std::fs::read_to_string(at(path)).unwrap();
    assert_eq!(read("sites/s.example/site_config.json"), "{\"db_name\": \"a\"}");
    assert_eq!(read("sites/common_site_config.json"), "{}");
    let mode = std::fs::metadata(at("sites/common_site_config.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o440, "what a bench wrote would be lost");
    assert_eq!(read("sites/assets/app/x.js"), "x");
    assert_eq!(std::fs::read_link(at("sites/assets/linked")).unwrap(), Path::new("../../apps/app/public"));
    assert_eq!(read("sites/apps.txt"), "app\n");
    std::fs::write(at("sites/s.example/private/files/f"), "kept").unwrap();
    assert_eq!(read("volume/s.example/private/files/f"), "kept");
    for plain in ["sites/logs", "sites/s.example/locks", "sites/s.example/logs"] {
        assert!(std::fs::symlink_metadata(at(plain)).unwrap().is_dir(), "{plain}");
    }
}

#[test]
fn the_list_of_apps_is_taken_from_the_image_wherever_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    std::fs::create_dir_all(at("bench")).unwrap();
    let (bench, sites, config) = (text(&at("bench")), text(&at("sites")), text(&at("config")));
    replace_config(&at("config"), 0);
    let layout = ["layout", "--bench", &bench, "--sites", &sites, "--config", &config, "--site", "s.example"];
    let (code, output) = crossfade(&layout);
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("has neither sites/apps.txt nor apps.txt"), "{output}");
    std::fs::write(at("bench/apps.txt"), "beside\n").unwrap();
    assert_eq!(crossfade(&layout).0, 0);
    assert_eq!(std::fs::read_to_string(at("sites/apps.txt")).unwrap(), "beside\n");
    std::fs::create_dir_all(at("bench/sites")).unwrap();
    std::fs::write(at("bench/sites/apps.txt"), "of the sites\n").unwrap();
    assert_eq!(crossfade(&layout).0, 0);
    assert_eq!(std::fs::read_to_string(at("sites/apps.txt")).unwrap(), "of the sites\n");
}

/// As the kubelet does it: a new directory, the link to it replaced, the old one removed.
fn replace_config(config: &Path, number: u32) {
    let directory = config.join(format!("..{number}"));
    std::fs::create_dir_all(&directory).unwrap();
    for name in ["common_site_config.json", "s.example.site_config.json"] {
        std::fs::write(directory.join(name), format!("{{\"number\": {number}}}")).unwrap();
    }
    let (old, link) = (std::fs::read_link(config.join("..data")), config.join("..data_tmp"));
    std::os::unix::fs::symlink(format!("..{number}"), &link).unwrap();
    std::fs::rename(&link, config.join("..data")).unwrap();
    if let Ok(old) = old {
        std::fs::remove_dir_all(config.join(old)).unwrap();
    }
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_configuration_that_is_replaced_is_there_at_every_instant() {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    std::fs::create_dir_all(at("sites/s.example")).unwrap();
    replace_config(&at("config"), 0);
    let mut follow = Command::new(env!("CARGO_BIN_EXE_crossfade"));
    follow
        .args(["follow", "--site", "s.example", "--sites"])
        .arg(at("sites"))
        .arg("--config")
        .arg(at("config"));
    let mut follow = Running(follow.spawn().unwrap());
    let files = [at("sites/common_site_config.json"), at("sites/s.example/site_config.json")];
    let wait_for = |content: &str| {
        let begun = std::time::Instant::now();
        while !files.iter().all(|file| std::fs::read_to_string(file).is_ok_and(|text| text == content)) {
            assert!(begun.elapsed().as_secs() < 30, "{content} is not there");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    wait_for("{\"number\": 0}");
    let is_over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = files
            .iter()
            .map(|file| {
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        let text = std::fs::read_to_string(file).expect("the file is there");
                        assert!(text.starts_with("{\"number\": ") && text.ends_with('}'), "{text:?}");
                    }
                })
            })
            .collect();
        for number in 1..=20 {
            replace_config(&at("config"), number);
            wait_for(&format!("{{\"number\": {number}}}"));
        }
        is_over.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    Command::new("kill").arg(follow.0.id().to_string()).status().unwrap();
    assert_eq!(follow.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_site_name_cannot_lead_out_of_the_sites_folder() {
    let directory = tempfile::tempdir().unwrap();
    let path = text(directory.path());
    for site in ["../x", "a/b", "/etc", "..", "assets", ""] {
        let (code, output) =
            crossfade(&["layout", "--bench", &path, "--sites", &path, "--config", &path, "--site", site]);
        assert_eq!(code, 1, "{site}: {output}");
        assert!(output.contains("must be one plain directory name"), "{output}");
    }
}

/// Answers one request with this text and gives the request.
fn serve(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/method/ping", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            let length = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..length]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, server)
}

#[test]
fn a_probe_asks_for_its_site_and_tells_why_it_is_not_ready() {
    let (url, server) = serve("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    assert_eq!(crossfade(&["probe", "--url", &url, "--site", "s.example"]).0, 0);
    let request = server.join().unwrap().to_lowercase();
    assert!(
        request.contains("\r\nhost: s.example\r\n") && request.contains("x-frappe-site-name: s.example"),
        "{request}"
    );
    for (answer, reason) in [
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", "answers with 503"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone", "has no site s.example"),
    ] {
        let (url, server) = serve(answer);
        let (code, output) = crossfade(&["probe", "--url", &url, "--site", "s.example"]);
        assert_eq!((code, output.contains(reason)), (1, true), "{output}");
        server.join().unwrap();
    }
    let (code, output) = crossfade(&["probe", "--url", "http://127.0.0.1:1/", "--site", "s.example"]);
    assert_eq!(code, 1, "{output}");
}
