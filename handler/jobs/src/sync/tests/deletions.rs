//! An event that is gone at one end is deleted at the other, with proof.

use engine::change::Absence;
use engine::event::EventId;
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::reason::Reason;
use jiff::SignedDuration;
use jiff::civil::date;
use providers::Error;
use records::pair_state::proofs::FirstSign;
use records::problem::PairStatus;

use super::env::{DRY, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, event, on};
use super::{all, reasons};
use crate::report::Verb;

/// A pair with `dentist` and four more; and the name of the copy of `dentist`.
pub async fn dentist(two_way: bool) -> (PairEnv, String) {
    let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
    env.from().put(april("dentist", 1));
    let env = env.with_four().await;
    let copy = env.copy("dentist.ics").await;
    (env, copy)
}

impl PairEnv {
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
        let (env, copy) = dentist(two_way).await;
        env.from().remove("dentist.ics");
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, run.state, env.writes()),
            (1, PairStatus::Ok, vec![format!("Delete {copy}")])
        );
        assert_eq!(
            (run.actions[0].reason, &run.actions[0].calendar),
            (Some(Reason::OriginDeleted), &env.pair.to)
        );
        assert_eq!((env.has("dentist"), env.count()), ([false, false], [4, 4]));
        assert_eq!(
            (env.asked(CalendarCall::Absence), env.asked(CalendarCall::Search)),
            ([1, 0], [0, 0]),
            "a read of its own"
        );
        let proofs = env.proofs().await;
        assert_eq!(
            (proofs.len(), proofs[0].origin.as_str(), proofs[0].deleted),
            (1, "dentist.ics", Some(Role::Copy))
        );
        let proof = &proofs[0].proof;
        assert_eq!(
            (proof.sign, proof.answer, proof.searched),
            (FirstSign::Named, Some(Absence::NotFound), false)
        );
        assert_eq!(proof.calendar, env.pair.from);
        assert_eq!(
            (env.state().await.deletions, env.state().await.copies),
            (Some((date(2026, 3, 10), 1)), 4)
        );
        assert!(!env.has_mapping().await);
        env.rest().await;
    }
}

#[tokio::test]
async fn two_way_an_origin_goes_with_its_copy() {
    let (env, copy) = dentist(true).await;
    env.to().remove(&copy);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, env.writes(), reasons(&run)),
        (1, all(["Delete dentist.ics"]), vec![Reason::CopyDeleted])
    );
    assert_eq!(run.actions[0].calendar, env.pair.from);
    assert_eq!(env.has("dentist"), [false, false]);
    assert_eq!(
        (env.asked(CalendarCall::Absence), env.asked(CalendarCall::Search)),
        ([0, 1], [0, 1]),
        "its UID is searched for as well"
    );
    let proofs = env.proofs().await;
    assert!(
        proofs[0].proof.searched
            && proofs[0].deleted == Some(Role::Origin)
            && proofs[0].proof.calendar == env.pair.to
    );
    env.rest().await;
}

#[tokio::test]
async fn one_way_a_copy_that_was_deleted_stays_away_until_time_or_title_change() {
    let (env, copy) = dentist(false).await;
    env.to().remove(&copy);
    let run = env.pass().await;
    assert_eq!(
        (reasons(&run), env.has("dentist"), run.deleted),
        (vec![Reason::Suppressed], [true, false], 0)
    );
    assert_eq!(
        (env.mapping("dentist.ics").await.state, env.state().await.copies),
        (MappingState::Suppressed, 4)
    );
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    assert_eq!((env.pass().await.created, env.has("dentist")), (0, [true, false]));
    env.rest().await;
    env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    assert_eq!((env.pass().await.created, env.has("orthodontist")), (1, [true, true]));
    assert_eq!(env.copy("dentist.ics").await, copy.replace(".ics", "-1.ics"));
    env.rest().await;
}

#[tokio::test]
async fn a_suppressed_copy_that_is_back_is_the_copy_again() {
    let (env, copy) = dentist(false).await;
    let deleted = env.to().remove(&copy);
    env.pass().await;
    env.to().put(deleted);
    env.pass().await;
    let mapping = env.mapping("dentist.ics").await;
    assert_eq!(
        (mapping.state, mapping.copy.id.as_str(), env.count()),
        (MappingState::Live, copy.as_str(), [5, 5])
    );
    env.rest().await;
}

