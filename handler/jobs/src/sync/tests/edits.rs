//! Changes at one end, or at both.

use engine::mapping::MappingState;
use engine::reason::Reason;
use jiff::civil::date;
use providers::Error;
use records::problem::PairStatus;

use super::env::{FULL, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, event, on, weekly, with_guests};
use super::{all, reasons};

/// A pair with one event, `dentist`; and the name of its copy.
async fn dentist(two_way: bool) -> (PairEnv, String) {
    let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
    env.from().put(april("dentist", 1));
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    (env, copy)
}

impl PairEnv {
    fn retitle(&self, title: &str) {
        self.from().change("dentist.ics", |event| event.content.title = title.into());
    }

    fn retitle_copy(&self, copy: &str, title: &str) {
        self.to().change(copy, |event| event.content.title = title.into());
    }
}

#[tokio::test]
async fn a_copy_follows_its_origin() {
    let (env, copy) = dentist(false).await;
    env.from().change("dentist.ics", |event| event.content.span = on(date(2026, 4, 5)));
    let run = env.pass().await;
    assert_eq!((run.changed, run.actions[0].start.as_deref()), (1, Some("2026-04-05T09:00:00Z")));
    assert_eq!(env.one(1, "dentist").content.span, on(date(2026, 4, 5)));
    assert_eq!(
        env.writes(),
        [format!("Rewrite {copy}")],
        "it is as it was left, so it is not read"
    );
    assert_eq!(env.asked(CalendarCall::Fetch), [1, 0]);
    assert_eq!(run.actions[0].calendar, env.pair.to);
    env.rest().await;
    env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    env.pass().await;
    assert_eq!(env.writes(), [format!("Rewrite {copy}")], "it is still");
    env.rest().await;
}

#[tokio::test]
async fn two_way_an_edit_of_the_copy_reaches_its_origin() {
    let (env, copy) = dentist(true).await;
    env.retitle_copy(&copy, "orthodontist");
    let run = env.pass().await;
    assert_eq!((run.changed, run.actions[0].calendar == env.pair.from), (1, true));
    assert_eq!(env.writes(), ["Edit dentist.ics"]);
    assert_eq!(env.titles(), [all(["orthodontist"]), all(["orthodontist"])]);
    env.rest().await;
    env.retitle("dentist");
    env.pass().await;
    assert_eq!(env.writes(), [format!("Edit {copy}")], "a person has touched it");
    assert_eq!(env.titles(), [all(["dentist"]), all(["dentist"])]);
    env.rest().await;
}

#[tokio::test]
async fn one_way_an_edit_of_the_copy_lasts_until_the_origin_changes() {
    let (env, copy) = dentist(false).await;
    env.retitle_copy(&copy, "mine");
    let run = env.pass().await;
    assert_eq!((reasons(&run), env.writes()), (vec![Reason::CopyEdited], all([])));
    assert!(env.mapping("dentist.ics").await.drifted);
    env.pass().await;
    assert_eq!(env.titles(), [all(["dentist"]), all(["mine"])]);
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    assert_eq!(env.pass().await.changed, 1);
    assert_eq!(
        (env.writes(), env.titles()),
        (vec![format!("Edit {copy}")], [all(["dentist"]), all(["dentist"])])
    );
    assert_eq!(env.one(1, "dentist").content.location, "room 2");
    env.rest().await;
    env.retitle("surgeon");
    env.pass().await;
    assert_eq!(env.writes(), [format!("Edit {copy}")], "a person may have added to it");
    env.rest().await;
}

#[tokio::test]
async fn what_a_server_has_altered_is_not_written_as_a_whole() {
    let (env, copy) = dentist(false).await;
    env.to().manners.longest_title = Some(10);
    env.retitle("a very long title");
    env.pass().await;
    assert_eq!(
        (env.writes(), env.titles()[1].clone()),
        (vec![format!("Rewrite {copy}")], all(["a very lon"]))
    );
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    env.pass().await;
    assert_eq!(env.writes(), [format!("Edit {copy}")]);
    env.rest().await;
}

#[tokio::test]
async fn a_full_pass_puts_right_what_was_edited() {
    let (env, copy) = dentist(false).await;
    env.retitle_copy(&copy, "mine");
    env.pass().await;
    assert_eq!(env.run(FULL).await.changed, 1);
    assert_eq!(env.titles(), [all(["dentist"]), all(["dentist"])]);
    env.rest().await;
}

