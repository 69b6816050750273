//! Unusually many deletions, and calendars that were emptied, wait for their owner.

use std::sync::atomic::Ordering;

use engine::event::EventId;
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::plan::Answer;
use engine::reason::Reason;
use jiff::civil::date;
use providers::Error;

use super::all;
use super::calendar::CalendarCall;
use super::events::april;
use super::world::{CONFIRMED, DRY, FULL, OPTIONS, World};
use crate::report::Run;
use crate::report::Verb;
use crate::sync::SyncOptions;
use records::problem::HeldKind;
use records::problem::PairStatus;

const MAKE_AGAIN: SyncOptions = SyncOptions { answer: Some(Answer::MakeAgain), ..OPTIONS };
const LEAVE_OUT: SyncOptions = SyncOptions { answer: Some(Answer::LeaveOut), ..OPTIONS };

fn holds(run: &Run) -> usize {
    run.actions.iter().filter(|action| action.action == Verb::Hold).count()
}

fn held(run: &Run) -> Option<(HeldKind, u64, u64)> {
    assert_eq!(run.state == PairStatus::Held, run.held.is_some());
    run.held.as_ref().map(|held| (held.kind, held.deletions, held.of))
}

#[tokio::test]
async fn ten_deletions_are_made_and_eleven_of_forty_wait() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..10);
    let run = world.pass().await;
    assert_eq!((run.deleted, held(&run), world.count()), (10, None, [30, 30]));
    world.remove_origins(10..21);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, held(&run), world.writes()),
        (0, Some((HeldKind::Deletions, 11, 30)), all([]))
    );
    assert_eq!((holds(&run), world.count()), (11, [19, 30]));
    assert_eq!(
        (run.actions[0].reason, &run.actions[0].calendar),
        (Some(Reason::OriginDeleted), &world.pair.to)
    );
    let since = world.state().await.held.unwrap().since;
    let run = world.pass().await;
    assert_eq!(
        (held(&run), holds(&run), world.writes()),
        (Some((HeldKind::Deletions, 11, 30)), 11, all([]))
    );
    assert_eq!(
        (world.state().await.held.unwrap().since, world.state().await.status),
        (since, Some(PairStatus::Held))
    );
    let run = world.run(CONFIRMED).await;
    assert_eq!((run.deleted, held(&run), world.count()), (11, None, [19, 19]));
    assert_eq!(world.state().await.held, None);
    assert!(
        world.proofs().await.iter().all(|row| row.proof.answer.is_some()),
        "each with its own proof"
    );
    world.rest().await;
}

#[tokio::test]
async fn a_hold_does_not_hinder_the_others() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..11);
    world.from().change("e30.ics", |event| event.content.title = "changed".into());
    world.from().put(april("new", 9));
    let run = world.pass().await;
    assert_eq!((run.created, run.changed, run.deleted, holds(&run)), (1, 1, 0, 11));
    assert_eq!(
        world.titles()[1]
            .iter()
            .filter(|title| ["changed", "new"].contains(&title.as_str()))
            .count(),
        2
    );
}

#[tokio::test]
async fn a_second_look_releases_what_both_have_seen() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..11);
    world.pass().await;
    world.minutes(8);
    assert_eq!(holds(&world.pass().await), 11, "nine minutes later");
    world.hands.servers_are_off.store(16 * 60, Ordering::Relaxed);
    assert_eq!(holds(&world.pass().await), 11, "the clock is wrong");
    world.hands.servers_are_off.store(0, Ordering::Relaxed);
    let run = world.pass().await;
    assert_eq!((run.deleted, held(&run), world.count()), (11, None, [29, 29]));
    world.rest().await;
}

#[tokio::test]
async fn what_is_back_ends_the_question() {
    let world = World::one_way().await.filled(40).await;
    let gone: Vec<_> = (0..11).map(|n| world.from().remove(&format!("e{n:02}.ics"))).collect();
    world.pass().await;
    gone.into_iter().for_each(|event| world.from().restore(event));
    let run = world.pass().await;
    assert_eq!((held(&run), run.deleted, world.count()), (None, 0, [40, 40]));
    world.rest().await;
}

#[tokio::test]
async fn a_confirmation_covers_what_was_shown() {
    let world = World::one_way().await.filled(60).await;
    world.remove_origins(0..16);
    assert_eq!(holds(&world.pass().await), 16);
    world.remove_origins(16..40);
    let run = world.run(CONFIRMED).await;
    assert_eq!((run.deleted, held(&run).unwrap().1, world.count()), (16, 24, [20, 44]));
    let run = world.run(CONFIRMED).await;
    assert_eq!((run.deleted, world.count()), (24, [20, 20]));
    world.rest().await;
}

