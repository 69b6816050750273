//! Created events that are not listed, beside events that are similar to them.

use engine::event::{Event, EventId, Stamps};
use engine::reason::Reason;
use providers::Error;

use super::env::{DRY, FULL, PairEnv};
use super::memory_calendar::CalendarCall;
use super::reasons;
use super::sample_events::april;
use super::unseen::unseen;

/// A person's event at the time of another one.
fn at_its_time(event: &Event) -> Event {
    let (id, uid) = (EventId::new("strange.ics"), "strange@example.org".into());
    let mut strange = Event { id, uid, marker: None, stamps: Stamps::default(), ..event.clone() };
    strange.content.title = "strange".into();
    strange
}

#[tokio::test]
async fn where_no_version_tells_what_was_written_one_likeness_is_enough_to_leave_an_event_alone() {
    let env = PairEnv::two_way().await.filled(2).await;
    env.to().manners.answers_without_version = true;
    env.to().manners.lists_late = true;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let made = env.one(1, "dentist");
    env.to().remove(made.id.as_str());
    env.to().put(at_its_time(&made));
    let run = env.pass().await;
    assert_eq!(
        (run.created, reasons(&run), env.has("strange")),
        (0, vec![Reason::MayBeCopy], [false, true])
    );
    // It is not read again for nothing.
    env.from().change("e00.ics", |event| event.content.title = "changed".into());
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::Fetch), env.has("changed")), ([1, 0], [true, true]));
}

#[tokio::test]
async fn what_is_at_the_time_of_a_half_made_copy_is_its_owners() {
    let env = PairEnv::two_way().await.filled(2).await;
    env.from().put(april("dentist", 1));
    env.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
    env.pass().await;
    let strange = at_its_time(&env.one(0, "dentist"));
    env.to().put(strange);
    env.pass().await;
    assert_eq!(env.has("strange"), [true, true]);
}

#[tokio::test]
async fn what_only_listings_lack_is_awaited_after_a_change_as_well() {
    let env = PairEnv::two_way().await.filled(2).await;
    env.to().manners.lists_late = true;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let mapping = env.mapping("dentist.ics").await.id;
    for title in ["surgeon", "orthodontist"] {
        env.from().change("dentist.ics", |event| event.content.title = title.into());
        env.pass().await;
        assert_eq!(env.has(title), [true, true]);
        assert!(env.state().await.unlisted.mappings.to.contains(&mapping), "{title}");
    }
}

#[tokio::test]
async fn what_shows_under_another_name_when_its_origin_is_gone_goes_as_well() {
    let (env, name) = unseen(true).await;
    env.pass().await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    env.from().remove("dentist.ics");
    let made = env.one(1, "dentist");
    let (id, uid) = (EventId::new("strange.ics"), "strange@example.org".into());
    let shown = Event { id, uid, marker: None, stamps: Stamps::default(), ..made };
    env.to().becomes(name.as_str(), shown.clone());
    env.to().restore(shown);
    env.to().unlisted.clear();
    env.to().hidden.clear();
    let run = env.pass().await;
    assert_eq!((run.deleted, env.count()), (1, [2, 2]));
    env.rest().await;
}

#[tokio::test]
async fn a_dry_run_notes_nothing_of_what_is_not_shown() {
    let (env, _) = unseen(true).await;
    env.run(DRY).await;
    assert_eq!((env.mapping("dentist.ics").await.unseen, env.problems().await.len()), (None, 0));
    env.pass().await;
    assert_eq!(
        (env.mapping("dentist.ics").await.unseen.is_some(), env.problems().await.len()),
        (true, 1)
    );
}

#[tokio::test]
async fn what_is_owed_to_a_copy_that_is_not_shown_is_owed_after_another_change_as_well() {
    let (env, name) = unseen(true).await;
    env.pass().await;
    for title in ["surgeon", "orthodontist"] {
        env.from().change("dentist.ics", |event| event.content.title = title.into());
        let run = env.pass().await;
        assert_eq!(
            (run.created, run.deleted, env.writes().len(), env.asked(CalendarCall::Absence)),
            (0, 0, 0, [0, 0]),
            "{title}"
        );
    }
    env.to().unlisted.clear();
    env.to().hidden.clear();
    env.to().change(name.as_str(), |_| ());
    env.pass().await;
    assert_eq!((env.has("orthodontist"), env.count()), ([true, true], [3, 3]));
    env.rest().await;
}

#[tokio::test]
async fn a_full_pass_forgets_no_copy_that_is_not_shown_with_its_origin() {
    let (env, name) = unseen(false).await;
    env.pass().await;
    env.from().remove("dentist.ics");
    env.run(FULL).await;
    assert_eq!((env.mappings().await.len(), env.count()), (3, [2, 3]));
    env.to().unlisted.clear();
    env.to().hidden.clear();
    env.to().change(name.as_str(), |_| ());
    assert_eq!((env.pass().await.deleted, env.count()), (1, [2, 2]));
}

#[tokio::test]
async fn what_only_listings_lack_is_read_once() {
    let (env, _) = unseen(false).await;
    env.to().hidden.clear();
    env.pass().await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!((env.pass().await.changed, env.asked(CalendarCall::Fetch)), (1, [1, 1]));
}