#[tokio::test]
async fn what_both_have_changed_is_merged_and_the_origin_counts() {
    let (env, copy) = dentist(true).await;
    env.retitle("a");
    env.to().change(&copy, |event| event.content.location = "room 2".into());
    env.pass().await;
    assert_eq!(
        (env.one(0, "a").content, env.one(1, "a").content.location.as_str()),
        (env.one(1, "a").content, "room 2")
    );
    env.rest().await;
    env.retitle("b");
    env.retitle_copy(&copy, "c");
    env.pass().await;
    assert_eq!(env.titles(), [all(["b"]), all(["b"])]);
    env.rest().await;
}

#[tokio::test]
async fn our_own_writes_are_no_news() {
    let (env, copy) = dentist(true).await;
    env.retitle("a");
    env.retitle_copy(&copy, "a");
    env.pass().await;
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::Fetch), env.writes()), ([0, 0], all([])));
    env.rest().await;
}

#[tokio::test]
async fn whoever_is_faster_is_read_again() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        let name = copy.clone();
        env.to().meanwhile(CalendarCall::Rewrite, move |home| {
            home.change(&name, |event| event.content.location = "room 2".into())
        });
        env.retitle("orthodontist");
        let run = env.pass().await;
        assert_eq!(
            (run.changed, run.state, env.asked(CalendarCall::Rewrite)[1]),
            (1 + u64::from(two_way), PairStatus::Ok, 1)
        );
        let room = if two_way { "room 2" } else { "room 1" };
        for side in [0, 1] {
            assert_eq!(env.one(side, "orthodontist").content.location, room);
        }
        env.rest().await;
    }
}

#[tokio::test]
async fn an_event_that_is_changed_each_time_waits() {
    let (env, copy) = dentist(false).await;
    for call in [CalendarCall::Rewrite, CalendarCall::Edit] {
        for n in 0..10 {
            let name = copy.clone();
            env.to().meanwhile(call, move |home| {
                home.change(&name, |event| event.content.location = format!("{call:?} {n}"))
            });
        }
    }
    env.retitle("orthodontist");
    let run = env.pass().await;
    assert_eq!((run.state, env.writes().len()), (PairStatus::Ok, 4));
    assert_eq!(reasons(&run), [Reason::RefusedByServer]);
    assert!(env.problems().await[0].problem.message.contains("at the same moment"));
    assert!(env.state().await.from.is_some());
    env.to().stop_meanwhile();
    env.minutes(5);
    env.pass().await;
    assert_eq!(
        (env.titles(), env.problems().await.len()),
        ([all(["orthodontist"]), all(["orthodontist"])], 0)
    );
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_goes_while_it_is_written_is_made_again() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        env.to().meanwhile(CalendarCall::Rewrite, move |home| drop(home.remove(&copy)));
        env.retitle("orthodontist");
        let run = env.pass().await;
        assert_eq!((run.created, run.state, run.deleted), (1, PairStatus::Ok, 0));
        assert_eq!(env.titles(), [all(["orthodontist"]), all(["orthodontist"])]);
        env.rest().await;
    }
}

#[tokio::test]
async fn one_way_a_copy_that_goes_while_it_is_written_may_be_left_away() {
    let (env, copy) = dentist(false).await;
    env.to().meanwhile(CalendarCall::Rewrite, move |home| drop(home.remove(&copy)));
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    let run = env.pass().await;
    assert_eq!((run.created, reasons(&run), env.count()), (0, vec![Reason::Suppressed], [1, 0]));
    env.rest().await;
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_no_edit() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        env.retitle("orthodontist");
        env.to().lost.insert(CalendarCall::Rewrite);
        let run = env.pass().await;
        assert_eq!(reasons(&run), [Reason::RefusedByServer]);
        env.retitle("dentist");
        env.pass().await;
        assert_eq!(
            (env.titles(), env.problems().await.len()),
            ([all(["dentist"]), all(["dentist"])], 0)
        );
        assert_eq!(env.one(1, "dentist").id.as_str(), copy);
        env.rest().await;
    }
}

