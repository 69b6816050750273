//! What earlier pairs have left, what other installations have made, and one calendar that is seen
//! as two.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::marker::{Marks, Role};
use engine::reason::Reason;
use engine::uid::UidHash;
use jiff::civil::date;
use providers::Error;
use records::problem::PairStatus;

use super::calendar::CalendarCall;
use super::events::{april, event, on};
use super::world::{FULL, OPTIONS, World};
use super::{all, reasons};
use crate::pairs::take_over;

/// The pair ends, and is made anew.
pub async fn anew(world: &mut World, two_way: bool, private: bool) {
    crate::pairs::remove_pair(&world.scope, &world.pair.id).await.unwrap();
    let like = engine::pair::Pair { two_way, private, ..world.pair.clone() };
    world.pair = world.add(0, 1, &like).await;
}

/// A copy that another installation has made of that event.
pub fn foreign(origin: &Event, name: &str, says_first: bool) -> Event {
    let marks = Marks::new(&[9; 32]);
    let id = marks.mapping(
        &engine::calendar::CalendarId::new("x"),
        &engine::calendar::CalendarId::new("y"),
        &origin.id,
        0,
    );
    let marker = Some(marks.mint(Role::Copy, id, UidHash::of(&origin.uid).filter(|_| says_first)));
    Event { id: EventId::new(name), uid: id.copy_uid(0), marker, ..origin.clone() }
}

#[tokio::test]
async fn a_pair_made_anew_takes_its_earlier_copies_over() {
    for (two_way, name) in
        [(false, None), (true, None), (false, Some("moved.ics")), (true, Some("moved.ics"))]
    {
        let mut world = World::one_way().await.filled(3).await;
        if let Some(name) = name {
            let copy = world.copy("e01.ics").await;
            let event = world.to().remove(&copy);
            world.to().put(Event { id: EventId::new(name), ..event });
            world.pass().await;
        }
        anew(&mut world, two_way, false).await;
        let run = world.pass().await;
        assert_eq!(
            (run.created, run.changed, reasons(&run)),
            (0, 0, vec![Reason::Adopted; 3]),
            "{two_way} {name:?}"
        );
        assert_eq!((world.count(), world.writes()), ([3, 3], all([])));
        assert!(world.mappings().await.iter().all(|mapping| mapping.taken_over
            && mapping.state == MappingState::Live
            && !mapping.pristine));
        world.rest().await;
        world.from().change("e01.ics", |event| event.content.title = "new".into());
        assert_eq!((world.pass().await.changed, world.asked(CalendarCall::Edit)), (1, [0, 1]));
        world.one(1, "new");
        world.rest().await;
        world.from().remove("e02.ics");
        assert_eq!((world.pass().await.deleted, world.count()), (1, [2, 2]));
        world.rest().await;
    }
}

#[tokio::test]
async fn a_pair_made_anew_as_a_private_one_leaves_no_title_behind() {
    let mut world = World::one_way().await;
    world.from().put(april("secret", 1));
    world.from().put(event("old", "old secret", on(date(2026, 1, 20))));
    world.pass().await;
    world.wait(jiff::SignedDuration::from_hours(24 * 60));
    anew(&mut world, false, true).await;
    let run = world.pass().await;
    assert_eq!(
        (run.created, world.titles()),
        (0, [all(["old secret", "secret"]), all(["Busy", "Busy"])])
    );
    world.rest().await;
}

#[tokio::test]
async fn what_was_edited_while_there_was_no_pair_is_put_right() {
    let mut world = World::one_way().await.filled(3).await;
    let copy = world.copy("e01.ics").await;
    world.to().change(&copy, |event| event.content.title = "mine".into());
    anew(&mut world, false, false).await;
    let run = world.pass().await;
    assert_eq!(
        (run.created, run.changed, world.titles()[1].clone()),
        (0, 1, all(["e00", "e01", "e02"]))
    );
    world.rest().await;
}

#[tokio::test]
async fn what_a_pair_has_left_is_no_source_of_the_other_way() {
    let mut world = World::one_way().await.filled(3).await;
    crate::pairs::remove_pair(&world.scope, &world.pair.id).await.unwrap();
    let like = world.pair.clone();
    world.pair = world.add(1, 0, &like).await;
    world.to().put(april("swimming", 9));
    let run = world.pass().await;
    assert_eq!(
        (run.created, reasons(&run), world.count()),
        (1, vec![Reason::AlreadyThere; 3], [4, 4])
    );
    let count = |state| async move { state };
    assert_eq!(
        count(
            world
                .mappings()
                .await
                .iter()
                .filter(|mapping| mapping.state == MappingState::AlreadyThere)
                .count()
        )
        .await,
        3
    );
    world.rest().await;
    // What it began as is gone: then it is an event of its own.
    world.from().remove("e00.ics");
    world.run(FULL).await;
    assert_eq!(world.count(), [4, 4]);
    world.rest().await;
}

