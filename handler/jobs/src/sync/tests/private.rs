//! Copies that say "Busy", and no more.

use engine::event::Visibility;
use engine::reason::Reason;
use jiff::civil::date;

use super::events::{april, on};
use super::world::{FULL, World};
use super::{all, reasons};

async fn dentist(two_way: bool) -> (World, String) {
    let world = World::private(two_way).await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    (world, copy)
}

#[tokio::test]
async fn a_private_copy_says_busy_and_when() {
    let (world, _) = dentist(false).await;
    let copy = world.one(1, "Busy").content;
    assert_eq!(
        (copy.description.as_str(), copy.location.as_str(), copy.visibility),
        ("", "", Visibility::Private)
    );
    assert_eq!(copy.span, on(date(2026, 4, 1)));
    world.rest().await;
    world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    world.pass().await;
    assert_eq!(world.writes(), all([]), "a title is no news");
    world.from().change("dentist.ics", |event| event.content.span = on(date(2026, 4, 2)));
    world.pass().await;
    assert_eq!(world.one(1, "Busy").content.span, on(date(2026, 4, 2)));
    world.rest().await;
}

#[tokio::test]
async fn two_way_only_the_time_flows_back() {
    let (world, copy) = dentist(true).await;
    world.to().change(&copy, |event| {
        (event.content.title, event.content.span) = ("my own words".into(), on(date(2026, 4, 3)));
    });
    world.pass().await;
    let origin = world.one(0, "dentist");
    assert_eq!(
        (origin.content.span, origin.content.location.as_str()),
        (on(date(2026, 4, 3)), "room 1")
    );
    world.run(FULL).await;
    assert_eq!(world.titles(), [all(["dentist"]), all(["Busy"])]);
    world.rest().await;
}

#[tokio::test]
async fn words_on_a_private_copy_are_put_right() {
    let (world, copy) = dentist(true).await;
    world.to().change(&copy, |event| event.content.title = "my own words".into());
    let run = world.pass().await;
    assert_eq!(
        (reasons(&run), world.titles()),
        (vec![Reason::CopyEdited], [all(["dentist"]), all(["my own words"])])
    );
    world.from().change("dentist.ics", |event| event.content.span = on(date(2026, 4, 2)));
    world.pass().await;
    assert_eq!(world.titles(), [all(["dentist"]), all(["Busy"])]);
    world.rest().await;
}

#[tokio::test]
async fn a_title_on_a_private_copy_does_not_outlive_its_origin() {
    let (world, copy) = dentist(true).await;
    world.from().put(april("other", 2));
    world.pass().await;
    world.from().remove("dentist.ics");
    world.to().change(&copy, |event| event.content.title = "my own words".into());
    let run = world.pass().await;
    assert_eq!((run.deleted, world.titles()), (1, [all(["other"]), all(["Busy"])]));
    world.rest().await;
}

#[tokio::test]
async fn what_began_in_the_other_calendar_is_copied_back_in_full() {
    let (world, _) = dentist(true).await;
    world.to().put(april("swimming", 2));
    world.pass().await;
    assert_eq!(world.titles(), [all(["dentist", "swimming"]), all(["Busy", "swimming"])]);
    world.rest().await;
}

#[tokio::test]
async fn a_private_copy_that_is_made_again_shows_no_more_than_before() {
    let (world, copy) = dentist(true).await;
    world.from().put(april("other", 2));
    world.pass().await;
    world.to().remove(&copy);
    world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    world.pass().await;
    assert_eq!(world.titles(), [all(["orthodontist", "other"]), all(["Busy", "Busy"])]);
    world.rest().await;
}
