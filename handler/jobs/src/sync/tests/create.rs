//! What is missing is made, and once.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::reason::Reason;
use jiff::civil::date;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::{april, event, on, weekly, with_guests};
use super::world::{DRY, FULL, World};
use super::{all, reasons};
use records::problem::PairStatus;

#[tokio::test]
async fn an_event_is_copied_once() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.to().put(april("swimming", 2));
    let run = world.pass().await;
    assert_eq!(
        (run.created, run.changed, run.deleted, run.skipped, run.state),
        (1, 0, 0, 0, PairStatus::Ok)
    );
    assert_eq!(world.titles(), [all(["dentist"]), all(["dentist", "swimming"])]);
    let (origin, copy) = (world.one(0, "dentist"), world.one(1, "dentist"));
    assert_eq!(origin.content, copy.content);
    assert!(copy.marker.is_some() && origin.marker.is_none());
    let action = &run.actions[0];
    assert_eq!((action.event.as_str(), &action.calendar), ("dentist.ics", &world.pair.to));
    assert_eq!(action.start.as_deref(), Some("2026-04-01T09:00:00Z"));
    assert_eq!(action.end.as_deref(), Some("2026-04-01T10:00:00Z"));
    world.rest().await;
}

#[tokio::test]
async fn two_way_each_gets_what_the_other_has() {
    let world = World::two_way().await;
    world.from().put(april("dentist", 1));
    world.to().put(weekly(april("swimming", 2), 3));
    assert_eq!(world.pass().await.created, 2);
    assert_eq!(world.titles(), [all(["dentist", "swimming"]), all(["dentist", "swimming"])]);
    assert_eq!(world.one(0, "swimming").series, world.one(1, "swimming").series);
    world.rest().await;
}

#[tokio::test]
async fn an_event_that_comes_later_is_read_alone() {
    let world = World::one_way().await.filled(30).await;
    world.from().put(april("new", 9));
    let run = world.pass().await;
    assert_eq!((run.created, world.writes().len()), (1, 1));
    assert_eq!(
        (world.asked(CalendarCall::Fetch), world.asked(CalendarCall::ListAll)),
        ([1, 0], [0, 0])
    );
    world.rest().await;
}

#[tokio::test]
async fn where_nothing_has_happened_nothing_is_read() {
    let world = World::two_way().await.filled(3).await;
    world.pass().await;
    assert_eq!(
        (
            world.asked(CalendarCall::List),
            world.asked(CalendarCall::ListAll),
            world.asked(CalendarCall::Fetch)
        ),
        ([0, 0], [0, 0], [0, 0])
    );
    assert_eq!(world.asked(CalendarCall::Glance), [1, 1]);
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_says_what_would_be() {
    let world = World::two_way().await;
    world.from().put(april("dentist", 1));
    let run = world.run(DRY).await;
    assert_eq!((run.created, world.titles()), (1, [all(["dentist"]), all([])]));
    assert_eq!(world.state().await, Default::default());
    assert_eq!((world.pass().await.created, world.count()), (1, [1, 1]));
    world.rest().await;
}

#[tokio::test]
async fn what_lies_outside_the_window_is_not_copied() {
    let world = World::one_way().await;
    world.pass().await;
    world.from().put(event("past", "past", on(date(2025, 11, 1))));
    world.from().put(event("far", "far", on(date(2027, 5, 1))));
    let run = world.pass().await;
    assert_eq!(reasons(&run), [Reason::OutsideWindow; 2]);
    assert_eq!(world.count(), [2, 0]);
    assert_eq!(world.problems().await, []);
    world.rest().await;
    assert_eq!(world.run(FULL).await.skipped, 0, "a listing of the window does not show them");
}

#[tokio::test]
async fn what_comes_into_the_window_is_copied_on_that_day() {
    let world = World::one_way().await;
    world.from().put(event("soon", "soon", on(date(2027, 3, 10))));
    assert_eq!(world.pass().await.created, 0);
    world.wait(jiff::SignedDuration::from_hours(24));
    assert_eq!(world.pass().await.created, 1);
    world.rest().await;
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_finds_its_own_event() {
    for two_way in [false, true] {
        let world = if two_way { World::two_way().await } else { World::one_way().await };
        world.from().put(april("dentist", 1));
        world.to().lost.insert(CalendarCall::Create);
        let run = world.pass().await;
        assert_eq!((reasons(&run), world.count()), (vec![Reason::RefusedByServer], [1, 1]));
        assert_eq!(world.problems().await[0].problem.tries, 1);
        assert_eq!(world.mapping("dentist.ics").await.state, MappingState::Creating);
        let run = world.pass().await;
        assert_eq!((run.state, world.count()), (PairStatus::Ok, [1, 1]));
        assert_eq!(
            (world.mapping("dentist.ics").await.state, world.problems().await.len()),
            (MappingState::Live, 0)
        );
        assert_eq!(world.state().await.copies, 1);
        world.rest().await;
    }
}

#[tokio::test]
async fn the_name_that_a_lost_create_has_taken_is_looked_at() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.to().lost.insert(CalendarCall::Create);
    world.pass().await;
    // The listing does not show it yet, and reads of many do not.
    let name = EventId::new(format!("{}.ics", world.uid_of_copy("dentist.ics").await));
    world.to().unlisted.insert(name.clone());
    world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    world.pass().await;
    assert_eq!(world.titles(), [all(["orthodontist"]), all(["orthodontist"])]);
    assert!(world.to().all()[0].id == name);
    world.to().unlisted.clear();
    world.rest().await;
}

#[tokio::test]
async fn guests_that_were_invited_to_a_half_made_copy_make_it_their_owners() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.to().lost.insert(CalendarCall::Create);
    world.pass().await;
    let name = format!("{}.ics", world.uid_of_copy("dentist.ics").await);
    world.to().change(&name, |event| *event = with_guests(event.clone()));
    world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    let run = world.pass().await;
    assert_eq!(reasons(&run), [Reason::HasGuests]);
    assert_eq!(world.titles(), [all(["orthodontist"]), all(["dentist"])]);
    assert!(
        world
            .mapping("orthodontist.ics".replace("orthodontist", "dentist").as_str())
            .await
            .copy_guests
    );
    world.nothing_wrong();
}

