//! Unusually many deletions, and emptied calendars, wait for the owner.

use std::sync::atomic::Ordering;

use engine::event::EventId;
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::plan::Answer;
use engine::reason::Reason;
use jiff::civil::date;
use providers::Error;
use records::problem::{HeldKind, PairStatus};

use super::all;
use super::env::{CONFIRMED, DRY, FULL, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use crate::report::{Run, Verb};
use crate::sync::SyncOptions;

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
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..10);
    let run = env.pass().await;
    assert_eq!((run.deleted, held(&run), env.count()), (10, None, [30, 30]));
    env.remove_origins(10..21);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, held(&run), env.writes()),
        (0, Some((HeldKind::Deletions, 11, 30)), all([]))
    );
    assert_eq!((holds(&run), env.count()), (11, [19, 30]));
    assert_eq!(
        (run.actions[0].reason, &run.actions[0].calendar),
        (Some(Reason::OriginDeleted), &env.pair.to)
    );
    let since = env.state().await.held.unwrap().since;
    let run = env.pass().await;
    assert_eq!(
        (held(&run), holds(&run), env.writes()),
        (Some((HeldKind::Deletions, 11, 30)), 11, all([]))
    );
    assert_eq!(
        (env.state().await.held.unwrap().since, env.state().await.status),
        (since, Some(PairStatus::Held))
    );
    let run = env.run(CONFIRMED).await;
    assert_eq!((run.deleted, held(&run), env.count()), (11, None, [19, 19]));
    assert_eq!(env.state().await.held, None);
    assert!(
        env.proofs().await.iter().all(|row| row.proof.answer.is_some()),
        "each with its own proof"
    );
    env.rest().await;
}

#[tokio::test]
async fn a_hold_does_not_hinder_the_others() {
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..11);
    env.from().change("e30.ics", |event| event.content.title = "changed".into());
    env.from().put(april("new", 9));
    let run = env.pass().await;
    assert_eq!((run.created, run.changed, run.deleted, holds(&run)), (1, 1, 0, 11));
    assert_eq!(
        env.titles()[1].iter().filter(|title| ["changed", "new"].contains(&title.as_str())).count(),
        2
    );
}

#[tokio::test]
async fn a_second_look_releases_what_both_have_seen() {
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..11);
    env.pass().await;
    env.minutes(8);
    assert_eq!(holds(&env.pass().await), 11, "nine minutes later");
    env.hands.servers_are_off.store(16 * 60, Ordering::Relaxed);
    assert_eq!(holds(&env.pass().await), 11, "the clock is wrong");
    env.hands.servers_are_off.store(0, Ordering::Relaxed);
    let run = env.pass().await;
    assert_eq!((run.deleted, held(&run), env.count()), (11, None, [29, 29]));
    env.rest().await;
}

#[tokio::test]
async fn what_is_back_ends_the_question() {
    let env = PairEnv::one_way().await.filled(40).await;
    let gone: Vec<_> = (0..11).map(|n| env.from().remove(&format!("e{n:02}.ics"))).collect();
    env.pass().await;
    gone.into_iter().for_each(|event| env.from().restore(event));
    let run = env.pass().await;
    assert_eq!((held(&run), run.deleted, env.count()), (None, 0, [40, 40]));
    env.rest().await;
}

#[tokio::test]
async fn a_confirmation_covers_what_was_shown() {
    let env = PairEnv::one_way().await.filled(60).await;
    env.remove_origins(0..16);
    assert_eq!(holds(&env.pass().await), 16);
    env.remove_origins(16..40);
    let run = env.run(CONFIRMED).await;
    assert_eq!((run.deleted, held(&run).unwrap().1, env.count()), (16, 24, [20, 44]));
    let run = env.run(CONFIRMED).await;
    assert_eq!((run.deleted, env.count()), (24, [20, 20]));
    env.rest().await;
}

#[tokio::test]
async fn a_confirmation_of_nothing_releases_nothing() {
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..11);
    let run = env.run(CONFIRMED).await;
    assert_eq!((run.deleted, holds(&run)), (0, 11));
}

