//! Missing events are created, and only once.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::reason::Reason;
use jiff::civil::date;
use providers::Error;
use records::problem::PairStatus;

use super::env::{DRY, FULL, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, event, on, weekly, with_guests};
use super::{all, reasons};

#[tokio::test]
async fn an_event_is_copied_once() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.to().put(april("swimming", 2));
    let run = env.pass().await;
    assert_eq!(
        (run.created, run.changed, run.deleted, run.skipped, run.state),
        (1, 0, 0, 0, PairStatus::Ok)
    );
    assert_eq!(env.titles(), [all(["dentist"]), all(["dentist", "swimming"])]);
    let (origin, copy) = (env.one(0, "dentist"), env.one(1, "dentist"));
    assert_eq!(origin.content, copy.content);
    assert!(copy.marker.is_some() && origin.marker.is_none());
    let action = &run.actions[0];
    assert_eq!((action.event.as_str(), &action.calendar), ("dentist.ics", &env.pair.to));
    assert_eq!(action.start.as_deref(), Some("2026-04-01T09:00:00Z"));
    assert_eq!(action.end.as_deref(), Some("2026-04-01T10:00:00Z"));
    env.rest().await;
}

#[tokio::test]
async fn two_way_each_gets_what_the_other_has() {
    let env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    env.to().put(weekly(april("swimming", 2), 3));
    assert_eq!(env.pass().await.created, 2);
    assert_eq!(env.titles(), [all(["dentist", "swimming"]), all(["dentist", "swimming"])]);
    assert_eq!(env.one(0, "swimming").series, env.one(1, "swimming").series);
    env.rest().await;
}

#[tokio::test]
async fn an_event_that_comes_later_is_read_alone() {
    let env = PairEnv::one_way().await.filled(30).await;
    env.from().put(april("new", 9));
    let run = env.pass().await;
    assert_eq!((run.created, env.writes().len()), (1, 1));
    assert_eq!(
        (env.asked(CalendarCall::Fetch), env.asked(CalendarCall::ListAll)),
        ([1, 0], [0, 0])
    );
    env.rest().await;
}

#[tokio::test]
async fn where_nothing_has_happened_nothing_is_read() {
    let env = PairEnv::two_way().await.filled(3).await;
    env.pass().await;
    assert_eq!(
        (
            env.asked(CalendarCall::List),
            env.asked(CalendarCall::ListAll),
            env.asked(CalendarCall::Fetch)
        ),
        ([0, 0], [0, 0], [0, 0])
    );
    assert_eq!(env.asked(CalendarCall::States), [1, 1]);
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_says_what_would_be() {
    let env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    let run = env.run(DRY).await;
    assert_eq!((run.created, env.titles()), (1, [all(["dentist"]), all([])]));
    assert_eq!(env.state().await, Default::default());
    assert_eq!((env.pass().await.created, env.count()), (1, [1, 1]));
    env.rest().await;
}

#[tokio::test]
async fn what_lies_outside_the_window_is_not_copied() {
    let env = PairEnv::one_way().await;
    env.pass().await;
    env.from().put(event("past", "past", on(date(2025, 11, 1))));
    env.from().put(event("far", "far", on(date(2027, 5, 1))));
    let run = env.pass().await;
    assert_eq!(reasons(&run), [Reason::OutsideWindow; 2]);
    assert_eq!(env.count(), [2, 0]);
    assert_eq!(env.problems().await, []);
    env.rest().await;
    assert_eq!(env.run(FULL).await.skipped, 0, "a listing of the window does not show them");
}

#[tokio::test]
async fn what_comes_into_the_window_is_copied_on_that_day() {
    let env = PairEnv::one_way().await;
    env.from().put(event("soon", "soon", on(date(2027, 3, 10))));
    assert_eq!(env.pass().await.created, 0);
    env.wait(jiff::SignedDuration::from_hours(24));
    assert_eq!(env.pass().await.created, 1);
    env.rest().await;
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_finds_its_own_event() {
    for two_way in [false, true] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        env.from().put(april("dentist", 1));
        env.to().lost.insert(CalendarCall::Create);
        let run = env.pass().await;
        assert_eq!((reasons(&run), env.count()), (vec![Reason::RefusedByServer], [1, 1]));
        assert_eq!(env.problems().await[0].problem.tries, 1);
        assert_eq!(env.mapping("dentist.ics").await.state, MappingState::Creating);
        let run = env.pass().await;
        assert_eq!((run.state, env.count()), (PairStatus::Ok, [1, 1]));
        assert_eq!(
            (env.mapping("dentist.ics").await.state, env.problems().await.len()),
            (MappingState::Live, 0)
        );
        assert_eq!(env.state().await.copies, 1);
        env.rest().await;
    }
}

#[tokio::test]
async fn the_name_that_a_lost_create_has_taken_is_looked_at() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.to().lost.insert(CalendarCall::Create);
    env.pass().await;
    // The listing does not show it yet, and reads of many do not.
    let name = EventId::new(format!("{}.ics", env.uid_of_copy("dentist.ics").await));
    env.to().unlisted.insert(name.clone());
    env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    env.pass().await;
    assert_eq!(env.titles(), [all(["orthodontist"]), all(["orthodontist"])]);
    assert!(env.to().all()[0].id == name);
    env.to().unlisted.clear();
    env.rest().await;
}

