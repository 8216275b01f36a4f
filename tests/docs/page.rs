//! The pages as they are read: the book in `docs/`, and what a visitor of the repository finds beside it.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

/// Where the code lives: the book links to files that are no part of it by this address.
pub(crate) const REPOSITORY: &str = "https://github.com/crossfade-dev/crossfade";

/// A Markdown file.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its path from the repository's root.
    pub(crate) path: PathBuf,
    /// Its text, with what it includes.
    pub(crate) text: String,
}

/// A block of code.
#[derive(Debug)]
pub(crate) struct Block {
    /// The word after the fence; empty for one without.
    pub(crate) language: String,
    pub(crate) text: String,
    /// The line of the page that it begins at, from 1.
    pub(crate) line: usize,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, sorted, as paths from the root.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The pages of the book.
pub(crate) fn book() -> Vec<Page> {
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    files("docs").into_iter().filter(is_page).map(Page::read).collect()
}

/// The book, and the pages of the repository that users and contributors read.
pub(crate) fn all() -> Vec<Page> {
    let beside = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "e2e/README.md",
        "e2e/bed/README.md",
        "e2e/manifests/README.md",
        "e2e/sample-bench/README.md",
    ];
    let mut pages = book();
    pages.extend(beside.map(|path| Page::read(PathBuf::from(path))));
    pages
}

impl Page {
    /// Reads a page, and puts in the place of each `{{#include FILE}}` what mdBook would.
    pub(crate) fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(root().join(&path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let folder = root().join(&path).parent().unwrap().to_owned();
        let include = Regex::new(r"\{\{#include ([^}:]+)\}\}").unwrap();
        let text = include.replace_all(&text, |found: &regex::Captures| {
            fs::read_to_string(folder.join(&found[1]))
                .unwrap_or_else(|error| panic!("{} includes {}: {error}", path.display(), &found[1]))
        });
        Self { text: text.into_owned(), path }
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES | Options::ENABLE_GFM).into_offset_iter()
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    /// Where links and pictures lead, each with its line.
    pub(crate) fn links(&self) -> Vec<(String, usize)> {
        let links = self.events().filter_map(|(event, range)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some((dest_url.into_string(), self.line(range.start)))
            }
            _ => None,
        });
        links.collect()
    }

    /// The names that a link can have after its `#`, as GitHub and mdBook make them of headings.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let (mut anchors, mut heading) = (Vec::new(), None);
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let name = anchor(&heading.take().unwrap());
                    let before = anchors.iter().filter(|other| **other == name).count();
                    anchors.push(if before == 0 { name } else { format!("{name}-{before}") });
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        anchors
    }

    /// Its blocks of code.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut open) = (Vec::new(), None);
        for (event, range) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(word) => word.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    open = Some(Block { language, text: String::new(), line: self.line(range.start) });
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                Event::Text(text) => {
                    if let Some(block) = &mut open {
                        block.text.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        blocks
    }

    /// Pieces of code within sentences, each with its line.
    pub(crate) fn spans(&self) -> Vec<(String, usize)> {
        let spans = self.events().filter_map(|(event, range)| match event {
            Event::Code(text) => Some((text.into_string(), self.line(range.start))),
            _ => None,
        });
        spans.collect()
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}
