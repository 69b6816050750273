//! Created events that were answered without a version, and are listed without a known name, UID or
//! mark: they are recognised by time and title only.

use engine::event::{Event, EventId, Stamps};
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::reason::Reason;

use super::env::PairEnv;
use super::reasons;
use super::sample_events::april;

/// Events of this name are made and not shown; the first of them shows as `strange` then, with
/// these stamps.
async fn strange(names: &[&str], stamps: impl Fn(Stamps) -> Stamps) -> PairEnv {
    let env = PairEnv::two_way().await;
    env.from().put(april("one", 3));
    env.from().put(april("two", 4));
    env.pass().await;
    env.to().manners.answers_without_version = true;
    let mut made = Vec::new();
    for name in names {
        let id = EventId::new(format!("{}.ics", env.uid_of_copy(&format!("{name}.ics")).await));
        env.to().unlisted.insert(id.clone());
        env.to().hidden.insert(id.clone());
        env.from().put(Event {
            id: EventId::new(format!("{name}.ics")),
            uid: (*name).into(),
            ..april("dentist", 1)
        });
        made.push(id);
    }
    assert_eq!(env.pass().await.created, names.len() as u64);
    let first = env.to().all().into_iter().find(|event| event.id == made[0]).unwrap();
    let stamps = stamps(first.stamps);
    let shown = Event {
        id: EventId::new("strange.ics"),
        uid: "strange@example.org".into(),
        marker: None,
        stamps,
        ..first
    };
    env.to().becomes(made[0].as_str(), shown);
    env
}

#[tokio::test]
async fn what_its_stamps_prove_to_be_made_since_is_what_was_made() {
    let env = strange(&["dentist"], |stamps| stamps).await;
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [3, 3]));
    let mapping = env.mapping("dentist.ics").await;
    assert_eq!(
        (mapping.copy.id.as_str(), mapping.state, mapping.unseen),
        ("strange.ics", MappingState::Live, None)
    );
    env.rest().await;
}

#[tokio::test]
async fn without_that_proof_it_is_left_alone() {
    let env = strange(&["dentist"], |_| Stamps::default()).await;
    let run = env.pass().await;
    assert_eq!((run.created, reasons(&run), env.count()), (0, vec![Reason::MayBeCopy], [3, 3]));
    let mapping = env.mapping("dentist.ics").await;
    assert_eq!(
        (mapping.copy.id.as_str() == "strange.ics", mapping.unseen),
        (false, Some(Role::Copy))
    );
}

#[tokio::test]
async fn of_two_that_it_may_be_it_is_neither() {
    let env = strange(&["first", "second"], |stamps| stamps).await;
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [4, 4]));
    for mapping in env.mappings().await {
        assert_ne!(mapping.copy.id.as_str(), "strange.ics");
    }
}
