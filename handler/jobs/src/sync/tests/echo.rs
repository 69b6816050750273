//! Changes while the echo of a first pass is read.

use super::all;
use super::env::PairEnv;
use super::memory_calendar::CalendarCall;
use super::sample_events::april;

#[tokio::test]
async fn what_is_made_before_the_echo_is_read_is_seen() {
    let env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    env.to().meanwhile(CalendarCall::List, |home| home.put(april("swimming", 2)));
    assert_eq!((env.pass().await.created, env.count()), (1, [1, 2]));
    assert_eq!((env.pass().await.created, env.count()), (1, [2, 2]));
    env.rest().await;
}

#[tokio::test]
async fn what_is_changed_before_the_echo_is_read_is_an_edit() {
    let env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    let copy = format!("{}.ics", env.uid_of_copy("dentist.ics").await);
    env.to().meanwhile(CalendarCall::List, move |home| {
        home.change(&copy, |event| event.content.title = "surgeon".into())
    });
    env.pass().await;
    assert_eq!(env.titles(), [all(["dentist"]), all(["surgeon"])]);
    assert_eq!((env.pass().await.changed, env.titles()), (1, [all(["surgeon"]), all(["surgeon"])]));
    env.rest().await;
}

#[tokio::test]
async fn after_the_echo_there_is_nothing_to_list() {
    let env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    assert_eq!(env.asked(CalendarCall::List), [0, 1], "the echo");
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::List), env.asked(CalendarCall::ListAll)), ([0, 0], [0, 0]));
}
