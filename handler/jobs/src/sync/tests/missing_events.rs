//! A missing event of a mapping is looked for, and nothing else is.

use engine::event::{Event, EventId};
use engine::reason::Reason;

use super::deletions::dentist;
use super::memory_calendar::CalendarCall;
use super::reasons;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

fn duplicate(event: Event) -> Event {
    Event { uid: "duplicate@example.org".into(), ..named(event, "duplicate.ics") }
}

#[tokio::test]
async fn a_duplicate_takes_no_place_of_a_copy_that_is_only_said_to_be_gone() {
    let (env, copy) = dentist(true).await;
    let event = env.one(1, "dentist");
    env.to().put(duplicate(event));
    env.to().said_gone.insert(EventId::new(&copy));
    env.to().change(&copy, |_| ());
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.copy("dentist.ics").await), (1, 0, copy));
    env.to().said_gone.clear();
    env.rest().await;
}

#[tokio::test]
async fn a_duplicate_is_not_read_again_where_nothing_is_missing() {
    let (env, _) = dentist(false).await;
    let event = env.one(1, "dentist");
    env.to().put(duplicate(event));
    assert_eq!(reasons(&env.pass().await), [Reason::DuplicateOfCopy]);
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(
        (
            env.pass().await.changed,
            env.asked(CalendarCall::Fetch),
            env.asked(CalendarCall::Absence)
        ),
        (1, [1, 0], [0, 0])
    );
    env.rest().await;
}

#[tokio::test]
async fn a_copy_whose_name_changes_without_a_word_goes_with_its_origin() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        let moved = named(env.one(1, "dentist"), "moved.ics");
        env.from().remove("dentist.ics");
        env.to().becomes(&copy, moved.clone());
        env.to().restore(moved);
        let run = env.pass().await;
        assert_eq!((run.deleted, env.count()), (1, [4, 4]), "{two_way}");
        env.rest().await;
    }
}

#[tokio::test]
async fn a_copy_whose_name_changes_without_a_word_is_the_copy() {
    let (env, copy) = dentist(false).await;
    let moved = named(env.one(1, "dentist"), "moved.ics");
    env.to().becomes(&copy, moved.clone());
    env.to().restore(moved);
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.asked(CalendarCall::Fetch)), (0, 0, [1, 1]));
    assert_eq!(env.copy("dentist.ics").await, "moved.ics");
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_is_restored_as_it_was_is_the_copy_again() {
    let (env, copy) = dentist(false).await;
    let deleted = env.to().remove(&copy);
    assert_eq!(reasons(&env.pass().await), [Reason::Suppressed]);
    env.to().restore(deleted);
    env.pass().await;
    assert_eq!(
        (env.mapping("dentist.ics").await.state, env.count()),
        (engine::mapping::MappingState::Live, [5, 5])
    );
    env.from().remove("dentist.ics");
    assert_eq!((env.pass().await.deleted, env.count()), (1, [4, 4]));
}

#[tokio::test]
async fn what_its_owner_puts_under_the_name_of_a_copy_needs_no_other_round() {
    let (env, copy) = dentist(false).await;
    env.to().remove(&copy);
    env.to().put(named(super::sample_events::april("swimming", 9), &copy));
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::States), env.has("swimming")), ([1, 1], [false, true]));
    env.rest().await;
}

#[tokio::test]
async fn a_refused_change_whose_origin_goes_is_a_deletion_at_once() {
    let (env, _) = dentist(false).await;
    env.to().refused.insert((CalendarCall::Rewrite, None), providers::Error::Refused("no".into()));
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    env.to().refused.clear();
    env.from().remove("dentist.ics");
    env.minutes(5);
    let run = env.pass().await;
    assert_eq!((run.deleted, env.asked(CalendarCall::ListAll), env.count()), (1, [0, 0], [4, 4]));
    env.rest().await;
}

#[tokio::test]
async fn a_half_made_copy_is_read_before_it_is_made_once_more() {
    let (env, _) = dentist(false).await;
    env.to().manners.lists_late = true;
    env.to().lost.insert(CalendarCall::Create);
    env.from().put(super::sample_events::april("swimming", 9));
    env.pass().await;
    env.minutes(5);
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::Create), env.count()), ([0, 0], [6, 6]));
}

#[tokio::test]
async fn a_copy_for_which_no_name_is_left_leaves_its_origin_where_it_is() {
    let (env, copy) = dentist(true).await;
    env.to().remove(&copy);
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.to().refused.insert((CalendarCall::Create, None), providers::Error::Exists);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), env.problems().await[0].gone),
        (0, vec![Reason::RefusedByServer], None)
    );
}
