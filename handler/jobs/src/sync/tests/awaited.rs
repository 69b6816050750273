//! What was made and is not listed, beside events that look a little like it.

use engine::event::{Event, EventId, Stamps};
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::april;
use super::reasons;
use super::unseen::unseen;
use super::world::{DRY, FULL, World};

/// A person's event at the time of another one.
fn at_its_time(event: &Event) -> Event {
    let (id, uid) = (EventId::new("strange.ics"), "strange@example.org".into());
    let mut strange = Event { id, uid, marker: None, stamps: Stamps::default(), ..event.clone() };
    strange.content.title = "strange".into();
    strange
}

#[tokio::test]
async fn where_no_version_tells_what_was_written_one_likeness_is_enough_to_leave_an_event_alone() {
    let world = World::two_way().await.filled(2).await;
    world.to().manners.answers_without_version = true;
    world.to().manners.lists_late = true;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let made = world.one(1, "dentist");
    world.to().remove(made.id.as_str());
    world.to().put(at_its_time(&made));
    let run = world.pass().await;
    assert_eq!(
        (run.created, reasons(&run), world.has("strange")),
        (0, vec![Reason::MayBeCopy], [false, true])
    );
    // It is not read again for nothing.
    world.from().change("e00.ics", |event| event.content.title = "changed".into());
    world.pass().await;
    assert_eq!((world.asked(CalendarCall::Fetch), world.has("changed")), ([1, 0], [true, true]));
}

#[tokio::test]
async fn what_is_at_the_time_of_a_half_made_copy_is_its_owners() {
    let world = World::two_way().await.filled(2).await;
    world.from().put(april("dentist", 1));
    world.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
    world.pass().await;
    let strange = at_its_time(&world.one(0, "dentist"));
    world.to().put(strange);
    world.pass().await;
    assert_eq!(world.has("strange"), [true, true]);
}

#[tokio::test]
async fn what_only_listings_lack_is_awaited_after_a_change_as_well() {
    let world = World::two_way().await.filled(2).await;
    world.to().manners.lists_late = true;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let mapping = world.mapping("dentist.ics").await.id;
    for title in ["surgeon", "orthodontist"] {
        world.from().change("dentist.ics", |event| event.content.title = title.into());
        world.pass().await;
        assert_eq!(world.has(title), [true, true]);
        assert!(world.state().await.unlisted.mappings[1].contains(&mapping), "{title}");
    }
}

#[tokio::test]
async fn what_shows_under_another_name_when_its_origin_is_gone_goes_as_well() {
    let (world, name) = unseen(true).await;
    world.pass().await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    world.from().remove("dentist.ics");
    let made = world.one(1, "dentist");
    let (id, uid) = (EventId::new("strange.ics"), "strange@example.org".into());
    let shown = Event { id, uid, marker: None, stamps: Stamps::default(), ..made };
    world.to().becomes(name.as_str(), shown.clone());
    world.to().restore(shown);
    world.to().unlisted.clear();
    world.to().hidden.clear();
    let run = world.pass().await;
    assert_eq!((run.deleted, world.count()), (1, [2, 2]));
    world.rest().await;
}

#[tokio::test]
async fn a_dry_run_notes_nothing_of_what_is_not_shown() {
    let (world, _) = unseen(true).await;
    world.run(DRY).await;
    assert_eq!(
        (world.mapping("dentist.ics").await.unseen, world.problems().await.len()),
        (None, 0)
    );
    world.pass().await;
    assert_eq!(
        (world.mapping("dentist.ics").await.unseen.is_some(), world.problems().await.len()),
        (true, 1)
    );
}

#[tokio::test]
async fn what_is_owed_to_a_copy_that_is_not_shown_is_owed_after_another_change_as_well() {
    let (world, name) = unseen(true).await;
    world.pass().await;
    for title in ["surgeon", "orthodontist"] {
        world.from().change("dentist.ics", |event| event.content.title = title.into());
        let run = world.pass().await;
        assert_eq!(
            (run.created, run.deleted, world.writes().len(), world.asked(CalendarCall::Absence)),
            (0, 0, 0, [0, 0]),
            "{title}"
        );
    }
    world.to().unlisted.clear();
    world.to().hidden.clear();
    world.to().change(name.as_str(), |_| ());
    world.pass().await;
    assert_eq!((world.has("orthodontist"), world.count()), ([true, true], [3, 3]));
    world.rest().await;
}

#[tokio::test]
async fn a_full_pass_forgets_no_copy_that_is_not_shown_with_its_origin() {
    let (world, name) = unseen(false).await;
    world.pass().await;
    world.from().remove("dentist.ics");
    world.run(FULL).await;
    assert_eq!((world.mappings().await.len(), world.count()), (3, [2, 3]));
    world.to().unlisted.clear();
    world.to().hidden.clear();
    world.to().change(name.as_str(), |_| ());
    assert_eq!((world.pass().await.deleted, world.count()), (1, [2, 2]));
}

#[tokio::test]
async fn what_only_listings_lack_is_read_once() {
    let (world, _) = unseen(false).await;
    world.to().hidden.clear();
    world.pass().await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!((world.pass().await.changed, world.asked(CalendarCall::Fetch)), (1, [1, 1]));
}
