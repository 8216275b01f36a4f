//! What the server knows while it runs: both versions of the apps, the live site's facts, and who listens.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::broadcast;

use crate::doctype::{DocType, FrappeVersion};
use crate::plan::{self, Input, Plan, PlanError, Site};
use crate::schema::{data, facts};
use crate::source::{self, Checkout, SourceError, Stamps, Tree};

use super::api::{Blue, BlueKind, Drafts};
use super::compose::{Composed, compose};
use super::drafted::Drafted;
use super::live_blue;

/// How long the rows of a live site may be asked for one verdict: who types waits for it.
const PATIENCE: data::Patience =
    data::Patience { question: Duration::from_secs(3), all: Duration::from_secs(6) };
/// Events that a page which does not read is behind before it misses some.
const EVENTS: usize = 1024;

/// What is edited, and what it is compared with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Directories of apps or benches.
    pub apps: Vec<String>,
    /// A Git reference, or a place as of `crossfade plan`.
    pub against: Option<String>,
    /// The live site's database, `mysql://HOST:PORT/DBNAME`; it is only read.
    pub database: Option<String>,
    /// Directory with the files `username` and `password`.
    pub credentials: Option<PathBuf>,
    /// Name of the site.
    pub site: String,
    /// Version of Frappe, if the apps do not include it.
    pub frappe: Option<FrappeVersion>,
}

/// The state of the server.
pub(super) struct Editor {
    pub(super) checkouts: Vec<Checkout>,
    pub(super) blue: Tree,
    pub(super) about_blue: Blue,
    green: RwLock<Arc<Tree>>,
    live: Option<Live>,
    site_name: String,
    frappe: Option<FrappeVersion>,
    /// One save at a time.
    pub(super) saving: tokio::sync::Mutex<()>,
    /// Names of DocTypes whose files changed; empty for other files.
    pub(super) events: broadcast::Sender<String>,
    drafted: Drafted,
}

/// The live site.
struct Live {
    database: String,
    credentials: Option<PathBuf>,
    site: Mutex<Arc<Site>>,
}

