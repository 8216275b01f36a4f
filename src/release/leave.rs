//! How a FrappeRelease that is deleted leaves Pods that another tool runs (`spec.adopted`): they serve on by that tool's
//! route, and nothing may be taken from under it.

use std::time::Duration;

use jiff::Timestamp;

use super::decide::Verdict;
use super::phase::left_to_settle;
use super::status::Say;
use super::{Action, Observed, RecordState, bridge};
use crate::api::Phase;

/// What is to be done before the FrappeRelease may go; `None` when it may. Of Pods of its own nothing stays, so they go
/// with it, in whatever order.
///
/// Every proxy learns first where the other tool's route leads to. Then our route goes, and its Services some seconds later,
/// with the FrappeRelease: a proxy that learns of both at once may have the route for a moment longer, and no Pod behind it.
pub(super) fn leave(seen: &Observed, now: Timestamp) -> Option<(Option<u32>, Verdict)> {
    let (number, revision) = seen.revisions.iter().rev().find(|(_, revision)| {
        revision.record.template.adopted.is_some()
            && matches!(revision.record.state, RecordState::Active | RecordState::Leaving { .. })
    })?;
    let (action, words) = match (&seen.route, &revision.record.state) {
        (Some(_), _) => bridge::build(seen, now)
            .unwrap_or_else(|| (Some(Action::NoRoute), "removing the route".to_owned())),
        (None, RecordState::Leaving { since }) if left_to_settle(*since, now) <= 0 => return None,
        (None, RecordState::Leaving { .. }) => {
            (None, "the route is gone, every proxy learns of it".to_owned())
        }
        (None, _) => {
            let mut record = Box::new(revision.record.clone());
            record.state = RecordState::Leaving { since: now };
            (Some(Action::Record { revision: *number, record }), "the route is gone".to_owned())
        }
    };
    let verdict = Verdict {
        phase: Phase::Complete,
        actions: action.into_iter().collect(),
        say: Say::going(&format!("deleted: {words}")),
        recheck: Duration::from_secs(1),
        event: None,
    };
    Some((Some(*number), verdict))
}
