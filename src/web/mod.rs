//! The DocType Editor (an edge): its page, the API behind it, and the files that it writes.

pub mod api;
mod routes;
