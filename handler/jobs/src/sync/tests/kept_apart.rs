//! What is easily taken for something else, and is not.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::provider::ProviderKind;
use engine::reason::Reason;
use jiff::SignedDuration;
use jiff::civil::date;
use providers::Error;

use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::events::{april, event, on};
use super::take_over::{anew, foreign};
use super::world::{FULL, OPTIONS, World};
use super::{all, reasons};

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

fn refuse(world: &World, side: usize, call: CalendarCall, id: &str) {
    world.remotes[side]
        .lock()
        .refused
        .insert((call, Some(EventId::new(id))), Error::Refused("not now".into()));
}

#[tokio::test]
async fn a_copy_of_another_maker_finds_its_origin_outside_the_window_and_nothing_else_there_is_named()
 {
    for brings in [false, true] {
        let world = World::one_way().await;
        let old = event("old", "old", on(date(2020, 1, 1)));
        world.to().put(foreign(&old, "theirs.ics", true));
        world.from().put(old);
        world.from().put(event("other", "other", on(date(2020, 2, 1))));
        world.from().put(april("new", 1));
        world.from().manners.brings = brings;
        let run = world.pass().await;
        assert_eq!(
            (run.created, reasons(&run).contains(&Reason::OutsideWindow)),
            (1, false),
            "{brings}"
        );
        assert_eq!(
            (world.asked(CalendarCall::ListAll), world.asked(CalendarCall::Fetch)[0]),
            ([2, 1], if brings { 0 } else { 3 })
        );
    }
}

