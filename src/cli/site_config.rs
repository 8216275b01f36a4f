//! The configuration files in a Pod's `sites/`: copies of what the operator's Secret says.
//!
//! Not links into it: the kubelet replaces a Secret by another directory and removes the old one at once, and whoever is
//! on the way through the link at that moment finds no file. To Frappe that is a bench without configuration
//! (`get_common_site_config` in frappe/__init__.py gives an empty one), so a request fails. A file that takes the place of
//! another by rename(2) is there for everybody at every instant.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::site::Failure;

const COMMON: &str = "common_site_config.json";
const SITE: &str = "site_config.json";
/// The kubelet's link to the directory that counts (`pkg/volume/util/atomic_writer.go`).
const CURRENT: &str = "..data";
/// Nobody may write it: what a bench wrote would be gone with the next copy.
const MODE: u32 = 0o440;
/// The kubelet may replace the directory while it is read; it does so once in a while, not all the time.
const TRIES: u32 = 10;

/// Which state of the mounted Secret this is; none where no kubelet has written it.
pub(super) fn state(config: &Path) -> Option<PathBuf> {
    std::fs::read_link(config.join(CURRENT)).ok()
}

/// Makes the files in `sites` those of `config`: the bench's, and one for each site.
pub(super) fn copy(config: &Path, sites: &Path, names: &[String]) -> Result<(), Failure> {
    let mut files = vec![(COMMON.to_owned(), sites.join(COMMON))];
    files.extend(names.iter().map(|site| (format!("{site}.{SITE}"), sites.join(site).join(SITE))));
    let mut tries = 1;
    let contents = loop {
        // All of one state, whatever the kubelet does meanwhile.
        let directory = state(config).map_or_else(|| config.to_owned(), |state| config.join(state));
        match read_all(&directory, &files) {
            Err(_) if tries < TRIES && state(config).is_some() => tries += 1,
            outcome => break outcome?,
        }
    };
    for ((_, target), content) in files.iter().zip(contents) {
        replace(target, &content)?;
    }
    Ok(())
}

fn read_all(directory: &Path, files: &[(String, PathBuf)]) -> Result<Vec<Vec<u8>>, Failure> {
    let read = |(name, _): &(String, PathBuf)| {
        let path = directory.join(name);
        std::fs::read(&path).map_err(Failure::file("read", &path))
    };
    files.iter().map(read).collect()
}

fn replace(target: &Path, content: &[u8]) -> Result<(), Failure> {
    if std::fs::symlink_metadata(target).is_ok_and(|there| there.is_file())
        && std::fs::read(target).is_ok_and(|there| there == content)
    {
        return Ok(());
    }
    let part = target.with_extension("json.part");
    // Of a run that was killed: it may not be written again.
    let _ = std::fs::remove_file(&part);
    let mut options = std::fs::File::options();
    let file = options.write(true).create_new(true).mode(MODE).open(&part);
    file.and_then(|mut file| file.write_all(content)).map_err(Failure::file("write", &part))?;
    std::fs::rename(&part, target).map_err(Failure::file("replace", target))
}
