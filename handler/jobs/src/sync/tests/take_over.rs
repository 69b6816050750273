//! What earlier pairs have left, what other installations have created, and one calendar that is
//! seen as two.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::marker::{Marks, Role};
use engine::reason::Reason;
use engine::uid::UidHash;
use jiff::civil::date;
use providers::Error;
use records::problem::PairStatus;

use super::env::{FULL, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, event, on};
use super::{all, reasons};

/// The pair ends, and is added again.
pub async fn anew(env: &mut PairEnv, two_way: bool, private: bool) {
    crate::pairs::remove_pair(&env.scope, &env.pair.id).await.unwrap();
    let like = engine::pair::Pair { two_way, private, ..env.pair.clone() };
    env.pair = env.add(0, 1, &like).await;
}

/// A copy that another installation has made of that event.
pub fn foreign(origin: &Event, name: &str, says_first: bool) -> Event {
    let marks = Marks::new(&[9; 32]);
    let id = marks.mapping(
        &engine::calendar::CalendarId::new("x"),
        &engine::calendar::CalendarId::new("y"),
        &origin.id,
        0,
    );
    let marker = Some(marks.mint(Role::Copy, id, UidHash::of(&origin.uid).filter(|_| says_first)));
    Event { id: EventId::new(name), uid: id.copy_uid(0), marker, ..origin.clone() }
}

#[tokio::test]
async fn a_pair_made_anew_takes_its_earlier_copies_over() {
    for (two_way, name) in
        [(false, None), (true, None), (false, Some("moved.ics")), (true, Some("moved.ics"))]
    {
        let mut env = PairEnv::one_way().await.filled(3).await;
        if let Some(name) = name {
            let copy = env.copy("e01.ics").await;
            let event = env.to().remove(&copy);
            env.to().put(Event { id: EventId::new(name), ..event });
            env.pass().await;
        }
        anew(&mut env, two_way, false).await;
        let run = env.pass().await;
        assert_eq!(
            (run.created, run.changed, reasons(&run)),
            (0, 0, vec![Reason::Adopted; 3]),
            "{two_way} {name:?}"
        );
        assert_eq!((env.count(), env.writes()), ([3, 3], all([])));
        assert!(env.mappings().await.iter().all(|mapping| mapping.taken_over
            && mapping.state == MappingState::Live
            && !mapping.pristine));
        env.rest().await;
        env.from().change("e01.ics", |event| event.content.title = "new".into());
        assert_eq!((env.pass().await.changed, env.asked(CalendarCall::Edit)), (1, [0, 1]));
        env.one(1, "new");
        env.rest().await;
        env.from().remove("e02.ics");
        assert_eq!((env.pass().await.deleted, env.count()), (1, [2, 2]));
        env.rest().await;
    }
}

#[tokio::test]
async fn a_pair_made_anew_as_a_private_one_leaves_no_title_behind() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("secret", 1));
    env.from().put(event("old", "old secret", on(date(2026, 1, 20))));
    env.pass().await;
    env.wait(jiff::SignedDuration::from_hours(24 * 60));
    anew(&mut env, false, true).await;
    let run = env.pass().await;
    assert_eq!(
        (run.created, env.titles()),
        (0, [all(["old secret", "secret"]), all(["Busy", "Busy"])])
    );
    env.rest().await;
}

#[tokio::test]
async fn what_was_edited_while_there_was_no_pair_is_put_right() {
    let mut env = PairEnv::one_way().await.filled(3).await;
    let copy = env.copy("e01.ics").await;
    env.to().change(&copy, |event| event.content.title = "mine".into());
    anew(&mut env, false, false).await;
    let run = env.pass().await;
    assert_eq!(
        (run.created, run.changed, env.titles()[1].clone()),
        (0, 1, all(["e00", "e01", "e02"]))
    );
    env.rest().await;
}

#[tokio::test]
async fn what_a_pair_has_left_is_no_source_of_the_other_way() {
    let mut env = PairEnv::one_way().await.filled(3).await;
    crate::pairs::remove_pair(&env.scope, &env.pair.id).await.unwrap();
    let like = env.pair.clone();
    env.pair = env.add(1, 0, &like).await;
    env.to().put(april("swimming", 9));
    let run = env.pass().await;
    assert_eq!(
        (run.created, reasons(&run), env.count()),
        (1, vec![Reason::AlreadyThere; 3], [4, 4])
    );
    let count = |state| async move { state };
    assert_eq!(
        count(
            env.mappings()
                .await
                .iter()
                .filter(|mapping| mapping.state == MappingState::AlreadyThere)
                .count()
        )
        .await,
        3
    );
    env.rest().await;
    // What it began as is gone: then it is an event of its own.
    env.from().remove("e00.ics");
    env.run(FULL).await;
    assert_eq!(env.count(), [4, 4]);
    env.rest().await;
}

