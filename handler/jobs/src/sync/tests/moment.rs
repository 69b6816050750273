//! Deletions that are refused, or made while another client edits the same event.

use engine::event::Event;
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::events::{april, with_guests};
use super::reasons;
use records::problem::PairStatus;

#[tokio::test]
async fn a_refused_deletion_is_tried_again_as_one() {
    let (world, copy) = dentist(false).await;
    world.from().remove("dentist.ics");
    world.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), run.state),
        (0, vec![Reason::RefusedByServer], PairStatus::Ok)
    );
    assert_eq!(world.problems().await[0].gone, Some(Role::Origin));
    assert_eq!(world.state().await.deletions, None);
    world.to().refused.clear();
    world.minutes(2);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, world.writes(), world.problems().await.len()),
        (1, vec![format!("Delete {copy}")], 0)
    );
    world.rest().await;
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_done() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        let side = usize::from(!two_way);
        if two_way {
            world.to().remove(&copy)
        } else {
            world.from().remove("dentist.ics")
        };
        world.remotes[side].lock().lost.insert(CalendarCall::Delete);
        world.pass().await;
        assert_eq!(world.has("dentist"), [false, false]);
        world.minutes(5);
        world.pass().await;
        assert_eq!(
            (world.has_mapping().await, world.problems().await.len(), world.count()),
            (false, 0, [4, 4])
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn one_way_a_copy_that_is_edited_at_that_moment_goes_all_the_same() {
    let (world, copy) = dentist(false).await;
    world.from().remove("dentist.ics");
    let name = copy.clone();
    world.to().meanwhile(CalendarCall::Delete, move |home| {
        home.change(&name, |event| event.content.title = "mine".into())
    });
    assert_eq!((world.pass().await.deleted, world.count()), (1, [4, 4]));
    world.rest().await;
}

#[tokio::test]
async fn one_way_a_copy_that_is_somebody_elses_at_that_moment_stays() {
    for invites in [false, true] {
        let (world, copy) = dentist(false).await;
        world.from().remove("dentist.ics");
        world.to().meanwhile(CalendarCall::Delete, move |home| {
            home.change(&copy, |event| {
                if invites {
                    *event = with_guests(event.clone());
                } else {
                    *event = Event { id: event.id.clone(), ..april("other", 20) };
                }
            });
        });
        let run = world.pass().await;
        assert_eq!((run.deleted, world.count(), world.has_mapping().await), (0, [4, 5], false));
        assert_eq!(reasons(&run).contains(&Reason::HasGuests), invites);
        world.rest().await;
    }
}

#[tokio::test]
async fn two_way_an_edit_at_the_moment_of_the_deletion_stands() {
    let (world, copy) = dentist(true).await;
    world.from().remove("dentist.ics");
    world.to().meanwhile(CalendarCall::Delete, move |home| {
        home.change(&copy, |event| event.content.title = "mine".into())
    });
    let run = world.pass().await;
    assert_eq!((run.deleted, run.created, world.has("mine")), (0, 1, [true, true]));
    world.rest().await;
}

#[tokio::test]
async fn an_origin_with_guests_is_not_deleted() {
    let (world, copy) = dentist(true).await;
    world.to().remove(&copy);
    world.from().refused.insert((CalendarCall::Delete, None), Error::HasGuests);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), world.has("dentist")),
        (0, vec![Reason::HasGuests], [true, false])
    );
    let mapping = world.mapping("dentist.ics").await;
    assert!(mapping.guests && mapping.state == MappingState::Suppressed);
    world.rest().await;
}

#[tokio::test]
async fn where_both_are_gone_by_then_a_refused_deletion_is_done() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        world.from().remove("dentist.ics");
        world.from().refused.insert((CalendarCall::Absence, None), Error::Refused("no".into()));
        world.pass().await;
        assert_eq!(world.problems().await[0].gone, Some(Role::Origin));
        world.from().refused.clear();
        world.to().remove(&copy);
        world.minutes(2);
        world.pass().await;
        assert_eq!(
            (world.has_mapping().await, world.problems().await.len(), world.count()),
            (false, 0, [4, 4])
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn an_edit_that_follows_a_refused_deletion_stands() {
    let (world, copy) = dentist(true).await;
    world.from().remove("dentist.ics");
    world.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
    world.pass().await;
    world.to().refused.clear();
    world.to().change(&copy, |event| event.content.title = "mine".into());
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, world.has("mine"), world.problems().await.len()),
        (0, [true, true], 0)
    );
    world.rest().await;
}

#[tokio::test]
async fn an_origin_that_is_found_gone_by_a_write_is_made_of_its_edited_copy() {
    let (world, copy) = dentist(true).await;
    world.from().meanwhile(CalendarCall::Edit, |work| drop(work.remove("dentist.ics")));
    world.to().change(&copy, |event| event.content.title = "mine".into());
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.has("mine")), (1, 0, [true, true]));
    world.rest().await;
}

#[tokio::test]
async fn a_refused_deletion_whose_origin_is_back_is_forgotten() {
    let (world, _) = dentist(false).await;
    let origin = world.from().remove("dentist.ics");
    world.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
    world.pass().await;
    world.from().put(origin);
    world.to().refused.clear();
    world.minutes(3);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, run.created, world.problems().await.len(), world.count()),
        (0, 0, 0, [5, 5])
    );
    world.rest().await;
}

#[tokio::test]
async fn an_origin_that_cannot_be_made_again_is_remembered_as_gone() {
    let (world, copy) = dentist(true).await;
    world.from().remove("dentist.ics");
    world.to().change(&copy, |event| event.content.title = "mine".into());
    world.from().refused.insert((CalendarCall::Create, None), Error::Refused("no".into()));
    let run = world.pass().await;
    assert_eq!((run.deleted, run.created, world.has("mine")), (0, 0, [false, true]));
    assert_eq!(world.problems().await[0].gone, Some(Role::Origin));
    world.from().refused.clear();
    world.minutes(60);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, run.created, world.has("mine"), world.problems().await.len()),
        (0, 1, [true, true], 0)
    );
    world.rest().await;
}
