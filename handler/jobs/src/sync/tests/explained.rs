//! What an explanation says of an event whose pair does not go on.

use providers::Error;
use records::problem::PairStatus;

use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use crate::{explain, pairs};

impl PairEnv {
    async fn explained(&self, event: &str) -> (bool, String) {
        let explanation = explain(&self.scope, &self.pair.id, event).await.unwrap();
        assert_eq!(explanation.reason, None, "{}", explanation.message);
        (explanation.copied, explanation.message)
    }
}

#[tokio::test]
async fn a_copy_of_a_pair_that_stands_still_is_not_said_to_be_in_step() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let origin = env.one(0, "dentist").id.to_string();
    assert_eq!(env.explained(&origin).await, (true, "It is copied and in step.".into()));

    env.to().refused.insert((CalendarCall::States, None), Error::Unreachable("500".into()));
    assert_eq!(env.try_run(OPTIONS).await.state, PairStatus::Error);
    env.to().refused.clear();
    let (copied, words) = env.explained(&origin).await;
    let failed = "It is copied. The last sync of the pair failed: The server";
    assert!(copied && words.starts_with(failed), "{words}");
    env.pass().await;

    pairs::pause_pair(&env.scope, &env.pair.id).await.unwrap();
    let (copied, words) = env.explained(&origin).await;
    assert!(copied && words.starts_with("It is copied. The pair is paused"), "{words}");
    env.from().put(april("later", 2));
    let (copied, words) = env.explained(env.one(0, "later").id.as_str()).await;
    assert!(!copied && words.contains(" creates one. The pair is paused"), "{words}");
}

#[tokio::test]
async fn a_held_deletion_is_said_with_its_event() {
    let env = PairEnv::one_way().await.filled(20).await;
    let ids: Vec<String> = env.from().all().iter().map(|event| event.id.to_string()).collect();
    env.remove_origins(0..12);
    assert_eq!(env.pass().await.state, PairStatus::Held);
    let present: Vec<String> = env.from().all().iter().map(|event| event.id.to_string()).collect();
    for id in ids {
        let is_held = !present.contains(&id);
        let (copied, words) = env.explained(&id).await;
        assert!(copied, "{words}");
        for part in ["waits for your confirmation", "--confirm-deletions", "Without an answer"] {
            assert_eq!(words.contains(part), is_held, "{words}");
        }
        assert_eq!(words == "It is copied and in step.", !is_held, "{words}");
    }
}
