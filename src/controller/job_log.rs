//! Last words of Jobs and of the relay: read from the log of the newest Pod, not more often than people look.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, ResourceExt};

use super::seen;
use crate::api::figures::{Figures, RelayFigures};
use crate::release::Progress;

/// A log is read again after this time.
const FRESH: Duration = Duration::from_secs(3);
/// What is not asked for any more is forgotten after this time, and what has ended is read again.
const KEPT: Duration = Duration::from_mins(10);
/// Lines read from the end of a log.
const LINES: i64 = 20;

/// What the end of a log says.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// The last progress line.
    pub(super) progress: Option<Progress>,
    /// What was counted.
    pub(super) figures: Option<Figures>,
    /// What a relay has counted.
    pub(super) relay: Option<RelayFigures>,
}

/// The words of Pods by their uid and whether they have ended, with the time they were read.
#[derive(Debug, Default)]
pub(super) struct JobLogs {
    read: Mutex<HashMap<(String, bool), (Instant, Words)>>,
}

impl JobLogs {
    /// The last words of a container. A log that cannot be read is no error: the Job goes on without us.
    pub(super) async fn words(&self, api: &Api<Pod>, pod: &Pod, container: &str, has_ended: bool) -> Words {
        let Some(uid) = pod.uid() else { return Words::default() };
        let (key, fresh) = ((uid, has_ended), if has_ended { KEPT } else { FRESH });
        if let Some((at, known)) = self.last(&key)
            && at.elapsed() < fresh
        {
            return known;
        }
        let params = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(LINES),
            ..LogParams::default()
        };
        let words = match api.logs(&pod.name_any(), &params).await {
            Ok(log) => Words {
                progress: seen::last_progress(&log),
                figures: seen::last_figures(&log),
                relay: seen::last_relay_figures(&log),
            },
            Err(error) => {
                tracing::debug!(pod = pod.name_any(), %error, "the log cannot be read yet");
                Words::default()
            }
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.retain(|_, (at, _)| at.elapsed() < KEPT);
        read.insert(key, (Instant::now(), words.clone()));
        words
    }

    fn last(&self, key: &(String, bool)) -> Option<(Instant, Words)> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
}
