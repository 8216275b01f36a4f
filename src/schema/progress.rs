//! What a long command tells while it works; the edge decides how it looks.

/// Where progress goes.
pub trait Progress: Send + Sync {
    /// `done` of `total` parts of `step` are behind us; `total` 0 where it is not known.
    fn report(&self, step: &str, done: u64, total: u64, message: &str);
}

/// Says nothing; for tests and for callers that want the result alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _step: &str, _done: u64, _total: u64, _message: &str) {}
}