#[tokio::test]
async fn a_day_brings_five_hundred_at_the_most() {
    let env = PairEnv::one_way().await.filled(12).await;
    env.set_state(|row| row.deletions = Some((date(2026, 3, 10), 498))).await;
    env.remove_origins(0..2);
    assert_eq!(
        (env.pass().await.deleted, env.state().await.deletions),
        (2, Some((date(2026, 3, 10), 500)))
    );
    env.remove_origins(2..3);
    let run = env.pass().await;
    assert_eq!((run.deleted, held(&run)), (0, Some((HeldKind::Deletions, 1, 10))));
    env.minutes(15);
    assert_eq!(env.pass().await.deleted, 0, "nor does a second look");
    env.wait(jiff::SignedDuration::from_hours(24));
    assert_eq!(
        (env.pass().await.deleted, env.state().await.deletions),
        (1, Some((date(2026, 3, 11), 1)))
    );
    env.rest().await;
}

#[tokio::test]
async fn whatever_the_cause_all_deletions_are_weighed_together() {
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..6);
    for n in 6..12 {
        env.from().change(&format!("e{n:02}.ics"), |event| event.declined = true);
    }
    let run = env.pass().await;
    let declined = run
        .actions
        .iter()
        .filter(|action| action.reason == Some(Reason::Declined) && action.action == Verb::Hold);
    assert_eq!((declined.count(), run.state, env.to().all().len()), (6, PairStatus::Held, 40));
    assert_eq!((run.deleted, env.state().await.held.unwrap().held.deletions), (0, 12));
    env.run(CONFIRMED).await;
    assert_eq!(env.count(), [34, 28]);
    env.rest().await;
}

#[tokio::test]
async fn missing_events_wait_sooner() {
    let env = PairEnv::one_way().await.filled(12).await;
    env.from().forget_cursors();
    env.remove_origins(0..2);
    let run = env.pass().await;
    assert_eq!((held(&run), env.count()), (Some((HeldKind::Deletions, 2, 12)), [10, 12]));
    assert_eq!(env.asked(CalendarCall::Absence), [0, 0], "they are not looked for one by one");
    assert_eq!(env.run(CONFIRMED).await.deleted, 2);
    env.rest().await;
}

#[tokio::test]
async fn a_sudden_empty_listing_of_a_calendar_that_is_not_deletes_nothing() {
    for two_way in [false, true] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await }
            .filled(6)
            .await;
        let ids: Vec<EventId> = env.from().all().into_iter().map(|event| event.id).collect();
        env.from().unlisted.extend(ids);
        env.from().forget_cursors();
        let run = env.try_run(OPTIONS).await;
        assert_eq!(
            (run.state, run.error.unwrap().code.as_str()),
            (PairStatus::Error, "suspicious_empty")
        );
        assert_eq!((env.count(), env.writes()), ([6, 6], all([])));
        env.from().unlisted.clear();
        env.rest().await;
    }
}

#[tokio::test]
async fn one_way_a_source_that_was_emptied_waits_for_a_word_however_small() {
    let env = PairEnv::one_way().await.filled(3).await;
    env.from().forget_cursors();
    env.remove_origins(0..3);
    let run = env.pass().await;
    assert_eq!((held(&run), env.count()), (Some((HeldKind::Deletions, 3, 3)), [0, 3]));
    assert!(env.state().await.held.unwrap().by_owner);
    env.minutes(30);
    assert_eq!(holds(&env.pass().await), 3, "no second look answers it");
    assert_eq!((env.run(CONFIRMED).await.deleted, env.count()), (3, [0, 0]));
    env.rest().await;
}

#[tokio::test]
async fn copies_of_a_calendar_that_was_emptied_are_made_again_or_left_out() {
    for two_way in [false, true] {
        for answer in [MAKE_AGAIN, LEAVE_OUT] {
            let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await }
                .filled(6)
                .await;
            env.remove_copies(0..6).await;
            let run = env.pass().await;
            assert_eq!(
                (held(&run), env.count()),
                (Some((HeldKind::Emptied, 6, 6)), [6, 0]),
                "{two_way}"
            );
            assert_eq!((run.actions[0].reason, holds(&run)), (Some(Reason::CopyDeleted), 6));
            assert_eq!(
                run.held.unwrap().confirm,
                ["sync", "--pair", env.pair.id.as_str(), "--make-again"]
            );
            env.minutes(30);
            assert_eq!(
                (holds(&env.run(CONFIRMED).await), env.count()),
                (6, [6, 0]),
                "this is no answer"
            );
            assert_eq!(env.run(DRY).await.created, 0);
            let run = env.run(answer).await;
            let made = if answer.answer == Some(Answer::MakeAgain) { 6 } else { 0 };
            assert_eq!((run.created, held(&run), env.count()), (made, None, [6, made as usize]));
            env.rest().await;
            let state = if made > 0 { MappingState::Live } else { MappingState::Suppressed };
            assert!(env.mappings().await.iter().all(|mapping| mapping.state == state));
            env.from().change("e00.ics", |event| event.content.title = "new".into());
            env.pass().await;
            assert_eq!(env.one(1, "new").content.title, "new");
            env.rest().await;
        }
    }
}