#[tokio::test]
async fn nothing_is_made_beside_what_another_installation_has_copied() {
    for (two_way, says_first) in [(false, true), (true, true), (false, false), (true, false)] {
        let world = if two_way { World::two_way().await } else { World::one_way().await };
        let origin = april("dentist", 1);
        world.to().put(foreign(&origin, "theirs.ics", says_first));
        world.from().put(origin);
        world.from().put(april("other", 2));
        let run = world.pass().await;
        assert_eq!(
            (run.created, run.copied_by_another, world.count()),
            (1, 1, [2, 2]),
            "{two_way} {says_first}"
        );
        assert_eq!(
            (world.mapping("dentist.ics").await.state, world.state().await.copies),
            (MappingState::CopiedByAnother, 1)
        );
        world.rest().await;
        assert_eq!(world.run(FULL).await.copied_by_another, 1);
        // Their copy is gone: one of our own is made.
        world.to().remove("theirs.ics");
        world.pass().await;
        assert_eq!(
            (world.count(), world.mapping("dentist.ics").await.state),
            ([2, 2], MappingState::Live)
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn what_another_installation_made_is_taken_over_at_its_owners_word() {
    for (two_way, says_first) in [(false, true), (true, true), (false, false)] {
        let world = if two_way { World::two_way().await } else { World::one_way().await };
        let origin = april("dentist", 1);
        world.to().put(foreign(&origin, "theirs.ics", says_first));
        world.from().put(origin);
        world.pass().await;
        crate::pairs::take_over(&world.scope, &world.pair.id).await.unwrap();
        assert!(world.state().await.take_over);
        let run = world.pass().await;
        assert_eq!(
            (run.created, run.changed, run.copied_by_another, world.count()),
            (0, 1, 0, [1, 1]),
            "{two_way} {says_first}"
        );
        assert_eq!(
            (world.copy("dentist.ics").await.as_str(), world.state().await.take_over),
            ("theirs.ics", false)
        );
        world.rest().await;
        world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        world.pass().await;
        assert_eq!(world.titles(), [all(["surgeon"]), all(["surgeon"])]);
        world.rest().await;
    }
}

#[tokio::test]
async fn a_foreign_copy_in_the_source_is_not_copied_on() {
    let world = World::one_way().await;
    world.pass().await;
    world.from().put(foreign(&april("dentist", 1), "theirs.ics", true));
    let run = world.pass().await;
    assert_eq!(
        (run.created, run.copied_by_another, reasons(&run)),
        (0, 1, vec![Reason::CopiedByAnother])
    );
    assert_eq!(world.count(), [1, 0]);
    world.rest().await;
    world.from().change("theirs.ics", |event| event.marker = None);
    world.pass().await;
    assert_eq!(world.count(), [1, 1], "without a mark it is a person's");
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_another_installation_claims_is_theirs() {
    let world = World::one_way().await.filled(3).await;
    let copy = world.copy("e00.ics").await;
    let mark = foreign(&april("e00", 1), "x", true).marker;
    world.to().change(&copy, |event| event.marker = mark);
    world.pass().await;
    assert_eq!(
        (world.mapping("e00.ics").await.state, world.state().await.copied_by_another),
        (MappingState::CopiedByAnother, 1)
    );
    world.from().change("e00.ics", |event| event.content.title = "new".into());
    world.pass().await;
    assert_eq!(world.titles()[1], all(["e00", "e01", "e02"]));
    world.rest().await;
}

#[tokio::test]
async fn two_ends_that_show_the_same_events_are_one_calendar() {
    let world = World::two_way().await;
    for n in 1..4 {
        let one = april(&format!("e{n}"), n);
        world.from().put(one.clone());
        world.to().put(one);
    }
    let run = world.try_run(OPTIONS).await;
    assert_eq!((run.error.unwrap().code.as_str(), run.state), ("same_calendar", PairStatus::Error));
    assert_eq!((world.count(), world.writes()), ([3, 3], all([])));
    world.to().change("e1.ics", |event| event.content.title = "other".into());
    world.from().put(april("more", 9));
    world.pass().await;
    assert_eq!(world.count(), [7, 7], "two calendars after all");
    world.rest().await;
}

#[tokio::test]
async fn what_is_alike_by_chance_is_no_calendar() {
    let world = World::one_way().await;
    world.from().put(april("e1", 1));
    world.to().put(Event { uid: "another@example.org".into(), ..april("e1", 1) });
    assert_eq!((world.pass().await.created, world.count()), (1, [1, 2]));
    let world = World::one_way().await;
    world.from().put(april("e1", 1));
    world.from().put(april("e2", 2));
    world.to().put(april("e1", 1));
    assert_eq!((world.pass().await.created, world.count()), (2, [2, 3]));
}

#[tokio::test]
async fn an_earlier_copy_that_the_server_does_not_give_is_waited_for() {
    let mut world = World::one_way().await.filled(3).await;
    let copy = EventId::new(world.copy("e01.ics").await);
    anew(&mut world, false, false).await;
    world
        .to()
        .refused
        .insert((CalendarCall::Fetch, Some(copy.clone())), Error::Refused("not now".into()));
    for tries in 1..=4 {
        let run = world.try_run(OPTIONS).await;
        assert_eq!(
            (run.error.unwrap().code.as_str(), world.writes()),
            ("refused_by_server", all([])),
            "{tries}"
        );
        assert_eq!(world.problems().await[0].problem.tries, tries);
    }
    let run = world.pass().await;
    assert_eq!(run.state, PairStatus::Ok, "something else is refused for good");
    assert_eq!(world.count()[1], 3);
    world.to().refused.clear();
    world.run(FULL).await;
    assert_eq!(world.count(), [3, 3]);
    world.rest().await;
}

#[tokio::test]
async fn another_event_that_the_server_does_not_give_is_waited_for_once() {
    let world = World::one_way().await;
    world.to().put(april("swimming", 2));
    world.from().put(april("dentist", 1));
    world.to().refused.insert(
        (CalendarCall::Fetch, Some(EventId::new("swimming.ics"))),
        Error::Refused("not now".into()),
    );
    assert_eq!(world.try_run(OPTIONS).await.error.unwrap().code.as_str(), "refused_by_server");
    assert_eq!((world.pass().await.created, world.count()), (1, [1, 2]));
    world.to().refused.clear();
    world.run(FULL).await;
    assert_eq!(world.problems().await.len(), 0);
    world.rest().await;
}

#[tokio::test]
async fn a_large_calendar_is_read_as_far_as_it_matters() {
    let mut world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.from().put(event("old", "old", on(date(2026, 1, 20))));
    world.pass().await;
    let old = world.copy("old.ics").await;
    for n in 0..220_i64 {
        let day = date(2020, 1, 1).saturating_add(jiff::ToSpan::days(n));
        world.to().put(event(&format!("far{n}"), "far", on(day)));
    }
    world.wait(jiff::SignedDuration::from_hours(24 * 100));
    anew(&mut world, false, false).await;
    let run = world.pass().await;
    assert_eq!((run.created, world.count()), (0, [2, 222]));
    assert!(world.asked(CalendarCall::Fetch)[1] < 10);
    assert_eq!(
        (world.copy("old.ics").await, world.mapping("old.ics").await.state),
        (old.clone(), MappingState::Archived)
    );
    world.rest().await;
    // A copy of another name may be anywhere.
    let event = world.to().remove(&old);
    world.to().put(Event { id: EventId::new("moved.ics"), ..event });
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    let event = world.to().remove(&copy);
    world.to().put(Event { id: EventId::new("moved-too.ics"), ..event });
    world.pass().await;
    anew(&mut world, false, false).await;
    assert_eq!((world.pass().await.created, world.count()), (0, [2, 222]));
    assert_eq!(world.copy("old.ics").await, "moved.ics");
    world.rest().await;
}

#[tokio::test]
async fn the_same_event_in_both_later_on_makes_no_one_calendar() {
    let world = World::one_way().await.filled(2).await;
    let same = Event { etag: Some("v99".into()), ..april("same", 20) };
    world.from().restore(same.clone());
    world.to().restore(same);
    assert_eq!((world.pass().await.created, world.count()), (1, [3, 4]));
}

#[tokio::test]
async fn an_origin_that_is_given_late_finds_its_earlier_copy() {
    let mut world = World::one_way().await.filled(3).await;
    let copy = world.copy("e01.ics").await;
    let event = world.to().remove(&copy);
    world.to().put(Event { id: EventId::new("moved.ics"), ..event });
    world.pass().await;
    anew(&mut world, false, false).await;
    world.from().refused.insert(
        (CalendarCall::Fetch, Some(EventId::new("e01.ics"))),
        Error::Refused("not now".into()),
    );
    world.pass().await;
    assert_eq!(world.count(), [3, 3]);
    world.from().refused.clear();
    world.minutes(3);
    assert_eq!((world.pass().await.created, world.count()), (0, [3, 3]));
    assert_eq!(world.copy("e01.ics").await, "moved.ics");
    world.rest().await;
}

#[tokio::test]
async fn what_another_installation_has_made_meanwhile_is_not_made_beside() {
    let world = World::one_way().await;
    let origin = april("dentist", 1);
    world.from().put(origin.clone());
    world.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
    world.pass().await;
    world.to().refused.clear();
    world.to().put(foreign(&origin, "theirs.ics", true));
    let run = world.pass().await;
    assert_eq!(
        (run.created, world.count(), world.mapping("dentist.ics").await.state),
        (0, [1, 1], MappingState::CopiedByAnother)
    );
    assert_eq!(run.actions[0].start.as_deref(), Some("2026-04-01T09:00:00Z"));
    world.rest().await;
}

#[tokio::test]
async fn a_dry_run_counts_what_another_installation_has_copied() {
    let world = World::one_way().await;
    let origin = april("dentist", 1);
    world.to().put(foreign(&origin, "theirs.ics", true));
    world.from().put(origin);
    for n in 2..5 {
        world.from().put(april(&format!("e{n}"), n));
    }
    let run = world.run(super::world::DRY).await;
    assert_eq!((run.created, run.copied_by_another, world.count()), (3, 1, [4, 1]));
}
