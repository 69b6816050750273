//! What was changed on one side, or on both.

use engine::mapping::MappingState;
use engine::reason::Reason;
use jiff::civil::date;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::{april, event, on, weekly, with_guests};
use super::world::{FULL, World};
use super::{all, reasons};
use records::problem::PairStatus;

/// A pair with one event, `dentist`; and the name of its copy.
async fn dentist(two_way: bool) -> (World, String) {
    let world = if two_way { World::two_way().await } else { World::one_way().await };
    world.from().put(april("dentist", 1));
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    (world, copy)
}

impl World {
    fn retitle(&self, title: &str) {
        self.from().change("dentist.ics", |event| event.content.title = title.into());
    }

    fn retitle_copy(&self, copy: &str, title: &str) {
        self.to().change(copy, |event| event.content.title = title.into());
    }
}

#[tokio::test]
async fn a_copy_follows_its_origin() {
    let (world, copy) = dentist(false).await;
    world.from().change("dentist.ics", |event| event.content.span = on(date(2026, 4, 5)));
    let run = world.pass().await;
    assert_eq!((run.changed, run.actions[0].start.as_deref()), (1, Some("2026-04-05T09:00:00Z")));
    assert_eq!(world.one(1, "dentist").content.span, on(date(2026, 4, 5)));
    assert_eq!(
        world.writes(),
        [format!("Rewrite {copy}")],
        "it is as it was left, so it is not read"
    );
    assert_eq!(world.asked(CalendarCall::Fetch), [1, 0]);
    assert_eq!(run.actions[0].calendar, world.pair.to);
    world.rest().await;
    world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    world.pass().await;
    assert_eq!(world.writes(), [format!("Rewrite {copy}")], "it is still");
    world.rest().await;
}

#[tokio::test]
async fn two_way_an_edit_of_the_copy_reaches_its_origin() {
    let (world, copy) = dentist(true).await;
    world.retitle_copy(&copy, "orthodontist");
    let run = world.pass().await;
    assert_eq!((run.changed, run.actions[0].calendar == world.pair.from), (1, true));
    assert_eq!(world.writes(), ["Edit dentist.ics"]);
    assert_eq!(world.titles(), [all(["orthodontist"]), all(["orthodontist"])]);
    world.rest().await;
    world.retitle("dentist");
    world.pass().await;
    assert_eq!(world.writes(), [format!("Edit {copy}")], "a person has touched it");
    assert_eq!(world.titles(), [all(["dentist"]), all(["dentist"])]);
    world.rest().await;
}

#[tokio::test]
async fn one_way_an_edit_of_the_copy_lasts_until_the_origin_changes() {
    let (world, copy) = dentist(false).await;
    world.retitle_copy(&copy, "mine");
    let run = world.pass().await;
    assert_eq!((reasons(&run), world.writes()), (vec![Reason::CopyEdited], all([])));
    assert!(world.mapping("dentist.ics").await.drifted);
    world.pass().await;
    assert_eq!(world.titles(), [all(["dentist"]), all(["mine"])]);
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    assert_eq!(world.pass().await.changed, 1);
    assert_eq!(
        (world.writes(), world.titles()),
        (vec![format!("Edit {copy}")], [all(["dentist"]), all(["dentist"])])
    );
    assert_eq!(world.one(1, "dentist").content.location, "room 2");
    world.rest().await;
    world.retitle("surgeon");
    world.pass().await;
    assert_eq!(world.writes(), [format!("Edit {copy}")], "a person may have added to it");
    world.rest().await;
}

#[tokio::test]
async fn what_a_server_has_altered_is_not_written_as_a_whole() {
    let (world, copy) = dentist(false).await;
    world.to().manners.longest_title = Some(10);
    world.retitle("a very long title");
    world.pass().await;
    assert_eq!(
        (world.writes(), world.titles()[1].clone()),
        (vec![format!("Rewrite {copy}")], all(["a very lon"]))
    );
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    world.pass().await;
    assert_eq!(world.writes(), [format!("Edit {copy}")]);
    world.rest().await;
}

#[tokio::test]
async fn a_full_pass_puts_right_what_was_edited() {
    let (world, copy) = dentist(false).await;
    world.retitle_copy(&copy, "mine");
    world.pass().await;
    assert_eq!(world.run(FULL).await.changed, 1);
    assert_eq!(world.titles(), [all(["dentist"]), all(["dentist"])]);
    world.rest().await;
}

