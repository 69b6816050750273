//! Which event is the copy: events that a person has duplicated with their marks, and copies that
//! are elsewhere now.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::provider::ProviderKind;
use engine::reason::Reason;
use providers::Error;

use super::deletions::dentist;
use super::env::PairEnv;
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use super::{all, reasons};

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

fn duplicate(event: &Event) -> Event {
    Event { uid: "duplicate@example.org".into(), ..named(event.clone(), "a-duplicate.ics") }
}

#[tokio::test]
async fn a_duplicate_of_a_copy_whose_deletion_was_refused_stays() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        env.from().remove("dentist.ics");
        env.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
        env.pass().await;
        env.to().refused.clear();
        let event = env.to().remove(&copy);
        env.to().put(duplicate(&event));
        env.minutes(5);
        let run = env.pass().await;
        assert_eq!((run.deleted, env.has("dentist")), (0, [two_way, true]), "{two_way}");
        env.rest().await;
        assert_eq!(env.one(1, "dentist").id.as_str(), "a-duplicate.ics");
    }
}

#[tokio::test]
async fn a_copy_that_moves_while_another_ones_deletion_is_refused_is_found() {
    let (env, _) = dentist(false).await;
    let other = env.copy("e0.ics").await;
    env.from().remove("dentist.ics");
    env.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
    env.pass().await;
    let event = env.to().remove(&other);
    env.to().put(named(event, "moved.ics"));
    let run = env.pass().await;
    assert_eq!(
        (run.created, run.skipped, env.mapping("e0.ics").await.state),
        (0, 0, MappingState::Live)
    );
    assert_eq!(env.copy("e0.ics").await, "moved.ics");
}

#[tokio::test]
async fn a_duplicate_that_comes_while_its_origin_goes_stays() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        let event = env.one(1, "dentist");
        env.to().put(duplicate(&event));
        env.from().remove("dentist.ics");
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, env.one(1, "dentist").id.as_str()),
            (1, "a-duplicate.ics"),
            "{two_way}"
        );
        assert!(!env.to().all().iter().any(|event| event.id.as_str() == copy));
        env.rest().await;
    }
}

#[tokio::test]
async fn what_has_the_uid_of_the_copy_is_the_copy_and_not_its_duplicate() {
    for (two_way, listed, at_once) in
        [(false, true, true), (true, true, true), (false, true, false), (false, false, false)]
    {
        let (env, copy) = dentist(two_way).await;
        let event = env.to().remove(&copy);
        if !at_once {
            env.pass().await;
            assert_eq!(env.mapping("dentist.ics").await.state, MappingState::Suppressed);
        }
        env.to().put(duplicate(&event));
        env.to().put(named(event, "z-moved.ics"));
        if !listed {
            env.to().unlisted.insert(EventId::new("z-moved.ics"));
        }
        let run = env.pass().await;
        let what = format!("{two_way} {listed} {at_once} {:?}", reasons(&run));
        assert_eq!((run.deleted, run.created), (0, u64::from(two_way)), "{what}");
        env.to().unlisted.clear();
        env.to().change("z-moved.ics", |_| ());
        env.pass().await;
        assert_eq!(
            (env.copy("dentist.ics").await.as_str(), env.count()[1]),
            ("z-moved.ics", 6),
            "{what}"
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn the_copy_of_an_ended_pair_that_was_put_beside_its_origin_or_its_copy_is_not_copied() {
    for side in [0, 1] {
        let mut env = PairEnv::two_way().await;
        env.from().put(april("dentist", 1));
        env.pass().await;
        let third = env.connect("club", ProviderKind::Caldav).await;
        let ended =
            env.add(0, third, &engine::pair::Pair { two_way: false, ..env.pair.clone() }).await;
        let pair = std::mem::replace(&mut env.pair, ended.clone());
        env.pass().await;
        crate::pairs::remove_pair(&env.scope, &ended.id).await.unwrap();
        env.pair = pair;
        let left = env.one(third, "dentist");
        env.remotes[side].lock().put(named(left, "left.ics"));
        let run = env.pass().await;
        assert_eq!((run.created, reasons(&run)), (0, vec![Reason::AlreadyThere]), "{side}");
        assert_eq!(env.titles()[1 - side], all(["dentist"]));
        env.rest().await;
    }
}

#[tokio::test]
async fn of_two_events_with_one_mark_one_is_the_copy_of_an_event_that_is_there_twice() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let (origin, copy) = (env.one(0, "dentist"), env.one(1, "dentist"));
    crate::pairs::remove_pair(&env.scope, &env.pair.id).await.unwrap();
    env.from().put(named(origin, "twice.ics"));
    let mut mine = duplicate(&copy);
    mine.content.title = "mine".into();
    env.to().put(mine);
    env.pair = env.add(0, 1, &env.pair).await;
    let run = env.pass().await;
    assert_eq!((run.created, env.titles()[1].clone()), (1, all(["dentist", "dentist", "mine"])));
    env.rest().await;
    for origin in ["dentist.ics", "twice.ics"] {
        assert_ne!(env.copy(origin).await, "a-duplicate.ics");
    }
}

#[tokio::test]
async fn a_copy_that_has_another_name_is_never_written_as_a_whole() {
    for moved in [0, 1] {
        let (env, copy) = dentist(true).await;
        let id = if moved == 0 { "dentist.ics" } else { &copy };
        let event = env.remotes[moved].lock().remove(id);
        env.remotes[moved].lock().put(named(event, "moved.ics"));
        env.pass().await;
        env.from().change(if moved == 0 { "moved.ics" } else { "dentist.ics" }, |event| {
            event.content.title = "surgeon".into()
        });
        assert_eq!(env.pass().await.changed, 1);
        assert_eq!(
            (env.asked(CalendarCall::Rewrite)[1], env.asked(CalendarCall::Edit)[1]),
            (1 - moved, moved)
        );
        assert_eq!(env.has("surgeon"), [true, true]);
        env.rest().await;
    }
}
