//! An event is recognised under any name, also where other events have its mark.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::reason::Reason;

use super::env::PairEnv;
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, weekly};
use super::{all, reasons};

async fn dentist(two_way: bool) -> (PairEnv, String) {
    let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
    env.from().put(april("dentist", 1));
    env.from().put(april("other", 2));
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    (env, copy)
}

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

#[tokio::test]
async fn a_new_name_is_no_deletion() {
    for two_way in [false, true] {
        for side in [0, 1] {
            let (env, copy) = dentist(two_way).await;
            let id = if side == 0 { "dentist.ics" } else { &copy };
            let event = env.remotes[side].lock().remove(id);
            env.remotes[side].lock().put(named(event, "moved.ics"));
            let run = env.pass().await;
            assert_eq!(
                (run.created, run.deleted, env.count(), env.writes()),
                (0, 0, [2, 2], all([])),
                "{two_way} {side}"
            );
            env.rest().await;
            env.from().change(if side == 0 { "moved.ics" } else { "dentist.ics" }, |event| {
                event.content.title = "surgeon".into()
            });
            env.pass().await;
            assert_eq!(env.titles(), [all(["other", "surgeon"]), all(["other", "surgeon"])]);
            env.rest().await;
        }
    }
}

#[tokio::test]
async fn a_new_name_and_an_edit_at_once() {
    let (env, copy) = dentist(true).await;
    let mut event = env.to().remove(&copy);
    event.content.title = "surgeon".into();
    env.to().put(named(event, "moved.ics"));
    let run = env.pass().await;
    assert_eq!(
        (run.created, run.deleted, env.titles()),
        (0, 0, [all(["other", "surgeon"]), all(["other", "surgeon"])])
    );
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_lost_its_mark_is_known_by_its_uid() {
    let (env, copy) = dentist(true).await;
    let mut event = env.to().remove(&copy);
    event.marker = None;
    env.to().put(named(event, "moved.ics"));
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [2, 2]));
    assert_eq!(env.copy("dentist.ics").await, "moved.ics");
    env.rest().await;
}

#[tokio::test]
async fn a_duplicate_of_a_copy_is_its_makers_own() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        let event = env.one(1, "dentist");
        env.to()
            .put(Event { uid: "duplicate@example.org".into(), ..named(event, "duplicate.ics") });
        let run = env.pass().await;
        if two_way {
            assert_eq!((run.created, env.count()), (1, [3, 3]));
            assert!(
                env.mappings()
                    .await
                    .iter()
                    .any(|mapping| mapping.origin.id.as_str() == "duplicate.ics")
            );
        } else {
            assert_eq!((reasons(&run), env.count()), (vec![Reason::DuplicateOfCopy], [2, 3]));
            assert_eq!(env.problems().await[0].mapping, Some(env.mapping("dentist.ics").await.id));
        }
        assert_eq!(env.copy("dentist.ics").await, copy);
        env.rest().await;
        env.from().remove("dentist.ics");
        env.pass().await;
        assert_eq!(env.count(), if two_way { [2, 2] } else { [1, 2] });
        env.rest().await;
    }
}

#[tokio::test]
async fn a_duplicate_takes_the_place_of_a_copy_that_is_gone() {
    let (env, copy) = dentist(false).await;
    let event = env.one(1, "dentist");
    env.to().put(Event { uid: "duplicate@example.org".into(), ..named(event, "duplicate.ics") });
    env.pass().await;
    env.to().remove(&copy);
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [2, 2]));
    assert_eq!(
        (env.copy("dentist.ics").await, env.problems().await.len()),
        ("duplicate.ics".into(), 0)
    );
    env.rest().await;
}

