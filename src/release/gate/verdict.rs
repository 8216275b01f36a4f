//! What the measurements of a run mean for the release.

use super::run::{Outcome, Run};
use crate::api::analysis::Analysis;

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Running,
    /// Enough measurements, and no limit passed.
    Passed,
    /// A limit of failures or errors was passed.
    Failed(String),
    /// The limit of inconclusive measurements was passed.
    Inconclusive(String),
}

impl Verdict {
    /// The name as it stands in status and events.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Passed => "Passed",
            Self::Failed(_) => "Failed",
            Self::Inconclusive(_) => "Inconclusive",
        }
    }
}

/// Judges a run. One in the background never passes: it ends with the shift.
pub(super) fn verdict(analysis: &Analysis, run: &Run, is_background: bool) -> Verdict {
    let last = |outcome: Outcome| {
        let found = run.measurements.iter().rev().find(|measurement| measurement.outcome == outcome);
        found.map(|measurement| format!(": {}", measurement.value)).unwrap_or_default()
    };
    let counted = run.counted();
    if run.failed > analysis.failure_limit {
        let forgiven = forgiven(analysis.failure_limit);
        return Verdict::Failed(format!(
            "{} of {counted} measurements failed{forgiven}{}",
            run.failed,
            last(Outcome::Failed)
        ));
    }
    if run.errors_in_row > analysis.error_limit {
        return Verdict::Failed(format!(
            "{} measurements in a row could not be taken{}{}",
            run.errors_in_row,
            forgiven(analysis.error_limit),
            last(Outcome::Error)
        ));
    }
    if run.inconclusive > analysis.inconclusive_limit {
        return Verdict::Inconclusive(format!(
            "{} of {counted} measurements are neither good nor bad{}{}",
            run.inconclusive,
            forgiven(analysis.inconclusive_limit),
            last(Outcome::Inconclusive)
        ));
    }
    if !is_background && counted >= analysis.count { Verdict::Passed } else { Verdict::Running }
}

