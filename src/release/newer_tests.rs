//! Something newer is asked for in the middle of a release.

use super::tests::{annotate, installed, upgrade};
use crate::api::Phase;
use crate::api::names::ANNOTATION_ABORT;

#[test]
fn a_newer_image_in_the_middle_waits_until_this_release_is_over() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    for _ in 0..25 {
        world.turn();
    }
    upgrade(&mut world, "erp:v3");
    let said = world.turn().status.message;
    assert!(said.ends_with("; then erp:v3 is released, which was asked for meanwhile"), "{said}");
    assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
    assert_eq!(world.seen.revisions[&3].record.blue, Some(2));
    assert_eq!(world.seen.revisions[&3].record.template.image, "erp:v3");
}

#[test]
fn a_newer_image_begins_from_blue_when_this_release_is_taken_back() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    for _ in 0..25 {
        world.turn();
    }
    upgrade(&mut world, "erp:v3");
    annotate(&mut world, ANNOTATION_ABORT, "2");
    assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
    assert_eq!(world.seen.revisions[&3].record.blue, Some(1));
}