#[tokio::test]
async fn a_confirmation_of_nothing_releases_nothing() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..11);
    let run = world.run(CONFIRMED).await;
    assert_eq!((run.deleted, holds(&run)), (0, 11));
}

#[tokio::test]
async fn a_day_brings_five_hundred_at_the_most() {
    let world = World::one_way().await.filled(12).await;
    world.set_state(|row| row.deletions = Some((date(2026, 3, 10), 498))).await;
    world.remove_origins(0..2);
    assert_eq!(
        (world.pass().await.deleted, world.state().await.deletions),
        (2, Some((date(2026, 3, 10), 500)))
    );
    world.remove_origins(2..3);
    let run = world.pass().await;
    assert_eq!((run.deleted, held(&run)), (0, Some((HeldKind::Deletions, 1, 10))));
    world.minutes(15);
    assert_eq!(world.pass().await.deleted, 0, "nor does a second look");
    world.wait(jiff::SignedDuration::from_hours(24));
    assert_eq!(
        (world.pass().await.deleted, world.state().await.deletions),
        (1, Some((date(2026, 3, 11), 1)))
    );
    world.rest().await;
}

#[tokio::test]
async fn whatever_the_cause_all_deletions_are_weighed_together() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..6);
    for n in 6..12 {
        world.from().change(&format!("e{n:02}.ics"), |event| event.declined = true);
    }
    let run = world.pass().await;
    let declined = run
        .actions
        .iter()
        .filter(|action| action.reason == Some(Reason::Declined) && action.action == Verb::Hold);
    assert_eq!((declined.count(), run.state, world.to().all().len()), (6, PairStatus::Held, 40));
    assert_eq!((run.deleted, world.state().await.held.unwrap().held.deletions), (0, 12));
    world.run(CONFIRMED).await;
    assert_eq!(world.count(), [34, 28]);
    world.rest().await;
}

#[tokio::test]
async fn missing_events_wait_sooner() {
    let world = World::one_way().await.filled(12).await;
    world.from().forget_cursors();
    world.remove_origins(0..2);
    let run = world.pass().await;
    assert_eq!((held(&run), world.count()), (Some((HeldKind::Deletions, 2, 12)), [10, 12]));
    assert_eq!(world.asked(CalendarCall::Absence), [0, 0], "they are not looked for one by one");
    assert_eq!(world.run(CONFIRMED).await.deleted, 2);
    world.rest().await;
}

#[tokio::test]
async fn a_sudden_empty_listing_of_a_calendar_that_is_not_deletes_nothing() {
    for two_way in [false, true] {
        let world =
            if two_way { World::two_way().await } else { World::one_way().await }.filled(6).await;
        let ids: Vec<EventId> = world.from().all().into_iter().map(|event| event.id).collect();
        world.from().unlisted.extend(ids);
        world.from().forget_cursors();
        let run = world.try_run(OPTIONS).await;
        assert_eq!(
            (run.state, run.error.unwrap().code.as_str()),
            (PairStatus::Error, "suspicious_empty")
        );
        assert_eq!((world.count(), world.writes()), ([6, 6], all([])));
        world.from().unlisted.clear();
        world.rest().await;
    }
}

#[tokio::test]
async fn one_way_a_source_that_was_emptied_waits_for_a_word_however_small() {
    let world = World::one_way().await.filled(3).await;
    world.from().forget_cursors();
    world.remove_origins(0..3);
    let run = world.pass().await;
    assert_eq!((held(&run), world.count()), (Some((HeldKind::Deletions, 3, 3)), [0, 3]));
    assert!(world.state().await.held.unwrap().by_owner);
    world.minutes(30);
    assert_eq!(holds(&world.pass().await), 3, "no second look answers it");
    assert_eq!((world.run(CONFIRMED).await.deleted, world.count()), (3, [0, 0]));
    world.rest().await;
}