#[tokio::test]
async fn what_is_refused_stays_with_its_event() {
    let world = World::one_way().await;
    world.from().put(april("good", 1));
    world.from().put(april("bad", 2));
    let name = EventId::new(format!("{}.ics", world.uid_of_copy("bad.ics").await));
    world
        .to()
        .refused
        .insert((CalendarCall::Create, Some(name.clone())), Error::Refused("too much".into()));
    let run = world.pass().await;
    assert_eq!(
        (run.created, reasons(&run), run.state),
        (1, vec![Reason::RefusedByServer], PairStatus::Ok)
    );
    let problems = world.problems().await;
    let problem = &problems[0].problem;
    assert_eq!(
        (problem.event.as_str(), &problem.calendar, problem.tries),
        ("bad.ics", &world.pair.from, 1)
    );
    assert!(
        problem.message.ends_with("(too much)") && problem.next_try > Some(world.scope.clock.now())
    );
    assert_eq!(world.state().await.next_retry, problem.next_try);
    assert!(world.state().await.from.is_some(), "cursors move past it");
    assert_eq!(world.mappings().await.len(), 1, "nothing is remembered of what was not made");
    world.pass().await;
    assert_eq!(world.writes(), all([]), "it waits");
    world.minutes(2);
    world.pass().await;
    assert_eq!((world.writes().len(), world.problems().await[0].problem.tries), (1, 2));
    world.to().refused.clear();
    assert_eq!(world.run(FULL).await.created, 1, "at once by a full pass");
    assert_eq!(
        (world.count(), world.problems().await.len(), world.state().await.next_retry),
        ([2, 2], 0, None)
    );
    world.rest().await;
}

#[tokio::test]
async fn what_is_removed_needs_no_mention_any_more() {
    let world = World::one_way().await;
    world.from().put(april("bad", 2));
    world.to().refused.insert((CalendarCall::Create, None), Error::Refused("too much".into()));
    world.pass().await;
    world.from().remove("bad.ics");
    let run = world.pass().await;
    assert_eq!(
        (run.skipped, world.problems().await.len(), world.state().await.next_retry),
        (0, 0, None)
    );
    world.rest().await;
}

#[tokio::test]
async fn a_calendar_that_may_not_be_written_to_is_an_error_of_the_pair() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.to().manners.read_only = true;
    let run = world.try_run(super::world::OPTIONS).await;
    assert_eq!(
        (run.state, run.error.map(|error| error.code)),
        (PairStatus::Error, Some("forbidden".into()))
    );
    let state = world.state().await;
    assert!(
        state.from.is_none()
            && state.status == Some(PairStatus::Error)
            && state.failing.unwrap().times == 1
    );
    world.to().manners.read_only = false;
    assert_eq!((world.pass().await.state, world.count()), (PairStatus::Ok, [1, 1]));
    assert_eq!(world.state().await.failing, None);
    world.rest().await;
}

#[tokio::test]
async fn a_name_that_a_trash_bin_keeps_is_not_used_again() {
    let world = World::one_way().await;
    world.to().manners.keeps_names = true;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let mut names = vec![world.copy("dentist.ics").await];
    for _ in 0..3 {
        let origin = world.from().remove("dentist.ics");
        world.pass().await;
        assert_eq!(world.count(), [0, 0]);
        world.from().put(origin);
        assert_eq!((world.pass().await.created, world.count()), (1, [1, 1]));
        names.push(world.copy("dentist.ics").await);
        world.rest().await;
    }
    let uid = world.uid_of_copy("dentist.ics").await;
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
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.to().refused.insert(
        (CalendarCall::Create, None),
        Error::NameRefused(Box::new(Error::Refused("no".into()))),
    );
    let run = world.pass().await;
    assert_eq!((world.writes().len(), reasons(&run)), (3, vec![Reason::RefusedByServer]));
    assert!(world.problems().await[0].problem.message.ends_with("(no)"));
    world.to().refused.insert((CalendarCall::Create, None), Error::Exists);
    world.minutes(10);
    let run = world.pass().await;
    assert_eq!(
        (world.writes().len(), reasons(&run), run.created),
        (3, vec![Reason::RefusedByServer], 0)
    );
    assert!(world.problems().await[0].problem.message.contains("name is in use"));
    world.to().refused.clear();
    assert_eq!((world.run(FULL).await.created, world.count()), (1, [1, 1]));
    world.rest().await;
}

