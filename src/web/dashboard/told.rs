//! What a Job's Pod has told so far, from the lines of its log.

use serde::Deserialize;

use crate::release::Progress;

/// Lines that are kept of a Pod: the newest.
const LINES: usize = 500;
/// Parts of a Job that tell how far they are again and again: of such a row of lines the last says it all.
const COUNTS: [&str; 5] = ["backfill", "compare", "drain", "handover", "schedule"];

/// One line of a Job's log that tells progress.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Line {
    /// When it was written, as the Job says it; empty if it does not.
    #[serde(default)]
    pub(super) at: String,
    /// What it tells.
    #[serde(flatten)]
    pub(super) progress: Progress,
}

impl Line {
    /// What a line of a Job's log tells, if it tells anything.
    pub(super) fn of(line: &str) -> Option<Self> {
        serde_json::from_str::<Self>(line).ok().filter(|line| line.progress.is_told())
    }
}

/// What a Pod has told, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Vec<Line>);

impl Told {
    /// One more line.
    pub(super) fn take(&mut self, line: Line) {
        let part = line.progress.step.as_str();
        let is_counted_on =
            COUNTS.contains(&part) && self.0.last().is_some_and(|last| last.progress.step == part);
        if is_counted_on {
            self.0.pop();
        } else if self.0.len() == LINES {
            self.0.remove(0);
        }
        self.0.push(line);
    }

    /// What it told last.
    pub(super) fn last(&self) -> Option<&Progress> {
        self.0.last().map(|line| &line.progress)
    }

    /// All that is kept, oldest first.
    pub(super) fn lines(&self) -> &[Line] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[(&str, u64)]) -> Vec<(String, Option<u64>)> {
        let mut told = Told::default();
        for (step, done) in lines {
            let line =
                format!("{{\"at\":\"t\",\"step\":\"{step}\",\"done\":{done},\"total\":9,\"message\":\"m\"}}");
            told.take(Line::of(&line).unwrap());
        }
        assert!(told.lines().iter().all(|line| line.at == "t"));
        told.lines().iter().map(|line| (line.progress.step.clone(), line.progress.done)).collect()
    }

    #[test]
    fn steps_stay_and_of_a_count_the_last() {
        let lines =
            [("steps", 1), ("steps", 2), ("backfill", 10), ("backfill", 20), ("steps", 3), ("backfill", 5)];
        let kept = [("steps", 1), ("steps", 2), ("backfill", 20), ("steps", 3), ("backfill", 5)];
        let kept: Vec<_> = kept.iter().map(|(step, done)| ((*step).to_owned(), Some(*done))).collect();
        assert_eq!(told(&lines), kept);
    }

    #[test]
    fn the_newest_lines_are_kept() {
        let all: Vec<_> = (0..600).map(|done| ("steps", done)).collect();
        let kept = told(&all);
        assert_eq!((kept.len(), kept[0].1, kept[499].1), (500, Some(100), Some(599)));
    }

    #[test]
    fn a_line_of_another_program_tells_nothing() {
        for line in ["Migrating site", "{\"crossfade\":\"ddl\",\"tries\":1}", "{\"at\":7,\"step\":\"steps\"}"]
        {
            assert_eq!(Line::of(line), None, "{line}");
        }
    }
}