#[tokio::test]
async fn copies_of_a_calendar_that_was_emptied_are_made_again_or_left_out() {
    for two_way in [false, true] {
        for answer in [MAKE_AGAIN, LEAVE_OUT] {
            let world = if two_way { World::two_way().await } else { World::one_way().await }
                .filled(6)
                .await;
            world.remove_copies(0..6).await;
            let run = world.pass().await;
            assert_eq!(
                (held(&run), world.count()),
                (Some((HeldKind::Emptied, 6, 6)), [6, 0]),
                "{two_way}"
            );
            assert_eq!((run.actions[0].reason, holds(&run)), (Some(Reason::CopyDeleted), 6));
            assert_eq!(
                run.held.unwrap().confirm,
                ["sync", "--pair", world.pair.id.as_str(), "--make-again"]
            );
            world.minutes(30);
            assert_eq!(
                (holds(&world.run(CONFIRMED).await), world.count()),
                (6, [6, 0]),
                "this is no answer"
            );
            assert_eq!(world.run(DRY).await.created, 0);
            let run = world.run(answer).await;
            let made = if answer.answer == Some(Answer::MakeAgain) { 6 } else { 0 };
            assert_eq!((run.created, held(&run), world.count()), (made, None, [6, made as usize]));
            world.rest().await;
            let state = if made > 0 { MappingState::Live } else { MappingState::Suppressed };
            assert!(world.mappings().await.iter().all(|mapping| mapping.state == state));
            world.from().change("e00.ics", |event| event.content.title = "new".into());
            world.pass().await;
            assert_eq!(world.one(1, "new").content.title, "new");
            world.rest().await;
        }
    }
}

#[tokio::test]
async fn four_of_four_are_no_emptied_calendar_and_missing_ones_are() {
    let world = World::one_way().await.filled(4).await;
    world.remove_copies(0..4).await;
    let run = world.pass().await;
    assert_eq!(
        (held(&run), world.mapping("e00.ics").await.state),
        (None, MappingState::Suppressed)
    );
    let world = World::one_way().await.filled(4).await;
    world.remove_copies(0..4).await;
    world.to().forget_cursors();
    assert_eq!(held(&world.pass().await), Some((HeldKind::Emptied, 4, 4)));
}

#[tokio::test]
async fn what_is_made_meanwhile_does_not_answer_the_question() {
    let world = World::one_way().await.filled(6).await;
    world.remove_copies(0..6).await;
    world.pass().await;
    world.from().put(april("new", 20));
    let run = world.pass().await;
    assert_eq!(
        (run.created, held(&run), world.count()),
        (1, Some((HeldKind::Emptied, 6, 6)), [7, 1])
    );
    assert_eq!(world.state().await.held.unwrap().emptied, [engine::pair::Side::To]);
    assert_eq!((world.run(MAKE_AGAIN).await.created, world.count()), (6, [7, 7]));
    world.rest().await;
}

#[tokio::test]
async fn what_was_made_since_is_no_sign_of_life() {
    let world = World::one_way().await.filled(6).await;
    world.from().put(april("new", 20));
    world.pass().await;
    world.remove_copies(0..6).await;
    assert_eq!(held(&world.pass().await), Some((HeldKind::Emptied, 6, 7)));
    let world = World::one_way().await.filled(12).await;
    world.remove_copies(0..6).await;
    let run = world.pass().await;
    assert_eq!((held(&run), run.skipped), (None, 6), "and half of them is no emptied calendar");
}

#[tokio::test]
async fn origins_of_a_calendar_that_was_emptied_come_back_from_their_copies() {
    for answer in [MAKE_AGAIN, LEAVE_OUT] {
        let world = World::two_way().await;
        world.to().put(april("theirs", 20));
        let world = world.filled(6).await;
        world.from().clear();
        let run = world.pass().await;
        assert_eq!((held(&run), world.count()), (Some((HeldKind::Emptied, 7, 7)), [0, 7]));
        let run = world.run(answer).await;
        let made = if answer.answer == Some(Answer::MakeAgain) { 7 } else { 0 };
        assert_eq!(
            (run.created, run.deleted, held(&run), world.count()),
            (made, 0, None, [made as usize, 7])
        );
        world.rest().await;
        world.to().change("theirs.ics", |event| event.content.title = "changed".into());
        world.pass().await;
        assert_eq!(world.one(0, "changed").content, world.one(1, "changed").content);
        world.rest().await;
    }
}

#[tokio::test]
async fn two_way_origins_alone_are_a_question_of_deletions() {
    let world = World::two_way().await.filled(6).await;
    world.remove_origins(0..6);
    let run = world.pass().await;
    assert_eq!((held(&run), world.count()), (Some((HeldKind::Deletions, 6, 6)), [0, 6]));
    world.minutes(30);
    assert_eq!(
        (world.pass().await.deleted, world.count()),
        (0, [0, 6]),
        "no second look answers it"
    );
    assert_eq!((world.run(CONFIRMED).await.deleted, world.count()), (6, [0, 0]));
    world.rest().await;
}

