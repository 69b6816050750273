//! What was made and no listing shows.

use engine::event::{Event, EventId, Stamps};
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::reason::Reason;
use jiff::SignedDuration;

use super::calendar::CalendarCall;
use super::events::april;
use super::world::{FULL, OPTIONS, World};
use super::{all, reasons};
use records::problem::PairStatus;

/// `dentist` was made, and neither listed nor given. Two others are.
pub async fn unseen(two_way: bool) -> (World, EventId) {
    let world = if two_way { World::two_way().await } else { World::one_way().await };
    world.from().put(april("one", 3));
    world.from().put(april("two", 4));
    world.pass().await;
    let name = EventId::new(format!("{}.ics", world.uid_of_copy("dentist.ics").await));
    world.to().unlisted.insert(name.clone());
    world.to().hidden.insert(name.clone());
    world.from().put(april("dentist", 1));
    assert_eq!(world.pass().await.created, 1);
    (world, name)
}

#[tokio::test]
async fn nobody_has_deleted_what_was_never_shown() {
    for two_way in [false, true] {
        let (world, _) = unseen(two_way).await;
        for options in [OPTIONS, OPTIONS] {
            let run = world.run(options).await;
            assert_eq!((run.deleted, run.created, world.writes()), (0, 0, all([])));
        }
        world.to().forget_cursors();
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, run.state, world.count()),
            (0, PairStatus::Ok, [3, 3]),
            "{two_way}"
        );
        let mapping = world.mapping("dentist.ics").await;
        assert_eq!((mapping.unseen, mapping.state), (Some(Role::Copy), MappingState::Live));
        assert!(world.problems().await[0].problem.message.contains("does not show it"));
    }
}

#[tokio::test]
async fn what_becomes_of_its_origin_waits_until_it_shows() {
    for (two_way, gone) in [(false, false), (false, true), (true, false), (true, true)] {
        let (world, name) = unseen(two_way).await;
        world.pass().await;
        if gone {
            drop(world.from().remove("dentist.ics"));
        } else {
            world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        }
        let run = world.pass().await;
        assert_eq!((run.state, world.writes()), (PairStatus::Ok, all([])), "{two_way} {gone}");
        assert_eq!(world.mappings().await.len(), 3);
        world.to().unlisted.clear();
        world.to().hidden.clear();
        world.to().change(name.as_str(), |_| ());
        let run = world.pass().await;
        assert_eq!((run.deleted, run.changed), (u64::from(gone), u64::from(!gone)));
        let titles = if gone { all(["one", "two"]) } else { all(["one", "surgeon", "two"]) };
        assert_eq!((world.titles(), world.problems().await.len()), ([titles.clone(), titles], 0));
        world.rest().await;
    }
}

#[tokio::test]
async fn what_only_listings_lack_is_written_under_its_name() {
    let (world, name) = unseen(false).await;
    world.to().hidden.clear();
    world.pass().await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(world.pass().await.changed, 1);
    assert_eq!(world.one(1, "surgeon").id, name);
    world.to().unlisted.clear();
    world.to().change(name.as_str(), |_| ());
    world.rest().await;
}

#[tokio::test]
async fn after_two_days_a_change_makes_it_again() {
    let (world, name) = unseen(false).await;
    world.pass().await;
    world.to().remove(name.as_str());
    world.wait(SignedDuration::from_hours(24));
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!((world.pass().await.created, world.writes()), (0, all([])));
    world.wait(SignedDuration::from_hours(24));
    world.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    world.to().unlisted.clear();
    world.to().hidden.clear();
    assert_eq!(world.pass().await.created, 1);
    assert_eq!(world.one(1, "orthodontist").id, name, "under the name that it had");
    world.rest().await;
}

#[tokio::test]
async fn after_two_days_it_is_gone_with_its_origin() {
    let (world, name) = unseen(true).await;
    world.pass().await;
    world.to().remove(name.as_str());
    world.wait(SignedDuration::from_hours(49));
    world.pass().await;
    world.from().remove("dentist.ics");
    let run = world.pass().await;
    assert_eq!((run.created, world.mappings().await.len(), world.count()), (0, 2, [2, 2]));
    world.rest().await;
}

#[tokio::test]
async fn a_full_pass_makes_it_at_once() {
    let (world, name) = unseen(false).await;
    world.pass().await;
    world.to().remove(name.as_str());
    world.to().unlisted.clear();
    world.to().hidden.clear();
    assert_eq!(world.run(FULL).await.created, 1);
    assert_eq!((world.one(1, "dentist").id, world.problems().await.len()), (name, 0));
    world.rest().await;
}

#[tokio::test]
async fn a_name_that_is_taken_by_what_is_not_shown_is_not_given_up() {
    let (world, _) = unseen(false).await;
    world.pass().await;
    let run = world.run(FULL).await;
    assert_eq!(
        (run.created, reasons(&run), world.count()),
        (0, vec![Reason::RefusedByServer], [3, 3])
    );
    assert_eq!(world.asked(CalendarCall::Create), [0, 1]);
    world.to().unlisted.clear();
    world.to().hidden.clear();
    world.run(FULL).await;
    world.rest().await;
    assert_eq!(world.count(), [3, 3]);
}

/// The same, and the server has given it a name and a UID of its own, and no mark.
async fn stranger(etag: bool, stamps: Stamps) -> World {
    let (world, name) = unseen(true).await;
    let mut made = world.one(1, "dentist");
    (made.id, made.uid) = (EventId::new("strange.ics"), "strange@example.org".into());
    (made.marker, made.stamps) = (None, stamps);
    let mut here = world.to();
    here.becomes(name.as_str(), made.clone());
    here.unlisted.clear();
    here.hidden.clear();
    if !etag {
        here.put(made);
    }
    drop(here);
    world
}