#[tokio::test]
async fn what_is_named_as_removed_and_is_there_stays() {
    for (two_way, side) in [(false, 0), (true, 0), (true, 1), (false, 1)] {
        let (env, copy) = dentist(two_way).await;
        let id = if side == 0 { EventId::new("dentist.ics") } else { EventId::new(copy) };
        env.remotes[side].lock().said_gone.insert(id.clone());
        env.remotes[side].lock().change(id.as_str(), |_| ());
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, run.state, env.count(), env.writes()),
            (0, PairStatus::Ok, [5, 5], all([]))
        );
        assert_eq!(env.asked(CalendarCall::Absence)[side], 1);
        assert_eq!(env.mapping("dentist.ics").await.state, MappingState::Live);
        env.remotes[side].lock().said_gone.clear();
        env.rest().await;
    }
}

#[tokio::test]
async fn what_a_whole_listing_lacks_and_a_read_finds_stays() {
    for side in [0, 1] {
        let (env, copy) = dentist(true).await;
        let id = if side == 0 { EventId::new("dentist.ics") } else { EventId::new(copy) };
        env.remotes[side].lock().unlisted.insert(id);
        env.remotes[side].lock().forget_cursors();
        let run = env.pass().await;
        assert_eq!((run.deleted, run.state, env.count()), (0, PairStatus::Ok, [5, 5]));
        env.rest().await;
    }
}

#[tokio::test]
async fn what_is_missing_in_a_whole_listing_is_looked_for_by_itself() {
    let env = PairEnv::one_way().await.filled(12).await;
    env.from().forget_cursors();
    env.remove_origins(3..4);
    let run = env.pass().await;
    assert_eq!((run.deleted, env.asked(CalendarCall::Absence), env.count()), (1, [1, 0], [11, 11]));
    assert_eq!(env.proofs().await[0].proof.sign, FirstSign::Missing);
    env.rest().await;
}

#[tokio::test]
async fn without_an_answer_nothing_is_deleted() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        let side = usize::from(two_way);
        if two_way {
            env.to().remove(&copy)
        } else {
            env.from().remove("dentist.ics")
        };
        env.remotes[side]
            .lock()
            .refused
            .insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, reasons(&run), env.writes()),
            (0, vec![Reason::RefusedByServer], all([]))
        );
        let problem = env.problems().await.remove(0);
        assert_eq!(
            (problem.gone, problem.problem.event.as_str()),
            (Some([Role::Origin, Role::Copy][side]), "dentist.ics")
        );
        env.pass().await;
        assert_eq!((env.asked(CalendarCall::Absence), env.problems().await.len()), ([0, 0], 1));
        env.remotes[side].lock().refused.clear();
        env.minutes(2);
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, env.has("dentist"), env.problems().await.len()),
            (1, [false, false], 0)
        );
        assert_eq!(env.proofs().await[0].proof.sign, FirstSign::Earlier);
        env.rest().await;
    }
}

#[tokio::test]
async fn a_copy_that_is_found_by_its_uid_was_not_deleted() {
    let (env, copy) = dentist(true).await;
    let mut moved = env.to().remove(&copy);
    moved.id = EventId::new("moved.ics");
    env.to().put(moved);
    env.to().unlisted.insert(EventId::new("moved.ics"));
    let run = env.pass().await;
    assert_eq!((run.deleted, env.has("dentist")), (0, [true, true]));
    assert_eq!(env.copy("dentist.ics").await, "moved.ics");
    env.to().unlisted.clear();
    env.rest().await;
}

