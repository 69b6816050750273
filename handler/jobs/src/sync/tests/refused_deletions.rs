//! Deletions that are refused, or made while another client edits the event.

use engine::event::Event;
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::reason::Reason;
use providers::Error;
use records::problem::PairStatus;

use super::deletions::dentist;
use super::memory_calendar::CalendarCall;
use super::reasons;
use super::sample_events::{april, with_guests};

#[tokio::test]
async fn a_refused_deletion_is_tried_again_as_one() {
    let (env, copy) = dentist(false).await;
    env.from().remove("dentist.ics");
    env.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), run.state),
        (0, vec![Reason::RefusedByServer], PairStatus::Ok)
    );
    assert_eq!(env.problems().await[0].gone, Some(Role::Origin));
    assert_eq!(env.state().await.deletions, None);
    env.to().refused.clear();
    env.minutes(2);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, env.writes(), env.problems().await.len()),
        (1, vec![format!("Delete {copy}")], 0)
    );
    env.rest().await;
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_done() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        let side = usize::from(!two_way);
        if two_way {
            env.to().remove(&copy)
        } else {
            env.from().remove("dentist.ics")
        };
        env.remotes[side].lock().lost.insert(CalendarCall::Delete);
        env.pass().await;
        assert_eq!(env.has("dentist"), [false, false]);
        env.minutes(5);
        env.pass().await;
        assert_eq!(
            (env.has_mapping().await, env.problems().await.len(), env.count()),
            (false, 0, [4, 4])
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn one_way_a_copy_that_is_edited_at_that_moment_goes_all_the_same() {
    let (env, copy) = dentist(false).await;
    env.from().remove("dentist.ics");
    let name = copy.clone();
    env.to().meanwhile(CalendarCall::Delete, move |home| {
        home.change(&name, |event| event.content.title = "mine".into())
    });
    assert_eq!((env.pass().await.deleted, env.count()), (1, [4, 4]));
    env.rest().await;
}

#[tokio::test]
async fn one_way_a_copy_that_is_somebody_elses_at_that_moment_stays() {
    for invites in [false, true] {
        let (env, copy) = dentist(false).await;
        env.from().remove("dentist.ics");
        env.to().meanwhile(CalendarCall::Delete, move |home| {
            home.change(&copy, |event| {
                if invites {
                    *event = with_guests(event.clone());
                } else {
                    *event = Event { id: event.id.clone(), ..april("other", 20) };
                }
            });
        });
        let run = env.pass().await;
        assert_eq!((run.deleted, env.count(), env.has_mapping().await), (0, [4, 5], false));
        assert_eq!(reasons(&run).contains(&Reason::HasGuests), invites);
        env.rest().await;
    }
}

#[tokio::test]
async fn two_way_an_edit_at_the_moment_of_the_deletion_stands() {
    let (env, copy) = dentist(true).await;
    env.from().remove("dentist.ics");
    env.to().meanwhile(CalendarCall::Delete, move |home| {
        home.change(&copy, |event| event.content.title = "mine".into())
    });
    let run = env.pass().await;
    assert_eq!((run.deleted, run.created, env.has("mine")), (0, 1, [true, true]));
    env.rest().await;
}

#[tokio::test]
async fn an_origin_with_guests_is_not_deleted() {
    let (env, copy) = dentist(true).await;
    env.to().remove(&copy);
    env.from().refused.insert((CalendarCall::Delete, None), Error::HasGuests);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), env.has("dentist")),
        (0, vec![Reason::HasGuests], [true, false])
    );
    let mapping = env.mapping("dentist.ics").await;
    assert!(mapping.guests && mapping.state == MappingState::Suppressed);
    env.rest().await;
}

#[tokio::test]
async fn where_both_are_gone_by_then_a_refused_deletion_is_done() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        env.from().remove("dentist.ics");
        env.from().refused.insert((CalendarCall::Absence, None), Error::Refused("no".into()));
        env.pass().await;
        assert_eq!(env.problems().await[0].gone, Some(Role::Origin));
        env.from().refused.clear();
        env.to().remove(&copy);
        env.minutes(2);
        env.pass().await;
        assert_eq!(
            (env.has_mapping().await, env.problems().await.len(), env.count()),
            (false, 0, [4, 4])
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn an_edit_that_follows_a_refused_deletion_stands() {
    let (env, copy) = dentist(true).await;
    env.from().remove("dentist.ics");
    env.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
    env.pass().await;
    env.to().refused.clear();
    env.to().change(&copy, |event| event.content.title = "mine".into());
    let run = env.pass().await;
    assert_eq!((run.deleted, env.has("mine"), env.problems().await.len()), (0, [true, true], 0));
    env.rest().await;
}

#[tokio::test]
async fn an_origin_that_is_found_gone_by_a_write_is_made_of_its_edited_copy() {
    let (env, copy) = dentist(true).await;
    env.from().meanwhile(CalendarCall::Edit, |work| drop(work.remove("dentist.ics")));
    env.to().change(&copy, |event| event.content.title = "mine".into());
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.has("mine")), (1, 0, [true, true]));
    env.rest().await;
}

#[tokio::test]
async fn a_refused_deletion_whose_origin_is_back_is_forgotten() {
    let (env, _) = dentist(false).await;
    let origin = env.from().remove("dentist.ics");
    env.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
    env.pass().await;
    env.from().put(origin);
    env.to().refused.clear();
    env.minutes(3);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, run.created, env.problems().await.len(), env.count()),
        (0, 0, 0, [5, 5])
    );
    env.rest().await;
}

#[tokio::test]
async fn an_origin_that_cannot_be_made_again_is_remembered_as_gone() {
    let (env, copy) = dentist(true).await;
    env.from().remove("dentist.ics");
    env.to().change(&copy, |event| event.content.title = "mine".into());
    env.from().refused.insert((CalendarCall::Create, None), Error::Refused("no".into()));
    let run = env.pass().await;
    assert_eq!((run.deleted, run.created, env.has("mine")), (0, 0, [false, true]));
    assert_eq!(env.problems().await[0].gone, Some(Role::Origin));
    env.from().refused.clear();
    env.minutes(60);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, run.created, env.has("mine"), env.problems().await.len()),
        (0, 1, [true, true], 0)
    );
    env.rest().await;
}
