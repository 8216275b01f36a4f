//! The DocType Editor (an edge): its page, the API behind it, and the files that it writes.
//!
//! | file | what it does |
//! |---|---|
//! | [`api`] | the types of the API, described as `OpenAPI` |
//! | `server`, `routes` | the socket, the routes, the end |
//! | `guard` | who may ask |
//! | `page` | the built front end |
//! | `editor` | what the server knows: both versions, the live site, who listens |
//! | `live_blue` | the live site as what is compared with (no IO) |
//! | `compose` | the apps as the drafts would make them, and the files for it (no IO) |
//! | `verdict`, `remedy`, `output` | the plan for the page, safer ways, texts (no IO) |
//! | `answer` | the tree, one file, what a rename meets |
//! | `save` | writing, if nothing changed meanwhile |

pub mod api;

mod answer;
mod compose;
mod editor;
mod fieldtype;
mod guard;
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
