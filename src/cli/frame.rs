//! A document as text that survives a log: gzip and base64 between two marker lines.

use std::fmt::Write as _;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use serde::Serialize;

/// Characters a line: container runtimes cut lines at 16 KB.
const LINE: usize = 4096;

/// Writes a document between the markers `-----BEGIN CROSSFADE <what>-----` and `-----END CROSSFADE <what>-----`.
///
/// # Errors
/// If it cannot be written as JSON.
pub(super) fn write(what: &str, document: &impl Serialize) -> Result<String, String> {
    let failed =
        |error: &dyn std::fmt::Display| format!("failed to write the {}: {error}", what.to_lowercase());
    let json = serde_json::to_vec(document).map_err(|error| failed(&error))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&json).map_err(|error| failed(&error))?;
    let packed = encoder.finish().map_err(|error| failed(&error))?;
    let text = STANDARD.encode(packed);
    let mut frame = format!("-----BEGIN CROSSFADE {what}-----\n");
    for line in text.as_bytes().chunks(LINE) {
        frame.push_str(&String::from_utf8_lossy(line));
        frame.push('\n');
    }
    writeln!(frame, "-----END CROSSFADE {what}-----").map_err(|error| failed(&error))?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctype::Snapshot;
    use crate::manifest::plan_store;
    use crate::plan::{Input, Routing, plan};

    #[test]
    fn the_operator_finds_the_plan_in_a_log() {
        let empty = Snapshot::new(Vec::new());
        let made = plan(&Input { site_name: "shop.test", ..Input::new(&empty, &empty) }).unwrap();
        let routing = Routing::of(&empty, &empty);
        let log = format!(
            "starting\n{}{}done\n",
            write("PLAN", &made).unwrap(),
            write("ROUTING", &routing).unwrap()
        );
        let found = plan_store::from_log(&log, "shop.test").unwrap();
        assert_eq!((found.plan, found.routing), (made, routing));
        assert!(log.lines().all(|line| line.len() <= LINE));
    }
}
