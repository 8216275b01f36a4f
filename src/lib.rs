//! Crossfade: zero-downtime blue/green releases of Frappe on Kubernetes.
//!
//! | module | what it is for | may use |
//! |---|---|---|
//! | [`api`] | the `FrappeRelease` resource, conditions, names | nothing |
//! | [`doctype`] | reading Frappe apps: `DocTypes`, patches, columns (pure) | `api` |
//! | [`patch`] | the code of patches -> what they would do, read and never run (pure) | `doctype` |
//! | [`plan`] | two versions of the apps -> every change and its steps (pure) | `api`, `doctype` |
//! | [`report`] | a plan as text: terminal, JSON, Markdown, SQL (pure) | `doctype`, `plan` |
//! | [`release`] | the state machine: what is seen -> what to do (pure) | `api`, `plan` |
//! | [`traffic`] | how traffic is split -> routes (pure) | `api`, `plan`, `release` |
//! | [`manifest`] | the Kubernetes objects of a release (pure) | `api`, `plan`, `release` |
//! | [`source`] | apps from benches, checkouts, archives and snapshot files (IO) | `doctype`, `patch` |
//! | [`schema`] | MariaDB and Redis (IO) | `api`, `doctype`, `plan` |
//! | [`controller`] | Kubernetes (IO) | all pure ones |
//! | [`web`] | an edge: the DocType Editor and the dashboard on loopback, their API and page | `api`, `doctype`, `patch`, `plan`, `report`, `release`, `manifest`, `source`, `schema`, `controller` |
//! | [`cli`] | the edge: commands, output, exit codes | everything |
//!
//! Pure modules have no client, no socket, no file, no clock and no environment: time enters as an argument.
//! `schema` and `controller` never see each other: they meet in the Job manifest. `tests/architecture.rs` holds this.

pub mod api;
pub mod cli;
pub mod controller;
pub mod doctype;
pub mod manifest;
pub mod patch;
pub mod plan;
pub mod release;
pub mod report;
pub mod schema;
pub mod source;
pub mod traffic;
pub mod web;
