//! What one value means: passed, failed, or neither.

use super::run::{Outcome, Value};
use crate::api::analysis::{Analysis, Comparison};

/// Judges a value by `pass` and `fail`: what fails has failed; with both, what is neither is inconclusive.
pub(super) fn judge(analysis: &Analysis, value: &Value) -> Result<Outcome, String> {
    let fails = analysis.fail.as_ref().map(|fail| holds(fail, value)).transpose()?;
    let passes = analysis.pass.as_ref().map(|pass| holds(pass, value)).transpose()?;
    Ok(match (fails, passes) {
        (Some(true), _) | (None, Some(false)) => Outcome::Failed,
        (Some(false) | None, Some(true)) | (Some(false), None) => Outcome::Passed,
        (Some(false), Some(false)) => Outcome::Inconclusive,
        // Neither is given: only the status of an HTTP answer has a meaning of its own.
        (None, None) => match value {
            Value::Number(status) if (200.0..300.0).contains(status) => Outcome::Passed,
            Value::Number(_) | Value::Text(_) => Outcome::Failed,
        },
    })
}

/// Whether all that a comparison asks holds of a value.
fn holds(comparison: &Comparison, value: &Value) -> Result<bool, String> {
    let bound = |text: &String| text.parse::<f64>().map_err(|_| format!("'{text}' is no number"));
    let number = || match value {
        Value::Number(number) => Ok(*number),
        Value::Text(text) => {
            Err(format!("'{text}' is no number and cannot be compared with atMost or atLeast"))
        }
    };
    let mut all = true;
    if let Some(most) = &comparison.at_most {
        all &= number()? <= bound(most)?;
    }
    if let Some(least) = &comparison.at_least {
        all &= number()? >= bound(least)?;
    }
    if let Some(wanted) = &comparison.equals {
        all &= match (value, wanted.parse::<f64>()) {
            (Value::Number(number), Ok(wanted)) => (number - wanted).abs() <= f64::EPSILON * wanted.abs(),
            (Value::Number(_), Err(_)) => false,
            (Value::Text(text), _) => text == wanted,
        };
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn analysis(rules: &str) -> Analysis {
        serde_yaml::from_str(&format!("{{name: a, http: {{url: 'http://x'}}{rules}}}")).unwrap()
    }

    fn outcome(rules: &str, value: f64) -> Outcome {
        judge(&analysis(rules), &Value::Number(value)).unwrap()
    }

    #[test]
    fn what_is_neither_good_nor_bad_is_inconclusive_only_with_both_rules() {
        let (pass, fail) = (", pass: {atMost: '1'}", ", fail: {atLeast: '5'}");
        let both = format!("{pass}{fail}");
        let all = |rules: &str| [0.5, 3.0, 7.0].map(|value| outcome(rules, value));
        assert_eq!(all(pass), [Outcome::Passed, Outcome::Failed, Outcome::Failed]);
        assert_eq!(all(fail), [Outcome::Passed, Outcome::Passed, Outcome::Failed]);
        assert_eq!(all(&both), [Outcome::Passed, Outcome::Inconclusive, Outcome::Failed]);
    }

    #[test]
    fn bounds_are_part_of_the_range_and_a_range_has_two() {
        let range = ", pass: {atLeast: '1', atMost: '2.5'}";
        let all = [0.99, 1.0, 2.5, 2.51].map(|value| outcome(range, value));
        assert_eq!(all, [Outcome::Failed, Outcome::Passed, Outcome::Passed, Outcome::Failed]);
    }

    #[test]
    fn texts_are_equal_or_not_and_never_greater() {
        let equals = analysis(", pass: {equals: ok}");
        assert_eq!(judge(&equals, &Value::Text("ok".into())), Ok(Outcome::Passed));
        assert_eq!(judge(&equals, &Value::Text("no".into())), Ok(Outcome::Failed));
        assert_eq!(outcome(", pass: {equals: '3'}", 3.0), Outcome::Passed);
        let words = judge(&analysis(", pass: {atMost: '1'}"), &Value::Text("high".into())).unwrap_err();
        assert!(words.contains("'high' is no number"), "{words}");
    }

    #[test]
    fn a_status_passes_by_itself_when_it_is_2xx() {
        let all = [199.0, 200.0, 204.0, 301.0, 503.0].map(|status| outcome("", status) == Outcome::Passed);
        assert_eq!(all, [false, true, true, false, false]);
        assert_eq!(outcome(", pass: {equals: '503'}", 503.0), Outcome::Passed);
    }

    proptest! {
        /// Nothing but a number gives an error, and a value is never both.
        #[test]
        fn every_number_is_judged(value in any::<f64>(), most in -1e6_f64..1e6, least in -1e6_f64..1e6) {
            let rules = format!(", pass: {{atMost: '{most:.3}'}}, fail: {{atLeast: '{least:.3}'}}");
            let outcome = judge(&analysis(&rules), &Value::Number(value)).unwrap();
            let (most, least): (f64, f64) = (format!("{most:.3}").parse().unwrap(), format!("{least:.3}").parse().unwrap());
            match outcome {
                Outcome::Failed => prop_assert!(value >= least),
                Outcome::Passed => prop_assert!(value <= most && value < least),
                Outcome::Inconclusive => prop_assert!(value > most && value < least),
                Outcome::Error | Outcome::NoData => prop_assert!(false),
            }
        }
    }
}
