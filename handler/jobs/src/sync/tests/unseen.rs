//! Events that were created and that no listing shows.

use engine::event::{Event, EventId, Stamps};
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::reason::Reason;
use jiff::SignedDuration;
use records::problem::PairStatus;

use super::env::{FULL, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use super::{all, reasons};

/// `dentist` was made, and neither listed nor given. Two others are.
pub async fn unseen(two_way: bool) -> (PairEnv, EventId) {
    let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
    env.from().put(april("one", 3));
    env.from().put(april("two", 4));
    env.pass().await;
    let name = EventId::new(format!("{}.ics", env.uid_of_copy("dentist.ics").await));
    env.to().unlisted.insert(name.clone());
    env.to().hidden.insert(name.clone());
    env.from().put(april("dentist", 1));
    assert_eq!(env.pass().await.created, 1);
    (env, name)
}

#[tokio::test]
async fn nobody_has_deleted_what_was_never_shown() {
    for two_way in [false, true] {
        let (env, _) = unseen(two_way).await;
        for options in [OPTIONS, OPTIONS] {
            let run = env.run(options).await;
            assert_eq!((run.deleted, run.created, env.writes()), (0, 0, all([])));
        }
        env.to().forget_cursors();
        let run = env.pass().await;
        assert_eq!((run.deleted, run.state, env.count()), (0, PairStatus::Ok, [3, 3]), "{two_way}");
        let mapping = env.mapping("dentist.ics").await;
        assert_eq!((mapping.unseen, mapping.state), (Some(Role::Copy), MappingState::Live));
        assert!(env.problems().await[0].problem.message.contains("does not show it"));
    }
}

#[tokio::test]
async fn what_becomes_of_its_origin_waits_until_it_shows() {
    for (two_way, gone) in [(false, false), (false, true), (true, false), (true, true)] {
        let (env, name) = unseen(two_way).await;
        env.pass().await;
        if gone {
            drop(env.from().remove("dentist.ics"));
        } else {
            env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        }
        let run = env.pass().await;
        assert_eq!((run.state, env.writes()), (PairStatus::Ok, all([])), "{two_way} {gone}");
        assert_eq!(reasons(&run), [Reason::RefusedByServer], "it is named: {two_way} {gone}");
        assert_eq!(env.mappings().await.len(), 3);
        env.to().unlisted.clear();
        env.to().hidden.clear();
        env.to().change(name.as_str(), |_| ());
        let run = env.pass().await;
        assert_eq!((run.deleted, run.changed), (u64::from(gone), u64::from(!gone)));
        let titles = if gone { all(["one", "two"]) } else { all(["one", "surgeon", "two"]) };
        assert_eq!((env.titles(), env.problems().await.len()), ([titles.clone(), titles], 0));
        env.rest().await;
    }
}

#[tokio::test]
async fn what_only_listings_lack_is_written_under_its_name() {
    let (env, name) = unseen(false).await;
    env.to().hidden.clear();
    env.pass().await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(env.pass().await.changed, 1);
    assert_eq!(env.one(1, "surgeon").id, name);
    env.to().unlisted.clear();
    env.to().change(name.as_str(), |_| ());
    env.rest().await;
}

#[tokio::test]
async fn after_two_days_a_change_makes_it_again() {
    let (env, name) = unseen(false).await;
    env.pass().await;
    env.to().remove(name.as_str());
    env.wait(SignedDuration::from_hours(24));
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!((env.pass().await.created, env.writes()), (0, all([])));
    env.wait(SignedDuration::from_hours(24));
    env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    env.to().unlisted.clear();
    env.to().hidden.clear();
    assert_eq!(env.pass().await.created, 1);
    assert_eq!(env.one(1, "orthodontist").id, name, "under the name that it had");
    env.rest().await;
}

#[tokio::test]
async fn after_two_days_it_is_gone_with_its_origin() {
    let (env, name) = unseen(true).await;
    env.pass().await;
    env.to().remove(name.as_str());
    env.wait(SignedDuration::from_hours(49));
    env.pass().await;
    env.from().remove("dentist.ics");
    let run = env.pass().await;
    assert_eq!((run.created, env.mappings().await.len(), env.count()), (0, 2, [2, 2]));
    env.rest().await;
}

#[tokio::test]
async fn a_full_pass_makes_it_at_once() {
    let (env, name) = unseen(false).await;
    env.pass().await;
    env.to().remove(name.as_str());
    env.to().unlisted.clear();
    env.to().hidden.clear();
    assert_eq!(env.run(FULL).await.created, 1);
    assert_eq!((env.one(1, "dentist").id, env.problems().await.len()), (name, 0));
    env.rest().await;
}

#[tokio::test]
async fn a_name_that_is_taken_by_what_is_not_shown_is_not_given_up() {
    let (env, _) = unseen(false).await;
    env.pass().await;
    let run = env.run(FULL).await;
    assert_eq!(
        (run.created, reasons(&run), env.count()),
        (0, vec![Reason::RefusedByServer], [3, 3])
    );
    assert_eq!(env.asked(CalendarCall::Create), [0, 1]);
    env.to().unlisted.clear();
    env.to().hidden.clear();
    env.run(FULL).await;
    env.rest().await;
    assert_eq!(env.count(), [3, 3]);
}

/// As above, and the server has given the copy a name and a UID of its own, and no mark.
async fn stranger(etag: bool, stamps: Stamps) -> PairEnv {
    let (env, name) = unseen(true).await;
    let mut made = env.one(1, "dentist");
    (made.id, made.uid) = (EventId::new("strange.ics"), "strange@example.org".into());
    (made.marker, made.stamps) = (None, stamps);
    let mut here = env.to();
    here.becomes(name.as_str(), made.clone());
    here.unlisted.clear();
    here.hidden.clear();
    if !etag {
        here.put(made);
    }
    drop(here);
    env
}

#[tokio::test]
async fn an_event_of_the_version_that_was_written_is_what_was_written() {
    let env = stranger(true, Stamps::default()).await;
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [3, 3]));
    assert_eq!(env.copy("dentist.ics").await, "strange.ics");
    env.rest().await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    assert_eq!(env.one(1, "surgeon").id.as_str(), "strange.ics");
    env.rest().await;
}

