//! What is gone on one side goes on the other, with proof.

use engine::change::Absence;
use engine::event::EventId;
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::reason::Reason;
use jiff::SignedDuration;
use jiff::civil::date;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::{april, event, on};
use super::world::{DRY, World};
use super::{all, reasons};
use crate::report::Verb;
use records::pair_state::proofs::FirstSign;
use records::problem::PairStatus;

/// A pair with `dentist` and four more; and the name of the copy of `dentist`.
pub async fn dentist(two_way: bool) -> (World, String) {
    let world = if two_way { World::two_way().await } else { World::one_way().await };
    world.from().put(april("dentist", 1));
    let world = world.with_four().await;
    let copy = world.copy("dentist.ics").await;
    (world, copy)
}

impl World {
    async fn with_four(self) -> Self {
        for n in 0..4 {
            self.from().put(april(&format!("e{n}"), 2 + n));
        }
        self.pass().await;
        self
    }

    /// Whether both calendars hold `dentist`.
    pub fn has(&self, title: &str) -> [bool; 2] {
        self.titles().map(|titles| titles.iter().any(|one| one == title))
    }

    pub async fn has_mapping(&self) -> bool {
        self.mappings().await.iter().any(|mapping| mapping.origin.id.as_str() == "dentist.ics")
    }
}

#[tokio::test]
async fn a_copy_goes_with_its_origin() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        world.from().remove("dentist.ics");
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, run.state, world.writes()),
            (1, PairStatus::Ok, vec![format!("Delete {copy}")])
        );
        assert_eq!(
            (run.actions[0].reason, &run.actions[0].calendar),
            (Some(Reason::OriginDeleted), &world.pair.to)
        );
        assert_eq!((world.has("dentist"), world.count()), ([false, false], [4, 4]));
        assert_eq!(
            (world.asked(CalendarCall::Absence), world.asked(CalendarCall::Search)),
            ([1, 0], [0, 0]),
            "a read of its own"
        );
        let proofs = world.proofs().await;
        assert_eq!(
            (proofs.len(), proofs[0].origin.as_str(), proofs[0].deleted),
            (1, "dentist.ics", Some(Role::Copy))
        );
        let proof = &proofs[0].proof;
        assert_eq!(
            (proof.sign, proof.answer, proof.searched),
            (FirstSign::Named, Some(Absence::NotFound), false)
        );
        assert_eq!(proof.calendar, world.pair.from);
        assert_eq!(
            (world.state().await.deletions, world.state().await.copies),
            (Some((date(2026, 3, 10), 1)), 4)
        );
        assert!(!world.has_mapping().await);
        world.rest().await;
    }
}

#[tokio::test]
async fn two_way_an_origin_goes_with_its_copy() {
    let (world, copy) = dentist(true).await;
    world.to().remove(&copy);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, world.writes(), reasons(&run)),
        (1, all(["Delete dentist.ics"]), vec![Reason::CopyDeleted])
    );
    assert_eq!(run.actions[0].calendar, world.pair.from);
    assert_eq!(world.has("dentist"), [false, false]);
    assert_eq!(
        (world.asked(CalendarCall::Absence), world.asked(CalendarCall::Search)),
        ([0, 1], [0, 1]),
        "its UID is searched for as well"
    );
    let proofs = world.proofs().await;
    assert!(
        proofs[0].proof.searched
            && proofs[0].deleted == Some(Role::Origin)
            && proofs[0].proof.calendar == world.pair.to
    );
    world.rest().await;
}

#[tokio::test]
async fn one_way_a_copy_that_was_deleted_stays_away_until_time_or_title_change() {
    let (world, copy) = dentist(false).await;
    world.to().remove(&copy);
    let run = world.pass().await;
    assert_eq!(
        (reasons(&run), world.has("dentist"), run.deleted),
        (vec![Reason::Suppressed], [true, false], 0)
    );
    assert_eq!(
        (world.mapping("dentist.ics").await.state, world.state().await.copies),
        (MappingState::Suppressed, 4)
    );
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    assert_eq!((world.pass().await.created, world.has("dentist")), (0, [true, false]));
    world.rest().await;
    world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    assert_eq!((world.pass().await.created, world.has("orthodontist")), (1, [true, true]));
    assert_eq!(world.copy("dentist.ics").await, copy.replace(".ics", "-1.ics"));
    world.rest().await;
}

