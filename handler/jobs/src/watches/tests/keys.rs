//! Rotations of webhook keys: which secrets are accepted, by which process, and at what cost.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;

use super::instances::Counting;
use super::needed::new_id;
use super::*;
use crate::InProcess;
use crate::services::{Scope, Services};
use crate::watches::keys;

/// A process on storage that counts its requests.
fn counting() -> (Scope, Arc<Counting>, tempfile::TempDir) {
    let (scope, dir) = scope();
    let store = Arc::new(Counting { inner: scope.store.clone(), asked: AtomicUsize::new(0) });
    (Services { store: store.clone(), ..scope.services }.scope(&scope.owner), store, dir)
}

/// Another process, which remembers nothing.
fn another(scope: &Scope) -> Scope {
    Services { in_process: Arc::new(InProcess::default()), ..scope.services.clone() }
        .scope(&scope.owner)
}

async fn whose(scope: &Scope, (channel, token): &(String, SecretString)) -> Option<String> {
    secret::verify(scope, GOOGLE, channel, token.expose_secret()).await.unwrap()
}

async fn signed(scope: &Scope) -> (String, SecretString) {
    let channel = new_id().unwrap();
    let (token, _) = secret::sign(scope, GOOGLE, &channel).await.unwrap();
    (channel, token)
}

#[tokio::test]
async fn a_token_fits_into_what_microsoft_takes_for_the_longest_owner() {
    let (scope, _dir) = scope();
    let owner = "o".repeat(secret::MAX_OWNER);
    let longest = Services { ..scope.services.clone() }.scope(&owner);
    let (channel, token) = signed(&longest).await;
    assert_eq!(token.expose_secret().len(), 128, "{}", token.expose_secret());
    assert_eq!(whose(&scope, &(channel, token)).await, Some(owner.clone()));
    for owner in [format!("{owner}o"), "an owner".into(), "\u{fc}".into()] {
        let other = Services { ..scope.services.clone() }.scope(&owner);
        assert!(secret::sign(&other, GOOGLE, &new_id().unwrap()).await.is_err());
    }
}

#[tokio::test]
async fn a_key_is_derived_for_its_id_and_marks_stay_as_they_are() {
    let (scope, _dir) = scope();
    let of = async |purpose: &str| *scope.vault.hash_key(purpose).await.unwrap();
    let before = [of("marks").await, of("fingerprints").await];
    let channel = new_id().unwrap();
    let (first, first_key) = secret::sign(&scope, GOOGLE, &channel).await.unwrap();
    let second_key = keys::rotate(&scope, false).await.unwrap();
    let (second, key) = secret::sign(&scope, GOOGLE, &channel).await.unwrap();
    assert!(key == second_key && key != first_key && keys::is_id(&key) && key.len() == 4);
    let mac = |token: &SecretString| token.expose_secret().rsplit_once('.').unwrap().1.to_owned();
    assert_ne!(mac(&first), mac(&second));
    assert_eq!([of("marks").await, of("fingerprints").await], before);
}

/// Before the first key has an id, and for as long as its watches may live.
#[tokio::test]
async fn tokens_of_the_form_before_prove_until_their_channels_have_ended() {
    let (scope, _dir) = scope();
    let channel = new_id().unwrap();
    let old = (channel.clone(), secret::sign_unnamed(&scope, GOOGLE, &channel).await.unwrap());
    assert_eq!(whose(&another(&scope), &old).await.as_deref(), Some("local"));
    let other = (new_id().unwrap(), old.1.clone());
    assert_eq!(whose(&scope, &other).await, None);
    signed(&scope).await;
    keys::rotate(&scope, false).await.unwrap();
    keys::rotate(&scope, false).await.unwrap();
    assert_eq!(whose(&scope, &old).await.as_deref(), Some("local"));
    struct Later;
    impl Clock for Later {
        fn now(&self) -> Timestamp {
            now() + SignedDuration::from_hours(7 * 24 + 1)
        }
    }
    let later = Services { clock: Arc::new(Later), ..another(&scope).services }
        .scope(&another(&scope).owner);
    assert_eq!(whose(&later, &old).await, None);
    keys::rotate(&scope, true).await.unwrap();
    assert_eq!(whose(&another(&scope), &old).await, None, "and not where its key may be known");
}

