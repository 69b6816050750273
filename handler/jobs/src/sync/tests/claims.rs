//! Whose an event is that bears a mark: of a pair that has ended, of another installation, of a
//! person.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::marker::{Marks, Role};
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::{april, with_guests};
use super::take_over::{anew, foreign};
use super::world::{FULL, OPTIONS, World};
use super::{all, reasons};
use crate::pairs::take_over;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

/// A person's duplicate of an event: the mark is duplicated as well.
fn duplicate(event: &Event) -> Event {
    Event { uid: "duplicate@example.org".into(), ..named(event.clone(), "duplicate.ics") }
}

/// The event as another installation has made it again.
fn made_again_elsewhere(event: Event) -> Event {
    let marks = Marks::new(&[9; 32]);
    let calendar = engine::calendar::CalendarId::new;
    let id = marks.mapping(&calendar("x"), &calendar("y"), &event.id, 0);
    let marker = Some(marks.mint(Role::Origin, id, UidHash::of(&event.uid)));
    Event { marker, ..event }
}

#[tokio::test]
async fn what_another_installation_has_made_again_is_theirs_until_it_is_taken_over() {
    let mut world = World::one_way().await;
    world.from().put(made_again_elsewhere(april("dentist", 1)));
    let run = world.pass().await;
    assert_eq!((run.created, run.copied_by_another, world.count()), (0, 1, [1, 0]));
    world.rest().await;
    crate::pairs::take_over(&world.scope, &world.pair.id).await.unwrap();
    assert_eq!((world.pass().await.created, world.count()), (1, [1, 1]));
    world.rest().await;
    // From then on its copy says whose it is.
    anew(&mut world, false, false).await;
    let run = world.pass().await;
    assert_eq!((run.created, reasons(&run), run.copied_by_another), (0, vec![Reason::Adopted], 0));
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    assert_eq!(world.titles(), [all(["surgeon"]), all(["surgeon"])]);
    world.rest().await;
}

#[tokio::test]
async fn taking_over_goes_on_while_an_event_is_not_given_and_not_for_ever() {
    for given in [true, false] {
        let world = World::one_way().await;
        world.pass().await;
        crate::pairs::take_over(&world.scope, &world.pair.id).await.unwrap();
        world.to().put(foreign(&april("dentist", 1), "theirs.ics", true));
        world.from().put(april("dentist", 1));
        world.from().put(april("other", 2));
        world.from().refused.insert((CalendarCall::Fetch, None), Error::Refused("not now".into()));
        for tries in 1..=3 {
            world.run(FULL).await;
            assert_eq!(
                (world.state().await.take_over, world.problems().await[0].problem.tries),
                (true, tries)
            );
        }
        if given {
            world.from().refused.clear();
            let run = world.run(FULL).await;
            assert_eq!(
                (run.created, world.copy("dentist.ics").await.as_str(), world.count()),
                (1, "theirs.ics", [2, 2])
            );
            assert_eq!(run.copied_by_another, 0);
        } else {
            world.run(FULL).await;
        }
        assert!(!world.state().await.take_over);
    }
}

#[tokio::test]
async fn taking_over_does_not_wait_for_an_event_that_is_not_written() {
    let world = World::one_way().await;
    world.pass().await;
    crate::pairs::take_over(&world.scope, &world.pair.id).await.unwrap();
    world.from().put(april("dentist", 1));
    world.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
    world.pass().await;
    assert_eq!((world.problems().await.len(), world.state().await.take_over), (1, true));
}

#[tokio::test]
async fn a_copy_of_an_earlier_pair_that_no_listing_shows_is_taken_over_under_its_name() {
    for (changed, guests) in [(false, false), (true, false), (true, true)] {
        let mut world = World::one_way().await;
        world.from().put(april("dentist", 1));
        world.pass().await;
        let copy = world.copy("dentist.ics").await;
        world.to().unlisted.insert(EventId::new(&copy));
        anew(&mut world, false, false).await;
        if changed {
            world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        }
        if guests {
            world.to().change(&copy, |event| *event = with_guests(event.clone()));
        }
        let run = world.pass().await;
        assert_eq!(
            (run.created, world.asked(CalendarCall::Edit)),
            (u64::from(!guests), [0, usize::from(changed)]),
            "{changed} {guests}"
        );
        assert_eq!(
            (reasons(&run), world.problems().await.len()),
            (if guests { vec![Reason::HasGuests] } else { vec![] }, 0)
        );
        let title = if changed && !guests { "surgeon" } else { "dentist" };
        assert_eq!(world.titles()[1], all([title]), "{changed} {guests}");
        let mapping = world.mapping("dentist.ics").await;
        assert_eq!(
            (mapping.state, mapping.copy.id.as_str(), mapping.copy_guests),
            (MappingState::Live, copy.as_str(), guests)
        );
        world.to().unlisted.clear();
        world.nothing_wrong();
        assert_eq!(world.count(), [1, 1]);
    }
}

