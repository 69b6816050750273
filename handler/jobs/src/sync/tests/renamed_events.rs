//! Mappings whose events have other names, or exist again.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::plan::Answer;
use engine::reason::Reason;
use providers::Error;
use records::problem::HeldKind;

use super::deletions::dentist;
use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::reasons;
use super::sample_events::{april, event, on};
use super::take_over::anew;
use crate::sync::SyncOptions;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

#[tokio::test]
async fn copies_of_one_title_that_change_names_are_told_apart_by_the_uids_of_their_server() {
    let env = PairEnv::two_way().await;
    (env.to().manners.own_uids, env.to().manners.drops_marks) = (true, true);
    for n in 1..4 {
        env.from().put(event(&format!("e{n}"), "standup", on(jiff::civil::date(2026, 4, n))));
    }
    env.pass().await;
    env.pass().await;
    let (first, second) = (env.copy("e1.ics").await, env.copy("e2.ics").await);
    let one = env.to().remove(&first);
    let two = env.to().remove(&second);
    env.to().put(named(one, &second));
    env.to().put(named(two, &first));
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.writes().len()), (0, 0, 0));
    assert_eq!((env.copy("e1.ics").await, env.copy("e2.ics").await), (second, first));
    env.rest().await;
}

#[tokio::test]
async fn what_is_unknown_is_read_once_where_a_copy_is_missing() {
    let (env, copy) = dentist(true).await;
    env.to().remove(&copy);
    for n in 0..3 {
        env.to().put(april(&format!("x{n}"), 20 + n));
    }
    assert_eq!((env.pass().await.created, env.asked(CalendarCall::Fetch)[1]), (3, 3));
    assert_eq!(env.count(), [7, 7]);
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_a_cut_off_pass_has_made_is_found_under_the_name_that_its_server_gave_it() {
    let env = PairEnv::two_way().await;
    env.to().manners.own_names = true;
    env.to().lost.insert(CalendarCall::Create);
    env.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
    env.from().put(april("dentist", 1));
    assert!(env.try_run(OPTIONS).await.error.is_some());
    env.to().refused.clear();
    env.pass().await;
    assert_eq!((env.count(), env.mapping("dentist.ics").await.state), ([1, 1], MappingState::Live));
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_has_another_name_when_its_origin_goes_is_looked_for_nowhere_else() {
    let (env, copy) = dentist(false).await;
    let moved = env.to().remove(&copy);
    env.to().put(named(moved, "moved.ics"));
    env.from().remove("dentist.ics");
    assert_eq!(
        (env.pass().await.deleted, env.asked(CalendarCall::Absence), env.count()),
        (1, [1, 0], [4, 4])
    );
    env.rest().await;
}

#[tokio::test]
async fn a_copy_in_the_place_of_its_origin_is_an_ordinary_event() {
    let (env, _) = dentist(false).await;
    let event = env.one(1, "dentist");
    env.from().remove("dentist.ics");
    env.from().put(named(event, "moved.ics"));
    env.pass().await;
    env.pass().await;
    assert_eq!((env.has("dentist"), env.count()), ([true, true], [5, 5]));
    assert_eq!(env.mapping("moved.ics").await.state, MappingState::Live);
    env.rest().await;
}

#[tokio::test]
async fn an_event_that_only_looks_like_the_one_that_is_gone_is_another() {
    let (env, copy) = dentist(false).await;
    let gone = env.from().remove("dentist.ics");
    env.from().put(Event { uid: "another@example.org".into(), ..named(gone, "another.ics") });
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (1, 1, [5, 5]));
    assert_ne!(env.copy("another.ics").await, copy);
    env.rest().await;
}

#[tokio::test]
async fn an_origin_that_has_another_name_brings_no_copy_into_sight() {
    for days in [0, 3] {
        let (env, name) = super::unseen::unseen(false).await;
        env.pass().await;
        env.wait(jiff::SignedDuration::from_hours(24 * days));
        env.pass().await;
        let moved = env.from().remove("dentist.ics");
        env.from().put(named(moved, "moved.ics"));
        assert_eq!(env.pass().await.deleted, 0);
        env.to().unlisted.clear();
        env.to().hidden.clear();
        env.to().change(name.as_str(), |_| ());
        env.pass().await;
        env.pass().await;
        assert_eq!((env.count(), env.mappings().await.len()), ([3, 3], 3), "{days}");
        env.rest().await;
    }
}

#[tokio::test]
async fn a_question_about_an_emptied_calendar_stays_where_some_of_it_is_back() {
    let env = PairEnv::one_way().await.filled(6).await;
    let gone = env.to().clear();
    assert_eq!(env.pass().await.held.map(|held| held.deletions), Some(6));
    gone.into_iter().take(2).for_each(|event| env.to().restore(event));
    let run = env.pass().await;
    assert_eq!(run.held.map(|held| (held.kind, held.deletions)), Some((HeldKind::Emptied, 4)));
    let run = env.run(SyncOptions { answer: Some(Answer::MakeAgain), ..OPTIONS }).await;
    assert_eq!((run.created, env.count()), (4, [6, 6]));
    env.rest().await;
}

#[tokio::test]
async fn earlier_copies_without_marks_are_taken_over_by_their_uids() {
    let env = PairEnv::one_way().await;
    env.to().manners.drops_marks = true;
    let mut env = env.filled(3).await;
    anew(&mut env, false, false).await;
    let run = env.pass().await;
    assert_eq!((run.created, reasons(&run), env.count()), (0, vec![Reason::Adopted; 3], [3, 3]));
    env.rest().await;
}

#[tokio::test]
async fn a_deletion_before_which_an_edited_copy_is_not_given_is_not_made() {
    let (env, copy) = dentist(true).await;
    env.from().remove("dentist.ics");
    env.to().change(&copy, |event| event.content.title = "surgeon".into());
    env.to()
        .refused
        .insert((CalendarCall::Fetch, Some(EventId::new(&copy))), Error::Refused("not now".into()));
    let run = env.pass().await;
    assert_eq!((run.deleted, reasons(&run)), (0, vec![Reason::RefusedByServer]));
    assert_eq!(run.actions[0].start.as_deref(), Some("2026-04-01T09:00:00Z"));
    assert_eq!(env.problems().await[0].gone, Some(Role::Origin));
    env.to().refused.clear();
    env.minutes(5);
    assert_eq!(
        (env.pass().await.created, env.has("surgeon"), env.count()),
        (1, [true, true], [5, 5])
    );
    env.rest().await;
}

#[tokio::test]
async fn a_copy_has_another_name_also_where_its_origin_is_not_given() {
    let (env, copy) = dentist(false).await;
    env.from().hidden.insert(EventId::new("dentist.ics"));
    let moved = named(env.one(1, "dentist"), "moved.ics");
    env.to().becomes(&copy, moved.clone());
    env.to().restore(moved);
    env.pass().await;
    assert_eq!(
        (env.copy("dentist.ics").await.as_str(), env.asked(CalendarCall::ListAll)),
        ("moved.ics", [0, 0])
    );
    env.from().hidden.clear();
    env.rest().await;
}
