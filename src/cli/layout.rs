//! `crossfade layout`: lays out a bench's `sites/` from the image, the colour's configuration and a volume.

use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::site::{self, Failure};
use super::{Output, site_config};

/// Lays out sites/ for a pod: configuration from a mounted Secret (`crossfade follow` brings what comes later), files from a
/// volume, assets and apps.txt from the image.
#[derive(Debug, Args)]
pub(crate) struct Layout {
    /// The bench in this image, e.g. /home/frappe/frappe-bench.
    #[arg(long, value_name = "DIR")]
    bench: PathBuf,
    /// The directory to lay out, mounted over the bench's sites/ later.
    #[arg(long, value_name = "DIR")]
    sites: PathBuf,
    /// Where the colour's configuration is mounted.
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// Volume with <site>/public and <site>/private; without it they are plain directories.
    #[arg(long, value_name = "DIR")]
    volume: Option<PathBuf>,
    /// A site; give it once for each.
    #[arg(long = "site", required = true)]
    names: Vec<String>,
}

impl Layout {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |_| async move {
            for site in &self.names {
                check_site_name(site)?;
            }
            make_directory(&self.sites)?;
            self.copy_apps()?;
            make_directory(&self.sites.join("logs"))?;
            for site in &self.names {
                self.lay_out_site(site)?;
            }
            site_config::copy(&self.config, &self.sites, &self.names)?;
            let assets = self.bench.join("sites/assets");
            if assets.is_dir() {
                copy_tree(&assets, &self.sites.join("assets"))?;
            } else {
                make_directory(&self.sites.join("assets"))?;
            }
            Ok(format!("{} laid out for {}", self.sites.display(), self.names.join(", ")))
        })
    }

    /// The image's own list of its apps, without which Frappe does not start: of its `sites/`, or beside the apps.
    fn copy_apps(&self) -> Result<(), Failure> {
        let candidates = [self.bench.join("sites/apps.txt"), self.bench.join("apps.txt")];
        let Some(list) = candidates.iter().find(|path| path.is_file()) else {
            let bench = self.bench.display();
            return Err(Failure::Unmet(format!(
                "failed to find the list of apps: {bench} has neither sites/apps.txt nor apps.txt"
            )));
        };
        let target = self.sites.join("apps.txt");
        // Not a copy of the file: one that may not be written could not be written by a second run.
        let names = std::fs::read(list).map_err(Failure::file("read", list))?;
        std::fs::write(&target, names).map_err(Failure::file("write", &target))
    }

    fn lay_out_site(&self, site: &str) -> Result<(), Failure> {
        let directory = self.sites.join(site);
        for name in ["locks", "logs"] {
            make_directory(&directory.join(name))?;
        }
        for name in ["public", "private"] {
            let target = match &self.volume {
                Some(volume) => {
                    let shared = volume.join(site).join(name);
                    link(&shared, &directory.join(name))?;
                    shared
                }
                None => directory.join(name),
            };
            make_directory(&target.join("files"))?;
        }
        make_directory(&directory.join("private/backups"))
    }
}

/// A site's name is a host name and becomes a directory: nothing in it may lead elsewhere.
fn check_site_name(site: &str) -> Result<(), Failure> {
    let mut parts = Path::new(site).components();
    let is_plain = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    if is_plain && site != "assets" && site != "logs" {
        return Ok(());
    }
    Err(Failure::Unmet(format!(
        "failed to lay out the site {site:?}: its name must be one plain directory name"
    )))
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(Failure::file("create", path))
}

/// A link that may have been made by an earlier run of the same pod.
fn link(target: &Path, at: &Path) -> Result<(), Failure> {
    match std::fs::symlink_metadata(at) {
        Ok(there) if there.is_symlink() => std::fs::remove_file(at).map_err(Failure::file("replace", at))?,
        Ok(_) => {
            return Err(Failure::Unmet(format!("failed to link {}: something else is there", at.display())));
        }
        Err(_) => {}
    }
    symlink(target, at).map_err(Failure::file("link", at))
}

/// Copies a tree; links (assets are often links into apps) stay links.
fn copy_tree(from: &Path, to: &Path) -> Result<(), Failure> {
    make_directory(to)?;
    for item in std::fs::read_dir(from).map_err(Failure::file("list", from))? {
        let item = item.map_err(Failure::file("list", from))?;
        let (source, target) = (item.path(), to.join(item.file_name()));
        let kind = item.file_type().map_err(Failure::file("look at", &source))?;
        if kind.is_symlink() {
            let leads = std::fs::read_link(&source).map_err(Failure::file("read", &source))?;
            link(&leads, &target)?;
        } else if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else {
            std::fs::copy(&source, &target).map_err(Failure::file("copy", &source))?;
        }
    }
    Ok(())
}