#[tokio::test]
async fn a_suppressed_copy_that_is_back_is_the_copy_again() {
    let (world, copy) = dentist(false).await;
    let deleted = world.to().remove(&copy);
    world.pass().await;
    world.to().put(deleted);
    world.pass().await;
    let mapping = world.mapping("dentist.ics").await;
    assert_eq!(
        (mapping.state, mapping.copy.id.as_str(), world.count()),
        (MappingState::Live, copy.as_str(), [5, 5])
    );
    world.rest().await;
}

#[tokio::test]
async fn what_is_named_as_removed_and_is_there_stays() {
    for (two_way, side) in [(false, 0), (true, 0), (true, 1), (false, 1)] {
        let (world, copy) = dentist(two_way).await;
        let id = if side == 0 { EventId::new("dentist.ics") } else { EventId::new(copy) };
        world.remotes[side].lock().said_gone.insert(id.clone());
        world.remotes[side].lock().change(id.as_str(), |_| ());
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, run.state, world.count(), world.writes()),
            (0, PairStatus::Ok, [5, 5], all([]))
        );
        assert_eq!(world.asked(CalendarCall::Absence)[side], 1);
        assert_eq!(world.mapping("dentist.ics").await.state, MappingState::Live);
        world.remotes[side].lock().said_gone.clear();
        world.rest().await;
    }
}

#[tokio::test]
async fn what_a_whole_listing_lacks_and_a_read_finds_stays() {
    for side in [0, 1] {
        let (world, copy) = dentist(true).await;
        let id = if side == 0 { EventId::new("dentist.ics") } else { EventId::new(copy) };
        world.remotes[side].lock().unlisted.insert(id);
        world.remotes[side].lock().forget_cursors();
        let run = world.pass().await;
        assert_eq!((run.deleted, run.state, world.count()), (0, PairStatus::Ok, [5, 5]));
        world.rest().await;
    }
}

#[tokio::test]
async fn what_is_missing_in_a_whole_listing_is_looked_for_by_itself() {
    let world = World::one_way().await.filled(12).await;
    world.from().forget_cursors();
    world.remove_origins(3..4);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, world.asked(CalendarCall::Absence), world.count()),
        (1, [1, 0], [11, 11])
    );
    assert_eq!(world.proofs().await[0].proof.sign, FirstSign::Missing);
    world.rest().await;
}

#[tokio::test]
async fn without_an_answer_nothing_is_deleted() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        let side = usize::from(two_way);
        if two_way {
            world.to().remove(&copy)
        } else {
            world.from().remove("dentist.ics")
        };
        world.remotes[side]
            .lock()
            .refused
            .insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, reasons(&run), world.writes()),
            (0, vec![Reason::RefusedByServer], all([]))
        );
        let problem = world.problems().await.remove(0);
        assert_eq!(
            (problem.gone, problem.problem.event.as_str()),
            (Some([Role::Origin, Role::Copy][side]), "dentist.ics")
        );
        world.pass().await;
        assert_eq!((world.asked(CalendarCall::Absence), world.problems().await.len()), ([0, 0], 1));
        world.remotes[side].lock().refused.clear();
        world.minutes(2);
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, world.has("dentist"), world.problems().await.len()),
            (1, [false, false], 0)
        );
        assert_eq!(world.proofs().await[0].proof.sign, FirstSign::Earlier);
        world.rest().await;
    }
}

#[tokio::test]
async fn a_copy_that_is_found_by_its_uid_was_not_deleted() {
    let (world, copy) = dentist(true).await;
    let mut moved = world.to().remove(&copy);
    moved.id = EventId::new("moved.ics");
    world.to().put(moved);
    world.to().unlisted.insert(EventId::new("moved.ics"));
    let run = world.pass().await;
    assert_eq!((run.deleted, world.has("dentist")), (0, [true, true]));
    assert_eq!(world.copy("dentist.ics").await, "moved.ics");
    world.to().unlisted.clear();
    world.rest().await;
}

#[tokio::test]
async fn a_search_that_fails_deletes_nothing() {
    let (world, copy) = dentist(true).await;
    world.to().remove(&copy);
    world.to().refused.insert((CalendarCall::Search, None), Error::Refused("not now".into()));
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, world.has("dentist"), reasons(&run)),
        (0, [true, false], vec![Reason::RefusedByServer])
    );
    world.to().refused.clear();
    world.minutes(2);
    assert_eq!(world.pass().await.deleted, 1);
    world.rest().await;
}