#[tokio::test]
async fn a_refused_write_is_tried_again() {
    let (env, _) = dentist(false).await;
    env.to().refused.insert((CalendarCall::Rewrite, None), Error::Refused("no".into()));
    env.retitle("orthodontist");
    let run = env.pass().await;
    assert_eq!(
        (reasons(&run), env.problems().await[0].problem.tries),
        (vec![Reason::RefusedByServer], 1)
    );
    env.to().refused.clear();
    env.pass().await;
    assert_eq!(env.titles(), [all(["orthodontist"]), all(["dentist"])], "it waits");
    env.minutes(2);
    let run = env.pass().await;
    assert_eq!(
        (run.changed, env.asked(CalendarCall::Edit)),
        (1, [0, 1]),
        "it may have arrived, so it is read"
    );
    assert_eq!(
        (env.titles(), env.problems().await.len()),
        ([all(["orthodontist"]), all(["orthodontist"])], 0)
    );
    env.rest().await;
}

#[tokio::test]
async fn what_the_origin_says_reaches_the_copy_where_the_other_way_is_refused() {
    let (env, copy) = dentist(true).await;
    env.from().refused.insert((CalendarCall::Edit, None), Error::Refused("no".into()));
    env.retitle("orthodontist");
    env.to().change(&copy, |event| event.content.location = "room 2".into());
    let run = env.pass().await;
    assert_eq!((run.changed, reasons(&run)), (1, vec![Reason::RefusedByServer]));
    assert_eq!(env.one(0, "orthodontist").content.location, "room 1");
    assert_eq!(env.one(1, "orthodontist").content.location, "room 2");
    assert_eq!(env.problems().await[0].problem.tries, 1);
    env.from().refused.clear();
    env.minutes(2);
    env.pass().await;
    assert_eq!(env.one(0, "orthodontist").content.location, "room 2");
    env.rest().await;
}

#[tokio::test]
async fn an_event_with_guests_is_never_written_to() {
    let env = PairEnv::two_way().await;
    env.from().put(with_guests(april("meeting", 1)));
    env.pass().await;
    let copy = env.copy("meeting.ics").await;
    assert!(env.one(1, "meeting").content.description.ends_with("bob@example.org"));
    env.retitle_copy(&copy, "mine");
    let run = env.pass().await;
    assert_eq!((run.changed, reasons(&run)), (1, vec![Reason::HasGuests]));
    assert_eq!(
        (env.titles(), env.writes()),
        ([all(["meeting"]), all(["meeting"])], vec![format!("Edit {copy}")])
    );
    env.rest().await;
}

#[tokio::test]
async fn guests_that_only_the_server_sees_end_the_writing_as_well() {
    let (env, copy) = dentist(true).await;
    env.from().meanwhile(CalendarCall::Edit, |work| work.refused_edit_for_guests());
    env.retitle_copy(&copy, "mine");
    let run = env.pass().await;
    assert_eq!((run.changed, reasons(&run)), (0, vec![Reason::HasGuests]));
    let mapping = env.mapping("dentist.ics").await;
    assert!(mapping.guests && !mapping.copy_guests && mapping.drifted);
    env.from().refused.clear();
    assert_eq!(env.titles(), [all(["dentist"]), all(["mine"])]);
    env.nothing_wrong();
}

#[tokio::test]
async fn a_copy_to_which_its_owner_invited_people_is_left_alone() {
    let (env, copy) = dentist(false).await;
    env.to().change(&copy, |event| *event = with_guests(event.clone()));
    env.retitle("orthodontist");
    let run = env.pass().await;
    assert_eq!((run.changed, env.writes()), (0, all([])));
    assert_eq!(reasons(&run), [Reason::HasGuests]);
    assert!(env.mapping("dentist.ics").await.copy_guests);
    env.from().remove("dentist.ics");
    env.pass().await;
    assert_eq!((env.titles(), env.mappings().await.len()), ([all([]), all(["dentist"])], 0));
    env.nothing_wrong();
}

