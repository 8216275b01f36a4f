//! Writing into the checkouts of apps: several files at once, all or none as far as a file system can.

use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

use super::Checkout;

/// What happens to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEdit {
    /// It gets this content; it may be new.
    Write {
        /// The app.
        app: String,
        /// Path within the app's checkout.
        path: String,
        /// What it is to say.
        bytes: Vec<u8>,
        /// What it says now; `None` if it must not be there.
        before: Option<Vec<u8>>,
    },
    /// It goes.
    Remove {
        /// The app.
        app: String,
        /// Path within the app's checkout.
        path: String,
        /// What it says now.
        before: Vec<u8>,
    },
    /// It gets another name, which nothing may have.
    Move {
        /// The app.
        app: String,
        /// Path within the app's checkout.
        from: String,
        /// Its new path.
        to: String,
    },
}

/// Why nothing was written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The path leads out of the app, or through a link.
    #[error("failed to write {path:?} of the app {app:?}: {reason}")]
    Path {
        /// The app.
        app: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file is not what it was.
    #[error("failed to write {path:?} of the app {app:?}: it changed on disk meanwhile")]
    Changed {
        /// The app.
        app: String,
        /// The path.
        path: String,
    },
    /// The file system said no.
    #[error("failed to write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no such app.
    #[error("failed to write into the app {app:?}: it is none of those that are open")]
    NoApp {
        /// The app.
        app: String,
    },
}

impl FileEdit {
    /// `APP/PATH`, for people.
    pub fn place(&self) -> String {
        match self {
            Self::Write { app, path, .. } | Self::Remove { app, path, .. } => format!("{app}/{path}"),
            Self::Move { app, to, .. } => format!("{app}/{to}"),
        }
    }
}

/// Does all edits, in their order. If one fails, those before it are taken back.
///
/// # Errors
/// If a path leads out of its app or through a link, if a file is not what it was, or if the file system refuses.
pub fn write_all(checkouts: &[Checkout], edits: &[FileEdit]) -> Result<(), WriteError> {
    let mut done: Vec<Undo> = Vec::new();
    for edit in edits {
        if let Err(error) = write(checkouts, edit, &mut done) {
            for undo in done.into_iter().rev() {
                undo.run();
            }
            return Err(error);
        }
    }
    Ok(())
}

/// The way back from one act; what cannot be taken back stays, there is nothing better left to do.
enum Undo {
    Restore(PathBuf, Vec<u8>),
    Remove(PathBuf),
    RemoveFolder(PathBuf),
    Move { from: PathBuf, to: PathBuf },
}

impl Undo {
    fn run(self) {
        let _ = match self {
            Self::Restore(path, bytes) => replace(&path, &bytes),
            Self::Remove(path) => fs::remove_file(path),
            Self::RemoveFolder(path) => fs::remove_dir(path),
            Self::Move { from, to } => fs::rename(to, from),
        };
    }
}

fn write(checkouts: &[Checkout], edit: &FileEdit, done: &mut Vec<Undo>) -> Result<(), WriteError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError::Io { path, source }
    };
    match edit {
        FileEdit::Write { app, path, bytes, before } => {
            let file = inside(checkouts, app, path)?;
            is_as_before(&file, before.as_deref(), (app, path))?;
            make_folders(&file, done)?;
            replace(&file, bytes).map_err(io(&file))?;
            done.push(match before {
                Some(before) => Undo::Restore(file, before.clone()),
                None => Undo::Remove(file),
            });
        }
        FileEdit::Remove { app, path, before } => {
            let file = inside(checkouts, app, path)?;
            is_as_before(&file, Some(before), (app, path))?;
            fs::remove_file(&file).map_err(io(&file))?;
            done.push(Undo::Restore(file, before.clone()));
        }
        FileEdit::Move { app, from, to } => {
            let (from, target) = (inside(checkouts, app, from)?, inside(checkouts, app, to)?);
            is_as_before(&target, None, (app, to))?;
            make_folders(&target, done)?;
            fs::rename(&from, &target).map_err(io(&target))?;
            done.push(Undo::Move { from, to: target });
        }
    }
    Ok(())
}

