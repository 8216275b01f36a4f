//! What is asked for in the middle of a release, or again after it was taken back.

use super::decide;
use super::tests::{annotate, installed, upgrade};
use super::world::World;
use crate::api::Phase;
use crate::api::names::{ANNOTATION_ABORT, ANNOTATION_RETRY};

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

/// A release that somebody has aborted on its way.
fn aborted() -> World {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    for _ in 0..20 {
        world.turn();
    }
    annotate(&mut world, ANNOTATION_ABORT, "2");
    assert_eq!(world.settle().phase, Phase::RolledBack);
    world
}

#[test]
fn what_was_taken_back_is_tried_again_only_when_asked() {
    let mut world = aborted();
    assert!(decide(&world.seen, world.now).actions.is_empty());
    annotate(&mut world, ANNOTATION_RETRY, "again");
    assert_eq!(world.settle().phase, Phase::Complete);
    assert!(world.seen.revisions.contains_key(&3));
}

#[test]
fn what_the_spec_has_left_is_tried_again_when_it_comes_back() {
    // Withdrawn in mid-release, and asked for again at the end or while it still goes back.
    for turns_back in [1, 3, 200] {
        let mut world = installed();
        upgrade(&mut world, "erp:v2");
        for _ in 0..25 {
            world.turn();
        }
        upgrade(&mut world, "erp:v1");
        for _ in 0..turns_back {
            world.turn();
        }
        upgrade(&mut world, "erp:v2");
        assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
        assert_eq!(world.seen.revisions.keys().copied().collect::<Vec<_>>(), [3]);
    }
    // Aborted by hand, given up in the spec, asked for again.
    let mut world = aborted();
    upgrade(&mut world, "erp:v1");
    assert_eq!(world.settle().phase, Phase::Complete);
    assert!(decide(&world.seen, world.now).actions.is_empty());
    upgrade(&mut world, "erp:v2");
    assert_eq!(world.settle().phase, Phase::Complete);
    assert!(world.seen.revisions.contains_key(&3));
}
