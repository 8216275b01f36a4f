//! What can be wrong with the files of an app.

use thiserror::Error;

/// Why a file of an app or a snapshot could not be read; each names the file.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file is larger than any real one of its kind.
    #[error("failed to read {path}: it has {size} bytes, more than the {limit} that such a file may have")]
    TooLarge {
        /// File within the app.
        path: String,
        /// Its size in bytes.
        size: usize,
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// The file is not the JSON that it should be.
    #[error("failed to parse {path}: {source}")]
    Json {
        /// File within the app.
        path: String,
        /// Where and why the parser stopped.
        source: serde_json::Error,
    },
    /// The file is not UTF-8 text.
    #[error("failed to read {path}: it is not UTF-8 text")]
    NotText {
        /// File within the app.
        path: String,
    },
    /// The JSON is well-formed but says something that no DocType can say.
    #[error("failed to understand {path}: {reason}")]
    Invalid {
        /// File within the app.
        path: String,
        /// What is wrong and where in the file.
        reason: String,
    },
    /// The snapshot was written by another version of this program.
    #[error(
        "failed to read the snapshot {path}: its format is {found}, this program reads {expected}; take it again"
    )]
    Format {
        /// The file.
        path: String,
        /// What the file says.
        found: u32,
        /// What this program reads.
        expected: u32,
    },
}