#[tokio::test]
async fn what_was_left_out_and_is_restored_is_the_same_event() {
    let world = World::two_way().await;
    world.to().put(april("theirs", 20));
    let world = world.filled(6).await;
    let gone = world.from().clear();
    world.pass().await;
    world.run(LEAVE_OUT).await;
    assert!(world.state().await.left_out);
    for (n, mut event) in gone.into_iter().enumerate() {
        event.id = EventId::new(format!("restored-{n}.ics"));
        world.from().put(event);
    }
    let run = world.pass().await;
    assert_eq!((run.created, world.count()), (0, [7, 7]));
    world.rest().await;
    assert!(world.mappings().await.iter().all(|mapping| mapping.state == MappingState::Live));
    world.from().put(april("another", 21));
    world.pass().await;
    assert_eq!(world.count(), [8, 8]);
    world.rest().await;
    assert!(!world.state().await.left_out);
}

#[tokio::test]
async fn what_cannot_be_made_again_stays_a_question_or_becomes_an_event_of_its_own() {
    for (error, asks) in
        [(Error::Refused("no".into()), false), (Error::NoAnswer("silence".into()), true)]
    {
        let world = World::two_way().await;
        world.to().put(april("theirs", 20));
        let world = world.filled(6).await;
        world.from().clear();
        world.pass().await;
        let again = world.mapping("e00.ics").await.id.origin_uid(1);
        world
            .from()
            .refused
            .insert((CalendarCall::Create, Some(EventId::new(format!("{again}.ics")))), error);
        let run = world.run(MAKE_AGAIN).await;
        assert_eq!((run.created, world.count()), (6, [6, 7]), "{asks}");
        assert_eq!(held(&run), asks.then_some((HeldKind::Emptied, 1, 7)));
        assert_eq!(world.problems().await.len(), 1);
        world.from().refused.clear();
        let run = world.run(SyncOptions { full: true, ..MAKE_AGAIN }).await;
        assert_eq!(
            (run.created, held(&run), world.count(), world.problems().await.len()),
            (1, None, [7, 7], 0)
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn a_question_that_the_server_does_not_answer_stays() {
    let world = World::one_way().await.filled(6).await;
    world.remove_copies(0..6).await;
    world.pass().await;
    let silent = EventId::new(world.copy("e00.ics").await);
    world
        .to()
        .refused
        .insert((CalendarCall::Absence, Some(silent)), Error::Refused("not now".into()));
    let run = world.run(LEAVE_OUT).await;
    assert_eq!(held(&run), Some((HeldKind::Emptied, 1, 6)));
    assert_eq!(world.mapping("e00.ics").await.state, MappingState::Live);
    assert_eq!(world.mapping("e01.ics").await.state, MappingState::Suppressed);
    world.to().refused.clear();
    let run = world.run(LEAVE_OUT).await;
    assert_eq!(
        (held(&run), world.mapping("e00.ics").await.state),
        (None, MappingState::Suppressed)
    );
    world.rest().await;
}

#[tokio::test]
async fn what_is_back_before_the_answer_is_no_part_of_it() {
    let world = World::one_way().await.filled(6).await;
    let copy = world.copy("e00.ics").await;
    let back = world.to().all().into_iter().find(|event| event.id.as_str() == copy).unwrap();
    world.remove_copies(0..6).await;
    world.pass().await;
    world.to().restore(back);
    world.run(LEAVE_OUT).await;
    assert_eq!((world.mapping("e00.ics").await.state, world.count()), (MappingState::Live, [6, 1]));
    world.run(FULL).await;
    world.nothing_wrong();
    assert_eq!(world.count(), [6, 1]);
}

#[tokio::test]
async fn the_question_covers_a_deletion_whose_answer_is_missing() {
    let world = World::one_way().await.filled(12).await;
    world.remove_origins(0..1);
    let first = EventId::new("e00.ics");
    world
        .from()
        .refused
        .insert((CalendarCall::Fetch, Some(first.clone())), Error::Refused("no".into()));
    world.from().refused.insert((CalendarCall::Absence, Some(first)), Error::Refused("no".into()));
    world.from().forget_cursors();
    let run = world.pass().await;
    assert_eq!((run.deleted, run.skipped, held(&run), world.count()), (0, 1, None, [11, 12]));
    assert_eq!(world.problems().await[0].gone, Some(Role::Origin));
    world.from().refused.clear();
    assert_eq!((world.run(FULL).await.deleted, world.count()), (1, [11, 11]));
    world.rest().await;
}

#[tokio::test]
async fn five_of_five_are_an_emptied_calendar() {
    let world = World::one_way().await.filled(5).await;
    world.remove_copies(0..5).await;
    let run = world.pass().await;
    assert_eq!((held(&run), world.count()), (Some((HeldKind::Emptied, 5, 5)), [5, 0]));
}

#[tokio::test]
async fn a_confirmation_lasts_for_one_pass() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..11);
    world.pass().await;
    world.run(CONFIRMED).await;
    world.remove_origins(11..22);
    assert_eq!((holds(&world.pass().await), world.count()), (11, [18, 29]));
}