#[tokio::test]
async fn what_was_declined_or_cancelled_has_no_copy_until_it_is_accepted() {
    for (reason, two_way) in [
        (Reason::Declined, false),
        (Reason::Declined, true),
        (Reason::Cancelled, false),
        (Reason::Cancelled, true),
    ] {
        let set = |event: &mut engine::event::Event, on| {
            if reason == Reason::Declined { event.declined = on } else { event.cancelled = on }
        };
        let (world, _) = dentist(two_way).await;
        world.from().change("dentist.ics", |event| set(event, true));
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, reasons(&run), world.has("dentist")),
            (1, vec![reason], [true, false])
        );
        let proof = &world.proofs().await[0].proof;
        assert_eq!(
            (proof.sign, proof.answer, &proof.calendar),
            (FirstSign::Shown, None, &world.pair.from)
        );
        world.rest().await;
        assert_eq!(world.has("dentist"), [true, false]);
        world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
        assert_eq!((world.pass().await.created, world.has("dentist")), (0, [true, false]));
        world.from().change("dentist.ics", |event| set(event, false));
        assert_eq!((world.pass().await.created, world.has("dentist")), (1, [true, true]));
        world.rest().await;
    }
}

#[tokio::test]
async fn where_both_are_gone_there_is_nothing_to_do() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        world.from().remove("dentist.ics");
        world.to().remove(&copy);
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, run.state, world.writes(), world.has_mapping().await),
            (0, PairStatus::Ok, all([]), false)
        );
        assert_eq!(
            (world.proofs().await[0].deleted, world.proofs().await[0].reason),
            (None, Reason::OriginDeleted)
        );
        assert_eq!(world.state().await.copies, 4);
        world.rest().await;
    }
}

#[tokio::test]
async fn an_edit_outlives_a_deletion_on_the_other_side() {
    let (world, copy) = dentist(true).await;
    world.from().remove("dentist.ics");
    world.to().change(&copy, |event| event.content.title = "orthodontist".into());
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, reasons(&run)), (1, 0, vec![Reason::EditWins]));
    assert_eq!((world.has("orthodontist"), world.count()), ([true, true], [5, 5]));
    let made = world.one(0, "orthodontist");
    assert!(made.id.as_str().starts_with("calrelay-r-") && made.marker.is_some());
    world.rest().await;
    world.from().change(made.id.as_str(), |event| event.content.title = "surgeon".into());
    world.pass().await;
    assert_eq!(world.has("surgeon"), [true, true]);
    world.rest().await;
    world.from().remove(made.id.as_str());
    assert_eq!((world.pass().await.deleted, world.count()), (1, [4, 4]));
    world.rest().await;
}

#[tokio::test]
async fn the_copy_is_made_again_where_its_origin_was_edited() {
    let (world, copy) = dentist(true).await;
    world.to().remove(&copy);
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    let run = world.pass().await;
    assert_eq!(
        (run.created, reasons(&run), world.has("dentist")),
        (1, vec![Reason::EditWins], [true, true])
    );
    world.rest().await;
}

#[tokio::test]
async fn one_way_an_edited_copy_goes_with_its_origin() {
    let (world, copy) = dentist(false).await;
    world.from().remove("dentist.ics");
    world.to().change(&copy, |event| event.content.title = "orthodontist".into());
    assert_eq!((world.pass().await.deleted, world.count()), (1, [4, 4]));
    world.rest().await;
}

#[tokio::test]
async fn a_dry_run_deletes_nothing() {
    let (world, _) = dentist(false).await;
    world.from().remove("dentist.ics");
    let before = world.state().await;
    let run = world.run(DRY).await;
    assert_eq!((run.deleted, world.writes(), world.state().await), (1, all([]), before));
    assert_eq!(
        (run.actions[0].action, run.actions[0].reason),
        (Verb::Delete, Some(Reason::OriginDeleted))
    );
    assert_eq!(world.pass().await.deleted, 1);
    world.rest().await;
}

