//! Servers that give events UIDs of their own and remove marks.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;

use super::env::PairEnv;
use super::sample_events::april;
use super::{all, reasons};

/// Two copies, each known by its name and the UID that its server gave it.
async fn two(two_way: bool) -> (PairEnv, [String; 2]) {
    let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
    env.to().manners.own_uids = true;
    env.to().manners.drops_marks = true;
    env.from().put(april("dentist", 1));
    env.from().put(april("other", 2));
    env.from().put(april("third", 3));
    env.pass().await;
    env.pass().await;
    let copies = [env.copy("dentist.ics").await, env.copy("other.ics").await];
    (env, copies)
}

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

#[tokio::test]
async fn two_copies_that_change_names_are_told_apart_by_their_uids() {
    for two_way in [false, true] {
        let (env, [dentist, other]) = two(two_way).await;
        let one = env.to().remove(&dentist);
        let two = env.to().remove(&other);
        env.to().put(named(one, &other));
        env.to().put(named(two, &dentist));
        let run = env.pass().await;
        assert_eq!((run.created, run.deleted, env.writes()), (0, 0, all([])), "{two_way}");
        assert_eq!([env.copy("dentist.ics").await, env.copy("other.ics").await], [other, dentist]);
        env.rest().await;
        env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        env.pass().await;
        assert_eq!(
            env.titles(),
            [all(["other", "surgeon", "third"]), all(["other", "surgeon", "third"])]
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn a_copy_that_has_the_name_of_another_that_is_gone_is_found() {
    let (env, [dentist, other]) = two(false).await;
    let one = env.to().remove(&dentist);
    env.to().remove(&other);
    env.to().put(named(one, &other));
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [3, 2]), "{:?}", reasons(&run));
    let mapping = env.mapping("dentist.ics").await;
    assert_eq!((mapping.copy.id.as_str(), mapping.state), (other.as_str(), MappingState::Live));
    assert_eq!(env.mapping("other.ics").await.state, MappingState::Suppressed);
    env.rest().await;
}

#[tokio::test]
async fn an_edit_of_a_copy_is_an_edit() {
    let (env, [dentist, _]) = two(true).await;
    env.to().change(&dentist, |event| event.content.title = "surgeon".into());
    assert_eq!(env.pass().await.changed, 1);
    assert_eq!(
        env.titles(),
        [all(["other", "surgeon", "third"]), all(["other", "surgeon", "third"])]
    );
    env.rest().await;
}

#[tokio::test]
async fn another_event_under_the_name_of_a_copy_is_known_by_its_uid() {
    for two_way in [false, true] {
        let (env, [dentist, _]) = two(two_way).await;
        env.to().remove(&dentist);
        env.to().put(named(april("swimming", 9), &dentist));
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, env.titles()[0].contains(&"dentist".to_owned())),
            (0, true),
            "{two_way}"
        );
        assert_eq!(env.titles()[0].contains(&"swimming".to_owned()), two_way);
        assert!(env.titles()[1].contains(&"swimming".to_owned()));
        env.rest().await;
    }
}

#[tokio::test]
async fn where_no_other_copy_speaks_for_the_server_a_name_is_enough() {
    for others in [0, 1] {
        let env = PairEnv::two_way().await;
        env.from().put(april("dentist", 1));
        for n in 0..others {
            env.from().put(april(&format!("e{n}"), 2));
        }
        env.pass().await;
        env.pass().await;
        let copy = env.copy("dentist.ics").await;
        env.to().remove(&copy);
        env.to().put(named(april("swimming", 9), &copy));
        env.pass().await;
        assert_eq!(env.one(0, "swimming").id.as_str() == "dentist.ics", others == 0, "{others}");
        assert_eq!(env.titles()[0].contains(&"dentist".to_owned()), others > 0);
        env.rest().await;
    }
}

#[tokio::test]
async fn copies_of_the_other_direction_do_not_speak_for_the_server() {
    let env = PairEnv::two_way().await;
    env.from().put(april("other", 2));
    env.pass().await;
    env.from().put(april("dentist", 1));
    for n in 0..6 {
        env.to().put(april(&format!("theirs{n}"), 3 + n));
    }
    env.pass().await;
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    env.to().remove(&copy);
    env.to().put(named(april("swimming", 9), &copy));
    let run = env.pass().await;
    assert_eq!((run.deleted, env.one(0, "dentist").id.as_str()), (0, "dentist.ics"));
    assert!(env.titles()[0].contains(&"swimming".to_owned()));
    env.rest().await;
}
