//! What can go wrong at a database or a Redis, and whether trying again can help.

use crate::api::figures::FailureKind;

/// Why an act on the database failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address or the credentials cannot be used as they are.
    #[error("failed to read the database address: {0}")]
    Address(String),
    /// No connection could be made.
    #[error("failed to connect to {address}: {source}")]
    Connect {
        /// Host and port, without credentials.
        address: String,
        /// What the driver says.
        source: Box<sqlx::Error>,
    },
    /// A statement failed.
    #[error("failed to {act}: {source}{}", what_to_do(.source))]
    Query {
        /// What the statement was for.
        act: String,
        /// What the server says.
        source: Box<sqlx::Error>,
    },
    /// Another command works on the same site.
    #[error("failed to lock the site: connection {holder} holds it since before; waited {waited} s")]
    Locked {
        /// Connection id of the holder; 0 if it let go meanwhile.
        holder: i64,
        /// Seconds waited.
        waited: u64,
    },
    /// The connection that held the site's lock is gone, or the one that works.
    #[error(
        "failed to keep the connections, of which one holds the site's lock: the server does not know them any more; start the \
         command again and it goes on"
    )]
    LockLost,
    /// DDL found its table busy for the whole budget.
    #[error("failed to {act}: the table was busy for {seconds} s ({tries} tries). {blockers}")]
    Busy {
        /// What the statement was for.
        act: String,
        /// Seconds tried.
        seconds: u64,
        /// How often it was tried.
        tries: u32,
        /// Who held transactions open, one a sentence.
        blockers: String,
    },
    /// A state that only a human can change.
    #[error("refused: {0}")]
    Refused(String),
    /// Something is not there as it should be; the list says what.
    #[error("failed to verify: {}", .0.join("; "))]
    Incomplete(Vec<String>),
    /// Blue and green do not see the same; the list says what differs.
    #[error("refused: blue and green do not see the same, so the release must not go on. {}", .0.join("; "))]
    Diverged(Vec<String>),
    /// A condition did not come about in time.
    #[error("failed to wait: {0}")]
    Waited(String),
    /// A file could not be read or written.
    #[error("failed to {act} {path}: {source}")]
    File {
        /// What was tried.
        act: &'static str,
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Redis failed.
    #[error("failed to {act}: {source}")]
    Redis {
        /// What the commands were for.
        act: String,
        /// What the client says.
        source: redis::RedisError,
    },
}

impl Error {
    /// For `map_err`: a failed statement and what it was for.
    pub(crate) fn query(act: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Query { act: act.into(), source: Box::new(source) }
    }

    /// For `map_err`: a failed Redis command and what it was for.
    pub(crate) fn redis(act: impl Into<String>) -> impl FnOnce(redis::RedisError) -> Self {
        move |source| Self::Redis { act: act.into(), source }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Address(_) | Self::File { .. } => FailureKind::File,
            Self::Connect { .. } => FailureKind::Connection,
            Self::Query { source, .. } if super::connection::error_number(source) == 0 => {
                FailureKind::Connection
            }
            Self::Query { .. } => FailureKind::Statement,
            Self::Locked { .. } | Self::LockLost => FailureKind::Locked,
            Self::Busy { .. } => FailureKind::Busy,
            Self::Refused(_) => FailureKind::Refused,
            Self::Incomplete(_) => FailureKind::Incomplete,
            Self::Diverged(_) => FailureKind::Diverged,
            Self::Waited(_) => FailureKind::Waited,
            Self::Redis { .. } => FailureKind::Redis,
        }
    }

    /// Whether a server has said it, and not the way to one that is silent.
    pub(crate) fn is_of_the_server(&self) -> bool {
        let (Self::Connect { source, .. } | Self::Query { source, .. }) = self else { return false };
        super::connection::error_number(source) != 0
    }

    /// Whether a human must act before another try can do better (exit code 3).
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Diverged(_) => true,
            Self::Address(_)
            | Self::Connect { .. }
            | Self::Query { .. }
            | Self::Locked { .. }
            | Self::LockLost
            | Self::Busy { .. }
            | Self::Incomplete(_)
            | Self::Waited(_)
            | Self::File { .. }
            | Self::Redis { .. } => false,
        }
    }
}

/// What helps against an error of the server, where it is known.
fn what_to_do(source: &sqlx::Error) -> &'static str {
    let is_lost = matches!(source, sqlx::Error::Io(_) | sqlx::Error::Protocol(_));
    match super::connection::error_number(source) {
        0 if is_lost => {
            ". The connection was lost; nothing is half done: start the command again and it goes on"
        }
        1053 | 1927 => {
            ". The server ended the connection; nothing is half done: start the command again and it goes on"
        }
        1290 | 1792 | 1836 => {
            ". The server is read-only: give the address of the primary, or make it writable; then start the command again"
        }
        1021 | 1114 | 3 => {
            ". The server's disk is full: make room, then start the command again and it goes on"
        }
        1044 | 1045 | 1095 | 1142 | 1143 | 1227 | 1370 | 1410 | 1419 => {
            ". The administrator lacks a right or a setting: `crossfade doctor` prints what to give"
        }
        1117 | 1118 => {
            ". The table has too many or too long columns: remove fields of it, or make long Data fields Small Text"
        }
        _ => "",
    }
}