#[tokio::test]
async fn what_is_moved_beyond_the_window_has_no_copy() {
    let (world, _) = dentist(false).await;
    world.from().change("dentist.ics", |event| event.content.span = on(date(2027, 6, 1)));
    world.hands.servers_are_off.store(-16 * 60, std::sync::atomic::Ordering::Relaxed);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, world.has("dentist")),
        (0, [true, true]),
        "a wrong clock moves nothing out of the window"
    );
    world.hands.servers_are_off.store(15 * 60, std::sync::atomic::Ordering::Relaxed);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), world.has("dentist")),
        (1, vec![Reason::OutsideWindow], [true, false])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_wrong_clock_does_not_hinder_other_deletions() {
    let (world, _) = dentist(false).await;
    world.hands.servers_are_off.store(16 * 60, std::sync::atomic::Ordering::Relaxed);
    world.from().remove("dentist.ics");
    assert_eq!((world.pass().await.deleted, world.has("dentist")), (1, [false, false]));
    world.rest().await;
}

#[tokio::test]
async fn what_has_aged_out_of_the_window_stays_on_both_sides() {
    let world = World::two_way().await;
    world.from().put(event("old", "old", on(date(2025, 12, 20))));
    world.from().put(april("new", 1));
    world.pass().await;
    assert_eq!(world.count(), [2, 2]);
    world.wait(SignedDuration::from_hours(24 * 20));
    let run = world.pass().await;
    assert_eq!((run.deleted, run.state, world.count()), (0, PairStatus::Ok, [2, 2]));
    assert_eq!(world.mapping("old.ics").await.state, MappingState::Archived);
    assert_eq!((world.state().await.copies, world.state().await.archived), (2, 1));
    world.rest().await;
    assert_eq!((world.state().await.copies, world.state().await.archived), (2, 1));
    world.from().change("old.ics", |event| event.content.span = on(date(2026, 4, 2)));
    world.pass().await;
    assert_eq!(
        (world.mapping("old.ics").await.state, world.one(1, "old").content.span),
        (MappingState::Live, on(date(2026, 4, 2)))
    );
    world.rest().await;
}

#[tokio::test]
async fn the_day_of_a_deletion_counts() {
    let (world, _) = dentist(false).await;
    world.from().remove("dentist.ics");
    world.pass().await;
    world.from().remove("e0.ics");
    world.pass().await;
    assert_eq!(world.state().await.deletions, Some((date(2026, 3, 10), 2)));
    world.wait(SignedDuration::from_hours(24));
    world.from().remove("e1.ics");
    world.pass().await;
    assert_eq!(world.state().await.deletions, Some((date(2026, 3, 11), 1)));
    assert_eq!(world.proofs().await.len(), 3);
    world.rest().await;
    world.wait(SignedDuration::from_hours(24 * 31));
    world.pass().await;
    assert_eq!(world.proofs().await.len(), 0, "kept for thirty days");
}

#[tokio::test]
async fn a_missing_event_of_which_the_server_does_not_tell_hinders_no_other() {
    let world = World::one_way().await.filled(30).await;
    world.from().forget_cursors();
    world.remove_origins(3..5);
    for call in [CalendarCall::Fetch, CalendarCall::Absence] {
        world
            .from()
            .refused
            .insert((call, Some(EventId::new("e03.ics"))), Error::Refused("not now".into()));
    }
    let run = world.pass().await;
    assert_eq!((run.deleted, run.skipped, world.count()), (1, 1, [28, 29]));
    assert_eq!(world.has("e03"), [false, true]);
    assert!(
        world.proofs().await.iter().all(|row| row.proof.answer.is_some()),
        "the other one is looked for by itself"
    );
    world.from().refused.clear();
    world.minutes(5);
    assert_eq!((world.pass().await.deleted, world.count()), (1, [28, 28]));
    world.rest().await;
}

#[tokio::test]
async fn what_a_wrong_clock_had_in_the_past_is_live_again() {
    let (world, _) = dentist(false).await;
    let days = SignedDuration::from_hours(24 * 150);
    world.wait(days);
    world.pass().await;
    assert_eq!(
        (world.mapping("dentist.ics").await.state, world.count()),
        (MappingState::Archived, [5, 5])
    );
    world.wait(-days);
    world.pass().await;
    assert_eq!(
        (world.mapping("dentist.ics").await.state, world.state().await.copied_by_another),
        (MappingState::Live, 0)
    );
    world.from().remove("dentist.ics");
    assert_eq!((world.pass().await.deleted, world.count()), (1, [4, 4]));
}