#[tokio::test]
async fn what_both_have_changed_is_merged_and_the_origin_counts() {
    let (world, copy) = dentist(true).await;
    world.retitle("a");
    world.to().change(&copy, |event| event.content.location = "room 2".into());
    world.pass().await;
    assert_eq!(
        (world.one(0, "a").content, world.one(1, "a").content.location.as_str()),
        (world.one(1, "a").content, "room 2")
    );
    world.rest().await;
    world.retitle("b");
    world.retitle_copy(&copy, "c");
    world.pass().await;
    assert_eq!(world.titles(), [all(["b"]), all(["b"])]);
    world.rest().await;
}

#[tokio::test]
async fn our_own_writes_are_no_news() {
    let (world, copy) = dentist(true).await;
    world.retitle("a");
    world.retitle_copy(&copy, "a");
    world.pass().await;
    world.pass().await;
    assert_eq!((world.asked(CalendarCall::Fetch), world.writes()), ([0, 0], all([])));
    world.rest().await;
}

#[tokio::test]
async fn whoever_is_faster_is_read_again() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        let name = copy.clone();
        world.to().meanwhile(CalendarCall::Rewrite, move |home| {
            home.change(&name, |event| event.content.location = "room 2".into())
        });
        world.retitle("orthodontist");
        let run = world.pass().await;
        assert_eq!(
            (run.changed, run.state, world.asked(CalendarCall::Rewrite)[1]),
            (1 + u64::from(two_way), PairStatus::Ok, 1)
        );
        let room = if two_way { "room 2" } else { "room 1" };
        for side in [0, 1] {
            assert_eq!(world.one(side, "orthodontist").content.location, room);
        }
        world.rest().await;
    }
}

#[tokio::test]
async fn an_event_that_is_changed_each_time_waits() {
    let (world, copy) = dentist(false).await;
    for call in [CalendarCall::Rewrite, CalendarCall::Edit] {
        for n in 0..10 {
            let name = copy.clone();
            world.to().meanwhile(call, move |home| {
                home.change(&name, |event| event.content.location = format!("{call:?} {n}"))
            });
        }
    }
    world.retitle("orthodontist");
    let run = world.pass().await;
    assert_eq!((run.state, world.writes().len()), (PairStatus::Ok, 4));
    assert_eq!(reasons(&run), [Reason::RefusedByServer]);
    assert!(world.problems().await[0].problem.message.contains("at the same moment"));
    assert!(world.state().await.from.is_some());
    world.to().stop_meanwhile();
    world.minutes(5);
    world.pass().await;
    assert_eq!(
        (world.titles(), world.problems().await.len()),
        ([all(["orthodontist"]), all(["orthodontist"])], 0)
    );
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_goes_while_it_is_written_is_made_again() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        world.to().meanwhile(CalendarCall::Rewrite, move |home| drop(home.remove(&copy)));
        world.retitle("orthodontist");
        let run = world.pass().await;
        assert_eq!((run.created, run.state, run.deleted), (1, PairStatus::Ok, 0));
        assert_eq!(world.titles(), [all(["orthodontist"]), all(["orthodontist"])]);
        world.rest().await;
    }
}

#[tokio::test]
async fn one_way_a_copy_that_goes_while_it_is_written_may_be_left_away() {
    let (world, copy) = dentist(false).await;
    world.to().meanwhile(CalendarCall::Rewrite, move |home| drop(home.remove(&copy)));
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    let run = world.pass().await;
    assert_eq!((run.created, reasons(&run), world.count()), (0, vec![Reason::Suppressed], [1, 0]));
    world.rest().await;
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_no_edit() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        world.retitle("orthodontist");
        world.to().lost.insert(CalendarCall::Rewrite);
        let run = world.pass().await;
        assert_eq!(reasons(&run), [Reason::RefusedByServer]);
        world.retitle("dentist");
        world.pass().await;
        assert_eq!(
            (world.titles(), world.problems().await.len()),
            ([all(["dentist"]), all(["dentist"])], 0)
        );
        assert_eq!(world.one(1, "dentist").id.as_str(), copy);
        world.rest().await;
    }
}

