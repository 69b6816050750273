//! Tokens, times, and what is heard; the scenarios tell the rest, with a provider that calls.

mod instances;
mod keys;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::calendar::{AccountId, CalendarId};
use jiff::{SignedDuration, Timestamp};
use providers::Provider;
use secrecy::{ExposeSecret, SecretString};
use store::{Embedded, Row, Store, Table};
use vault::{Envelope, Root};

use super::*;
use crate::directory::{self, WatchRecord, WatchStatus};
use crate::{Clock, Connect, nudge};

const GOOGLE: ProviderKind = ProviderKind::Google;

/// Nobody is reached in these tests.
struct NoProvider;

#[async_trait]
impl Connect for NoProvider {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Err(providers::Error::Unauthorized)
    }
    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(providers::Error::Unauthorized)
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

/// Storage that must not be asked.
struct Locked;

#[async_trait]
impl Store for Locked {
    async fn get(&self, _: Table, _: &str, _: &str) -> store::Result<Option<Row>> {
        panic!("storage was asked")
    }
    async fn get_many(&self, _: Table, _: &str, _: &[String]) -> store::Result<Vec<Row>> {
        panic!("storage was asked")
    }
    async fn scan(
        &self,
        _: Table,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> store::Result<Vec<Row>> {
        panic!("storage was asked")
    }
    async fn commit(&self, _: Table, _: &str, _: &[store::Op]) -> store::Result<Vec<String>> {
        panic!("storage was asked")
    }
}

fn services() -> (Services, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Embedded::open(dir.path(), now).unwrap());
    let services = Services {
        leases: store.clone(),
        queue: store.clone(),
        store,
        vault: Arc::new(Envelope::new(
            vault::LocalKey::open(dir.path()).unwrap(),
            Root::new(&[7; 32]),
        )),
        connect: Arc::new(NoProvider),
        clock: Arc::new(FixedClock),
        owner: "local".into(),
        setup: Arc::default(),
        pace: Arc::default(),
    };
    (services, dir)
}

fn row(state: WatchStatus, resource: Option<&str>, left: i64) -> WatchRecord {
    WatchRecord {
        id: id().unwrap(),
        calendar: CalendarId::new("c1"),
        account: AccountId::new("a1"),
        generation: 1,
        at: "anna@example.org".into(),
        address: "https://calendars.example.org/webhooks/google".into(),
        resource: resource.map(str::to_owned),
        asked: now(),
        expires: now() + SignedDuration::from_secs(left),
        state,
        confirmed: false,
        error: None,
        key: None,
        told: None,
    }
}

async fn stored(services: &Services, row: WatchRecord) -> (String, SecretString) {
    let (token, key) = token::sign(services, GOOGLE, &row.id).await.unwrap();
    directory::add_channel(services, &WatchRecord { key: Some(key), ..row.clone() }).await.unwrap();
    (row.id, token)
}

async fn heard(
    services: &Services,
    (channel, token): &(String, SecretString),
    resource: &str,
    greeting: bool,
) -> Heard {
    hear(services, GOOGLE, Notice { channel, token: token.expose_secret(), resource, greeting })
        .await
        .unwrap()
}

/// The bodies and how many of them can be seen by now.
async fn waiting(services: &Services) -> (u64, Vec<String>) {
    let seen = services.queue.take(nudge::QUEUE, 32, Duration::from_secs(60)).await.unwrap();
    (
        services.queue.len(nudge::QUEUE).await.unwrap(),
        seen.into_iter().map(|message| message.body).collect(),
    )
}

#[tokio::test]
async fn a_token_is_good_for_one_channel_of_one_owner() {
    let (services, _dir) = services();
    let (one, other) = (id().unwrap(), id().unwrap());
    let (token, key) = token::sign(&services, GOOGLE, &one).await.unwrap();
    let token = token.expose_secret();
    assert!(token.starts_with(&format!("h2.{key}.")) && token.is_ascii(), "{token}");
    let whose = async |channel: &str, token: &str| {
        token::verify(&services, GOOGLE, channel, token).await.unwrap()
    };
    assert_eq!(whose(&one, token).await.as_deref(), Some("local"));
    assert_eq!(whose(&other, token).await, None);
    assert_eq!(token::verify(&services, ProviderKind::Caldav, &one, token).await.unwrap(), None);
    let (_, mac) = token.rsplit_once('.').unwrap();
    let somebody = token.replace(".local.", ".somebody.");
    let as_before = format!("h1.bG9jYWw.{mac}");
    let other_key = token.replacen(&key, "zzzz", 1);
    let none = [
        "",
        "h1",
        "h1..",
        "h1.bG9jYWw.",
        "h2",
        "h2....",
        &format!("h3{}", &token[2..]),
        &token[..token.len() - 1],
        &"x".repeat(9000),
    ];
    for forged in none.into_iter().chain([
        &*somebody,
        &as_before,
        &other_key,
        &format!("{token}.{mac}"),
        &format!("{token}\u{e4}"),
    ]) {
        assert_eq!(whose(&one, forged).await, None, "{forged}");
    }
    let elsewhere = Services {
        vault: Arc::new(Envelope::new(
            vault::LocalKey::open(_dir.path()).unwrap(),
            Root::new(&[8; 32]),
        )),
        ..services.clone()
    };
    assert_eq!(
        token::verify(&elsewhere, GOOGLE, &one, token).await.unwrap(),
        None,
        "another vault"
    );
}

