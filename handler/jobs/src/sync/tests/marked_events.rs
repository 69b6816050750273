//! Events with a mark: of a pair that has ended, of another installation, or of a person.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::marker::{Marks, Role};
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::Error;

use super::env::{FULL, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, with_guests};
use super::take_over::{anew, foreign};
use super::{all, reasons};

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

/// A person's duplicate of an event: the mark is duplicated as well.
fn duplicate(event: &Event) -> Event {
    Event { uid: "duplicate@example.org".into(), ..named(event.clone(), "duplicate.ics") }
}

/// The event as another installation has made it again.
fn made_again_elsewhere(event: Event) -> Event {
    let marks = Marks::new(&[9; 32]);
    let calendar = engine::calendar::CalendarId::new;
    let id = marks.mapping(&calendar("x"), &calendar("y"), &event.id, 0);
    let marker = Some(marks.mint(Role::Origin, id, UidHash::of(&event.uid)));
    Event { marker, ..event }
}

#[tokio::test]
async fn what_another_installation_has_made_again_is_theirs_until_it_is_taken_over() {
    let mut env = PairEnv::one_way().await;
    env.from().put(made_again_elsewhere(april("dentist", 1)));
    let run = env.pass().await;
    assert_eq!((run.created, run.copied_by_another, env.count()), (0, 1, [1, 0]));
    env.rest().await;
    crate::pairs::take_over(&env.scope, &env.pair.id).await.unwrap();
    assert_eq!((env.pass().await.created, env.count()), (1, [1, 1]));
    env.rest().await;
    // From then on the mark of its copy names it.
    anew(&mut env, false, false).await;
    let run = env.pass().await;
    assert_eq!((run.created, reasons(&run), run.copied_by_another), (0, vec![Reason::Adopted], 0));
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    assert_eq!(env.titles(), [all(["surgeon"]), all(["surgeon"])]);
    env.rest().await;
}

#[tokio::test]
async fn taking_over_goes_on_while_an_event_is_not_given_and_not_for_ever() {
    for given in [true, false] {
        let env = PairEnv::one_way().await;
        env.pass().await;
        crate::pairs::take_over(&env.scope, &env.pair.id).await.unwrap();
        env.to().put(foreign(&april("dentist", 1), "theirs.ics", true));
        env.from().put(april("dentist", 1));
        env.from().put(april("other", 2));
        env.from().refused.insert((CalendarCall::Fetch, None), Error::Refused("not now".into()));
        for tries in 1..=3 {
            env.run(FULL).await;
            assert_eq!(
                (env.state().await.take_over, env.problems().await[0].problem.tries),
                (true, tries)
            );
        }
        if given {
            env.from().refused.clear();
            let run = env.run(FULL).await;
            assert_eq!(
                (run.created, env.copy("dentist.ics").await.as_str(), env.count()),
                (1, "theirs.ics", [2, 2])
            );
            assert_eq!(run.copied_by_another, 0);
        } else {
            env.run(FULL).await;
        }
        assert!(!env.state().await.take_over);
    }
}

#[tokio::test]
async fn taking_over_does_not_wait_for_an_event_that_is_not_written() {
    let env = PairEnv::one_way().await;
    env.pass().await;
    crate::pairs::take_over(&env.scope, &env.pair.id).await.unwrap();
    env.from().put(april("dentist", 1));
    env.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
    env.pass().await;
    assert_eq!((env.problems().await.len(), env.state().await.take_over), (1, true));
}

#[tokio::test]
async fn a_copy_of_an_earlier_pair_that_no_listing_shows_is_taken_over_under_its_name() {
    for (changed, guests) in [(false, false), (true, false), (true, true)] {
        let mut env = PairEnv::one_way().await;
        env.from().put(april("dentist", 1));
        env.pass().await;
        let copy = env.copy("dentist.ics").await;
        env.to().unlisted.insert(EventId::new(&copy));
        anew(&mut env, false, false).await;
        if changed {
            env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        }
        if guests {
            env.to().change(&copy, |event| *event = with_guests(event.clone()));
        }
        let run = env.pass().await;
        assert_eq!(
            (run.created, env.asked(CalendarCall::Edit)),
            (u64::from(!guests), [0, usize::from(changed)]),
            "{changed} {guests}"
        );
        assert_eq!(
            (reasons(&run), env.problems().await.len()),
            (if guests { vec![Reason::HasGuests] } else { vec![] }, 0)
        );
        let title = if changed && !guests { "surgeon" } else { "dentist" };
        assert_eq!(env.titles()[1], all([title]), "{changed} {guests}");
        let mapping = env.mapping("dentist.ics").await;
        assert_eq!(
            (mapping.state, mapping.copy.id.as_str(), mapping.copy_guests),
            (MappingState::Live, copy.as_str(), guests)
        );
        env.to().unlisted.clear();
        env.nothing_wrong();
        assert_eq!(env.count(), [1, 1]);
    }
}

