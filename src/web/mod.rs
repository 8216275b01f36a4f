//! The page of Crossfade (an edge), with two faces: the DocType Editor, with the files that it writes, and the dashboard of releases.
//!
//! | file | what it does |
//! |---|---|
//! | [`api`] | the types of the API, described as `OpenAPI` |
//! | `listen` | the socket, the end |
//! | `guard` | who may ask |
//! | `page` | the built front end |
//! | `server`, `routes` | the editor's routes |
//! | `editor` | what its server knows: both versions, the live site, who listens |
//! | `live_blue` | the live site as what is compared with (no IO) |
//! | `compose` | the apps as the drafts would make them, and the files for it (no IO) |
//! | `verdict`, `remedy`, `output` | the plan for the page, safer ways, texts (no IO) |
//! | `answer` | the tree, one file, what a rename meets |
//! | `save` | writing, if nothing changed meanwhile |
//! | [`dashboard`] | releases as they run, and what is said to them |

pub mod api;
pub mod dashboard;
mod drafted;

mod answer;
mod compose;
mod editor;
mod fieldtype;
mod guard;
mod listen;
mod live_blue;
mod output;
mod page;
mod remedy;
mod routes;
mod save;
mod server;
mod verdict;

pub use editor::Settings;
pub use server::serve;