#[tokio::test]
async fn ten_thousand_forgeries_ask_nothing_of_storage() {
    let (services, _dir) = services();
    // A process that has not read yet which keys count.
    let locked = Services { store: Arc::new(Locked), pace: Arc::default(), ..services.clone() };
    let mut good = (String::new(), String::new());
    for n in 0..10_000 {
        if n % 100 == 0 {
            let (token, key) = token::sign(&services, GOOGLE, &id().unwrap()).await.unwrap();
            good = (token.expose_secret().to_owned(), key);
        }
        let channel = id().unwrap();
        let token = if n % 3 == 0 {
            good.0.clone()
        } else {
            good.0.replacen(&good.1, &format!("{:04}", n % 10_000), 1)
        };
        assert_eq!(
            heard(&locked, &(channel, token.into()), "r1", n % 2 == 0).await,
            Heard::Dropped
        );
    }
    assert_eq!(
        heard(&locked, &("pair:p1".into(), good.0.into()), "r1", false).await,
        Heard::Dropped
    );
}

#[tokio::test]
async fn ten_thousand_calls_are_one_look_now_and_one_later() {
    let (services, _dir) = services();
    let channel = stored(&services, row(WatchStatus::Open, Some("r1"), 86_400)).await;
    assert_eq!(heard(&services, &channel, "r1", false).await, Heard::Nudged);
    assert_eq!(heard(&services, &channel, "r1", false).await, Heard::Nudged, "after the pause");
    // From here on not even storage is asked.
    let locked = Services { store: Arc::new(Locked), ..services.clone() };
    for _ in 0..10_000 {
        assert_eq!(heard(&locked, &channel, "r1", false).await, Heard::Covered);
    }
    let (all, seen) = waiting(&services).await;
    assert_eq!((all, seen), (2, vec![r#"{"calendarId":"c1","cause":"webhook"}"#.to_owned()]));
}

#[tokio::test]
async fn what_is_over_or_is_not_this_channel_is_dropped() {
    let (services, _dir) = services();
    for row in [
        row(WatchStatus::Open, Some("r1"), 0),
        row(WatchStatus::Open, Some("r2"), 86_400),
        row(WatchStatus::Ending, Some("r1"), 86_400),
        row(WatchStatus::Refused, None, 86_400),
    ] {
        let what = format!("{row:?}");
        let channel = stored(&services, row).await;
        assert_eq!(heard(&services, &channel, "r1", false).await, Heard::Dropped, "{what}");
        assert_eq!(heard(&services, &channel, "r1", true).await, Heard::Dropped, "{what}");
    }
    let unknown = id().unwrap();
    let (token, _) = token::sign(&services, GOOGLE, &unknown).await.unwrap();
    assert_eq!(heard(&services, &(unknown, token), "r1", false).await, Heard::Dropped);
    assert_eq!(waiting(&services).await.0, 0);
}

#[tokio::test]
async fn a_greeting_before_the_answer_says_as_much_as_the_answer() {
    let (services, _dir) = services();
    let channel = stored(&services, row(WatchStatus::Asked, None, 86_400)).await;
    assert_eq!(heard(&services, &channel, "r1", true).await, Heard::Greeted);
    let row = directory::channel_version(&services, &channel.0).await.unwrap().unwrap().0;
    assert_eq!(
        (row.state, row.resource.as_deref(), row.confirmed),
        (WatchStatus::Open, Some("r1"), true)
    );
    assert_eq!(waiting(&services).await.0, 0, "it tells of no change");
    assert_eq!(
        heard(&services, &channel, "r9", false).await,
        Heard::Dropped,
        "by now it is known what it tells of"
    );
    assert_eq!(heard(&services, &channel, "r1", false).await, Heard::Nudged);
}

#[test]
fn channels_are_followed_a_day_before_their_end_and_not_all_at_once() {
    let mut dues = Vec::new();
    for _ in 0..200 {
        let id = id().unwrap();
        let due = |hours: i64| {
            keep::is_due(
                &WatchRecord { id: id.clone(), ..row(WatchStatus::Open, None, hours * 3600) },
                now(),
            )
        };
        assert!(!due(27) && due(21), "{id}");
        dues.push((22..=27).find(|hours| !due(*hours)).unwrap());
    }
    assert!([23, 24, 25, 26].iter().all(|hours| dues.contains(hours)), "{dues:?}");
}

#[test]
fn ids_are_random_uuids() {
    let ids: std::collections::HashSet<String> = (0..1000).map(|_| id().unwrap()).collect();
    assert_eq!(ids.len(), 1000);
    assert!(
        ids.iter().all(|id| id.len() == 36 && &id[14..15] == "4" && "89ab".contains(&id[19..20]))
    );
}
