//! The work of several owners.

use std::time::Duration;

use records::kinds::pair_key;
use secrecy::SecretString;
use store::{Op, Table};

use super::env::PairEnv;
use super::sample_events::april;
use crate::nudge::{Nudge, QUEUE};
use crate::pairs::find_orphaned_copies;
use crate::report::Silent;
use crate::services::{Owners, Services};
use crate::{Error, NudgeOutcome, poll_calendars, reconcile, sync_calendar};

/// What the queue holds, taken for a while.
async fn nudges(env: &PairEnv) -> Vec<Nudge> {
    let messages = env.scope.queue.take(QUEUE, 32, Duration::from_secs(60)).await.unwrap();
    messages.iter().map(|message| Nudge::from_text(&message.body).unwrap()).collect()
}

/// Copies all rows of the owner to another owner, whose pair has rows of its own as well.
async fn give_to(env: &PairEnv, owner: &str) {
    for row in env.scope.store.scan(Table::Directory, "local", "", None, 1000).await.unwrap() {
        let put = [Op::Put { key: row.key, value: row.value }];
        env.scope.store.commit(Table::Directory, owner, &put).await.unwrap();
    }
}

#[tokio::test]
async fn timers_work_for_every_owner_and_a_nudge_names_its_owner() {
    let mut env = PairEnv::one_way().await;
    give_to(&env, "ben").await;
    env.scope.services.owners = Owners::of(["local", "ben"]);
    let outcome = reconcile(&env.scope).await.unwrap();
    assert_eq!((outcome.pairs, outcome.sent), (2, 2));
    let mut owners: Vec<String> = nudges(&env).await.into_iter().map(|nudge| nudge.owner).collect();
    owners.sort_unstable();
    assert_eq!(owners, ["ben", "local"]);
}

#[tokio::test]
async fn a_failure_of_one_owner_stops_no_other_owner() {
    let mut env = PairEnv::one_way().await;
    // The row of the first owner's account cannot be read: its secret is another owner's.
    give_to(&env, "anna").await;
    let account = env.scope.directory().accounts().await.unwrap().remove(0);
    let key = records::kinds::account_key(&account.id);
    let damage = [Op::Put { key, value: "damage".into() }];
    env.scope.store.commit(Table::Directory, "anna", &damage).await.unwrap();
    env.scope.services.owners = Owners::of(["anna", "local"]);
    let failed = poll_calendars(&env.scope).await;
    assert!(matches!(failed, Err(Error::Damaged(_))), "{failed:?}");
    let sent = nudges(&env).await;
    assert_eq!(sent.iter().map(|nudge| nudge.owner.as_str()).collect::<Vec<_>>(), ["local"]);
}

#[tokio::test]
async fn a_nudge_is_worked_on_for_its_owner_only() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    let other = Nudge {
        owner: "ben".into(),
        ..Nudge::local(env.pair.from.clone(), crate::nudge::Cause::Webhook)
    };
    assert_eq!(sync_calendar(&env.scope, &other).await, NudgeOutcome::Done);
    assert_eq!(env.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_clean_up_leaves_the_copies_of_another_owners_pair() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.pass().await;
    give_to(&env, "ben").await;
    let found = async |owners: &[&str]| {
        let owners = Owners::of(owners.iter().copied());
        let ben = Services { owners, ..env.scope.services.clone() }.scope("ben");
        // Ben has the calendars, and no pair.
        ben.directory().delete(&[pair_key(&env.pair.id)]).await.unwrap();
        for account in ben.directory().accounts().await.unwrap() {
            let secret = SecretString::from("secret");
            let value = crate::accounts::seal(&ben, &account, &secret).await.unwrap();
            let put = [Op::Put { key: account.id.to_string(), value }];
            ben.store.commit(Table::Secrets, "ben", &put).await.unwrap();
        }
        find_orphaned_copies(&ben, &env.pair.to, &Silent).await.unwrap().len()
    };
    assert_eq!(found(&["ben"]).await, 2, "where the other owner's pair is not known");
    assert_eq!(found(&["local", "ben"]).await, 0);
}