/// Why the rows of the live site said nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// The database does not answer.
    #[error(transparent)]
    Facts(#[from] facts::FactsError),
    /// Its rows cannot be asked.
    #[error(transparent)]
    Rows(#[from] crate::schema::Error),
}

/// What the drafts come to, and the plan for it.
pub(super) struct Planned {
    pub(super) composed: Composed,
    pub(super) plan: Result<Plan, PlanError>,
    pub(super) site: Option<Arc<Site>>,
    /// Why the rows of the live site were not asked, if they were to be.
    pub(super) unasked: Option<String>,
}

impl Editor {
    /// Reads everything; with it, what tells later that something changed on disk.
    ///
    /// # Errors
    /// If the apps, what they are compared with, or the database cannot be read; the message says which.
    pub(super) async fn open(settings: Settings) -> Result<(Self, Stamps), String> {
        let checkouts = source::checkouts(&settings.apps).map_err(|error| error.to_string())?;
        // Before the files are read: what changes meanwhile is seen at the first look.
        let stamps = source::stamps(&checkouts).map_err(|error| error.to_string())?;
        let green = source::read_tree(&checkouts, true).map_err(|error| error.to_string())?;
        let (live, doctypes) = match settings.database {
            Some(database) => {
                let (live, doctypes) = Live::open(database, settings.credentials, &green).await?;
                (Some(live), doctypes)
            }
            None => (None, Vec::new()),
        };
        let (blue, about_blue) = match (&live, settings.against.as_deref()) {
            (Some(live), None) => of_site(&green, doctypes, &live.site()),
            (_, against) => blue(&checkouts, against).map_err(|error| format!("{error} (--against)"))?,
        };
        let editor = Self {
            checkouts,
            blue,
            about_blue,
            green: RwLock::new(Arc::new(green)),
            live,
            site_name: settings.site,
            frappe: settings.frappe,
            saving: tokio::sync::Mutex::new(()),
            events: broadcast::Sender::new(EVENTS),
            drafted: Drafted::default(),
        };
        Ok((editor, stamps))
    }

    /// The apps as they are on disk, as far as it is known.
    pub(super) fn green(&self) -> Arc<Tree> {
        Arc::clone(&self.green.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the apps again and tells who listens what changed.
    ///
    /// # Errors
    /// If a directory cannot be read: then everything stays.
    pub(super) fn reload(&self) -> Result<Arc<Tree>, SourceError> {
        let now = Arc::new(source::read_tree(&self.checkouts, true)?);
        let before = {
            let mut green = self.green.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *green, Arc::clone(&now))
        };
        let mut changed: Vec<String> = Vec::new();
        for name in
            before.files.keys().chain(now.files.keys().filter(|name| !before.files.contains_key(*name)))
        {
            if before.files.get(name).map(|file| &file.digest) != now.files.get(name).map(|file| &file.digest)
            {
                changed.push(name.clone());
            }
        }
        if changed.is_empty() && (before.snapshot != now.snapshot || before.problems != now.problems) {
            changed.push(String::new());
        }
        for name in changed {
            // Nobody may listen.
            let _ = self.events.send(name);
        }
        Ok(now)
    }

    /// What tells that something changed on disk.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub(super) fn stamps(&self) -> Result<Stamps, SourceError> {
        source::stamps(&self.checkouts)
    }

    /// Whether a database can be asked.
    pub(super) fn has_database(&self) -> bool {
        self.live.is_some()
    }

    /// The version of Frappe that fieldtypes are of.
    pub(super) fn frappe(&self) -> FrappeVersion {
        self.green().snapshot.frappe_version().or(self.frappe).unwrap_or(FrappeVersion::ASSUMED)
    }

    /// What the drafts come to, saved or not.
    pub(super) fn compose(&self, green: &Tree, drafts: &Drafts) -> Composed {
        compose(&self.blue, green, drafts, &self.drafted.time(drafts, now))
    }

    /// The plan of the drafts; what it wants to know of the rows of a live site is asked once.
    ///
    /// # Errors
    /// If the planner was ended from outside.
    pub(super) async fn plan(self: &Arc<Self>, drafts: Drafts) -> Result<Planned, tokio::task::JoinError> {
        let site = self.live.as_ref().map(Live::site);
        let editor = Arc::clone(self);
        let work = move || {
            let composed = editor.compose(&editor.green(), &drafts);
            let input = editor.input(&composed, site.as_deref(), &drafts);
            let asked = plan::data_questions(&input);
            let asked = asked.unwrap_or_default();
            let is_new = |question: &plan::DataQuestion| {
                site.as_ref().is_some_and(|site| !site.answers.iter().any(|(known, _)| known == question))
            };
            let asked: Vec<plan::DataQuestion> = asked.into_iter().filter(is_new).collect();
            // Most of the time nothing is asked, and the answer need not wait.
            let plan = asked.is_empty().then(|| plan::plan(&input));
            (drafts, composed, site, asked, plan)
        };
        let (drafts, composed, site, asked, plan) = tokio::task::spawn_blocking(work).await?;
        if let Some(plan) = plan {
            return Ok(Planned { composed, plan, site, unasked: None });
        }
        // A database that went away takes no verdict along: it is one without its rows.
        let (site, unasked) = match &self.live {
            Some(live) => match live.ask(asked).await {
                Ok(site) => (Some(site), None),
                Err(error) => (site, Some(format!("the rows of the live site were not asked: {error}"))),
            },
            None => (site, None),
        };
        let editor = Arc::clone(self);
        let work = move || {
            let plan = plan::plan(&editor.input(&composed, site.as_deref(), &drafts));
            Planned { composed, plan, site, unasked }
        };
        tokio::task::spawn_blocking(work).await
    }

    /// Asks the rows of a table once more.
    ///
    /// # Errors
    /// If there is no database or it does not answer.
    pub(super) async fn ask(
        &self,
        question: plan::DataQuestion,
    ) -> Result<Option<plan::DataAnswer>, AskError> {
        let Some(live) = &self.live else { return Ok(None) };
        let site = live.ask(vec![question.clone()]).await?;
        let found = site.answers.iter().find(|(known, _)| *known == question);
        Ok(found.map(|(_, answer)| answer.clone()))
    }

    /// The live table of a DocType and its columns.
    pub(super) fn live_column(&self, table: &str, column: &str) -> bool {
        let site = self.live.as_ref().map(Live::site);
        site.is_some_and(|site| site.tables.get(table).is_some_and(|table| table.column(column).is_some()))
    }

    fn input<'a>(&'a self, composed: &'a Composed, site: Option<&'a Site>, drafts: &'a Drafts) -> Input<'a> {
        Input {
            site_name: &self.site_name,
            site,
            blue_frappe: self.frappe,
            green_frappe: self.frappe,
            accepted_patches: &drafts.accepted_patches,
            ..Input::new(&self.blue.snapshot, &composed.snapshot)
        }
    }
}

impl Live {
    /// The site's facts, and the DocTypes of its metadata.
    async fn open(
        database: String,
        credentials: Option<PathBuf>,
        green: &Tree,
    ) -> Result<(Self, Vec<DocType>), String> {
        let failed = |error: facts::FactsError| format!("{error} (--database)");
        let mut connection = facts::connect(&database, credentials.as_deref()).await.map_err(failed)?;
        let mut site = facts::read(&mut connection).await.map_err(failed)?;
        let doctypes = facts::doctypes(&mut connection, &site).await.map_err(failed)?;
        // Only some of the site's apps may be edited; a plan of these alone is what was asked for.
        site.installed_apps.retain(|app| green.snapshot.apps.iter().any(|known| known.name == *app));
        Ok((Self { database, credentials, site: Mutex::new(Arc::new(site)) }, doctypes))
    }

    fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks the rows, keeps the answers and gives the site with them.
    async fn ask(&self, questions: Vec<plan::DataQuestion>) -> Result<Arc<Site>, AskError> {
        let site = self.site();
        let mut connection = facts::connect(&self.database, self.credentials.as_deref()).await?;
        let answers = data::answers(&mut connection, &site, questions, PATIENCE).await?;
        let mut kept = self.site.lock().unwrap_or_else(PoisonError::into_inner);
        let mut with_answers = Site::clone(&kept);
        with_answers.answers.retain(|(known, _)| !answers.iter().any(|(new, _)| new == known));
        with_answers.answers.extend(answers);
        *kept = Arc::new(with_answers);
        Ok(Arc::clone(&kept))
    }
}

/// The live site, as its metadata has it.
fn of_site(green: &Tree, doctypes: Vec<DocType>, site: &Site) -> (Tree, Blue) {
    let snapshot = live_blue::snapshot(&green.snapshot, doctypes, site.patches.as_ref());
    let words = "the DocTypes of the live site".to_owned();
    (Tree::of_snapshot(snapshot), Blue { kind: BlueKind::Site, words })
}

/// What the working tree is compared with: a place, a Git reference, `HEAD`, or the files as they are now.
fn blue(checkouts: &[Checkout], against: Option<&str>) -> Result<(Tree, Blue), SourceError> {
    let place = |place: &str| {
        place.split_once('=').map_or_else(|| PathBuf::from(place), |(_, path)| PathBuf::from(path))
    };
    match against {
        Some(against) if place(against).is_dir() => {
            let tree = source::read_tree(&source::checkouts(&[against.to_owned()])?, false)?;
            Ok((tree, Blue { kind: BlueKind::Snapshot, words: format!("the apps in {against}") }))
        }
        Some(against) if place(against).exists() => {
            let snapshot = source::read_all(&[against.to_owned()])?;
            Ok((
                Tree::of_snapshot(snapshot),
                Blue { kind: BlueKind::Snapshot, words: format!("the snapshot {against}") },
            ))
        }
        None if !checkouts.iter().all(|checkout| source::is_in_repository(&checkout.root)) => {
            let words = "the files as they were when the editor started".to_owned();
            Ok((source::read_tree(checkouts, false)?, Blue { kind: BlueKind::Start, words }))
        }
        reference => {
            let reference = reference.unwrap_or("HEAD");
            let (tree, commits) = source::read_commit(checkouts, reference)?;
            let mut hashes: Vec<String> =
                commits.iter().map(|commit| commit.hash.chars().take(7).collect()).collect();
            hashes.dedup();
            Ok((
                tree,
                Blue { kind: BlueKind::Git, words: format!("Git {reference} ({})", hashes.join(", ")) },
            ))
        }
    }
}

/// The time as Frappe writes it.
fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}