#[tokio::test]
async fn a_refused_write_is_tried_again() {
    let (world, _) = dentist(false).await;
    world.to().refused.insert((CalendarCall::Rewrite, None), Error::Refused("no".into()));
    world.retitle("orthodontist");
    let run = world.pass().await;
    assert_eq!(
        (reasons(&run), world.problems().await[0].problem.tries),
        (vec![Reason::RefusedByServer], 1)
    );
    world.to().refused.clear();
    world.pass().await;
    assert_eq!(world.titles(), [all(["orthodontist"]), all(["dentist"])], "it waits");
    world.minutes(2);
    let run = world.pass().await;
    assert_eq!(
        (run.changed, world.asked(CalendarCall::Edit)),
        (1, [0, 1]),
        "it may have arrived, so it is read"
    );
    assert_eq!(
        (world.titles(), world.problems().await.len()),
        ([all(["orthodontist"]), all(["orthodontist"])], 0)
    );
    world.rest().await;
}

#[tokio::test]
async fn what_the_origin_says_reaches_the_copy_where_the_other_way_is_refused() {
    let (world, copy) = dentist(true).await;
    world.from().refused.insert((CalendarCall::Edit, None), Error::Refused("no".into()));
    world.retitle("orthodontist");
    world.to().change(&copy, |event| event.content.location = "room 2".into());
    let run = world.pass().await;
    assert_eq!((run.changed, reasons(&run)), (1, vec![Reason::RefusedByServer]));
    assert_eq!(world.one(0, "orthodontist").content.location, "room 1");
    assert_eq!(world.one(1, "orthodontist").content.location, "room 2");
    assert_eq!(world.problems().await[0].problem.tries, 1);
    world.from().refused.clear();
    world.minutes(2);
    world.pass().await;
    assert_eq!(world.one(0, "orthodontist").content.location, "room 2");
    world.rest().await;
}

#[tokio::test]
async fn an_event_with_guests_is_never_written_to() {
    let world = World::two_way().await;
    world.from().put(with_guests(april("meeting", 1)));
    world.pass().await;
    let copy = world.copy("meeting.ics").await;
    assert!(world.one(1, "meeting").content.description.ends_with("bob@example.org"));
    world.retitle_copy(&copy, "mine");
    let run = world.pass().await;
    assert_eq!((run.changed, reasons(&run)), (1, vec![Reason::HasGuests]));
    assert_eq!(
        (world.titles(), world.writes()),
        ([all(["meeting"]), all(["meeting"])], vec![format!("Edit {copy}")])
    );
    world.rest().await;
}

#[tokio::test]
async fn guests_that_only_the_server_sees_end_the_writing_as_well() {
    let (world, copy) = dentist(true).await;
    world.from().meanwhile(CalendarCall::Edit, |work| work.refused_edit_for_guests());
    world.retitle_copy(&copy, "mine");
    let run = world.pass().await;
    assert_eq!((run.changed, reasons(&run)), (0, vec![Reason::HasGuests]));
    let mapping = world.mapping("dentist.ics").await;
    assert!(mapping.guests && !mapping.copy_guests && mapping.drifted);
    world.from().refused.clear();
    assert_eq!(world.titles(), [all(["dentist"]), all(["mine"])]);
    world.nothing_wrong();
}

#[tokio::test]
async fn a_copy_to_which_its_owner_invited_people_is_left_alone() {
    let (world, copy) = dentist(false).await;
    world.to().change(&copy, |event| *event = with_guests(event.clone()));
    world.retitle("orthodontist");
    let run = world.pass().await;
    assert_eq!((run.changed, world.writes()), (0, all([])));
    assert_eq!(reasons(&run), [Reason::HasGuests]);
    assert!(world.mapping("dentist.ics").await.copy_guests);
    world.from().remove("dentist.ics");
    world.pass().await;
    assert_eq!((world.titles(), world.mappings().await.len()), ([all([]), all(["dentist"])], 0));
    world.nothing_wrong();
}

