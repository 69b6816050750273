//! What happens while the echo of a first pass is read.

use super::all;
use super::calendar::CalendarCall;
use super::events::april;
use super::world::World;

#[tokio::test]
async fn what_is_made_before_the_echo_is_read_is_seen() {
    let world = World::two_way().await;
    world.from().put(april("dentist", 1));
    world.to().meanwhile(CalendarCall::List, |home| home.put(april("swimming", 2)));
    assert_eq!((world.pass().await.created, world.count()), (1, [1, 2]));
    assert_eq!((world.pass().await.created, world.count()), (1, [2, 2]));
    world.rest().await;
}

#[tokio::test]
async fn what_is_changed_before_the_echo_is_read_is_an_edit() {
    let world = World::two_way().await;
    world.from().put(april("dentist", 1));
    let copy = format!("{}.ics", world.uid_of_copy("dentist.ics").await);
    world.to().meanwhile(CalendarCall::List, move |home| {
        home.change(&copy, |event| event.content.title = "surgeon".into())
    });
    world.pass().await;
    assert_eq!(world.titles(), [all(["dentist"]), all(["surgeon"])]);
    assert_eq!(
        (world.pass().await.changed, world.titles()),
        (1, [all(["surgeon"]), all(["surgeon"])])
    );
    world.rest().await;
}

#[tokio::test]
async fn after_the_echo_there_is_nothing_to_list() {
    let world = World::two_way().await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    assert_eq!(world.asked(CalendarCall::List), [0, 1], "the echo");
    world.pass().await;
    assert_eq!(
        (world.asked(CalendarCall::List), world.asked(CalendarCall::ListAll)),
        ([0, 0], [0, 0])
    );
}