#[tokio::test]
async fn a_search_that_fails_deletes_nothing() {
    let (env, copy) = dentist(true).await;
    env.to().remove(&copy);
    env.to().refused.insert((CalendarCall::Search, None), Error::Refused("not now".into()));
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, env.has("dentist"), reasons(&run)),
        (0, [true, false], vec![Reason::RefusedByServer])
    );
    env.to().refused.clear();
    env.minutes(2);
    assert_eq!(env.pass().await.deleted, 1);
    env.rest().await;
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
        let (env, _) = dentist(two_way).await;
        env.from().change("dentist.ics", |event| set(event, true));
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, reasons(&run), env.has("dentist")),
            (1, vec![reason], [true, false])
        );
        let proof = &env.proofs().await[0].proof;
        assert_eq!(
            (proof.sign, proof.answer, &proof.calendar),
            (FirstSign::Shown, None, &env.pair.from)
        );
        env.rest().await;
        assert_eq!(env.has("dentist"), [true, false]);
        env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
        assert_eq!((env.pass().await.created, env.has("dentist")), (0, [true, false]));
        env.from().change("dentist.ics", |event| set(event, false));
        assert_eq!((env.pass().await.created, env.has("dentist")), (1, [true, true]));
        env.rest().await;
    }
}

#[tokio::test]
async fn where_both_are_gone_there_is_nothing_to_do() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        env.from().remove("dentist.ics");
        env.to().remove(&copy);
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, run.state, env.writes(), env.has_mapping().await),
            (0, PairStatus::Ok, all([]), false)
        );
        assert_eq!(
            (env.proofs().await[0].deleted, env.proofs().await[0].reason),
            (None, Reason::OriginDeleted)
        );
        assert_eq!(env.state().await.copies, 4);
        env.rest().await;
    }
}

#[tokio::test]
async fn an_edit_outlives_a_deletion_on_the_other_side() {
    let (env, copy) = dentist(true).await;
    env.from().remove("dentist.ics");
    env.to().change(&copy, |event| event.content.title = "orthodontist".into());
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, reasons(&run)), (1, 0, vec![Reason::EditWins]));
    assert_eq!((env.has("orthodontist"), env.count()), ([true, true], [5, 5]));
    let made = env.one(0, "orthodontist");
    assert!(made.id.as_str().starts_with("calrelay-r-") && made.marker.is_some());
    env.rest().await;
    env.from().change(made.id.as_str(), |event| event.content.title = "surgeon".into());
    env.pass().await;
    assert_eq!(env.has("surgeon"), [true, true]);
    env.rest().await;
    env.from().remove(made.id.as_str());
    assert_eq!((env.pass().await.deleted, env.count()), (1, [4, 4]));
    env.rest().await;
}

#[tokio::test]
async fn the_copy_is_made_again_where_its_origin_was_edited() {
    let (env, copy) = dentist(true).await;
    env.to().remove(&copy);
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    let run = env.pass().await;
    assert_eq!(
        (run.created, reasons(&run), env.has("dentist")),
        (1, vec![Reason::EditWins], [true, true])
    );
    env.rest().await;
}

#[tokio::test]
async fn one_way_an_edited_copy_goes_with_its_origin() {
    let (env, copy) = dentist(false).await;
    env.from().remove("dentist.ics");
    env.to().change(&copy, |event| event.content.title = "orthodontist".into());
    assert_eq!((env.pass().await.deleted, env.count()), (1, [4, 4]));
    env.rest().await;
}

#[tokio::test]
async fn a_dry_run_deletes_nothing() {
    let (env, _) = dentist(false).await;
    env.from().remove("dentist.ics");
    let before = env.state().await;
    let run = env.run(DRY).await;
    assert_eq!((run.deleted, env.writes(), env.state().await), (1, all([]), before));
    assert_eq!(
        (run.actions[0].action, run.actions[0].reason),
        (Verb::Delete, Some(Reason::OriginDeleted))
    );
    assert_eq!(env.pass().await.deleted, 1);
    env.rest().await;
}

#[tokio::test]
async fn what_is_moved_beyond_the_window_has_no_copy() {
    let (env, _) = dentist(false).await;
    env.from().change("dentist.ics", |event| event.content.span = on(date(2027, 6, 1)));
    env.hands.servers_are_off.store(-16 * 60, std::sync::atomic::Ordering::Relaxed);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, env.has("dentist")),
        (0, [true, true]),
        "a wrong clock moves nothing out of the window"
    );
    env.hands.servers_are_off.store(15 * 60, std::sync::atomic::Ordering::Relaxed);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), env.has("dentist")),
        (1, vec![Reason::OutsideWindow], [true, false])
    );
    env.rest().await;
}