#[tokio::test]
async fn a_copy_that_the_server_says_has_guests_is_left_alone() {
    let (world, _) = dentist(false).await;
    world.to().refused.insert((CalendarCall::Rewrite, None), Error::HasGuests);
    world.retitle("orthodontist");
    let run = world.pass().await;
    assert_eq!(reasons(&run), [Reason::HasGuests]);
    let mapping = world.mapping("dentist.ics").await;
    assert!(mapping.copy_guests && !mapping.guests && mapping.drifted && !mapping.pristine);
    world.pass().await;
    assert_eq!((world.writes(), world.problems().await.len()), (all([]), 0));
}

#[tokio::test]
async fn an_origin_that_cannot_be_read_leaves_its_copy_as_it_is() {
    let (world, _) = dentist(false).await;
    world.retitle("orthodontist");
    world.from().unreadable.insert(engine::event::EventId::new("dentist.ics"));
    let run = world.pass().await;
    assert_eq!(
        (reasons(&run), world.count(), world.writes()),
        (vec![Reason::Unreadable], [1, 1], all([]))
    );
    assert!(world.problems().await[0].problem.message.contains("no event"));
    world.pass().await;
    assert_eq!(world.problems().await.len(), 1);
    world.from().unreadable.clear();
    world.retitle("orthodontist");
    world.pass().await;
    assert_eq!(
        (world.titles(), world.problems().await.len()),
        ([all(["orthodontist"]), all(["orthodontist"])], 0)
    );
    world.rest().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_named_once() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.from().unreadable.insert(engine::event::EventId::new("dentist.ics"));
    assert_eq!(reasons(&world.pass().await), [Reason::Unreadable]);
    assert_eq!(world.problems().await[0].etag.as_deref(), Some("v1"));
    assert_eq!(world.state().await.next_retry, None);
    world.from().unreadable.clear();
    world.retitle("orthodontist");
    world.pass().await;
    assert_eq!((world.count(), world.problems().await.len()), ([1, 1], 0));
    world.rest().await;
}

#[tokio::test]
async fn a_zone_that_nothing_explains_is_noted_and_copied() {
    let world = World::one_way().await;
    world.from().put(engine::event::Event { zone_guessed: true, ..april("dentist", 1) });
    world.pass().await;
    assert_eq!(
        (world.count(), world.problems().await[0].problem.reason),
        ([1, 1], Reason::ZoneUnknown)
    );
    world.rest().await;
    assert_eq!(world.problems().await.len(), 1, "nothing new is known of it");
    world.from().change("dentist.ics", |event| event.zone_guessed = false);
    world.pass().await;
    assert_eq!(world.problems().await.len(), 0);
    world.rest().await;
}

#[tokio::test]
async fn a_note_stays_where_only_the_copy_was_read() {
    let world = World::one_way().await;
    world.from().put(engine::event::Event { zone_guessed: true, ..april("dentist", 1) });
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    world.to().change(&copy, |event| event.content.location = "room 2".into());
    world.pass().await;
    assert_eq!(world.problems().await[0].problem.reason, Reason::ZoneUnknown);
}

#[tokio::test]
async fn a_series_is_carried_over_with_its_exceptions() {
    let world = World::two_way().await;
    world.from().put(weekly(event("standup", "standup", on(date(2026, 4, 1))), 5));
    world.pass().await;
    let copy = world.copy("standup.ics").await;
    let second = engine::event::OriginalStart::At("2026-04-08T09:00:00Z".parse().unwrap());
    world.to().change(&copy, |event| {
        let series = event.series.as_mut().unwrap();
        series.exceptions.insert(second, engine::event::Exception::Cancelled);
    });
    world.pass().await;
    assert_eq!(world.one(0, "standup").series, world.one(1, "standup").series);
    assert_eq!(world.one(0, "standup").series.unwrap().exceptions.len(), 1);
    world.rest().await;
}

#[tokio::test]
async fn two_programs_that_undo_each_other_are_stopped() {
    let (world, copy) = dentist(false).await;
    let mut stopped = 0;
    for n in 0..9 {
        world.retitle(if n % 2 == 0 { "a" } else { "b" });
        stopped += reasons(&world.pass().await)
            .into_iter()
            .filter(|reason| *reason == Reason::Flapping)
            .count();
    }
    assert!(stopped > 0);
    assert_eq!(world.mapping("dentist.ics").await.state, MappingState::Live);
    assert_eq!(world.to().all()[0].id.as_str(), copy);
}