#[tokio::test]
async fn the_key_before_proves_and_the_one_before_that_does_not() {
    let (scope, _dir) = scope();
    let first = signed(&scope).await;
    keys::rotate(&scope, false).await.unwrap();
    let second = signed(&scope).await;
    for process in [scope.clone(), another(&scope)] {
        assert!(
            whose(&process, &first).await.is_some() && whose(&process, &second).await.is_some()
        );
    }
    keys::rotate(&scope, false).await.unwrap();
    let third = signed(&scope).await;
    for process in [scope.clone(), another(&scope)] {
        assert!(
            whose(&process, &first).await.is_none()
                && whose(&process, &second).await.is_some()
                && whose(&process, &third).await.is_some()
        );
    }
    keys::rotate(&scope, true).await.unwrap();
    let fourth = signed(&scope).await;
    for process in [scope.clone(), another(&scope)] {
        assert!(
            whose(&process, &third).await.is_none() && whose(&process, &fourth).await.is_some()
        );
    }
}

/// Two processes create the first id at one moment.
#[tokio::test]
async fn processes_that_sign_at_once_use_one_key() {
    let (scope, _dir) = scope();
    let processes: Vec<Scope> = (0..8).map(|_| another(&scope)).collect();
    let signed = join_all(processes.iter().map(|process| async {
        secret::sign(process, GOOGLE, &new_id().unwrap()).await.unwrap().1
    }))
    .await;
    assert!(signed.iter().all(|key| *key == signed[0]), "{signed:?}");
    let rotated = join_all(processes.iter().map(|process| keys::rotate(process, false))).await;
    let current = secret::sign(&scope, GOOGLE, &new_id().unwrap()).await.unwrap().1;
    assert!(rotated.iter().any(|key| *key.as_ref().unwrap() == current));
}

/// The second process has read the valid keys before the first process rotates.
#[tokio::test(start_paused = true)]
async fn another_process_accepts_a_new_key_at_once_and_drops_a_key_within_a_minute() {
    let (scope, store, _dir) = counting();
    let old = signed(&scope).await;
    let other = another(&scope);
    assert!(whose(&other, &old).await.is_some());
    keys::rotate(&scope, false).await.unwrap();
    let new = signed(&scope).await;
    store.asked.store(0, Ordering::Relaxed);
    assert!(whose(&other, &new).await.is_some(), "the first notification of a watch is accepted");
    assert!(whose(&other, &old).await.is_some() && whose(&other, &new).await.is_some());
    assert_eq!(store.asked.swap(0, Ordering::Relaxed), 1);

    keys::rotate(&scope, true).await.unwrap();
    store.asked.store(0, Ordering::Relaxed);
    tokio::time::advance(Duration::from_secs(58)).await;
    assert!(whose(&other, &new).await.is_some(), "it does not know yet");
    assert_eq!(store.asked.swap(0, Ordering::Relaxed), 0);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(whose(&other, &new).await.is_none());
    assert_eq!(store.asked.swap(0, Ordering::Relaxed), 1);
}

/// An attacker who knows a dropped key makes secrets with a valid MAC.
#[tokio::test(start_paused = true)]
async fn a_dropped_key_causes_one_read_a_second_and_no_more() {
    let (scope, store, _dir) = counting();
    let mut forged = Vec::new();
    for _ in 0..10 {
        forged.push(signed(&scope).await);
    }
    keys::rotate(&scope, true).await.unwrap();
    let genuine = signed(&scope).await;
    let process = another(&scope);
    assert!(whose(&process, &genuine).await.is_some());
    store.asked.store(0, Ordering::Relaxed);
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let verified =
            join_all((0..20).flat_map(|_| &forged).map(|forged| whose(&process, forged))).await;
        assert!(verified.iter().all(Option::is_none));
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    let asked = store.asked.swap(0, Ordering::Relaxed);
    assert!((50..=62).contains(&asked), "12,000 forgeries and more, within a minute: {asked}");
    assert!(whose(&process, &genuine).await.is_some());
    assert_eq!(store.asked.load(Ordering::Relaxed), 0, "and genuine ones wait for nothing");
}

/// A watch whose key is not valid any more is ended in its record before the nudge is sent, so that
/// the next pass creates another watch.
#[tokio::test]
async fn only_watches_without_a_valid_key_are_ended() {
    let (scope, _dir) = scope();
    let (old, _) = stored(&scope, row(WatchStatus::Open, Some("r1"), 86_400)).await;
    keys::rotate(&scope, false).await.unwrap();
    let (new, _) = stored(&scope, row(WatchStatus::Open, Some("r2"), 86_400)).await;
    assert_eq!(keys::end_unproven(&scope).await.unwrap(), 0);
    keys::rotate(&scope, false).await.unwrap();
    assert_eq!(keys::end_unproven(&scope).await.unwrap(), 1);
    let state = async |id: &str| scope.directory().watch(id).await.unwrap().unwrap().0.state;
    assert_eq!((state(&old).await, state(&new).await), (WatchStatus::Ending, WatchStatus::Open));
    assert_eq!(keys::end_unproven(&scope).await.unwrap(), 0, "once");
}
