//! The report: from the runs that are there to a page, pictures and a summary. Nothing here asks a cluster.

mod group;
mod page;
mod picture;
mod summary;

use std::fs;

use super::record::{Run, Size, read_all};
use crate::harness::Fallible;
use crate::harness::cluster::repository;

/// What is written.
#[derive(Debug)]
pub struct Report {
    /// Markdown.
    pub page: String,
    /// File name and SVG of each picture of the page.
    pub pictures: Vec<(String, String)>,
    /// Every figure, for programs.
    pub summary: serde_json::Value,
}

impl Report {
    /// From runs of one size.
    pub fn of(size: &Size, runs: &[Run]) -> Fallible<Self> {
        let groups = group::groups(runs);
        let picture = |group: &group::Group<'_>| {
            picture::svg(group.middle()).map(|svg| (group.picture(), svg)).map_err(|error| {
                format!("failed to draw {}, {}: {error}", group.scenario.name, group.way).into()
            })
        };
        Ok(Self {
            page: page::page(size, &groups),
            pictures: groups.iter().map(picture).collect::<Fallible<_>>()?,
            summary: summary::json(size, &groups),
        })
    }
}

/// Writes the report of all runs of a size: `docs/scenarios.md`, its pictures, `target/scenarios/summary.json`.
pub fn write(size: &Size) -> Fallible<Report> {
    let report = Report::of(size, &read_all(size)?)?;
    let (docs, target) = (repository().join("docs"), repository().join("target/scenarios"));
    let pictures = docs.join(page::PICTURES);
    // No picture outlives its run.
    if pictures.is_dir() {
        fs::remove_dir_all(&pictures)?;
    }
    fs::create_dir_all(&pictures)?;
    fs::create_dir_all(&target)?;
    for (name, svg) in &report.pictures {
        fs::write(pictures.join(name), svg)?;
    }
    fs::write(docs.join("scenarios.md"), &report.page)?;
    fs::write(target.join("summary.json"), serde_json::to_string_pretty(&report.summary)? + "\n")?;
    Ok(report)
}

#[cfg(test)]
mod tests;