#[tokio::test]
async fn a_wrong_clock_does_not_hinder_other_deletions() {
    let (env, _) = dentist(false).await;
    env.hands.servers_are_off.store(16 * 60, std::sync::atomic::Ordering::Relaxed);
    env.from().remove("dentist.ics");
    assert_eq!((env.pass().await.deleted, env.has("dentist")), (1, [false, false]));
    env.rest().await;
}

#[tokio::test]
async fn what_has_aged_out_of_the_window_stays_on_both_sides() {
    let env = PairEnv::two_way().await;
    env.from().put(event("old", "old", on(date(2025, 12, 20))));
    env.from().put(april("new", 1));
    env.pass().await;
    assert_eq!(env.count(), [2, 2]);
    env.wait(SignedDuration::from_hours(24 * 20));
    let run = env.pass().await;
    assert_eq!((run.deleted, run.state, env.count()), (0, PairStatus::Ok, [2, 2]));
    assert_eq!(env.mapping("old.ics").await.state, MappingState::Archived);
    assert_eq!((env.state().await.copies, env.state().await.archived), (2, 1));
    env.rest().await;
    assert_eq!((env.state().await.copies, env.state().await.archived), (2, 1));
    env.from().change("old.ics", |event| event.content.span = on(date(2026, 4, 2)));
    env.pass().await;
    assert_eq!(
        (env.mapping("old.ics").await.state, env.one(1, "old").content.span),
        (MappingState::Live, on(date(2026, 4, 2)))
    );
    env.rest().await;
}

#[tokio::test]
async fn the_day_of_a_deletion_counts() {
    let (env, _) = dentist(false).await;
    env.from().remove("dentist.ics");
    env.pass().await;
    env.from().remove("e0.ics");
    env.pass().await;
    assert_eq!(env.state().await.deletions, Some((date(2026, 3, 10), 2)));
    env.wait(SignedDuration::from_hours(24));
    env.from().remove("e1.ics");
    env.pass().await;
    assert_eq!(env.state().await.deletions, Some((date(2026, 3, 11), 1)));
    assert_eq!(env.proofs().await.len(), 3);
    env.rest().await;
    env.wait(SignedDuration::from_hours(24 * 31));
    env.pass().await;
    assert_eq!(env.proofs().await.len(), 0, "kept for thirty days");
}

#[tokio::test]
async fn a_missing_event_of_which_the_server_does_not_tell_hinders_no_other() {
    let env = PairEnv::one_way().await.filled(30).await;
    env.from().forget_cursors();
    env.remove_origins(3..5);
    for call in [CalendarCall::Fetch, CalendarCall::Absence] {
        env.from()
            .refused
            .insert((call, Some(EventId::new("e03.ics"))), Error::Refused("not now".into()));
    }
    let run = env.pass().await;
    assert_eq!((run.deleted, run.skipped, env.count()), (1, 1, [28, 29]));
    assert_eq!(env.has("e03"), [false, true]);
    assert!(
        env.proofs().await.iter().all(|row| row.proof.answer.is_some()),
        "the other one is looked for by itself"
    );
    env.from().refused.clear();
    env.minutes(5);
    assert_eq!((env.pass().await.deleted, env.count()), (1, [28, 28]));
    env.rest().await;
}

#[tokio::test]
async fn what_a_wrong_clock_had_in_the_past_is_live_again() {
    let (env, _) = dentist(false).await;
    let days = SignedDuration::from_hours(24 * 150);
    env.wait(days);
    env.pass().await;
    assert_eq!(
        (env.mapping("dentist.ics").await.state, env.count()),
        (MappingState::Archived, [5, 5])
    );
    env.wait(-days);
    env.pass().await;
    assert_eq!(
        (env.mapping("dentist.ics").await.state, env.state().await.copied_by_another),
        (MappingState::Live, 0)
    );
    env.from().remove("dentist.ics");
    assert_eq!((env.pass().await.deleted, env.count()), (1, [4, 4]));
}
