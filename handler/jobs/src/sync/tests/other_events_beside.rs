//! A known copy stays the copy, even if other events are created beside it.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::reason::Reason;

use super::env::PairEnv;
use super::memory_calendar::CalendarCall;
use super::reasons;
use super::sample_events::april;
use super::take_over::{anew, foreign};

#[tokio::test]
async fn what_another_installation_makes_beside_a_copy_leaves_that_a_copy() {
    let env = PairEnv::one_way().await.filled(2).await;
    let origin = env.one(0, "e00");
    env.to().put(foreign(&origin, "theirs.ics", true));
    env.from().put(april("new", 20));
    env.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = env.pass().await;
    assert_eq!((run.created, run.changed, run.copied_by_another), (1, 1, 0));
    assert_eq!(
        (env.mapping("e00.ics").await.state, env.has("changed")),
        (MappingState::Live, [true, true])
    );
    env.rest().await;
}

#[tokio::test]
async fn a_duplicate_of_a_copy_that_was_taken_over_is_its_makers_own() {
    let mut env = PairEnv::two_way().await;
    env.to().manners.own_uids = true;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let copy = env.one(1, "dentist");
    anew(&mut env, true, false).await;
    env.pass().await;
    assert!(env.mapping("dentist.ics").await.taken_over);
    env.to().put(Event {
        id: EventId::new("duplicate.ics"),
        uid: "duplicate@example.org".into(),
        ..copy
    });
    assert_eq!((env.pass().await.created, env.count()), (1, [2, 2]));
    env.rest().await;
}

#[tokio::test]
async fn another_name_or_another_version_makes_no_one_calendar() {
    for same_name in [true, false] {
        let env = PairEnv::one_way().await.filled(2).await;
        let (origin, copy) = (env.one(0, "e00"), env.one(1, "e00"));
        env.to().restore(origin);
        let there = if same_name {
            Event { etag: Some("v99".into()), ..copy }
        } else {
            Event { id: EventId::new("moved.ics"), ..copy }
        };
        env.from().restore(there);
        let run = env.pass().await;
        assert_eq!((run.created, reasons(&run)), (0, vec![Reason::OwnCopy]), "{same_name}");
    }
}

#[tokio::test]
async fn a_half_made_copy_of_which_nothing_is_kept_is_known_by_its_looks() {
    let env = PairEnv::two_way().await;
    {
        let mut to = env.to();
        (to.manners.own_names, to.manners.own_uids, to.manners.drops_marks) = (true, true, true);
    }
    let env = env.filled(2).await;
    env.to().lost.insert(CalendarCall::Create);
    env.from().put(april("dentist", 1));
    env.pass().await;
    env.pass().await;
    assert_eq!((env.count(), env.mapping("dentist.ics").await.state), ([3, 3], MappingState::Live));
    env.rest().await;
}

#[tokio::test]
async fn nothing_is_made_beside_what_another_installation_has_copied_into_the_first_calendar() {
    let env = PairEnv::two_way().await;
    let origin = april("dentist", 1);
    env.from().put(foreign(&origin, "theirs.ics", true));
    env.to().put(origin);
    env.from().put(april("other", 2));
    let run = env.pass().await;
    assert_eq!((run.created, run.copied_by_another, env.count()), (1, 1, [2, 2]));
    assert_eq!(env.mapping("dentist.ics").await.state, MappingState::CopiedByAnother);
    env.rest().await;
}

#[tokio::test]
async fn copies_are_worked_on_when_all_other_events_are() {
    use crate::sync::candidate::Candidate;
    use crate::sync::change::UnknownEvent;
    use engine::pair::Side;

    let place = |(side, is_copy)| {
        let (id, unknown) = (EventId::new("a.ics"), UnknownEvent::default());
        Candidate::Unknown { side, id, unknown, is_copy }.place()
    };
    let order =
        [(Side::From, false), (Side::To, false), (Side::From, true), (Side::To, true)].map(place);
    assert!(order.is_sorted() && order.windows(2).all(|two| two[0] != two[1]));
}
