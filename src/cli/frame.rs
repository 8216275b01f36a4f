//! A plan as text that survives a log: gzip and base64 between two marker lines.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::plan::Plan;

/// First line of a frame.
const BEGIN: &str = "-----BEGIN CROSSFADE PLAN-----";
/// Last line of a frame.
const END: &str = "-----END CROSSFADE PLAN-----";
/// Characters a line: container runtimes cut lines at 16 KB.
const LINE: usize = 4096;

/// Writes a plan between the markers.
///
/// # Errors
/// If the plan cannot be written as JSON.
pub(super) fn write(plan: &Plan) -> Result<String, String> {
    let json = serde_json::to_vec(plan).map_err(|error| format!("failed to write the plan: {error}"))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&json).map_err(|error| format!("failed to pack the plan: {error}"))?;
    let packed = encoder.finish().map_err(|error| format!("failed to pack the plan: {error}"))?;
    let text = STANDARD.encode(packed);
    let mut frame = format!("{BEGIN}\n");
    for line in text.as_bytes().chunks(LINE) {
        frame.push_str(&String::from_utf8_lossy(line));
        frame.push('\n');
    }
    frame.push_str(END);
    frame.push('\n');
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctype::Snapshot;
    use crate::manifest::plan_store;
    use crate::plan::{Input, plan};

    #[test]
    fn the_operator_finds_the_plan_in_a_log() {
        let empty = Snapshot::new(Vec::new());
        let made = plan(&Input { site_name: "shop.test", ..Input::new(&empty, &empty) }).unwrap();
        let log = format!("starting\n{}done\n", write(&made).unwrap());
        assert_eq!(plan_store::from_log(&log, "shop.test").unwrap().plan, made);
        assert!(log.lines().all(|line| line.len() <= LINE));
    }
}