#[tokio::test]
async fn both_parts_of_what_an_ended_pair_has_left_are_their_owners() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let left = env.one(1, "dentist");
    crate::pairs::remove_pair(&env.scope, &env.pair.id).await.unwrap();
    env.from().remove("dentist.ics");
    let like = env.pair.clone();
    env.pair = env.add(1, 0, &like).await;
    assert_eq!(
        (env.pass().await.created, env.count()),
        (1, [1, 1]),
        "it began there, and is there no more"
    );
    env.to().put(duplicate(&left));
    assert_eq!((env.pass().await.created, env.count()), (1, [2, 2]));
    env.rest().await;
}

#[tokio::test]
async fn what_was_duplicated_before_a_pair_was_made_anew_is_a_persons_own_where_the_copy_is_known_by_its_uid()
 {
    for own_uids in [false, true] {
        let mut env = PairEnv::two_way().await;
        env.to().manners.own_uids = own_uids;
        env.from().put(april("dentist", 1));
        env.pass().await;
        env.pass().await;
        let copy = env.one(1, "dentist");
        anew(&mut env, true, false).await;
        // The first pass is cut off after it has taken the copy over, and has not seen all there
        // is.
        env.from().put(april("other", 2));
        env.to().refused.insert((CalendarCall::Create, None), Error::Unauthorized);
        env.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
        env.try_run(OPTIONS).await;
        assert!(env.mapping("dentist.ics").await.taken_over);
        env.to().refused.clear();
        env.to().put(duplicate(&copy));
        let run = env.pass().await;
        let doubles = u64::from(!own_uids);
        assert_eq!(
            (run.created, env.count()),
            (1 + doubles, [2 + doubles as usize, 3]),
            "{own_uids}"
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn an_origin_that_was_made_again_finds_its_copy_in_a_pair_made_anew() {
    let mut env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    env.from().put(april("other", 2));
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    env.from().remove("dentist.ics");
    env.to().change(&copy, |event| event.content.title = "surgeon".into());
    env.pass().await;
    env.pass().await;
    assert_eq!(env.titles(), [all(["other", "surgeon"]), all(["other", "surgeon"])]);
    anew(&mut env, false, false).await;
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [2, 2]));
    let again = env.one(0, "surgeon").id.to_string();
    assert_eq!(env.copy(&again).await, copy);
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_is_listed_in_the_calendar_of_its_origin_makes_no_one_calendar_by_itself() {
    // One object was put into both calendars; the origin is in one of them.
    let env = PairEnv::one_way().await.filled(2).await;
    let copy = env.one(1, "e00");
    env.from().restore(copy.clone());
    let run = env.pass().await;
    assert_eq!((run.created, reasons(&run), env.count()), (0, vec![Reason::OwnCopy], [3, 2]));
    env.rest().await;
}

#[tokio::test]
async fn two_ends_that_turn_out_to_be_one_calendar_stop_the_pair() {
    let env = PairEnv::one_way().await.filled(2).await;
    let (origin, copy) = (env.one(0, "e00"), env.one(1, "e00"));
    env.to().restore(origin);
    env.from().restore(copy);
    let run = env.try_run(OPTIONS).await;
    assert_eq!(
        (run.error.unwrap().code.as_str(), run.created, run.deleted),
        ("same_calendar", 0, 0)
    );
}

#[tokio::test]
async fn a_mark_of_another_pair_is_no_claim_on_a_name() {
    // Under the name that the copy would get, a person keeps the copy of another event.
    let env = PairEnv::one_way().await;
    env.from().put(april("other", 2));
    env.pass().await;
    let other = env.one(1, "other");
    let uid = env.uid_of_copy("dentist.ics").await;
    env.to().unlisted.insert(EventId::new(format!("{uid}.ics")));
    env.to().put(Event { uid: "kept@example.org".into(), ..named(other, &format!("{uid}.ics")) });
    env.from().put(april("dentist", 1));
    assert_eq!(env.pass().await.created, 1);
    assert_eq!(
        (env.titles()[1].clone(), env.count()),
        (all(["dentist", "other", "other"]), [2, 3])
    );
    assert_eq!(env.copy("dentist.ics").await, format!("{uid}-1.ics"));
    env.to().unlisted.clear();
    env.nothing_wrong();
}

#[tokio::test]
async fn a_half_made_copy_that_no_listing_shows_and_whose_mark_was_taken_away_is_ours() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    env.to().change(&copy, |event| event.marker = None);
    env.to().unlisted.insert(EventId::new(&copy));
    anew(&mut env, false, false).await;
    env.pass().await;
    assert_eq!((env.copy("dentist.ics").await, env.count()), (copy, [1, 1]));
    env.to().unlisted.clear();
    env.rest().await;
}

#[tokio::test]
async fn what_another_installation_has_copied_is_counted_and_nothing_else_is() {
    let env = PairEnv::one_way().await.filled(3).await;
    env.to().put(foreign(&april("dentist", 1), "theirs.ics", true));
    env.run(FULL).await;
    assert_eq!((env.state().await.copied_by_another, env.state().await.copies), (0, 3));
    env.from().put(made_again_elsewhere(april("theirs", 2)));
    env.run(FULL).await;
    assert_eq!(
        (env.state().await.copied_by_another, env.run(FULL).await.copied_by_another),
        (1, 1)
    );
}

#[tokio::test]
async fn an_origin_that_is_given_late_finds_the_copy_that_another_installation_made() {
    for two_way in [false, true] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        env.to().put(foreign(&april("dentist", 1), "theirs.ics", true));
        env.from().put(april("dentist", 1));
        env.from().put(april("other", 2));
        env.from().refused.insert(
            (CalendarCall::Fetch, Some(EventId::new("dentist.ics"))),
            Error::Refused("not now".into()),
        );
        for _ in 0..5 {
            env.try_run(OPTIONS).await;
        }
        assert_eq!(env.count(), [2, 2], "{two_way}");
        env.from().refused.clear();
        env.minutes(600);
        let run = env.pass().await;
        assert_eq!((run.created, run.copied_by_another, env.count()), (0, 1, [2, 2]), "{two_way}");
        assert_eq!(env.mapping("dentist.ics").await.state, MappingState::CopiedByAnother);
        env.rest().await;
    }
}

