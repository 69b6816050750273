//! Tokens and sessions on embedded storage.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::services::Clock;
use crate::test_services::{NoProvider, services};
use crate::{Error, Services};

/// A clock that tests move.
#[derive(Clone)]
struct MovedClock(Arc<Mutex<Timestamp>>);

impl MovedClock {
    fn forward(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now += by;
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn begin() -> (tempfile::TempDir, Services, MovedClock) {
    let dir = tempfile::tempdir().unwrap();
    let clock = MovedClock(Arc::new(Mutex::new("2026-12-01T09:30:00Z".parse().unwrap())));
    let connect = Arc::new(NoProvider(|| providers::Error::Unauthorized));
    let services = services(dir.path(), connect, Arc::new(clock.clone()));
    (dir, services, clock)
}

fn new(name: &str) -> NewToken {
    let scopes = vec![Permission::Sync, Permission::Read, Permission::Read];
    NewToken { name: name.into(), scopes, expires_days: 90 }
}

#[tokio::test]
async fn a_token_is_valid_until_it_expires_or_is_removed() {
    let (_dir, services, clock) = begin();
    let scope = services.local();
    let made = add(&scope, new("backup")).await.unwrap();
    let text = made.expose().to_owned();
    assert_eq!(text.len(), PREFIX.len() + 43);
    let owner = verify(&services, &text).await.unwrap().unwrap();
    assert_eq!(
        (owner.owner.as_str(), owner.scopes),
        ("local", vec![Permission::Read, Permission::Sync])
    );
    let listed = list(&scope).await.unwrap();
    assert_eq!(listed[0].last_used, Some("2026-12-01".parse().unwrap()));
    assert_eq!(listed[0].hint, format!("…{}", &text[text.len() - 4..]));
    let other = add(&scope, new("other")).await.unwrap();
    remove(&scope, &made.state.id).await.unwrap();
    assert_eq!(verify(&services, &text).await.unwrap(), None);
    assert!(matches!(remove(&scope, &made.state.id).await, Err(Error::NotFound(_))));
    assert_eq!(list(&scope).await.unwrap().len(), 1);
    clock.forward(SignedDuration::from_hours(90 * 24));
    assert_eq!(verify(&services, other.expose()).await.unwrap(), None, "it has expired");
}

#[tokio::test]
async fn another_spelling_is_no_token() {
    let (_dir, services, _) = begin();
    let made = add(&services.local(), new("x")).await.unwrap();
    let text = made.expose();
    for wrong in [
        "",
        "calrelay_",
        &text.to_uppercase(),
        &text[..text.len() - 1],
        &format!("{text}="),
        &format!(" {text}"),
        &text.replace(PREFIX, ""),
        &text.replace(PREFIX, "CALRELAY_"),
    ] {
        assert_eq!(verify(&services, wrong).await.unwrap(), None, "{wrong}");
    }
    assert!(verify(&services, text).await.unwrap().is_some());
}

#[tokio::test]
async fn storage_holds_no_token_and_no_secret() {
    let (_dir, services, _) = begin();
    let scope = services.local();
    let made = add(&scope, new("x")).await.unwrap();
    let link = make_link(&scope).await.unwrap();
    let secret = sign_in(&scope, link.ticket.expose()).await.unwrap().unwrap();
    let waiting = make_link(&scope).await.unwrap();
    for partition in ["tokens", "tokens:local", "session:local", "sign-in:local"] {
        let rows =
            services.store.scan(store::Table::Secrets, partition, "", None, 1000).await.unwrap();
        assert_eq!(rows.len(), 1, "{partition}");
        let text = format!("{rows:?}");
        for secret in [made.expose(), secret.expose(), waiting.ticket.expose()] {
            assert!(!text.contains(&secret[..20]), "{partition}");
        }
    }
}

#[tokio::test]
async fn what_no_token_can_have_is_refused() {
    let (_dir, services, _) = begin();
    let scope = services.local();
    for wrong in [
        NewToken { name: String::new(), ..new("x") },
        NewToken { name: "x".repeat(101), ..new("x") },
        NewToken { name: "a\nb".into(), ..new("x") },
        NewToken { scopes: Vec::new(), ..new("x") },
        NewToken { expires_days: 0, ..new("x") },
        NewToken { expires_days: 367, ..new("x") },
    ] {
        let refused = add(&scope, wrong).await;
        assert!(
            matches!(refused, Err(Error::Request(words)) if words.contains("no token was made"))
        );
    }
    for _ in 0..100 {
        add(&scope, new("x")).await.unwrap();
    }
    assert!(add(&scope, new("x")).await.is_err(), "there are enough");
}

#[tokio::test]
async fn a_link_signs_one_browser_in() {
    let (_dir, services, clock) = begin();
    let scope = services.local();
    let link = make_link(&scope).await.unwrap();
    let ticket = link.ticket.expose();
    let (one, other) = tokio::join!(sign_in(&scope, ticket), sign_in(&scope, ticket));
    let signed: Vec<_> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
    let [secret] = &signed[..] else { panic!("{} browsers are signed in", signed.len()) };
    assert!(is_session(&scope, secret.expose()).await.unwrap());
    assert!(sign_in(&scope, ticket).await.unwrap().is_none());
    assert!(!is_session(&scope, ticket).await.unwrap(), "the link is no session");
    assert!(!is_session(&services.scope("other"), secret.expose()).await.unwrap());
    clock.forward(SESSION_LIFETIME);
    assert!(is_session(&scope, secret.expose()).await.unwrap());
    clock.forward(SignedDuration::from_secs(1));
    assert!(!is_session(&scope, secret.expose()).await.unwrap(), "14 days are over");
}

#[tokio::test]
async fn a_link_is_valid_for_half_an_hour_and_a_session_can_be_ended() {
    let (_dir, services, clock) = begin();
    let scope = services.local();
    let (late, link) = (make_link(&scope).await.unwrap(), make_link(&scope).await.unwrap());
    let secret = sign_in(&scope, link.ticket.expose()).await.unwrap().unwrap();
    clock.forward(SignedDuration::from_secs(30 * 60 + 1));
    assert!(sign_in(&scope, late.ticket.expose()).await.unwrap().is_none());
    end_session(&scope, secret.expose()).await.unwrap();
    assert!(!is_session(&scope, secret.expose()).await.unwrap());
    end_session(&scope, "x").await.unwrap();
}

#[tokio::test]
async fn tries_are_limited_for_each_name() {
    let (_dir, services, clock) = begin();
    for n in 0..5 {
        assert_eq!(count_try(&services, "anna@dav", 5).await.unwrap(), None, "{n}");
    }
    clock.forward(SignedDuration::from_secs(20));
    let wait = count_try(&services, "anna@dav", 5).await.unwrap();
    assert_eq!(wait, Some(SignedDuration::from_secs(40)));
    assert_eq!(count_try(&services, "ben@dav", 5).await.unwrap(), None, "another name");
    clock.forward(SignedDuration::from_secs(40));
    assert_eq!(count_try(&services, "anna@dav", 5).await.unwrap(), None, "a minute is over");
    clock.forward(SignedDuration::from_secs(60));
    count_try(&services, "carla@dav", 5).await.unwrap();
    let rows = services.store.scan(store::Table::Secrets, "tries", "", None, 10).await.unwrap();
    assert_eq!(rows.len(), 1, "what is over is deleted");
}

#[tokio::test]
async fn tries_at_once_are_all_counted() {
    let (_dir, services, _) = begin();
    let tries = (0..12).map(|_| count_try(&services, "anna@dav", 5));
    let allowed = futures::future::join_all(tries).await;
    let allowed = allowed.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_none());
    assert!(allowed.count() <= 5);
}
