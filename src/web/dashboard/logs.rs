//! The progress that a running Job tells in its log, followed line by line.

use futures::io::AsyncBufReadExt as _;
use futures::stream::{self, BoxStream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use super::watch::{Step, What};
use crate::controller::people;
use crate::manifest::job::CONTAINER;
use crate::release::Progress;

/// Lines that are read from before: the last progress is among them.
const LINES: i64 = 20;

/// What a Pod tells until its log ends.
pub(super) fn told(api: Api<Pod>, pod: String) -> BoxStream<'static, Step> {
    let begin = async move {
        let params = LogParams {
            container: Some(CONTAINER.to_owned()),
            follow: true,
            tail_lines: Some(LINES),
            ..LogParams::default()
        };
        match api.log_stream(&pod, &params).await {
            Ok(log) => {
                let lines = log.lines().filter_map(|line| async { line.ok() });
                let told = move |line: String| {
                    let told = Progress::of_line(&line).map(|progress| Step::Told(pod.clone(), progress));
                    async { told }
                };
                lines.filter_map(told).boxed()
            }
            // A container that is not there any more has nothing to tell.
            Err(error) => {
                stream::iter(people::refusal(&error).map(|words| Step::Failed(What::Logs, words))).boxed()
            }
        }
    };
    stream::once(begin).flatten().boxed()
}