#[tokio::test]
async fn four_of_four_are_no_emptied_calendar_and_missing_ones_are() {
    let env = PairEnv::one_way().await.filled(4).await;
    env.remove_copies(0..4).await;
    let run = env.pass().await;
    assert_eq!((held(&run), env.mapping("e00.ics").await.state), (None, MappingState::Suppressed));
    let env = PairEnv::one_way().await.filled(4).await;
    env.remove_copies(0..4).await;
    env.to().forget_cursors();
    assert_eq!(held(&env.pass().await), Some((HeldKind::Emptied, 4, 4)));
}

#[tokio::test]
async fn what_is_made_meanwhile_does_not_answer_the_question() {
    let env = PairEnv::one_way().await.filled(6).await;
    env.remove_copies(0..6).await;
    env.pass().await;
    env.from().put(april("new", 20));
    let run = env.pass().await;
    assert_eq!(
        (run.created, held(&run), env.count()),
        (1, Some((HeldKind::Emptied, 6, 6)), [7, 1])
    );
    assert_eq!(env.state().await.held.unwrap().emptied, [engine::pair::Side::To]);
    assert_eq!((env.run(MAKE_AGAIN).await.created, env.count()), (6, [7, 7]));
    env.rest().await;
}

#[tokio::test]
async fn what_was_made_since_is_no_sign_of_life() {
    let env = PairEnv::one_way().await.filled(6).await;
    env.from().put(april("new", 20));
    env.pass().await;
    env.remove_copies(0..6).await;
    assert_eq!(held(&env.pass().await), Some((HeldKind::Emptied, 6, 7)));
    let env = PairEnv::one_way().await.filled(12).await;
    env.remove_copies(0..6).await;
    let run = env.pass().await;
    assert_eq!((held(&run), run.skipped), (None, 6), "and half of them is no emptied calendar");
}

#[tokio::test]
async fn origins_of_a_calendar_that_was_emptied_come_back_from_their_copies() {
    for answer in [MAKE_AGAIN, LEAVE_OUT] {
        let env = PairEnv::two_way().await;
        env.to().put(april("theirs", 20));
        let env = env.filled(6).await;
        env.from().clear();
        let run = env.pass().await;
        assert_eq!((held(&run), env.count()), (Some((HeldKind::Emptied, 7, 7)), [0, 7]));
        let run = env.run(answer).await;
        let made = if answer.answer == Some(Answer::MakeAgain) { 7 } else { 0 };
        assert_eq!(
            (run.created, run.deleted, held(&run), env.count()),
            (made, 0, None, [made as usize, 7])
        );
        env.rest().await;
        env.to().change("theirs.ics", |event| event.content.title = "changed".into());
        env.pass().await;
        assert_eq!(env.one(0, "changed").content, env.one(1, "changed").content);
        env.rest().await;
    }
}

#[tokio::test]
async fn two_way_origins_alone_are_a_question_of_deletions() {
    let env = PairEnv::two_way().await.filled(6).await;
    env.remove_origins(0..6);
    let run = env.pass().await;
    assert_eq!((held(&run), env.count()), (Some((HeldKind::Deletions, 6, 6)), [0, 6]));
    env.minutes(30);
    assert_eq!((env.pass().await.deleted, env.count()), (0, [0, 6]), "no second look answers it");
    assert_eq!((env.run(CONFIRMED).await.deleted, env.count()), (6, [0, 0]));
    env.rest().await;
}

#[tokio::test]
async fn what_was_left_out_and_is_restored_is_the_same_event() {
    let env = PairEnv::two_way().await;
    env.to().put(april("theirs", 20));
    let env = env.filled(6).await;
    let gone = env.from().clear();
    env.pass().await;
    env.run(LEAVE_OUT).await;
    assert!(env.state().await.left_out);
    for (n, mut event) in gone.into_iter().enumerate() {
        event.id = EventId::new(format!("restored-{n}.ics"));
        env.from().put(event);
    }
    let run = env.pass().await;
    assert_eq!((run.created, env.count()), (0, [7, 7]));
    env.rest().await;
    assert!(env.mappings().await.iter().all(|mapping| mapping.state == MappingState::Live));
    env.from().put(april("another", 21));
    env.pass().await;
    assert_eq!(env.count(), [8, 8]);
    env.rest().await;
    assert!(!env.state().await.left_out);
}

