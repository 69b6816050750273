//! Created events that are not listed, beside unknown events: when the pair goes on.

use engine::event::{Event, EventId};
use engine::marker::Role;
use jiff::civil::date;

use super::all;
use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, on};

/// How the server has kept what was made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum KeptAs {
    Whole,
    WithoutMark,
    WithoutUid,
    WithoutMarkAndUid,
    NotAtAll,
}

/// `one` and `two` were made and are not listed; as many unknown events are.
async fn unlisted(kept: KeptAs, env: PairEnv, strangers: usize) -> PairEnv {
    env.to().manners.lists_late = true;
    env.from().put(april("one", 1));
    env.from().put(april("two", 2));
    assert_eq!(env.pass().await.created, 2);
    let made: Vec<EventId> = env.to().unlisted.iter().cloned().collect();
    for id in made {
        let id = id.to_string();
        match kept {
            KeptAs::Whole => {}
            KeptAs::WithoutMark => env.to().change(&id, |event| event.marker = None),
            KeptAs::WithoutUid => env.to().change(&id, |event| event.uid = format!("server-{id}")),
            KeptAs::WithoutMarkAndUid => env
                .to()
                .change(&id, |event| (event.marker, event.uid) = (None, format!("server-{id}"))),
            KeptAs::NotAtAll => drop(env.to().remove(&id)),
        }
    }
    for n in 0..strangers {
        let stranger =
            Event { id: EventId::new(format!("x{n}.ics")), ..april(&format!("x{n}"), 20) };
        env.to().put(Event {
            content: engine::event::Content {
                span: on(date(2026, 5, 1)),
                ..stranger.content.clone()
            },
            ..stranger
        });
    }
    env
}

#[tokio::test]
async fn what_is_under_its_name_with_its_mark_or_its_uid_is_recognised() {
    let recognised =
        [KeptAs::Whole, KeptAs::WithoutMark, KeptAs::WithoutUid].map(|kept| (kept, true));
    let unrecognised = [KeptAs::WithoutMarkAndUid, KeptAs::NotAtAll].map(|kept| (kept, false));
    for (kept, goes_on) in recognised.into_iter().chain(unrecognised) {
        let env = unlisted(kept, PairEnv::two_way().await, 2).await;
        let run = env.try_run(OPTIONS).await;
        assert_eq!(
            run.error.map(|error| error.code),
            (!goes_on).then(|| "unrecognised".to_owned()),
            "{kept:?}"
        );
        assert_eq!(
            env.titles()[0],
            if goes_on { all(["one", "two", "x0", "x1"]) } else { all(["one", "two"]) }
        );
    }
}

#[tokio::test]
async fn fewer_unknown_events_than_are_missing_stop_nothing() {
    let env = unlisted(KeptAs::NotAtAll, PairEnv::two_way().await, 1).await;
    assert_eq!(env.pass().await.created, 1);
    assert_eq!(env.titles()[0], all(["one", "two", "x0"]));
    assert_eq!(env.mapping("one.ics").await.unseen, Some(Role::Copy));
}

#[tokio::test]
async fn where_other_copies_are_listed_the_pair_goes_on() {
    for others in [1, 2] {
        let env =
            unlisted(KeptAs::NotAtAll, PairEnv::two_way().await.filled(others).await, 2).await;
        assert_eq!(env.pass().await.created, 2);
        assert_eq!(env.count()[0], others as usize + 4);
    }
}

#[tokio::test]
async fn an_event_that_began_there_is_no_copy_that_shows() {
    let env = PairEnv::two_way().await;
    env.to().put(april("theirs", 5));
    env.pass().await;
    let env = unlisted(KeptAs::NotAtAll, env, 2).await;
    let run = env.try_run(OPTIONS).await;
    assert_eq!(
        (run.error.map(|error| error.code), env.count()[0]),
        (Some("unrecognised".to_owned()), 3)
    );
}

#[tokio::test]
async fn one_that_is_missing_stops_nothing() {
    let env = PairEnv::two_way().await;
    env.to().manners.lists_late = true;
    env.from().put(april("one", 1));
    env.pass().await;
    let copy = env.copy("one.ics").await;
    env.to().remove(&copy);
    env.to().put(april("x0", 20));
    assert_eq!(env.pass().await.created, 1);
    assert_eq!(env.mapping("one.ics").await.unseen, Some(Role::Copy));
}