#[tokio::test]
async fn an_event_of_the_version_that_was_written_is_what_was_written() {
    let world = stranger(true, Stamps::default()).await;
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [3, 3]));
    assert_eq!(world.copy("dentist.ics").await, "strange.ics");
    world.rest().await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    assert_eq!(world.one(1, "surgeon").id.as_str(), "strange.ics");
    world.rest().await;
}

#[tokio::test]
async fn what_cannot_be_told_from_it_is_left_alone_until_it_can() {
    let world = stranger(false, Stamps::default()).await;
    let run = world.pass().await;
    assert_eq!((run.created, reasons(&run), world.count()), (0, vec![Reason::MayBeCopy], [3, 3]));
    assert_eq!(world.mapping("dentist.ics").await.unseen, Some(Role::Copy));
    world.pass().await;
    assert_eq!((world.writes(), world.problems().await.len()), (all([]), 2));
    world.to().change("strange.ics", |event| {
        (event.content.title, event.content.span) =
            ("mine".into(), super::events::on(jiff::civil::date(2026, 4, 20)));
    });
    world.pass().await;
    assert_eq!(world.one(0, "mine").content, world.one(1, "mine").content);
}

#[tokio::test]
async fn what_is_known_to_be_older_is_its_owners() {
    let long_ago = "2026-03-01T00:00:00Z".parse().ok();
    let world =
        stranger(false, Stamps { created: long_ago, modified: long_ago, stamped: long_ago }).await;
    let run = world.pass().await;
    assert_eq!((run.created, world.count()), (1, [4, 3]));
}

#[tokio::test]
async fn a_calendar_that_shows_nothing_of_what_was_made_stops_the_pair() {
    let world = World::two_way().await;
    world.to().manners.own_names = true;
    world.to().manners.lists_late = true;
    world.to().manners.own_uids = true;
    world.to().manners.drops_marks = true;
    world.from().put(april("one", 1));
    world.from().put(april("two", 2));
    world.pass().await;
    let made = world.to().all();
    for (n, event) in made.into_iter().enumerate() {
        let (id, uid) = (EventId::new(format!("x{n}.ics")), format!("x{n}@example.org"));
        let mut now = Event { id, uid, ..event.clone() };
        (now.content.title, now.content.span) =
            (format!("x{n}"), super::events::on(jiff::civil::date(2026, 5, 1)));
        world.to().becomes(event.id.as_str(), now.clone());
        world.to().put(now);
    }
    let run = world.try_run(OPTIONS).await;
    assert_eq!((run.state, run.created, run.deleted), (PairStatus::Error, 0, 0));
    assert_eq!((run.error.unwrap().code.as_str(), world.count()), ("unrecognised", [2, 2]));
}

#[tokio::test]
async fn what_has_its_version_and_shows_something_else_is_not_it() {
    let world = unseen(true).await.0;
    let made = world.one(1, "dentist");
    let strange = Event {
        id: EventId::new("strange.ics"),
        uid: "strange@example.org".into(),
        marker: None,
        ..made.clone()
    };
    let mut strange = Event { stamps: Stamps::default(), ..strange };
    (strange.content.title, strange.content.span) =
        ("x".into(), super::events::on(jiff::civil::date(2026, 5, 1)));
    world.to().becomes(made.id.as_str(), strange);
    world.to().unlisted.clear();
    world.to().hidden.clear();
    assert_eq!((world.pass().await.created, world.count()), (1, [4, 3]));
    assert_eq!(world.mapping("dentist.ics").await.unseen, Some(Role::Copy));
}

#[tokio::test]
async fn what_has_only_the_time_of_it_is_its_owners() {
    let world = unseen(true).await.0;
    let made = world.one(1, "dentist");
    let mut strange = Event {
        id: EventId::new("strange.ics"),
        uid: "strange@example.org".into(),
        marker: None,
        ..made.clone()
    };
    (strange.content.title, strange.stamps) = ("x".into(), Stamps::default());
    world.to().becomes(made.id.as_str(), strange.clone());
    world.to().put(strange);
    world.to().unlisted.clear();
    world.to().hidden.clear();
    assert_eq!(
        (world.pass().await.created, world.titles()[0].contains(&"x".to_owned())),
        (1, true)
    );
}

#[tokio::test]
async fn what_was_never_shown_is_no_part_of_an_emptied_calendar() {
    let world = unseen(false).await.0;
    for n in 0..4 {
        world.from().put(april(&format!("e{n}"), 10 + n));
    }
    world.pass().await;
    world.pass().await;
    let shown: Vec<_> =
        world.to().all().into_iter().filter(|event| event.content.title != "dentist").collect();
    shown.iter().for_each(|event| drop(world.to().remove(event.id.as_str())));
    let run = world.pass().await;
    assert_eq!(
        (run.state, run.held.map(|held| (held.deletions, held.of))),
        (PairStatus::Held, Some((6, 6)))
    );
}

#[tokio::test]
async fn a_half_made_copy_without_mark_and_name_is_known_by_its_uid() {
    let world = World::two_way().await;
    world.to().manners.own_names = true;
    world.to().manners.drops_marks = true;
    world.from().put(april("dentist", 1));
    world.to().lost.insert(CalendarCall::Create);
    world.pass().await;
    world.pass().await;
    assert_eq!(
        (world.count(), world.mapping("dentist.ics").await.state),
        ([1, 1], MappingState::Live)
    );
    world.rest().await;
}