#[tokio::test]
async fn what_cannot_be_made_again_stays_a_question_or_becomes_an_event_of_its_own() {
    for (error, asks) in
        [(Error::Refused("no".into()), false), (Error::NoAnswer("silence".into()), true)]
    {
        let env = PairEnv::two_way().await;
        env.to().put(april("theirs", 20));
        let env = env.filled(6).await;
        env.from().clear();
        env.pass().await;
        let again = env.mapping("e00.ics").await.id.origin_uid(1);
        env.from()
            .refused
            .insert((CalendarCall::Create, Some(EventId::new(format!("{again}.ics")))), error);
        let run = env.run(MAKE_AGAIN).await;
        assert_eq!((run.created, env.count()), (6, [6, 7]), "{asks}");
        assert_eq!(held(&run), asks.then_some((HeldKind::Emptied, 1, 7)));
        assert_eq!(env.problems().await.len(), 1);
        env.from().refused.clear();
        let run = env.run(SyncOptions { full: true, ..MAKE_AGAIN }).await;
        assert_eq!(
            (run.created, held(&run), env.count(), env.problems().await.len()),
            (1, None, [7, 7], 0)
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn a_question_that_the_server_does_not_answer_stays() {
    let env = PairEnv::one_way().await.filled(6).await;
    env.remove_copies(0..6).await;
    env.pass().await;
    let silent = EventId::new(env.copy("e00.ics").await);
    env.to()
        .refused
        .insert((CalendarCall::Absence, Some(silent)), Error::Refused("not now".into()));
    let run = env.run(LEAVE_OUT).await;
    assert_eq!(held(&run), Some((HeldKind::Emptied, 1, 6)));
    assert_eq!(env.mapping("e00.ics").await.state, MappingState::Live);
    assert_eq!(env.mapping("e01.ics").await.state, MappingState::Suppressed);
    env.to().refused.clear();
    let run = env.run(LEAVE_OUT).await;
    assert_eq!((held(&run), env.mapping("e00.ics").await.state), (None, MappingState::Suppressed));
    env.rest().await;
}

#[tokio::test]
async fn what_is_back_before_the_answer_is_no_part_of_it() {
    let env = PairEnv::one_way().await.filled(6).await;
    let copy = env.copy("e00.ics").await;
    let back = env.to().all().into_iter().find(|event| event.id.as_str() == copy).unwrap();
    env.remove_copies(0..6).await;
    env.pass().await;
    env.to().restore(back);
    env.run(LEAVE_OUT).await;
    assert_eq!((env.mapping("e00.ics").await.state, env.count()), (MappingState::Live, [6, 1]));
    env.run(FULL).await;
    env.nothing_wrong();
    assert_eq!(env.count(), [6, 1]);
}

#[tokio::test]
async fn the_question_covers_a_deletion_whose_answer_is_missing() {
    let env = PairEnv::one_way().await.filled(12).await;
    env.remove_origins(0..1);
    let first = EventId::new("e00.ics");
    env.from()
        .refused
        .insert((CalendarCall::Fetch, Some(first.clone())), Error::Refused("no".into()));
    env.from().refused.insert((CalendarCall::Absence, Some(first)), Error::Refused("no".into()));
    env.from().forget_cursors();
    let run = env.pass().await;
    assert_eq!((run.deleted, run.skipped, held(&run), env.count()), (0, 1, None, [11, 12]));
    assert_eq!(env.problems().await[0].gone, Some(Role::Origin));
    env.from().refused.clear();
    assert_eq!((env.run(FULL).await.deleted, env.count()), (1, [11, 11]));
    env.rest().await;
}

#[tokio::test]
async fn five_of_five_are_an_emptied_calendar() {
    let env = PairEnv::one_way().await.filled(5).await;
    env.remove_copies(0..5).await;
    let run = env.pass().await;
    assert_eq!((held(&run), env.count()), (Some((HeldKind::Emptied, 5, 5)), [5, 0]));
}

#[tokio::test]
async fn a_confirmation_lasts_for_one_pass() {
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..11);
    env.pass().await;
    env.run(CONFIRMED).await;
    env.remove_origins(11..22);
    assert_eq!((holds(&env.pass().await), env.count()), (11, [18, 29]));
}
