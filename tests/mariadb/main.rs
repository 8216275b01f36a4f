//! The database engine against a real MariaDB, by the real binary: `cargo test --test mariadb -- --ignored`.
//!
//! The tests start a server of their own in a temporary directory, with the binary log on and an administrator
//! without SUPER; it ends with this process. Each test has a database of its own, so they run beside each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::unwrap_in_result,
    reason = "tests, also outside #[test]"
)]

mod bench_engine;
mod boundaries;
mod carried;
mod child_rows;
mod come_and_go;
mod contraction;
mod divergence;
mod doctor;
mod doctype_names;
mod doctype_renamed;
mod dumped;
mod editor;
mod expansion;
mod frappe_site;
mod golden_ddl;
mod half_made;
mod half_open;
mod held_up;
mod holder;
mod in_step;
mod in_the_way;
mod index_build;
mod isolation;
mod kills;
mod live_site;
mod load;
mod many_clients;
mod named_in_json;
mod no_wait;
mod no_wait_entry;
mod older;
mod one_table;
mod pages;
mod plans;
mod redis_keys;
mod redis_server;
mod refusals;
mod relay;
mod replication;
mod restoring;
mod retyped;
mod rollback;
mod sample_app;
mod server;
mod settings_and_tickets;
mod shared_rows;
mod singles;
mod site;
mod started;
mod traffic;
mod trouble;
mod turn;
mod unique;
mod versions;
mod widths;