#[tokio::test]
async fn a_duplicate_that_is_older_than_its_pair_is_a_persons_own_where_the_copy_is_known_by_its_uid()
 {
    for own_uids in [false, true] {
        let mut env = PairEnv::two_way().await;
        env.to().manners.own_uids = own_uids;
        env.from().put(april("dentist", 1));
        env.pass().await;
        let copy = env.one(1, "dentist");
        crate::pairs::remove_pair(&env.scope, &env.pair.id).await.unwrap();
        env.to().put(duplicate(&copy));
        env.pair = env.add(0, 1, &env.pair).await;
        let run = env.pass().await;
        assert_eq!(
            (run.created, env.count()),
            (u64::from(!own_uids), [1 + usize::from(!own_uids), 2]),
            "{own_uids}"
        );
        env.rest().await;
    }
}

/// A copy was not made; then a person puts an event of their own under its name.
#[tokio::test]
async fn what_has_the_name_of_a_copy_that_was_never_made_is_its_owners() {
    for two_way in [false, true] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        env.from().put(april("swimming", 2));
        env.pass().await;
        env.from().put(april("dentist", 1));
        env.to().refused.insert((CalendarCall::Create, None), Error::NoAnswer("silence".into()));
        env.pass().await;
        env.to().refused.clear();
        let name = format!("{}.ics", env.uid_of_copy("dentist.ics").await);
        env.to().put(Event { id: EventId::new(name), uid: "theirs".into(), ..april("theirs", 3) });
        env.pass().await;
        env.pass().await;
        assert!(env.has("dentist")[1] && env.has("theirs")[1], "{two_way}: {:?}", env.titles());
        env.run(FULL).await;
        assert_eq!(env.has("theirs")[0], two_way);
        env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
        env.pass().await;
        env.from().remove("dentist.ics");
        env.pass().await;
        assert!(
            env.has("theirs")[1] && !env.has("orthodontist")[1] && !env.has("dentist")[1],
            "{two_way}: {:?}",
            env.titles()
        );
        env.rest().await;
    }
}