#[tokio::test]
async fn another_event_under_the_name_of_a_copy_stays() {
    let world = World::one_way().await;
    let uid = world.uid_of_copy("dentist.ics").await;
    world.to().put(event(&uid, "swimming", on(date(2026, 4, 2))));
    world.pass().await;
    world.from().put(april("dentist", 1));
    assert_eq!(world.pass().await.created, 1);
    assert_eq!(world.titles(), [all(["dentist"]), all(["dentist", "swimming"])]);
    assert_eq!(world.copy("dentist.ics").await, format!("{uid}-1.ics"));
    world.rest().await;
}

#[tokio::test]
async fn what_a_server_makes_of_a_copy_is_no_edit() {
    let world = World::two_way().await;
    world.to().manners.longest_title = Some(4);
    world.to().manners.drops_marks = true;
    world.from().put(april("dentist", 1));
    world.pass().await;
    assert_eq!(world.titles(), [all(["dentist"]), all(["dent"])]);
    world.rest().await;
    assert_eq!(world.titles(), [all(["dentist"]), all(["dent"])]);
    let copy = world.copy("dentist.ics").await;
    world.to().change(&copy, |event| event.content.location = "room 2".into());
    world.pass().await;
    assert_eq!(world.one(0, "dentist").content.location, "room 2");
    world.rest().await;
}

#[tokio::test]
async fn a_server_may_give_names_and_uids_of_its_own() {
    for (own_names, own_uids) in [(true, false), (false, true), (true, true)] {
        let world = World::two_way().await;
        world.to().manners.own_names = own_names;
        world.to().manners.own_uids = own_uids;
        world.from().put(april("dentist", 1));
        assert_eq!(world.pass().await.created, 1);
        world.rest().await;
        world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
        assert_eq!(world.pass().await.changed, 1);
        assert_eq!(world.titles(), [all(["orthodontist"]), all(["orthodontist"])]);
        world.rest().await;
        world.from().remove("dentist.ics");
        assert_eq!((world.pass().await.deleted, world.count()), (1, [0, 0]));
        world.rest().await;
    }
}

#[tokio::test]
async fn a_create_without_an_answer_that_was_not_done_is_done_again() {
    for two_way in [false, true] {
        let world = if two_way { World::two_way().await } else { World::one_way().await };
        world.from().put(april("dentist", 1));
        world.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
        world.pass().await;
        assert_eq!(
            (world.count(), world.mapping("dentist.ics").await.state),
            ([1, 0], MappingState::Creating)
        );
        world.to().refused.clear();
        assert_eq!((world.pass().await.created, world.count()), (1, [1, 1]));
        world.rest().await;
    }
}

#[tokio::test]
async fn a_half_made_copy_whose_origin_is_gone_is_forgotten() {
    for two_way in [false, true] {
        let world = if two_way { World::two_way().await } else { World::one_way().await };
        world.from().put(april("dentist", 1));
        world.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
        world.pass().await;
        world.from().remove("dentist.ics");
        world.to().refused.clear();
        world.pass().await;
        world.pass().await;
        assert_eq!(
            (world.count(), world.mappings().await.len(), world.problems().await.len()),
            ([0, 0], 0, 0)
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn a_copy_that_was_made_and_never_noted_goes_with_its_origin() {
    for two_way in [false, true] {
        let world = if two_way { World::two_way().await } else { World::one_way().await };
        world.from().put(april("dentist", 1));
        world.to().lost.insert(CalendarCall::Create);
        world.pass().await;
        world.from().remove("dentist.ics");
        world.pass().await;
        world.pass().await;
        assert_eq!((world.count(), world.mappings().await.len()), ([0, 0], 0));
        world.rest().await;
    }
}

#[tokio::test]
async fn more_events_than_fit_into_one_commit_are_all_copied() {
    let world = World::two_way().await.filled(120).await;
    assert_eq!(
        (world.count(), world.state().await.copies, world.state().await.remaining),
        ([120, 120], 120, None)
    );
    world.rest().await;
}

#[tokio::test]
async fn a_zone_that_was_guessed_is_noted_as_long_as_it_is() {
    let world = World::one_way().await;
    world.from().put(Event { zone_guessed: true, ..april("dentist", 1) });
    assert_eq!(world.pass().await.created, 1);
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(world.pass().await.changed, 1);
    assert_eq!(
        world.problems().await.iter().map(|row| row.problem.reason).collect::<Vec<_>>(),
        [Reason::ZoneUnknown]
    );
    world.from().change("dentist.ics", |event| event.zone_guessed = false);
    world.pass().await;
    assert_eq!(world.problems().await.len(), 0);
    world.rest().await;
}