#[tokio::test]
async fn guests_that_were_invited_to_a_half_made_copy_make_it_their_owners() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.to().lost.insert(CalendarCall::Create);
    env.pass().await;
    let name = format!("{}.ics", env.uid_of_copy("dentist.ics").await);
    env.to().change(&name, |event| *event = with_guests(event.clone()));
    env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    let run = env.pass().await;
    assert_eq!(reasons(&run), [Reason::HasGuests]);
    assert_eq!(env.titles(), [all(["orthodontist"]), all(["dentist"])]);
    assert!(
        env.mapping("orthodontist.ics".replace("orthodontist", "dentist").as_str())
            .await
            .copy_guests
    );
    env.nothing_wrong();
}

#[tokio::test]
async fn what_is_refused_stays_with_its_event() {
    let env = PairEnv::one_way().await;
    env.from().put(april("good", 1));
    env.from().put(april("bad", 2));
    let name = EventId::new(format!("{}.ics", env.uid_of_copy("bad.ics").await));
    env.to()
        .refused
        .insert((CalendarCall::Create, Some(name.clone())), Error::Refused("too much".into()));
    let run = env.pass().await;
    assert_eq!(
        (run.created, reasons(&run), run.state),
        (1, vec![Reason::RefusedByServer], PairStatus::Ok)
    );
    let problems = env.problems().await;
    let problem = &problems[0].problem;
    assert_eq!(
        (problem.event.as_str(), &problem.calendar, problem.tries),
        ("bad.ics", &env.pair.from, 1)
    );
    assert!(
        problem.message.ends_with("(too much)") && problem.next_try > Some(env.scope.clock.now())
    );
    assert_eq!(env.state().await.next_retry, problem.next_try);
    assert!(env.state().await.from.is_some(), "cursors move past it");
    assert_eq!(env.mappings().await.len(), 1, "nothing is remembered of what was not made");
    env.pass().await;
    assert_eq!(env.writes(), all([]), "it waits");
    env.minutes(2);
    env.pass().await;
    assert_eq!((env.writes().len(), env.problems().await[0].problem.tries), (1, 2));
    env.to().refused.clear();
    assert_eq!(env.run(FULL).await.created, 1, "at once by a full pass");
    assert_eq!(
        (env.count(), env.problems().await.len(), env.state().await.next_retry),
        ([2, 2], 0, None)
    );
    env.rest().await;
}

#[tokio::test]
async fn what_is_removed_needs_no_mention_any_more() {
    let env = PairEnv::one_way().await;
    env.from().put(april("bad", 2));
    env.to().refused.insert((CalendarCall::Create, None), Error::Refused("too much".into()));
    env.pass().await;
    env.from().remove("bad.ics");
    let run = env.pass().await;
    assert_eq!(
        (run.skipped, env.problems().await.len(), env.state().await.next_retry),
        (0, 0, None)
    );
    env.rest().await;
}