#[tokio::test]
async fn what_cannot_be_told_from_it_is_left_alone_until_it_can() {
    let env = stranger(false, Stamps::default()).await;
    let run = env.pass().await;
    assert_eq!((run.created, reasons(&run), env.count()), (0, vec![Reason::MayBeCopy], [3, 3]));
    assert_eq!(env.mapping("dentist.ics").await.unseen, Some(Role::Copy));
    env.pass().await;
    assert_eq!((env.writes(), env.problems().await.len()), (all([]), 2));
    env.to().change("strange.ics", |event| {
        (event.content.title, event.content.span) =
            ("mine".into(), super::sample_events::on(jiff::civil::date(2026, 4, 20)));
    });
    env.pass().await;
    assert_eq!(env.one(0, "mine").content, env.one(1, "mine").content);
}

#[tokio::test]
async fn what_is_known_to_be_older_is_its_owners() {
    let long_ago = "2026-03-01T00:00:00Z".parse().ok();
    let env =
        stranger(false, Stamps { created: long_ago, modified: long_ago, stamped: long_ago }).await;
    let run = env.pass().await;
    assert_eq!((run.created, env.count()), (1, [4, 3]));
}

#[tokio::test]
async fn a_calendar_that_shows_nothing_of_what_was_made_stops_the_pair() {
    let env = PairEnv::two_way().await;
    env.to().manners.own_names = true;
    env.to().manners.lists_late = true;
    env.to().manners.own_uids = true;
    env.to().manners.drops_marks = true;
    env.from().put(april("one", 1));
    env.from().put(april("two", 2));
    env.pass().await;
    let made = env.to().all();
    for (n, event) in made.into_iter().enumerate() {
        let (id, uid) = (EventId::new(format!("x{n}.ics")), format!("x{n}@example.org"));
        let mut now = Event { id, uid, ..event.clone() };
        (now.content.title, now.content.span) =
            (format!("x{n}"), super::sample_events::on(jiff::civil::date(2026, 5, 1)));
        env.to().becomes(event.id.as_str(), now.clone());
        env.to().put(now);
    }
    let run = env.try_run(OPTIONS).await;
    assert_eq!((run.state, run.created, run.deleted), (PairStatus::Error, 0, 0));
    assert_eq!((run.error.unwrap().code.as_str(), env.count()), ("unrecognised", [2, 2]));
}

#[tokio::test]
async fn what_has_its_version_and_shows_something_else_is_not_it() {
    let env = unseen(true).await.0;
    let made = env.one(1, "dentist");
    let strange = Event {
        id: EventId::new("strange.ics"),
        uid: "strange@example.org".into(),
        marker: None,
        ..made.clone()
    };
    let mut strange = Event { stamps: Stamps::default(), ..strange };
    (strange.content.title, strange.content.span) =
        ("x".into(), super::sample_events::on(jiff::civil::date(2026, 5, 1)));
    env.to().becomes(made.id.as_str(), strange);
    env.to().unlisted.clear();
    env.to().hidden.clear();
    assert_eq!((env.pass().await.created, env.count()), (1, [4, 3]));
    assert_eq!(env.mapping("dentist.ics").await.unseen, Some(Role::Copy));
}

#[tokio::test]
async fn what_has_only_the_time_of_it_is_its_owners() {
    let env = unseen(true).await.0;
    let made = env.one(1, "dentist");
    let mut strange = Event {
        id: EventId::new("strange.ics"),
        uid: "strange@example.org".into(),
        marker: None,
        ..made.clone()
    };
    (strange.content.title, strange.stamps) = ("x".into(), Stamps::default());
    env.to().becomes(made.id.as_str(), strange.clone());
    env.to().put(strange);
    env.to().unlisted.clear();
    env.to().hidden.clear();
    assert_eq!((env.pass().await.created, env.titles()[0].contains(&"x".to_owned())), (1, true));
}

#[tokio::test]
async fn what_was_never_shown_is_no_part_of_an_emptied_calendar() {
    let env = unseen(false).await.0;
    for n in 0..4 {
        env.from().put(april(&format!("e{n}"), 10 + n));
    }
    env.pass().await;
    env.pass().await;
    let shown: Vec<_> =
        env.to().all().into_iter().filter(|event| event.content.title != "dentist").collect();
    shown.iter().for_each(|event| drop(env.to().remove(event.id.as_str())));
    let run = env.pass().await;
    assert_eq!(
        (run.state, run.held.map(|held| (held.deletions, held.of))),
        (PairStatus::Held, Some((6, 6)))
    );
}

#[tokio::test]
async fn a_half_made_copy_without_mark_and_name_is_known_by_its_uid() {
    let env = PairEnv::two_way().await;
    env.to().manners.own_names = true;
    env.to().manners.drops_marks = true;
    env.from().put(april("dentist", 1));
    env.to().lost.insert(CalendarCall::Create);
    env.pass().await;
    env.pass().await;
    assert_eq!((env.count(), env.mapping("dentist.ics").await.state), ([1, 1], MappingState::Live));
    env.rest().await;
}