#[tokio::test]
async fn what_a_refused_write_may_have_left_is_not_written_over_as_a_whole() {
    let (world, copy) = dentist(false).await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    refuse(&world, 1, CalendarCall::Rewrite, &copy);
    world.pass().await;
    world.to().refused.clear();
    world.minutes(5);
    assert_eq!(
        (
            world.pass().await.changed,
            world.asked(CalendarCall::Rewrite),
            world.asked(CalendarCall::Edit)
        ),
        (1, [0, 0], [0, 1])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_was_taken_over_under_its_name_is_not_written_over_as_a_whole() {
    let mut world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    world.to().unlisted.insert(EventId::new(&copy));
    anew(&mut world, false, false).await;
    world.pass().await;
    world.to().unlisted.clear();
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(
        (
            world.pass().await.changed,
            world.asked(CalendarCall::Rewrite),
            world.asked(CalendarCall::Edit)
        ),
        (1, [0, 0], [0, 1])
    );
}

#[tokio::test]
async fn an_origin_that_was_made_out_of_a_copy_gets_a_mark_of_its_own() {
    let (world, _) = dentist(true).await;
    let copy = world.one(1, "dentist");
    world
        .to()
        .put(Event { uid: "duplicate@example.org".into(), ..named(copy.clone(), "duplicate.ics") });
    assert_eq!((world.pass().await.created, world.asked(CalendarCall::Edit)), (1, [0, 1]));
    let marked =
        world.to().all().into_iter().find(|event| event.id.as_str() == "duplicate.ics").unwrap();
    assert!(marked.marker.is_some() && marked.marker != copy.marker);
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_was_seen_in_the_calendar_of_its_origin_before_spares_that() {
    let (world, copy) = dentist(true).await;
    let event = world.one(1, "dentist");
    world.from().put(named(event, "moved.ics"));
    assert_eq!(reasons(&world.pass().await), [Reason::OwnCopy]);
    world.to().remove(&copy);
    let run = world.pass().await;
    assert_eq!((run.deleted, reasons(&run)), (0, vec![Reason::OwnCopy, Reason::Suppressed]));
    assert_eq!(
        (world.mapping("dentist.ics").await.state, world.count()),
        (MappingState::Suppressed, [6, 4])
    );
    world.rest().await;
}

#[tokio::test]
async fn an_event_that_is_given_late_under_the_name_that_another_one_had_is_a_third() {
    let (world, copy) = dentist(false).await;
    let moved = world.from().remove("dentist.ics");
    world.from().put(named(moved, "moved.ics"));
    world.pass().await;
    world
        .from()
        .put(Event { uid: "swimming".into(), ..named(april("swimming", 20), "dentist.ics") });
    refuse(&world, 0, CalendarCall::Fetch, "dentist.ics");
    assert_eq!(reasons(&world.pass().await), [Reason::RefusedByServer]);
    world.from().refused.clear();
    world.minutes(5);
    assert_eq!((world.pass().await.created, world.count()), (1, [6, 6]));
    assert_eq!(
        (world.copy("moved.ics").await == copy, world.copy("dentist.ics").await == copy),
        (true, false)
    );
    world.rest().await;
}

#[tokio::test]
async fn what_is_archived_is_live_again_also_where_its_copy_is_not_listed() {
    let (world, copy) = dentist(false).await;
    let days = SignedDuration::from_hours(24 * 150);
    world.wait(days);
    world.pass().await;
    assert_eq!(world.mapping("dentist.ics").await.state, MappingState::Archived);
    world.to().unlisted.insert(EventId::new(copy));
    world.wait(-days);
    world.pass().await;
    assert_eq!(
        (world.mapping("dentist.ics").await.state, world.count()),
        (MappingState::Live, [5, 5])
    );
}

#[tokio::test]
async fn a_provider_that_uses_up_names_gets_another_one_for_what_it_does_not_show() {
    let (mut world, _) = super::unseen::unseen(false).await;
    world.pass().await;
    world.google(1).await;
    world.run(FULL).await;
    assert_eq!(world.asked(CalendarCall::Create), [0, 2]);
}

#[tokio::test]
async fn the_copy_of_an_ended_pair_beside_an_origin_whose_own_copy_is_gone_is_not_copied() {
    let mut world = World::two_way().await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let third = world.connect("club", ProviderKind::Caldav).await;
    let ended =
        world.add(0, third, &engine::pair::Pair { two_way: false, ..world.pair.clone() }).await;
    let pair = std::mem::replace(&mut world.pair, ended.clone());
    world.pass().await;
    crate::pairs::remove_pair(&world.scope, &ended.id).await.unwrap();
    world.pair = pair;
    let copy = world.copy("dentist.ics").await;
    world.to().remove(&copy);
    world.from().refused.insert((CalendarCall::Delete, None), Error::HasGuests);
    assert_eq!(reasons(&world.pass().await), [Reason::HasGuests]);
    world.from().refused.clear();
    let left = world.one(third, "dentist");
    world.to().put(named(left, "left.ics"));
    let run = world.pass().await;
    assert_eq!(
        (run.created, reasons(&run), world.titles()),
        (0, vec![Reason::AlreadyThere], [all(["dentist"]), all(["dentist"])])
    );
}

#[tokio::test]
async fn the_copy_of_another_pair_that_was_passed_over_needs_no_mention() {
    let mut world = World::one_way().await;
    let club = world.connect("club", ProviderKind::Caldav).await;
    let first = world.pair.clone();
    world.remotes[club].lock().put(april("swimming", 2));
    world.pair = world.add(club, 1, &first).await;
    world.pass().await;
    let copy = world.copy("swimming.ics").await;
    world.pair = first;
    world.from().put(april("dentist", 1));
    refuse(&world, 1, CalendarCall::Fetch, &copy);
    for _ in 0..5 {
        world.try_run(OPTIONS).await;
    }
    assert_eq!((world.problems().await.len(), world.has("dentist")), (1, [true, true]));
    world.to().refused.clear();
    world.minutes(600);
    world.pass().await;
    assert_eq!(world.problems().await.len(), 0);
}

#[tokio::test]
async fn a_refused_deletion_of_what_is_gone_by_then_needs_no_other_round() {
    let (world, copy) = dentist(false).await;
    world.from().remove("dentist.ics");
    refuse(&world, 1, CalendarCall::Delete, &copy);
    world.pass().await;
    world.to().refused.clear();
    world.to().remove(&copy);
    world.minutes(5);
    world.pass().await;
    assert_eq!(
        (
            world.has_mapping().await,
            world.asked(CalendarCall::Glance),
            world.asked(CalendarCall::ListAll)
        ),
        (false, [1, 1], [0, 0])
    );
    assert_eq!(world.problems().await.len(), 0);
}

#[tokio::test]
async fn after_the_echo_of_a_deletion_there_is_nothing_to_list() {
    let (world, _) = dentist(false).await;
    world.to().forget_cursors();
    world.from().remove("dentist.ics");
    assert_eq!((world.pass().await.deleted, world.asked(CalendarCall::ListAll)), (1, [0, 1]));
    world.pass().await;
    assert_eq!(
        (world.asked(CalendarCall::List), world.asked(CalendarCall::ListAll)),
        ([0, 0], [0, 0])
    );
}

#[tokio::test]
async fn what_a_day_has_listed_is_still_known_for_what_our_write_has_replaced() {
    let (world, _) = dentist(true).await;
    let before = world.one(1, "dentist");
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    world.pass().await;
    world.wait(SignedDuration::from_hours(24));
    world.pass().await;
    world.to().stale.insert(before.id.clone(), before);
    world.run(FULL).await;
    assert_eq!(world.has("surgeon"), [true, true]);
}