#[tokio::test]
async fn a_calendar_that_may_not_be_written_to_is_an_error_of_the_pair() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.to().manners.read_only = true;
    let run = env.try_run(super::env::OPTIONS).await;
    assert_eq!(
        (run.state, run.error.map(|error| error.code)),
        (PairStatus::Error, Some("forbidden".into()))
    );
    let state = env.state().await;
    assert!(
        state.from.is_none()
            && state.status == Some(PairStatus::Error)
            && state.failing.unwrap().times == 1
    );
    env.to().manners.read_only = false;
    assert_eq!((env.pass().await.state, env.count()), (PairStatus::Ok, [1, 1]));
    assert_eq!(env.state().await.failing, None);
    env.rest().await;
}

#[tokio::test]
async fn a_name_that_a_trash_bin_keeps_is_not_used_again() {
    let env = PairEnv::one_way().await;
    env.to().manners.keeps_names = true;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let mut names = vec![env.copy("dentist.ics").await];
    for _ in 0..3 {
        let origin = env.from().remove("dentist.ics");
        env.pass().await;
        assert_eq!(env.count(), [0, 0]);
        env.from().put(origin);
        assert_eq!((env.pass().await.created, env.count()), (1, [1, 1]));
        names.push(env.copy("dentist.ics").await);
        env.rest().await;
    }
    let uid = env.uid_of_copy("dentist.ics").await;
    assert_eq!(names[..2], [format!("{uid}.ics"), format!("{uid}-1.ics")]);
    let hundredths: u32 = names[2]
        .strip_prefix(&format!("{uid}-"))
        .unwrap()
        .trim_end_matches(".ics")
        .parse()
        .unwrap();
    assert!(hundredths > 1_000, "made of the time");
}

#[tokio::test]
async fn a_server_that_refuses_every_name_is_asked_three_times() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.to().refused.insert(
        (CalendarCall::Create, None),
        Error::NameRefused(Box::new(Error::Refused("no".into()))),
    );
    let run = env.pass().await;
    assert_eq!((env.writes().len(), reasons(&run)), (3, vec![Reason::RefusedByServer]));
    assert!(env.problems().await[0].problem.message.ends_with("(no)"));
    env.to().refused.insert((CalendarCall::Create, None), Error::Exists);
    env.minutes(10);
    let run = env.pass().await;
    assert_eq!(
        (env.writes().len(), reasons(&run), run.created),
        (3, vec![Reason::RefusedByServer], 0)
    );
    assert!(env.problems().await[0].problem.message.contains("is in use"));
    env.to().refused.clear();
    assert_eq!((env.run(FULL).await.created, env.count()), (1, [1, 1]));
    env.rest().await;
}

#[tokio::test]
async fn another_event_under_the_name_of_a_copy_stays() {
    let env = PairEnv::one_way().await;
    let uid = env.uid_of_copy("dentist.ics").await;
    env.to().put(event(&uid, "swimming", on(date(2026, 4, 2))));
    env.pass().await;
    env.from().put(april("dentist", 1));
    assert_eq!(env.pass().await.created, 1);
    assert_eq!(env.titles(), [all(["dentist"]), all(["dentist", "swimming"])]);
    assert_eq!(env.copy("dentist.ics").await, format!("{uid}-1.ics"));
    env.rest().await;
}

#[tokio::test]
async fn what_a_server_makes_of_a_copy_is_no_edit() {
    let env = PairEnv::two_way().await;
    env.to().manners.longest_title = Some(4);
    env.to().manners.drops_marks = true;
    env.from().put(april("dentist", 1));
    env.pass().await;
    assert_eq!(env.titles(), [all(["dentist"]), all(["dent"])]);
    env.rest().await;
    assert_eq!(env.titles(), [all(["dentist"]), all(["dent"])]);
    let copy = env.copy("dentist.ics").await;
    env.to().change(&copy, |event| event.content.location = "room 2".into());
    env.pass().await;
    assert_eq!(env.one(0, "dentist").content.location, "room 2");
    env.rest().await;
}

