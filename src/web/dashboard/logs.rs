//! What a running Job or a relay tells in its log, followed line by line.

use futures::io::AsyncBufReadExt as _;
use futures::stream::{self, BoxStream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use super::told::Line;
use super::watch::{Step, What};
use crate::api::figures::RelayFigures;
use crate::controller::people;
use crate::manifest::RELAY;
use crate::manifest::job::CONTAINER;

/// Lines that are read of a relay from before: the last figures are among them.
const LINES: i64 = 20;

/// All that a Job's Pod has told and tells until its log ends. The kubelet keeps no more than 10 MiB of it by default
/// (`containerLogMaxSize`).
pub(super) fn told(api: Api<Pod>, pod: String) -> BoxStream<'static, Step> {
    followed(api, pod, CONTAINER, None, |pod, line| {
        Line::of(line).map(|line| Step::Told(pod.to_owned(), line))
    })
}

/// What a relay's Pod counts until its log ends.
pub(super) fn counted(api: Api<Pod>, pod: String) -> BoxStream<'static, Step> {
    followed(api, pod, RELAY, Some(LINES), |pod, line| {
        RelayFigures::of_line(line).map(|figures| Step::Counted(pod.to_owned(), figures))
    })
}

fn followed(
    api: Api<Pod>,
    pod: String,
    container: &'static str,
    from_before: Option<i64>,
    read: fn(&str, &str) -> Option<Step>,
) -> BoxStream<'static, Step> {
    let begin = async move {
        let params = LogParams {
            container: Some(container.to_owned()),
            follow: true,
            tail_lines: from_before,
            ..LogParams::default()
        };
        match api.log_stream(&pod, &params).await {
            Ok(log) => {
                let lines = log.lines().filter_map(|line| async { line.ok() });
                let read = move |line: String| {
                    let read = read(&pod, &line);
                    async { read }
                };
                lines.filter_map(read).boxed()
            }
            // A container that is not there any more has nothing to tell.
            Err(error) => {
                stream::iter(people::refusal(&error).map(|words| Step::Failed(What::Logs, words))).boxed()
            }
        }
    };
    stream::once(begin).flatten().boxed()
}