#[tokio::test]
async fn a_series_that_is_cut_on_the_side_of_the_copy_loses_nothing() {
    let env = PairEnv::two_way().await;
    env.from().put(weekly(april("standup", 1), 6));
    env.pass().await;
    let mut rest = env.one(1, "standup");
    let copy = env.copy("standup.ics").await;
    env.to().change(&copy, |event| *event = weekly(event.clone(), 2));
    rest.uid = "rest@example.org".into();
    rest.content.span = super::sample_events::on(jiff::civil::date(2026, 4, 15));
    env.to().put(weekly(named(rest, "rest.ics"), 4));
    env.pass().await;
    assert_eq!(env.count(), [2, 2]);
    let rules = |side: usize| {
        let mut rules: Vec<String> = env.remotes[side]
            .lock()
            .all()
            .into_iter()
            .map(|event| event.series.unwrap().rules[0].clone())
            .collect();
        rules.sort();
        rules
    };
    assert_eq!(rules(0), ["FREQ=WEEKLY;COUNT=2", "FREQ=WEEKLY;COUNT=4"]);
    assert_eq!(rules(0), rules(1));
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_was_moved_into_the_calendar_of_its_origin_deletes_nothing() {
    let (env, copy) = dentist(true).await;
    let event = env.to().remove(&copy);
    env.from().put(named(event, "moved.ics"));
    let run = env.pass().await;
    assert_eq!((run.deleted, run.created), (0, 0));
    assert!(
        reasons(&run).contains(&Reason::OwnCopy) && reasons(&run).contains(&Reason::Suppressed)
    );
    assert_eq!(
        (env.count(), env.mapping("dentist.ics").await.state),
        ([3, 1], MappingState::Suppressed)
    );
    env.rest().await;
    env.from().remove("dentist.ics");
    env.pass().await;
    assert_eq!(
        env.titles(),
        [all(["dentist", "other"]), all(["dentist", "other"])],
        "an ordinary event from then on"
    );
    env.rest().await;
}

#[tokio::test]
async fn what_was_moved_and_is_gone_by_then_spares_nothing() {
    let (env, copy) = dentist(true).await;
    let event = env.one(1, "dentist");
    env.from().put(named(event, "moved.ics"));
    env.pass().await;
    assert_eq!(env.count(), [3, 2]);
    env.to().remove(&copy);
    env.from().hidden.insert(EventId::new("moved.ics"));
    let run = env.pass().await;
    assert_eq!((run.deleted, reasons(&run).contains(&Reason::CopyDeleted)), (1, true));
}

#[tokio::test]
async fn the_copy_of_another_pair_is_never_copied_on() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let third = env.connect("club", engine::provider::ProviderKind::Caldav).await;
    let first = env.pair.clone();
    env.pair = env.add(1, third, &first).await;
    env.to().put(april("swimming", 2));
    let run = env.pass().await;
    assert_eq!((run.created, reasons(&run)), (1, vec![Reason::OwnCopy]));
    assert_eq!(env.remotes[third].lock().all().len(), 1);
    env.rest().await;
    env.pair = first;
    env.rest().await;
}

#[tokio::test]
async fn another_event_under_the_name_of_a_copy_is_not_the_copy() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        env.to().remove(&copy);
        env.to().put(named(april("swimming", 9), &copy));
        let run = env.pass().await;
        assert_eq!(run.deleted, 0);
        assert_eq!(env.titles()[0].contains(&"swimming".to_owned()), two_way);
        assert!(
            env.titles()[1].contains(&"swimming".to_owned())
                && env.titles()[0].contains(&"dentist".to_owned())
        );
        env.rest().await;
        env.from().remove("dentist.ics");
        env.pass().await;
        assert!(env.titles()[1].contains(&"swimming".to_owned()));
        env.rest().await;
    }
}

#[tokio::test]
async fn two_copies_that_change_names_stay_two_copies() {
    let (env, copy) = dentist(true).await;
    let other = env.copy("other.ics").await;
    let one = env.to().remove(&copy);
    let two = env.to().remove(&other);
    env.to().put(named(one, &other));
    env.to().put(named(two, &copy));
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.writes()), (0, 0, all([])));
    assert_eq!((env.copy("dentist.ics").await, env.copy("other.ics").await), (other, copy));
    env.rest().await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    assert_eq!(env.titles(), [all(["other", "surgeon"]), all(["other", "surgeon"])]);
    env.rest().await;
}

#[tokio::test]
async fn an_origin_that_is_back_under_another_name_is_the_same() {
    let (env, _) = dentist(false).await;
    let event = env.from().remove("dentist.ics");
    env.from().forget_cursors();
    env.from().put(named(event, "moved.ics"));
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [2, 2]));
    assert_eq!(env.asked(CalendarCall::Absence), [0, 0]);
    env.rest().await;
}

#[tokio::test]
async fn a_name_that_another_event_has_now_makes_another_mapping() {
    let (env, _) = dentist(false).await;
    let event = env.from().remove("dentist.ics");
    env.from().put(named(event, "moved.ics"));
    env.pass().await;
    env.from().put(named(april("swimming", 9), "dentist.ics"));
    assert_eq!(env.pass().await.created, 1);
    assert_eq!(
        env.titles(),
        [all(["dentist", "other", "swimming"]), all(["dentist", "other", "swimming"])]
    );
    env.rest().await;
}
