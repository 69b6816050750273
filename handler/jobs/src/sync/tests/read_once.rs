//! A changed event is read once, with any mark.

use super::deletions::dentist;
use super::env::PairEnv;
use super::memory_calendar::CalendarCall;
use super::sample_events::april;

#[tokio::test]
async fn a_copy_that_was_edited_is_read_once() {
    for own_uids in [false, true] {
        let env = PairEnv::two_way().await;
        (env.to().manners.own_uids, env.to().manners.drops_marks) = (own_uids, own_uids);
        let env = env.filled(3).await;
        let copy = env.copy("e00.ics").await;
        env.to().change(&copy, |event| event.content.title = "edited".into());
        assert_eq!(
            (env.pass().await.changed, env.asked(CalendarCall::Fetch)),
            (1, [1, 1]),
            "{own_uids}"
        );
        assert_eq!(env.has("edited"), [true, true]);
        env.rest().await;
    }
}

#[tokio::test]
async fn a_copy_that_says_less_of_itself_than_before_is_read_once() {
    for marked in [false, true] {
        let (env, copy) = dentist(true).await;
        env.to().change(&copy, |event| {
            event.uid = "another@example.org".into();
            event.content.title = "edited".into();
            event.marker = event.marker.take().filter(|_| marked);
        });
        assert_eq!(
            (env.pass().await.changed, env.asked(CalendarCall::Fetch)),
            (1, [1, 1]),
            "{marked}"
        );
        assert_eq!((env.copy("dentist.ics").await, env.has("edited")), (copy, [true, true]));
        env.rest().await;
    }
}

#[tokio::test]
async fn a_first_pass_reads_each_event_once() {
    let env = PairEnv::two_way().await;
    for n in 0..4 {
        env.from().put(april(&format!("mine{n}"), 1 + n));
        env.to().put(april(&format!("theirs{n}"), 10 + n));
    }
    assert_eq!((env.pass().await.created, env.asked(CalendarCall::Fetch)), (8, [4, 4]));
    env.rest().await;
}

#[tokio::test]
async fn the_copies_of_another_pair_are_not_read() {
    let mut env = PairEnv::one_way().await.filled(2).await;
    let club = env.connect("club", engine::provider::ProviderKind::Caldav).await;
    let first = env.pair.clone();
    env.remotes[club].lock().put(april("swimming", 20));
    env.pair = env.add(club, 1, &first).await;
    env.pass().await;
    env.pair = first;
    env.from().put(april("dentist", 21));
    assert_eq!((env.pass().await.created, env.asked(CalendarCall::Fetch)), (1, [1, 0]));
    env.rest().await;
}
