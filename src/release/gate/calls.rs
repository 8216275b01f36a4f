//! The calls of one webhook at one point: what was answered, and when to call again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::api::webhook::Webhook;

/// Characters of an answer that are kept.
const WORDS: usize = 200;
/// The longest pause between two tries.
const LONGEST_PAUSE: u32 = 60;

/// What a webhook answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 2xx.
    Agreed,
    /// Another status, with the beginning of its body.
    Refused(String),
    /// None in time, or no connection.
    Silent(String),
}

impl Answer {
    /// Its kind, as traces call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Agreed => "Agreed",
            Self::Refused(_) => "Refused",
            Self::Silent(_) => "Silent",
        }
    }
}

/// The calls of one webhook at one point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// Name of the webhook.
    pub webhook: String,
    /// Calls that were answered, or not.
    pub calls: u32,
    /// When it was called first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// When it was called last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// Whether it has answered with 2xx.
    #[serde(default)]
    pub is_agreed: bool,
    /// What else it answered last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

/// What comes next for a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is called.
    Call,
    /// It is called in so many seconds.
    Wait(u64),
    /// It has agreed.
    Agreed,
    /// It has not, and is not called again.
    GivenUp,
}

/// Seconds between a call that was not agreed to and the next, by the number of calls so far.
pub const fn pause(calls: u32) -> u32 {
    let seconds = 2_u32.saturating_pow(calls);
    if seconds < LONGEST_PAUSE { seconds } else { LONGEST_PAUSE }
}

impl Calls {
    /// Calls that begin.
    pub fn new(webhook: &str) -> Self {
        Self { webhook: webhook.to_owned(), ..Self::default() }
    }

    /// The calls with one more answer.
    #[must_use]
    pub fn take(&self, answer: Answer, now: Timestamp) -> Self {
        let (is_agreed, words) = match answer {
            Answer::Agreed => (true, String::new()),
            Answer::Refused(words) | Answer::Silent(words) => (false, words),
        };
        Self {
            webhook: self.webhook.clone(),
            calls: self.calls + 1,
            began: self.began.or(Some(now)),
            last: Some(now),
            is_agreed,
            answer: words.chars().take(WORDS).collect(),
        }
    }

    pub(super) fn next(&self, hook: &Webhook, now: Timestamp) -> Next {
        if self.is_agreed {
            return Next::Agreed;
        }
        let Some(last) = self.last else { return Next::Call };
        let seconds = if hook.at.is_confirmation() {
            hook.interval_seconds
        } else if self.calls > hook.retries {
            return Next::GivenUp;
        } else {
            pause(self.calls)
        };
        let due = last.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(last);
        let left = due.as_second() - now.as_second();
        u64::try_from(left).ok().filter(|left| *left > 0).map_or(Next::Call, Next::Wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(rest: &str) -> Webhook {
        serde_yaml::from_str(&format!("{{name: gate, url: 'http://x', {rest}}}")).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Seconds at which a webhook that always refuses is called, within an hour.
    fn called(hook: &Webhook) -> Vec<i64> {
        let (mut calls, mut when) = (Calls::new("gate"), Vec::new());
        for second in 0..3600 {
            if calls.next(hook, at(second)) == Next::Call {
                when.push(second);
                calls = calls.take(Answer::Refused("503: not yet".into()), at(second));
            }
        }
        when
    }

    #[test]
    fn a_confirmation_is_asked_for_ever_and_others_with_growing_pauses() {
        assert_eq!(called(&hook("at: PreRollout, retries: 6")), [0, 2, 6, 14, 30, 62, 122]);
        assert_eq!(called(&hook("at: Rollback, retries: 0")), [0]);
        for point in ["ConfirmRollout", "ConfirmTrafficIncrease", "ConfirmPromotion", "BeforeContract"] {
            assert_eq!(called(&hook(&format!("at: {point}, intervalSeconds: 60"))).len(), 60, "{point}");
        }
    }

    #[test]
    fn one_that_agreed_is_not_called_again() {
        let calls =
            Calls::new("gate").take(Answer::Silent("refused".into()), at(0)).take(Answer::Agreed, at(9));
        assert_eq!((calls.next(&hook("at: ConfirmRollout"), at(99)), calls.calls), (Next::Agreed, 2));
        assert_eq!((calls.began, calls.answer.as_str()), (Some(at(0)), ""));
    }

    #[test]
    fn one_that_failed_too_often_is_given_up() {
        let hook = hook("at: PreRollout, retries: 1");
        let once = Calls::new("gate").take(Answer::Refused("503".into()), at(0));
        assert_eq!(once.next(&hook, at(0)), Next::Wait(2));
        assert_eq!(once.take(Answer::Refused("503".into()), at(2)).next(&hook, at(2)), Next::GivenUp);
    }
}