#[tokio::test]
async fn both_parts_of_what_an_ended_pair_has_left_are_their_owners() {
    let mut world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let left = world.one(1, "dentist");
    crate::pairs::remove_pair(&world.scope, &world.pair.id).await.unwrap();
    world.from().remove("dentist.ics");
    let like = world.pair.clone();
    world.pair = world.add(1, 0, &like).await;
    assert_eq!(
        (world.pass().await.created, world.count()),
        (1, [1, 1]),
        "it began there, and is there no more"
    );
    world.to().put(duplicate(&left));
    assert_eq!((world.pass().await.created, world.count()), (1, [2, 2]));
    world.rest().await;
}

#[tokio::test]
async fn what_was_duplicated_before_a_pair_was_made_anew_is_a_persons_own_where_the_copy_is_known_by_its_uid()
 {
    for own_uids in [false, true] {
        let mut world = World::two_way().await;
        world.to().manners.own_uids = own_uids;
        world.from().put(april("dentist", 1));
        world.pass().await;
        world.pass().await;
        let copy = world.one(1, "dentist");
        anew(&mut world, true, false).await;
        // The first pass is cut off after it has taken the copy over, and has not seen all there
        // is.
        world.from().put(april("other", 2));
        world.to().refused.insert((CalendarCall::Create, None), Error::Unauthorized);
        world.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
        world.try_run(OPTIONS).await;
        assert!(world.mapping("dentist.ics").await.taken_over);
        world.to().refused.clear();
        world.to().put(duplicate(&copy));
        let run = world.pass().await;
        let doubles = u64::from(!own_uids);
        assert_eq!(
            (run.created, world.count()),
            (1 + doubles, [2 + doubles as usize, 3]),
            "{own_uids}"
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn an_origin_that_was_made_again_finds_its_copy_in_a_pair_made_anew() {
    let mut world = World::two_way().await;
    world.from().put(april("dentist", 1));
    world.from().put(april("other", 2));
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    world.from().remove("dentist.ics");
    world.to().change(&copy, |event| event.content.title = "surgeon".into());
    world.pass().await;
    world.pass().await;
    assert_eq!(world.titles(), [all(["other", "surgeon"]), all(["other", "surgeon"])]);
    anew(&mut world, false, false).await;
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [2, 2]));
    let again = world.one(0, "surgeon").id.to_string();
    assert_eq!(world.copy(&again).await, copy);
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_is_listed_in_the_calendar_of_its_origin_makes_no_one_calendar_by_itself() {
    // The same object was put in both calendars; the origin is in one of them.
    let world = World::one_way().await.filled(2).await;
    let copy = world.one(1, "e00");
    world.from().restore(copy.clone());
    let run = world.pass().await;
    assert_eq!((run.created, reasons(&run), world.count()), (0, vec![Reason::OwnCopy], [3, 2]));
    world.rest().await;
}

#[tokio::test]
async fn two_ends_that_turn_out_to_be_one_calendar_stop_the_pair() {
    let world = World::one_way().await.filled(2).await;
    let (origin, copy) = (world.one(0, "e00"), world.one(1, "e00"));
    world.to().restore(origin);
    world.from().restore(copy);
    let run = world.try_run(OPTIONS).await;
    assert_eq!(
        (run.error.unwrap().code.as_str(), run.created, run.deleted),
        ("same_calendar", 0, 0)
    );
}

#[tokio::test]
async fn a_mark_of_another_pair_is_no_claim_on_a_name() {
    // Under the name that the copy would get, a person keeps the copy of another event.
    let world = World::one_way().await;
    world.from().put(april("other", 2));
    world.pass().await;
    let other = world.one(1, "other");
    let uid = world.uid_of_copy("dentist.ics").await;
    world.to().unlisted.insert(EventId::new(format!("{uid}.ics")));
    world.to().put(Event { uid: "kept@example.org".into(), ..named(other, &format!("{uid}.ics")) });
    world.from().put(april("dentist", 1));
    assert_eq!(world.pass().await.created, 1);
    assert_eq!(
        (world.titles()[1].clone(), world.count()),
        (all(["dentist", "other", "other"]), [2, 3])
    );
    assert_eq!(world.copy("dentist.ics").await, format!("{uid}-1.ics"));
    world.to().unlisted.clear();
    world.nothing_wrong();
}

#[tokio::test]
async fn a_half_made_copy_that_no_listing_shows_and_whose_mark_was_taken_away_is_ours() {
    let mut world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    world.to().change(&copy, |event| event.marker = None);
    world.to().unlisted.insert(EventId::new(&copy));
    anew(&mut world, false, false).await;
    world.pass().await;
    assert_eq!((world.copy("dentist.ics").await, world.count()), (copy, [1, 1]));
    world.to().unlisted.clear();
    world.rest().await;
}

#[tokio::test]
async fn what_another_installation_has_copied_is_counted_and_nothing_else_is() {
    let world = World::one_way().await.filled(3).await;
    world.to().put(foreign(&april("dentist", 1), "theirs.ics", true));
    world.run(FULL).await;
    assert_eq!((world.state().await.copied_by_another, world.state().await.copies), (0, 3));
    world.from().put(made_again_elsewhere(april("theirs", 2)));
    world.run(FULL).await;
    assert_eq!(
        (world.state().await.copied_by_another, world.run(FULL).await.copied_by_another),
        (1, 1)
    );
}

#[tokio::test]
async fn an_origin_that_is_given_late_finds_the_copy_that_another_installation_made() {
    for two_way in [false, true] {
        let world = if two_way { World::two_way().await } else { World::one_way().await };
        world.to().put(foreign(&april("dentist", 1), "theirs.ics", true));
        world.from().put(april("dentist", 1));
        world.from().put(april("other", 2));
        world.from().refused.insert(
            (CalendarCall::Fetch, Some(EventId::new("dentist.ics"))),
            Error::Refused("not now".into()),
        );
        for _ in 0..5 {
            world.try_run(OPTIONS).await;
        }
        assert_eq!(world.count(), [2, 2], "{two_way}");
        world.from().refused.clear();
        world.minutes(600);
        let run = world.pass().await;
        assert_eq!(
            (run.created, run.copied_by_another, world.count()),
            (0, 1, [2, 2]),
            "{two_way}"
        );
        assert_eq!(world.mapping("dentist.ics").await.state, MappingState::CopiedByAnother);
        world.rest().await;
    }
}

#[tokio::test]
async fn a_duplicate_that_is_older_than_its_pair_is_a_persons_own_where_the_copy_is_known_by_its_uid()
 {
    for own_uids in [false, true] {
        let mut world = World::two_way().await;
        world.to().manners.own_uids = own_uids;
        world.from().put(april("dentist", 1));
        world.pass().await;
        let copy = world.one(1, "dentist");
        crate::pairs::remove_pair(&world.scope, &world.pair.id).await.unwrap();
        world.to().put(duplicate(&copy));
        world.pair = world.add(0, 1, &world.pair).await;
        let run = world.pass().await;
        assert_eq!(
            (run.created, world.count()),
            (u64::from(!own_uids), [1 + usize::from(!own_uids), 2]),
            "{own_uids}"
        );
        world.rest().await;
    }
}

/// A copy was not made; then a person puts an event of their own under its name.
#[tokio::test]
async fn what_has_the_name_of_a_copy_that_was_never_made_is_its_owners() {
    for two_way in [false, true] {
        let world = if two_way { World::two_way().await } else { World::one_way().await };
        world.from().put(april("swimming", 2));
        world.pass().await;
        world.from().put(april("dentist", 1));
        world.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
        world.pass().await;
        world.to().refused.clear();
        let name = format!("{}.ics", world.uid_of_copy("dentist.ics").await);
        world.to().put(Event {
            id: EventId::new(name),
            uid: "theirs".into(),
            ..april("theirs", 3)
        });
        world.pass().await;
        world.pass().await;
        assert!(
            world.has("dentist")[1] && world.has("theirs")[1],
            "{two_way}: {:?}",
            world.titles()
        );
        world.run(FULL).await;
        assert_eq!(world.has("theirs")[0], two_way);
        world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
        world.pass().await;
        world.from().remove("dentist.ics");
        world.pass().await;
        assert!(
            world.has("theirs")[1] && !world.has("orthodontist")[1] && !world.has("dentist")[1],
            "{two_way}: {:?}",
            world.titles()
        );
        world.rest().await;
    }
}
