//! Links and anchors, and the book's list of pages.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::page::{self, Page, REPOSITORY, root};

/// `a/b/../c` as `a/c`; `None` for what leads out of the repository.
fn plain(path: &Path) -> Option<PathBuf> {
    path.components().try_fold(PathBuf::new(), |mut sum, part| {
        match part {
            Component::ParentDir => sum.pop().then_some(())?,
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => sum.push(part),
        }
        Some(sum)
    })
}

/// The file that a link leads to, and the part of it; `None` for the rest of the world.
fn target(page: &Page, link: &str) -> Option<(Option<PathBuf>, Option<String>)> {
    let (path, part) = match link.split_once('#') {
        Some((path, part)) => (path, Some(part.to_owned())),
        None => (link, None),
    };
    let file = if let Some(path) = path.strip_prefix(REPOSITORY) {
        let path = path.strip_prefix("/blob/main/").or_else(|| path.strip_prefix("/tree/main/"))?;
        Some(PathBuf::from(path))
    } else if path.contains("://") || path.starts_with("mailto:") {
        return None;
    } else if path.is_empty() {
        Some(page.path.clone())
    } else {
        plain(&page.path.parent().unwrap().join(path))
    };
    Some((file, part))
}

#[test]
fn every_link_leads_to_something() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in page::all() {
        for (link, line) in page.links() {
            let Some((file, part)) = target(&page, &link) else { continue };
            seen += 1;
            let at = format!("{}:{line}: {link}", page.path.display());
            // A folder has no page of its own on the site; the repository shows it.
            let is_there = |file: &PathBuf| {
                let is_of_the_site = file.starts_with("docs") && !link.starts_with(REPOSITORY);
                let file = root().join(file);
                if is_of_the_site { file.is_file() } else { file.exists() }
            };
            let Some(file) = file.filter(is_there) else {
                wrong.push(format!("{at}: there is no such file"));
                continue;
            };
            let Some(part) = part else { continue };
            let anchors = Page::read(file).anchors();
            if !anchors.contains(&part) {
                wrong.push(format!("{at}: the page has the parts {anchors:?}"));
            }
        }
    }
    assert!(seen > 100, "only {seen} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Only `docs/` is on the site: a relative link out of it is right on GitHub and dead there.
#[test]
fn the_book_links_to_the_repository_by_its_address() {
    let mut wrong = Vec::new();
    for page in page::book() {
        for (link, line) in page.links() {
            let Some((Some(file), _)) = target(&page, &link) else { continue };
            if !link.starts_with(REPOSITORY) && !file.starts_with("docs") {
                wrong.push(format!("{}:{line}: {link}: say {REPOSITORY}/blob/main/...", page.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_book_lists_every_page_once() {
    let summary = Page::read(PathBuf::from("docs/SUMMARY.md"));
    let mut listed: Vec<PathBuf> =
        summary.links().iter().map(|(link, _)| plain(&Path::new("docs").join(link)).unwrap()).collect();
    listed.sort();
    let once: BTreeSet<&PathBuf> = listed.iter().collect();
    assert_eq!(once.len(), listed.len(), "docs/SUMMARY.md names a page twice");
    let pages: Vec<PathBuf> = page::book().into_iter().map(|page| page.path).collect();
    let pages: Vec<PathBuf> = pages.into_iter().filter(|path| path != &summary.path).collect();
    assert_eq!(listed, pages, "docs/SUMMARY.md lists what is in docs/, and no more");
}
