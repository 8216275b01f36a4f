//! `crossfade plan-schema`: the JSON Schema of a plan, as `docs/reference/plan.schema.json` holds it.

use std::process::ExitCode;

use crate::report;

/// Prints the schema.
pub(super) fn run() -> ExitCode {
    match schema() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: failed to write the schema: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The schema as text.
pub fn schema() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&report::schema()).map(|text| format!("{text}\n"))
}