fn forgiven(limit: u32) -> String {
    if limit == 0 { String::new() } else { format!(" ({limit} forgiven)") }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::release::gate::run::{Reading, Value};

    const RULES: &str = "{name: errors, http: {url: 'http://x', pointer: /a}, count: 4, failureLimit: 1, inconclusiveLimit: 1,
        errorLimit: 2, pass: {atMost: '1'}, fail: {atLeast: '5'}}";

    fn analysis(text: &str) -> Analysis {
        serde_yaml::from_str(text).unwrap()
    }

    /// Letters to readings: good, bad, unclear, error, nothing.
    fn reading(letter: char) -> Reading {
        match letter {
            'g' => Reading::Value(Value::Number(0.0)),
            'b' => Reading::Value(Value::Number(9.0)),
            'u' => Reading::Value(Value::Number(3.0)),
            'e' => Reading::Broken("refused".into()),
            _ => Reading::Nothing("no series".into()),
        }
    }

    fn run(analysis: &Analysis, letters: &str) -> Run {
        let start = Run::new("errors", "step 2", "", Timestamp::UNIX_EPOCH);
        letters.chars().fold(start, |run, letter| run.take(analysis, reading(letter), Timestamp::UNIX_EPOCH))
    }

    fn judged(letters: &str) -> String {
        let analysis = analysis(RULES);
        match verdict(&analysis, &run(&analysis, letters), false) {
            Verdict::Failed(why) | Verdict::Inconclusive(why) => why,
            other @ (Verdict::Running | Verdict::Passed) => other.name().to_owned(),
        }
    }

    #[test]
    fn limits_are_what_is_forgiven() {
        for (letters, expected) in [
            ("", "Running"),
            ("ggg", "Running"),
            ("gggg", "Passed"),
            ("gbgg", "Passed"),
            ("gbb", "2 of 3 measurements failed (1 forgiven): 9"),
            ("ugug", "2 of 4 measurements are neither good nor bad (1 forgiven): 3"),
            ("eeggggg", "Passed"),
            ("eegeeg", "Running"),
            ("eee", "3 measurements in a row could not be taken (2 forgiven): refused"),
            ("nnnnnnnn", "Running"),
            ("nngggg", "Passed"),
        ] {
            assert_eq!(judged(letters), expected, "{letters}");
        }
    }

    #[test]
    fn no_data_counts_as_the_spec_says() {
        for (policy, expected) in [("Wait", "Running"), ("Pass", "Passed"), ("Fail", "Failed")] {
            let rules = format!("{{name: a, http: {{url: 'http://x'}}, count: 2, noData: {policy}}}");
            let analysis = analysis(&rules);
            assert_eq!(verdict(&analysis, &run(&analysis, "nn"), false).name(), expected);
        }
    }

    #[test]
    fn a_background_run_never_passes_and_can_fail() {
        let analysis = analysis(RULES);
        assert_eq!(verdict(&analysis, &run(&analysis, "gggggggg"), true), Verdict::Running);
        assert_eq!(verdict(&analysis, &run(&analysis, "ggggggbb"), true).name(), "Failed");
    }

    #[test]
    fn a_job_passes_by_its_exit_code() {
        let analysis = analysis("{name: smoke, job: {}}");
        let start = Run::new("smoke", "step 2", "", Timestamp::UNIX_EPOCH);
        let ended = |end| {
            verdict(&analysis, &start.take(&analysis, Reading::Ended(end), Timestamp::UNIX_EPOCH), false)
        };
        assert_eq!(ended(Ok(())), Verdict::Passed);
        let words = "no orders (container 'job', exit code 1)";
        assert_eq!(ended(Err(words.into())), Verdict::Failed(format!("1 of 1 measurements failed: {words}")));
    }

    #[test]
    fn an_error_is_asked_again_soon_and_the_first_question_waits() {
        let analysis =
            analysis("{name: a, http: {url: 'http://x'}, intervalSeconds: 60, initialDelaySeconds: 5}");
        let due = |letters: &str| run(&analysis, letters).due(&analysis).as_second();
        assert_eq!((due(""), due("g"), due("ge"), due("geg")), (5, 60, 10, 60));
    }

    #[test]
    fn what_is_kept_of_a_run_is_bounded() {
        let analysis = analysis("{name: a, http: {url: 'http://x'}, count: 1000}");
        let mut run = Run::new("a", "step 2", "", Timestamp::UNIX_EPOCH);
        for _ in 0..1000 {
            run = run.take(&analysis, Reading::Broken("ä".repeat(5000)), Timestamp::UNIX_EPOCH);
        }
        assert_eq!((run.measurements.len(), run.measurements[9].number, run.errors_in_row), (10, 1000, 1000));
        assert!(serde_json::to_string(&run).unwrap().len() < 8192);
    }

    proptest! {
        /// Reading a run back from where it is kept, after any answer, changes nothing.
        #[test]
        fn a_run_goes_on_wherever_the_operator_was_killed(letters in "[gbuen]{0,12}", kill in 0_usize..12) {
            let analysis = analysis(RULES);
            let at = kill.min(letters.len());
            let kept = serde_json::to_string(&run(&analysis, &letters[..at])).unwrap();
            let again: Run = serde_json::from_str(&kept).unwrap();
            let resumed = letters[at..].chars().fold(again, |run, letter| run.take(&analysis, reading(letter), Timestamp::UNIX_EPOCH));
            prop_assert_eq!(resumed, run(&analysis, &letters));
        }

        /// A run that failed stays so, whatever comes: no answer that is late brings a release forward.
        #[test]
        fn a_failure_is_final(letters in "[gbun]{0,20}", more in "[gbun]{0,5}") {
            let analysis = analysis(RULES);
            if verdict(&analysis, &run(&analysis, &letters), false).name() == "Failed" {
                let later = format!("{letters}{more}");
                prop_assert_eq!(verdict(&analysis, &run(&analysis, &later), false).name(), "Failed");
            }
        }
    }
}