fn is_as_before(file: &Path, before: Option<&[u8]>, (app, path): (&str, &str)) -> Result<(), WriteError> {
    let now = match fs::read(file) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(WriteError::Io { path: file.to_owned(), source }),
    };
    if now.as_deref() == before {
        Ok(())
    } else {
        Err(WriteError::Changed { app: app.to_owned(), path: path.to_owned() })
    }
}

/// The file of a path within an app: no part of it leads up or is a link.
fn inside(checkouts: &[Checkout], app: &str, path: &str) -> Result<PathBuf, WriteError> {
    let checkout = checkouts.iter().find(|checkout| checkout.app == app);
    let Some(checkout) = checkout else { return Err(WriteError::NoApp { app: app.to_owned() }) };
    let refused = |reason| WriteError::Path { app: app.to_owned(), path: path.to_owned(), reason };
    let mut file = checkout.root.clone();
    let mut parts = 0;
    for part in Path::new(path).components() {
        let Component::Normal(name) = part else { return Err(refused("it leads out of the app")) };
        file.push(name);
        parts += 1;
        match file.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => return Err(refused("a part of it is a link")),
            Ok(_) | Err(_) => {}
        }
    }
    if parts == 0 || path.contains('\0') { Err(refused("it names no file")) } else { Ok(file) }
}

/// Makes the folders that a file needs, each to be taken back.
fn make_folders(file: &Path, done: &mut Vec<Undo>) -> Result<(), WriteError> {
    let missing: Vec<&Path> = file.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder).map_err(|source| WriteError::Io { path: folder.to_owned(), source })?;
        done.push(Undo::RemoveFolder(folder.to_owned()));
    }
    Ok(())
}

/// Writes beside the file and takes its place at once: who reads it sees the old or the new one, never a half.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}.crossfade", std::process::id()));
    let write = || {
        let mut new = fs::File::create_new(&beside)?;
        new.write_all(bytes)?;
        if let Ok(metadata) = file.metadata() {
            new.set_permissions(metadata.permissions())?;
        }
        new.sync_all()?;
        fs::rename(&beside, file)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn checkout() -> (TempDir, Vec<Checkout>) {
        let folder = TempDir::new().unwrap();
        let root = folder.path().canonicalize().unwrap();
        (folder, vec![Checkout { app: "shop".to_owned(), root }])
    }

    fn edit(path: &str, bytes: &str, before: Option<&str>) -> FileEdit {
        FileEdit::Write {
            app: "shop".to_owned(),
            path: path.to_owned(),
            bytes: bytes.as_bytes().to_vec(),
            before: before.map(|text| text.as_bytes().to_vec()),
        }
    }

    #[test]
    fn one_refusal_takes_everything_back() {
        let (folder, checkouts) = checkout();
        fs::write(folder.path().join("a"), "old").unwrap();
        fs::write(folder.path().join("b"), "other than was read").unwrap();
        let edits =
            [edit("a", "new", Some("old")), edit("x/y/c", "new", None), edit("b", "new", Some("read"))];
        let error = write_all(&checkouts, &edits).unwrap_err();
        assert!(matches!(error, WriteError::Changed { path, .. } if path == "b"));
        assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "old");
        assert!(!folder.path().join("x").exists());
        write_all(&checkouts, &edits[..2]).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("x/y/c")).unwrap(), "new");
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }

    #[test]
    fn no_path_leads_out_of_the_app() {
        let (folder, checkouts) = checkout();
        let outside = TempDir::new().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("new"), folder.path().join("file")).unwrap();
        for path in ["../x", "/etc/x", "a/../../x", "link/x", "file", ""] {
            let error = write_all(&checkouts, &[edit(path, "new", None)]).unwrap_err();
            assert!(matches!(error, WriteError::Path { .. }), "{path}: {error}");
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}
