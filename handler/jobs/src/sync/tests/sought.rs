//! What a mapping has lost sight of is looked for, and nothing else is.

use engine::event::{Event, EventId};
use engine::reason::Reason;

use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::reasons;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

fn duplicate(event: Event) -> Event {
    Event { uid: "duplicate@example.org".into(), ..named(event, "duplicate.ics") }
}

#[tokio::test]
async fn a_duplicate_takes_no_place_of_a_copy_that_is_only_said_to_be_gone() {
    let (world, copy) = dentist(true).await;
    let event = world.one(1, "dentist");
    world.to().put(duplicate(event));
    world.to().said_gone.insert(EventId::new(&copy));
    world.to().change(&copy, |_| ());
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.copy("dentist.ics").await), (1, 0, copy));
    world.to().said_gone.clear();
    world.rest().await;
}

#[tokio::test]
async fn a_duplicate_is_not_read_again_where_nothing_is_missing() {
    let (world, _) = dentist(false).await;
    let event = world.one(1, "dentist");
    world.to().put(duplicate(event));
    assert_eq!(reasons(&world.pass().await), [Reason::DuplicateOfCopy]);
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(
        (
            world.pass().await.changed,
            world.asked(CalendarCall::Fetch),
            world.asked(CalendarCall::Absence)
        ),
        (1, [1, 0], [0, 0])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_copy_whose_name_changes_without_a_word_goes_with_its_origin() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        let moved = named(world.one(1, "dentist"), "moved.ics");
        world.from().remove("dentist.ics");
        world.to().becomes(&copy, moved.clone());
        world.to().restore(moved);
        let run = world.pass().await;
        assert_eq!((run.deleted, world.count()), (1, [4, 4]), "{two_way}");
        world.rest().await;
    }
}

#[tokio::test]
async fn a_copy_whose_name_changes_without_a_word_is_the_copy() {
    let (world, copy) = dentist(false).await;
    let moved = named(world.one(1, "dentist"), "moved.ics");
    world.to().becomes(&copy, moved.clone());
    world.to().restore(moved);
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.asked(CalendarCall::Fetch)), (0, 0, [1, 1]));
    assert_eq!(world.copy("dentist.ics").await, "moved.ics");
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_is_restored_as_it_was_is_the_copy_again() {
    let (world, copy) = dentist(false).await;
    let deleted = world.to().remove(&copy);
    assert_eq!(reasons(&world.pass().await), [Reason::Suppressed]);
    world.to().restore(deleted);
    world.pass().await;
    assert_eq!(
        (world.mapping("dentist.ics").await.state, world.count()),
        (engine::mapping::MappingState::Live, [5, 5])
    );
    world.from().remove("dentist.ics");
    assert_eq!((world.pass().await.deleted, world.count()), (1, [4, 4]));
}

#[tokio::test]
async fn what_its_owner_puts_under_the_name_of_a_copy_needs_no_other_round() {
    let (world, copy) = dentist(false).await;
    world.to().remove(&copy);
    world.to().put(named(super::events::april("swimming", 9), &copy));
    world.pass().await;
    assert_eq!((world.asked(CalendarCall::Glance), world.has("swimming")), ([1, 1], [false, true]));
    world.rest().await;
}

#[tokio::test]
async fn a_refused_change_whose_origin_goes_is_a_deletion_at_once() {
    let (world, _) = dentist(false).await;
    world
        .to()
        .refused
        .insert((CalendarCall::Rewrite, None), providers::Error::Refused("no".into()));
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    world.to().refused.clear();
    world.from().remove("dentist.ics");
    world.minutes(5);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, world.asked(CalendarCall::ListAll), world.count()),
        (1, [0, 0], [4, 4])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_half_made_copy_is_read_before_it_is_made_once_more() {
    let (world, _) = dentist(false).await;
    world.to().manners.lists_late = true;
    world.to().lost.insert(CalendarCall::Create);
    world.from().put(super::events::april("swimming", 9));
    world.pass().await;
    world.minutes(5);
    world.pass().await;
    assert_eq!((world.asked(CalendarCall::Create), world.count()), ([0, 0], [6, 6]));
}

#[tokio::test]
async fn a_copy_for_which_no_name_is_left_leaves_its_origin_where_it_is() {
    let (world, copy) = dentist(true).await;
    world.to().remove(&copy);
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.to().refused.insert((CalendarCall::Create, None), providers::Error::Exists);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), world.problems().await[0].gone),
        (0, vec![Reason::RefusedByServer], None)
    );
}
