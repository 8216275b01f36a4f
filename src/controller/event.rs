//! Publishes what people want to be told: a phase that changed, a weight that moved, trouble.

use kube::Resource;
use kube::runtime::events::{Event as Published, EventType};

use super::context::Context;
use crate::api::FrappeRelease;
use crate::release::Event;

/// Longest note that the API server takes, in bytes.
const MAX_NOTE: usize = 1024;
/// Longest action that the API server takes, in bytes.
const MAX_ACTION: usize = 128;

/// Publishes an event. A failure is logged only: an event lost must not hold a release.
pub(super) async fn publish(ctx: &Context, release: &FrappeRelease, event: &Event) {
    let published = Published {
        type_: if event.is_warning { EventType::Warning } else { EventType::Normal },
        reason: event.reason.to_owned(),
        note: Some(cut(&event.note, MAX_NOTE)),
        // The recorder takes events of one action for one event, whatever their notes say.
        action: cut(&event.note, MAX_ACTION),
        secondary: None,
    };
    if let Err(error) = ctx.recorder.publish(&published, &release.object_ref(&())).await {
        tracing::warn!(%error, reason = event.reason, "failed to publish an event");
    }
}

fn cut(note: &str, most: usize) -> String {
    let mut end = note.len().min(most);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let note = format!("a{}", "ä".repeat(MAX_NOTE));
        assert!(cut(&note, MAX_NOTE).len() <= MAX_NOTE);
        assert_eq!(cut("short", MAX_NOTE), "short");
    }
}
