//! The site's database and its Redis (IO): runs plans, never builds the SQL of a change.
//!
//! | file | what it does |
//! |---|---|
//! | [`isolate`] | blue's schema of views, copies, sequences and its user |
//! | [`facts`], [`data`] | what the planner asks a live site: its schema, and its rows |
//! | [`handover`] | waits until nobody uses the tables' own user any more |
//! | [`expand`] | settles the isolation, then runs the plan's steps by the ledger |
//! | [`verify`] | asks the database whether all of it is there |
//! | [`divergence`] | whether both versions see the same values |
//! | [`doctor`] | which rights and settings a release needs and the server lacks |
//! | [`contract`] | removes blue's schema: the point of no return |
//! | [`backup`], [`restore`] | keep what a contract drops, and put it back |
//! | [`rollback`] | gives the tables back to blue |
//! | [`queue`], [`cache`] | RQ's queues and the colour's keys in Redis |
//! | [`turn`] | which of the schedulers may run |
//! | [`relay`] | what one colour's cache must forget, told to the other's |
//!
//! Two rules hold everywhere: DDL never waits for a lock ([`ddl`]: a waiting `ALTER` makes every new reader wait),
//! and each act can be repeated (killed at any statement and started again, it goes on). Every object that this module
//! adds to a database by itself has a name that begins with `__crossfade`. Uses `plan` and nothing of Kubernetes.

pub mod backup;
pub mod cache;
pub mod connection;
pub mod contract;
pub mod data;
pub mod ddl;
pub mod divergence;
pub mod doctor;
pub mod expand;
pub mod facts;
pub mod handover;
pub mod isolate;
pub mod progress;
mod question;
pub mod queue;
pub mod relay;
pub mod restore;
pub mod rollback;
pub mod turn;
pub mod verify;

mod account;
mod backfill;
mod backup_file;
mod basis;
mod blocker;
mod cache_key;
mod error;
mod frozen;
mod inspect;
mod inventory;
mod keyset;
mod ledger;
mod lock;
mod meter;
mod mirror;
mod older;
mod patience;
mod preflight;
mod quote;
mod rehearsal;
mod removed;
mod rename;
mod rights;
mod sequence;
mod session;
mod shared_rows;
mod singles;
mod singles_name;
mod step;
mod throttle;
mod unique;
mod view;

pub use error::Error;
pub use session::{Session, Settings};
pub use throttle::Throttle;

/// What every object that Crossfade adds to a database begins with.
pub const OWN_PREFIX: &str = "__crossfade";