#[tokio::test]
async fn a_server_may_give_names_and_uids_of_its_own() {
    for (own_names, own_uids) in [(true, false), (false, true), (true, true)] {
        let env = PairEnv::two_way().await;
        env.to().manners.own_names = own_names;
        env.to().manners.own_uids = own_uids;
        env.from().put(april("dentist", 1));
        assert_eq!(env.pass().await.created, 1);
        env.rest().await;
        env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
        assert_eq!(env.pass().await.changed, 1);
        assert_eq!(env.titles(), [all(["orthodontist"]), all(["orthodontist"])]);
        env.rest().await;
        env.from().remove("dentist.ics");
        assert_eq!((env.pass().await.deleted, env.count()), (1, [0, 0]));
        env.rest().await;
    }
}

#[tokio::test]
async fn a_create_without_an_answer_that_was_not_done_is_done_again() {
    for two_way in [false, true] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        env.from().put(april("dentist", 1));
        env.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
        env.pass().await;
        assert_eq!(
            (env.count(), env.mapping("dentist.ics").await.state),
            ([1, 0], MappingState::Creating)
        );
        env.to().refused.clear();
        assert_eq!((env.pass().await.created, env.count()), (1, [1, 1]));
        env.rest().await;
    }
}

#[tokio::test]
async fn a_half_made_copy_whose_origin_is_gone_is_forgotten() {
    for two_way in [false, true] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        env.from().put(april("dentist", 1));
        env.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
        env.pass().await;
        env.from().remove("dentist.ics");
        env.to().refused.clear();
        env.pass().await;
        env.pass().await;
        assert_eq!(
            (env.count(), env.mappings().await.len(), env.problems().await.len()),
            ([0, 0], 0, 0)
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn a_copy_that_was_made_and_never_noted_goes_with_its_origin() {
    for two_way in [false, true] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        env.from().put(april("dentist", 1));
        env.to().lost.insert(CalendarCall::Create);
        env.pass().await;
        env.from().remove("dentist.ics");
        env.pass().await;
        env.pass().await;
        assert_eq!((env.count(), env.mappings().await.len()), ([0, 0], 0));
        env.rest().await;
    }
}

#[tokio::test]
async fn more_events_than_fit_into_one_commit_are_all_copied() {
    let env = PairEnv::two_way().await.filled(120).await;
    assert_eq!(
        (env.count(), env.state().await.copies, env.state().await.remaining),
        ([120, 120], 120, None)
    );
    env.rest().await;
}

#[tokio::test]
async fn a_zone_that_was_guessed_is_noted_as_long_as_it_is() {
    let env = PairEnv::one_way().await;
    env.from().put(Event { zone_guessed: true, ..april("dentist", 1) });
    assert_eq!(env.pass().await.created, 1);
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(env.pass().await.changed, 1);
    assert_eq!(
        env.problems().await.iter().map(|row| row.problem.reason).collect::<Vec<_>>(),
        [Reason::ZoneUnknown]
    );
    env.from().change("dentist.ics", |event| event.zone_guessed = false);
    env.pass().await;
    assert_eq!(env.problems().await.len(), 0);
    env.rest().await;
}

/// A server that answers that it has made a copy, and then that the copy is not there, may show it
/// late.
#[tokio::test]
async fn a_copy_that_is_said_not_to_be_there_is_named_until_it_is_listed() {
    let env = PairEnv::one_way().await;
    env.to().manners.made_is_missing = true;
    env.from().put(april("dentist", 1));
    assert_eq!(env.pass().await.created, 1);
    let problems = env.problems().await;
    assert!(problems[0].problem.message.contains("does not show it"), "{problems:?}");
    env.pass().await;
    assert_eq!((env.problems().await.len(), env.count()), (0, [1, 1]));
    env.rest().await;
}