#[tokio::test]
async fn what_shows_under_another_name_with_its_mark_was_made() {
    for changed in [false, true] {
        let env = PairEnv::two_way().await.filled(2).await;
        env.to().manners.lists_late = true;
        env.from().put(april("dentist", 1));
        env.pass().await;
        env.pass().await;
        assert_eq!(env.mapping("dentist.ics").await.unseen, Some(Role::Copy));
        let made = env.one(1, "dentist");
        let shown = Event { id: EventId::new("moved.ics"), ..made.clone() };
        env.to().remove(made.id.as_str());
        env.to().put(shown);
        if changed {
            env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        }
        let run = env.pass().await;
        assert_eq!((run.created, run.deleted, env.count()), (0, 0, [3, 3]), "{changed}");
        let mapping = env.mapping("dentist.ics").await;
        assert_eq!(
            (mapping.copy.id.as_str(), mapping.unseen, env.problems().await.len()),
            ("moved.ics", None, 0)
        );
        assert_eq!(env.titles()[0], env.titles()[1]);
        env.rest().await;
    }
}

#[tokio::test]
async fn more_than_can_be_named_are_awaited_all_the_same() {
    let env = PairEnv::one_way().await;
    env.to().manners.lists_late = true;
    let env = env.filled(201).await;
    assert!(env.state().await.unlisted.since_pass.to.is_some());
    env.from().put(april("more", 9));
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (1, 0, [202, 202]));
    assert!(
        env.mappings().await.iter().filter(|mapping| mapping.unseen == Some(Role::Copy)).count()
            >= 201
    );
    env.to().unlisted.clear();
    env.to().manners.lists_late = false;
    env.to().forget_cursors();
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::Delete), env.count()), ([0, 0], [202, 202]));
    assert!(env.mappings().await.iter().all(|mapping| mapping.unseen.is_none()));
    env.rest().await;
}

/// `one`, `two` and `three` were made, and are neither listed nor under their names.
async fn three_gone() -> (PairEnv, Vec<Event>) {
    let env = PairEnv::two_way().await;
    env.to().manners.lists_late = true;
    for (n, name) in ["one", "two", "three"].into_iter().enumerate() {
        env.from().put(april(name, 1 + n as i8));
    }
    env.pass().await;
    let made = ["one", "two", "three"].map(|name| env.one(1, name)).to_vec();
    made.iter().for_each(|event| drop(env.to().remove(event.id.as_str())));
    (env, made)
}

fn strange(like: &Event, name: &str) -> Event {
    let (id, uid) = (EventId::new(format!("{name}.ics")), format!("{name}@example.org"));
    Event { id, uid, marker: None, stamps: engine::event::Stamps::default(), ..like.clone() }
}

#[tokio::test]
async fn events_that_may_be_what_was_made_are_left_alone_and_stop_nothing() {
    for alike in 0..=3 {
        let (env, made) = three_gone().await;
        for (n, event) in made.iter().enumerate() {
            let mut strange = strange(event, &format!("x{n}"));
            if n >= alike {
                (strange.content.title, strange.content.span) =
                    (format!("x{n}"), on(date(2026, 5, 1)));
            }
            env.to().put(strange);
        }
        let run = env.try_run(OPTIONS).await;
        assert_eq!(run.error.is_some(), alike == 0, "{alike}");
        assert_eq!(env.count()[0], if alike == 0 { 3 } else { 6 - alike }, "{alike}");
    }
}

#[tokio::test]
async fn where_one_is_found_by_its_version_the_pair_goes_on() {
    let (env, made) = three_gone().await;
    let shown = strange(&made[2], "shown");
    env.to().restore(shown);
    for (n, like) in made.iter().enumerate().take(2) {
        let mut strange = strange(like, &format!("x{n}"));
        (strange.content.title, strange.content.span) = (format!("x{n}"), on(date(2026, 5, 1)));
        env.to().put(strange);
    }
    assert_eq!(env.pass().await.created, 2);
    assert_eq!((env.copy("three.ics").await.as_str(), env.count()), ("shown.ics", [5, 3]));
}

#[tokio::test]
async fn what_was_left_alone_for_a_copy_is_copied_once_that_shows() {
    let env = PairEnv::two_way().await.filled(2).await;
    env.to().manners.lists_late = true;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let copy = env.one(1, "dentist");
    env.to().put(strange(&copy, "strange"));
    assert_eq!((env.pass().await.created, env.count()), (0, [3, 4]));
    env.to().unlisted.clear();
    env.to().manners.lists_late = false;
    env.to().change(copy.id.as_str(), |_| ());
    env.pass().await;
    assert_eq!((env.count(), env.problems().await.len()), ([4, 4], 0));
    env.rest().await;
}

#[tokio::test]
async fn an_edit_of_a_copy_that_only_listings_lack_is_not_written_over() {
    let env = PairEnv::two_way().await.filled(2).await;
    env.to().manners.lists_late = true;
    env.from().put(april("dentist", 1));
    env.pass().await;
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    env.to().change(&copy, |event| event.content.location = "room 2".into());
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    for side in [0, 1] {
        assert_eq!(env.one(side, "surgeon").content.location, "room 2");
    }
    assert_eq!(env.asked(CalendarCall::Delete), [0, 0]);
}