#[tokio::test]
async fn nothing_is_made_beside_what_another_installation_has_copied() {
    for (two_way, says_first) in [(false, true), (true, true), (false, false), (true, false)] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        let origin = april("dentist", 1);
        env.to().put(foreign(&origin, "theirs.ics", says_first));
        env.from().put(origin);
        env.from().put(april("other", 2));
        let run = env.pass().await;
        assert_eq!(
            (run.created, run.copied_by_another, env.count()),
            (1, 1, [2, 2]),
            "{two_way} {says_first}"
        );
        assert_eq!(
            (env.mapping("dentist.ics").await.state, env.state().await.copies),
            (MappingState::CopiedByAnother, 1)
        );
        env.rest().await;
        assert_eq!(env.run(FULL).await.copied_by_another, 1);
        // Their copy is gone: one of our own is made.
        env.to().remove("theirs.ics");
        env.pass().await;
        assert_eq!(
            (env.count(), env.mapping("dentist.ics").await.state),
            ([2, 2], MappingState::Live)
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn what_another_installation_made_is_taken_over_at_its_owners_word() {
    for (two_way, says_first) in [(false, true), (true, true), (false, false)] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        let origin = april("dentist", 1);
        env.to().put(foreign(&origin, "theirs.ics", says_first));
        env.from().put(origin);
        env.pass().await;
        crate::pairs::take_over(&env.scope, &env.pair.id).await.unwrap();
        assert!(env.state().await.take_over);
        let run = env.pass().await;
        assert_eq!(
            (run.created, run.changed, run.copied_by_another, env.count()),
            (0, 1, 0, [1, 1]),
            "{two_way} {says_first}"
        );
        assert_eq!(
            (env.copy("dentist.ics").await.as_str(), env.state().await.take_over),
            ("theirs.ics", false)
        );
        env.rest().await;
        env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        env.pass().await;
        assert_eq!(env.titles(), [all(["surgeon"]), all(["surgeon"])]);
        env.rest().await;
    }
}

#[tokio::test]
async fn a_foreign_copy_in_the_source_is_not_copied_on() {
    let env = PairEnv::one_way().await;
    env.pass().await;
    env.from().put(foreign(&april("dentist", 1), "theirs.ics", true));
    let run = env.pass().await;
    assert_eq!(
        (run.created, run.copied_by_another, reasons(&run)),
        (0, 1, vec![Reason::CopiedByAnother])
    );
    assert_eq!(env.count(), [1, 0]);
    env.rest().await;
    env.from().change("theirs.ics", |event| event.marker = None);
    env.pass().await;
    assert_eq!(env.count(), [1, 1], "without a mark it is a person's");
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_another_installation_claims_is_theirs() {
    let env = PairEnv::one_way().await.filled(3).await;
    let copy = env.copy("e00.ics").await;
    let mark = foreign(&april("e00", 1), "x", true).marker;
    env.to().change(&copy, |event| event.marker = mark);
    env.pass().await;
    assert_eq!(
        (env.mapping("e00.ics").await.state, env.state().await.copied_by_another),
        (MappingState::CopiedByAnother, 1)
    );
    env.from().change("e00.ics", |event| event.content.title = "new".into());
    env.pass().await;
    assert_eq!(env.titles()[1], all(["e00", "e01", "e02"]));
    env.rest().await;
}

#[tokio::test]
async fn two_ends_that_show_the_same_events_are_one_calendar() {
    let env = PairEnv::two_way().await;
    for n in 1..4 {
        let one = april(&format!("e{n}"), n);
        env.from().put(one.clone());
        env.to().put(one);
    }
    let run = env.try_run(OPTIONS).await;
    assert_eq!((run.error.unwrap().code.as_str(), run.state), ("same_calendar", PairStatus::Error));
    assert_eq!((env.count(), env.writes()), ([3, 3], all([])));
    env.to().change("e1.ics", |event| event.content.title = "other".into());
    env.from().put(april("more", 9));
    env.pass().await;
    assert_eq!(env.count(), [7, 7], "two calendars after all");
    env.rest().await;
}

#[tokio::test]
async fn what_is_alike_by_chance_is_no_calendar() {
    let env = PairEnv::one_way().await;
    env.from().put(april("e1", 1));
    env.to().put(Event { uid: "another@example.org".into(), ..april("e1", 1) });
    assert_eq!((env.pass().await.created, env.count()), (1, [1, 2]));
    let env = PairEnv::one_way().await;
    env.from().put(april("e1", 1));
    env.from().put(april("e2", 2));
    env.to().put(april("e1", 1));
    assert_eq!((env.pass().await.created, env.count()), (2, [2, 3]));
}

#[tokio::test]
async fn an_earlier_copy_that_the_server_does_not_give_is_waited_for() {
    let mut env = PairEnv::one_way().await.filled(3).await;
    let copy = EventId::new(env.copy("e01.ics").await);
    anew(&mut env, false, false).await;
    env.to()
        .refused
        .insert((CalendarCall::Fetch, Some(copy.clone())), Error::Refused("not now".into()));
    for tries in 1..=4 {
        let run = env.try_run(OPTIONS).await;
        assert_eq!(
            (run.error.unwrap().code.as_str(), env.writes()),
            ("refused_by_server", all([])),
            "{tries}"
        );
        assert_eq!(env.problems().await[0].problem.tries, tries);
    }
    let run = env.pass().await;
    assert_eq!(run.state, PairStatus::Ok, "something else is refused for good");
    assert_eq!(env.count()[1], 3);
    env.to().refused.clear();
    env.run(FULL).await;
    assert_eq!(env.count(), [3, 3]);
    env.rest().await;
}

#[tokio::test]
async fn another_event_that_the_server_does_not_give_is_waited_for_once() {
    let env = PairEnv::one_way().await;
    env.to().put(april("swimming", 2));
    env.from().put(april("dentist", 1));
    env.to().refused.insert(
        (CalendarCall::Fetch, Some(EventId::new("swimming.ics"))),
        Error::Refused("not now".into()),
    );
    assert_eq!(env.try_run(OPTIONS).await.error.unwrap().code.as_str(), "refused_by_server");
    assert_eq!((env.pass().await.created, env.count()), (1, [1, 2]));
    env.to().refused.clear();
    env.run(FULL).await;
    assert_eq!(env.problems().await.len(), 0);
    env.rest().await;
}

#[tokio::test]
async fn a_large_calendar_is_read_as_far_as_it_matters() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.from().put(event("old", "old", on(date(2026, 1, 20))));
    env.pass().await;
    let old = env.copy("old.ics").await;
    for n in 0..220_i64 {
        let day = date(2020, 1, 1).saturating_add(jiff::ToSpan::days(n));
        env.to().put(event(&format!("far{n}"), "far", on(day)));
    }
    env.wait(jiff::SignedDuration::from_hours(24 * 100));
    anew(&mut env, false, false).await;
    let run = env.pass().await;
    assert_eq!((run.created, env.count()), (0, [2, 222]));
    assert!(env.asked(CalendarCall::Fetch)[1] < 10);
    assert_eq!(
        (env.copy("old.ics").await, env.mapping("old.ics").await.state),
        (old.clone(), MappingState::Archived)
    );
    env.rest().await;
    // A copy of another name may be anywhere.
    let event = env.to().remove(&old);
    env.to().put(Event { id: EventId::new("moved.ics"), ..event });
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    let event = env.to().remove(&copy);
    env.to().put(Event { id: EventId::new("moved-too.ics"), ..event });
    env.pass().await;
    anew(&mut env, false, false).await;
    assert_eq!((env.pass().await.created, env.count()), (0, [2, 222]));
    assert_eq!(env.copy("old.ics").await, "moved.ics");
    env.rest().await;
}

#[tokio::test]
async fn the_same_event_in_both_later_on_makes_no_one_calendar() {
    let env = PairEnv::one_way().await.filled(2).await;
    let same = Event { etag: Some("v99".into()), ..april("same", 20) };
    env.from().restore(same.clone());
    env.to().restore(same);
    assert_eq!((env.pass().await.created, env.count()), (1, [3, 4]));
}

#[tokio::test]
async fn an_origin_that_is_given_late_finds_its_earlier_copy() {
    let mut env = PairEnv::one_way().await.filled(3).await;
    let copy = env.copy("e01.ics").await;
    let event = env.to().remove(&copy);
    env.to().put(Event { id: EventId::new("moved.ics"), ..event });
    env.pass().await;
    anew(&mut env, false, false).await;
    env.from().refused.insert(
        (CalendarCall::Fetch, Some(EventId::new("e01.ics"))),
        Error::Refused("not now".into()),
    );
    env.pass().await;
    assert_eq!(env.count(), [3, 3]);
    env.from().refused.clear();
    env.minutes(3);
    assert_eq!((env.pass().await.created, env.count()), (0, [3, 3]));
    assert_eq!(env.copy("e01.ics").await, "moved.ics");
    env.rest().await;
}

#[tokio::test]
async fn what_another_installation_has_made_meanwhile_is_not_made_beside() {
    let env = PairEnv::one_way().await;
    let origin = april("dentist", 1);
    env.from().put(origin.clone());
    env.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
    env.pass().await;
    env.to().refused.clear();
    env.to().put(foreign(&origin, "theirs.ics", true));
    let run = env.pass().await;
    assert_eq!(
        (run.created, env.count(), env.mapping("dentist.ics").await.state),
        (0, [1, 1], MappingState::CopiedByAnother)
    );
    assert_eq!(run.actions[0].start.as_deref(), Some("2026-04-01T09:00:00Z"));
    env.rest().await;
}

#[tokio::test]
async fn a_dry_run_counts_what_another_installation_has_copied() {
    let env = PairEnv::one_way().await;
    let origin = april("dentist", 1);
    env.to().put(foreign(&origin, "theirs.ics", true));
    env.from().put(origin);
    for n in 2..5 {
        env.from().put(april(&format!("e{n}"), n));
    }
    let run = env.run(super::env::DRY).await;
    assert_eq!((run.created, run.copied_by_another, env.count()), (3, 1, [4, 1]));
}
