use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use secrecy::SecretString;

use super::*;
use crate::Clock;
use crate::test_services::{NoProvider, services};

fn offline() -> providers::Error {
    providers::Error::Unreachable("there is no network".into())
}

#[derive(Default)]
struct AuditClock(AtomicI64);

impl Clock for AuditClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + self.0.load(Ordering::Relaxed)).unwrap()
    }
}

fn world() -> (Scope, Arc<AuditClock>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let hands = Arc::new(AuditClock::default());
    let scope = services(dir.path(), Arc::new(NoProvider(offline)), hands.clone()).scope("local");
    (scope, hands, dir)
}

#[tokio::test]
async fn an_entry_is_written_before_and_after_its_action() {
    let (scope, _, _dir) = world();
    let anna = Actor::new("anna", "command line");
    let begun = begin(&scope, &anna, "account.add", "caldav").await;
    let expected = |subject: &str, outcome: &str| AuditEntry {
        at: scope.clock.now(),
        who: "anna".into(),
        from: "command line".into(),
        action: "account.add".into(),
        subject: subject.into(),
        outcome: outcome.into(),
    };
    assert_eq!(
        entries(&scope).await.unwrap(),
        [expected("caldav", "begun")],
        "it may be killed here"
    );
    begun.end(&scope, Some("a1"), DONE).await;
    assert_eq!(entries(&scope).await.unwrap(), [expected("a1", "done")]);
    begin(&scope, &anna, "account.add", "caldav").await.end(&scope, None, "unauthorized").await;
    assert_eq!(entries(&scope).await.unwrap().len(), 2, "of the same moment");
}

#[tokio::test]
async fn entries_are_kept_for_ninety_days() {
    let (scope, hands, _dir) = world();
    let itself = Actor::program();
    let day = 24 * 3600;
    for n in 0..250 {
        hands.0.store(n, Ordering::Relaxed);
        note(&scope, &itself, "deletions.held", &n.to_string(), "24 of 40").await;
    }
    hands.0.store(50 * day, Ordering::Relaxed);
    note(&scope, &itself, "deletions.held", "late", "24 of 40").await;
    hands.0.store(90 * day + 99, Ordering::Relaxed);
    assert_eq!(
        entries(&scope).await.unwrap().len(),
        152,
        "what is over is not shown, cleared away or not"
    );
    assert_eq!(
        (delete_expired(&scope).await.unwrap(), delete_expired(&scope).await.unwrap()),
        (99, 0)
    );
    let kept: Vec<String> =
        entries(&scope).await.unwrap().into_iter().map(|entry| entry.subject).collect();
    assert_eq!((kept.len(), kept[0].as_str(), kept[151].as_str()), (152, "99", "late"));
    hands.0.store(200 * day, Ordering::Relaxed);
    assert_eq!(delete_expired(&scope).await.unwrap(), 152);
}

#[tokio::test]
async fn a_field_is_one_short_line() {
    let (scope, _, _dir) = world();
    note(&scope, &Actor::new("an\nna", &"x".repeat(9999)), "pair.add", "a\u{1b}[2J", "done").await;
    let entry = entries(&scope).await.unwrap().remove(0);
    assert_eq!(
        (entry.who.as_str(), entry.from.len(), entry.subject.as_str()),
        ("an na", 1000, "a [2J")
    );
}

#[tokio::test]
async fn settings_that_changed_are_named_and_their_values_are_not_kept() {
    let (scope, hands, dir) = world();
    let values = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value))).collect()
    };
    let subjects = async || {
        entries(&scope).await.unwrap().into_iter().map(|entry| entry.subject).collect::<Vec<_>>()
    };
    record_setting_changes(&scope, &values(&[])).await.unwrap();
    assert!(subjects().await.is_empty());
    let first =
        values(&[("GOOGLE_CLIENT_SECRET", "Zirbelkiefer"), ("CALRELAY_POLL_SECONDS", "60")]);
    for _ in 0..2 {
        record_setting_changes(&scope, &first).await.unwrap();
    }
    hands.0.store(1, Ordering::Relaxed);
    for _ in 0..2 {
        record_setting_changes(
            &scope,
            &values(&[("GOOGLE_CLIENT_SECRET", "Haselnuss"), ("RUST_LOG", "debug")]),
        )
        .await
        .unwrap();
    }
    let expected = [
        "CALRELAY_POLL_SECONDS GOOGLE_CLIENT_SECRET",
        "CALRELAY_POLL_SECONDS GOOGLE_CLIENT_SECRET RUST_LOG",
    ];
    assert_eq!(subjects().await, expected);
    let file = std::fs::read(dir.path().join("calrelay.db")).unwrap();
    assert!(!String::from_utf8_lossy(&file).contains("Zirbelkiefer"));
}
