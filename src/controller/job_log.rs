//! Last words of Jobs: read from the log of the newest Pod, not more often than people look.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, ResourceExt};

use super::seen;
use crate::manifest::job::CONTAINER;
use crate::release::Progress;

/// A log is read again after this time.
const FRESH: Duration = Duration::from_secs(3);
/// What is not asked for any more is forgotten after this time.
const KEPT: Duration = Duration::from_mins(10);
/// Lines read from the end of a log.
const LINES: i64 = 20;

/// The progress of running Jobs by the Pod's uid, with the time it was read.
#[derive(Debug, Default)]
pub(super) struct JobLogs {
    read: Mutex<HashMap<String, (Instant, Option<Progress>)>>,
}

impl JobLogs {
    /// The last progress line of a running Pod. A log that cannot be read is no error: the Job goes on without us.
    pub(super) async fn progress(&self, api: &Api<Pod>, pod: &Pod) -> Option<Progress> {
        let uid = pod.uid()?;
        if let Some((at, known)) = self.last(&uid)
            && at.elapsed() < FRESH
        {
            return known;
        }
        let params = LogParams {
            container: Some(CONTAINER.to_owned()),
            tail_lines: Some(LINES),
            ..LogParams::default()
        };
        let progress = match api.logs(&pod.name_any(), &params).await {
            Ok(log) => seen::last_progress(&log),
            Err(error) => {
                tracing::debug!(pod = pod.name_any(), %error, "the log cannot be read yet");
                None
            }
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.retain(|_, (at, _)| at.elapsed() < KEPT);
        read.insert(uid, (Instant::now(), progress.clone()));
        progress
    }

    fn last(&self, uid: &str) -> Option<(Instant, Option<Progress>)> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }
}