#[tokio::test]
async fn a_copy_that_the_server_says_has_guests_is_left_alone() {
    let (env, _) = dentist(false).await;
    env.to().refused.insert((CalendarCall::Rewrite, None), Error::HasGuests);
    env.retitle("orthodontist");
    let run = env.pass().await;
    assert_eq!(reasons(&run), [Reason::HasGuests]);
    let mapping = env.mapping("dentist.ics").await;
    assert!(mapping.copy_guests && !mapping.guests && mapping.drifted && !mapping.pristine);
    env.pass().await;
    assert_eq!((env.writes(), env.problems().await.len()), (all([]), 0));
}

#[tokio::test]
async fn an_origin_that_cannot_be_read_leaves_its_copy_as_it_is() {
    let (env, _) = dentist(false).await;
    env.retitle("orthodontist");
    env.from().unreadable.insert(engine::event::EventId::new("dentist.ics"));
    let run = env.pass().await;
    assert_eq!(
        (reasons(&run), env.count(), env.writes()),
        (vec![Reason::Unreadable], [1, 1], all([]))
    );
    assert!(env.problems().await[0].problem.message.contains("no event"));
    env.pass().await;
    assert_eq!(env.problems().await.len(), 1);
    env.from().unreadable.clear();
    env.retitle("orthodontist");
    env.pass().await;
    assert_eq!(
        (env.titles(), env.problems().await.len()),
        ([all(["orthodontist"]), all(["orthodontist"])], 0)
    );
    env.rest().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_named_once() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.from().unreadable.insert(engine::event::EventId::new("dentist.ics"));
    assert_eq!(reasons(&env.pass().await), [Reason::Unreadable]);
    assert_eq!(env.problems().await[0].etag.as_deref(), Some("v1"));
    assert_eq!(env.state().await.next_retry, None);
    env.from().unreadable.clear();
    env.retitle("orthodontist");
    env.pass().await;
    assert_eq!((env.count(), env.problems().await.len()), ([1, 1], 0));
    env.rest().await;
}

#[tokio::test]
async fn a_zone_that_nothing_explains_is_noted_and_copied() {
    let env = PairEnv::one_way().await;
    env.from().put(engine::event::Event { zone_guessed: true, ..april("dentist", 1) });
    env.pass().await;
    assert_eq!(
        (env.count(), env.problems().await[0].problem.reason),
        ([1, 1], Reason::ZoneUnknown)
    );
    env.rest().await;
    assert_eq!(env.problems().await.len(), 1, "nothing new is known of it");
    env.from().change("dentist.ics", |event| event.zone_guessed = false);
    env.pass().await;
    assert_eq!(env.problems().await.len(), 0);
    env.rest().await;
}

#[tokio::test]
async fn a_note_stays_where_only_the_copy_was_read() {
    let env = PairEnv::one_way().await;
    env.from().put(engine::event::Event { zone_guessed: true, ..april("dentist", 1) });
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    env.to().change(&copy, |event| event.content.location = "room 2".into());
    env.pass().await;
    assert_eq!(env.problems().await[0].problem.reason, Reason::ZoneUnknown);
}

#[tokio::test]
async fn a_series_is_carried_over_with_its_exceptions() {
    let env = PairEnv::two_way().await;
    env.from().put(weekly(event("standup", "standup", on(date(2026, 4, 1))), 5));
    env.pass().await;
    let copy = env.copy("standup.ics").await;
    let second = engine::event::OriginalStart::At("2026-04-08T09:00:00Z".parse().unwrap());
    env.to().change(&copy, |event| {
        let series = event.series.as_mut().unwrap();
        series.exceptions.insert(second, engine::event::Exception::Cancelled);
    });
    env.pass().await;
    assert_eq!(env.one(0, "standup").series, env.one(1, "standup").series);
    assert_eq!(env.one(0, "standup").series.unwrap().exceptions.len(), 1);
    env.rest().await;
}

#[tokio::test]
async fn two_programs_that_undo_each_other_are_stopped() {
    let (env, copy) = dentist(false).await;
    let mut stopped = 0;
    for n in 0..9 {
        env.retitle(if n % 2 == 0 { "a" } else { "b" });
        stopped += reasons(&env.pass().await)
            .into_iter()
            .filter(|reason| *reason == Reason::Flapping)
            .count();
    }
    assert!(stopped > 0);
    assert_eq!(env.mapping("dentist.ics").await.state, MappingState::Live);
    assert_eq!(env.to().all()[0].id.as_str(), copy);
}
