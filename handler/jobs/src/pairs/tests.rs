//! Pairs on real storage and a real vault, as far as no provider is needed; the scenarios test the
//! rest.

use std::sync::Arc;

use engine::calendar::{AccountId, CalendarId, PairId};
use engine::pair::{Pair, Reach};
use engine::provider::ProviderKind;
use jiff::Timestamp;
use records::account::{Account, AccountStatus};
use records::calendar::CalendarRecord;
use records::codec;
use secrecy::SecretString;
use store::{Op, Table};

use super::*;
use crate::accounts::{calendars, connect_account};
use crate::leases::{calendar_lease, pair_lease};
use crate::remove_account::remove_account;
use crate::test_services::{FixedClock, NoProvider, services};
use crate::{Error, Scope};

fn offline() -> providers::Error {
    providers::Error::Unreachable("there is no network".into())
}

struct AccountsWorld {
    scope: Scope,
    _dir: tempfile::TempDir,
}

fn world() -> AccountsWorld {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
    let scope = services(dir.path(), Arc::new(NoProvider(offline)), clock).scope("local");
    AccountsWorld { scope, _dir: dir }
}

impl AccountsWorld {
    async fn put(
        &self,
        table: Table,
        partition: &str,
        rows: impl IntoIterator<Item = (String, String)>,
    ) {
        let ops: Vec<Op> = rows.into_iter().map(|(key, value)| Op::Put { key, value }).collect();
        for chunk in ops.chunks(store::MAX_COMMIT) {
            self.scope.store.commit(table, partition, chunk).await.unwrap();
        }
    }

    async fn rows(&self, table: Table, partition: &str) -> Vec<String> {
        let rows = self.scope.store.scan(table, partition, "", None, 1000).await.unwrap();
        rows.into_iter().map(|row| row.key).collect()
    }

    /// An account with two calendars, a pair between them, and 250 rows of a pass.
    async fn furnished(&self) -> (AccountId, Pair) {
        let account = Account {
            id: AccountId::new("a1"),
            kind: ProviderKind::Caldav,
            name: "anna on dav.example.org".into(),
            url: "https://dav.example.org/".into(),
            user: "anna".into(),
            endpoint: "{}".into(),
            generation: 1,
            state: AccountStatus::Ok,
            error: None,
            suspended: None,
        };
        let mut rows = vec![("account:a1".to_owned(), codec::encode(&account).unwrap())];
        for id in ["c1", "c2"] {
            let calendar = CalendarRecord {
                id: CalendarId::new(id),
                account: account.id.clone(),
                address: format!("/anna/{id}/"),
                name: id.into(),
                writable: true,
                zone: None,
                owned_at: None,
                first_address: None,
            };
            rows.push((format!("calendar:{id}"), codec::encode(&calendar).unwrap()));
        }
        self.put(Table::Directory, "local", rows).await;
        self.put(
            Table::Secrets,
            "local",
            [("a1".to_owned(), r#"{"v":1,"sealed":"x"}"#.to_owned())],
        )
        .await;
        let pair = add_pair(&self.scope, new("c1", "c2")).await.unwrap();
        self.put(
            Table::Pairs,
            pair.id.as_str(),
            (0..250).map(|n| (format!("mapping:{n}"), "{}".to_owned())),
        )
        .await;
        (account.id, pair)
    }
}

fn new(from: &str, to: &str) -> NewPair {
    NewPair {
        from: CalendarId::new(from),
        to: CalendarId::new(to),
        two_way: false,
        private: true,
        private_back: false,
        window_past: Reach::Months(3),
        window_future: Reach::Days(90),
        take_over: false,
        draft: false,
    }
}

#[tokio::test]
async fn a_calendar_that_two_accounts_see_is_written_to_under_one_lease() {
    let world = world();
    world.furnished().await;
    let row = |id: &str, owned_at: &str| {
        let rows = world.scope.snapshot();
        let (id, owned_at) = (CalendarId::new(id), Some(owned_at.to_owned()));
        async move {
            CalendarRecord {
                id,
                owned_at,
                ..rows.await.unwrap().calendar(&CalendarId::new("c1")).unwrap().unwrap()
            }
        }
    };
    let shares = [row("c3", "/anna/c1/").await, row("c4", "/anna/c9/").await];
    world
        .put(
            Table::Directory,
            "local",
            shares.map(|share| (format!("calendar:{}", share.id), codec::encode(&share).unwrap())),
        )
        .await;
    let directory = world.scope.snapshot().await.unwrap();
    let name = |id: &str| calendar_lease(&directory, &CalendarId::new(id));
    assert_eq!(name("c1"), name("c3"), "a share of it");
    assert!(name("c1") != name("c2") && name("c1") != name("c4"));
    assert_eq!(name("unknown"), "calendar:unknown");
    assert!(!name("c1").contains("anna"), "a lease's name tells nothing of the calendar");
}

#[tokio::test]
async fn a_pair_is_kept_as_it_was_asked_for() {
    let world = world();
    let (_, made) = world.furnished().await;
    assert_eq!(world.scope.directory().pairs().await.unwrap(), std::slice::from_ref(&made));
    assert_eq!(world.scope.directory().pair(&made.id).await.unwrap(), made);
    assert!(made.private && !made.two_way && !made.paused);
    assert!(matches!(add_pair(&world.scope, new("c1", "c2")).await, Err(Error::NotPaired { .. })));
}

#[tokio::test]
async fn a_pair_is_switched_off_and_on() {
    let world = world();
    let (_, made) = world.furnished().await;
    assert!(pause_pair(&world.scope, &made.id).await.unwrap().paused);
    assert!(pause_pair(&world.scope, &made.id).await.unwrap().paused);
    assert!(world.scope.directory().pair(&made.id).await.unwrap().paused);
    assert_eq!(resume_pair(&world.scope, &made.id).await.unwrap(), made);
    assert!(matches!(pause_pair(&world.scope, &PairId::new("p0")).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_draft_is_switched_on_once_and_neither_paused_nor_resumed() {
    let world = world();
    let (_, made) = world.furnished().await;
    remove_pair(&world.scope, &made.id).await.unwrap();
    let draft = NewPair { draft: true, ..new("c1", "c2") };
    let made = add_pair(&world.scope, draft.clone()).await.unwrap();
    assert!(made.draft && !made.paused);
    for again in [draft, new("c1", "c2")] {
        assert!(matches!(add_pair(&world.scope, again).await, Err(Error::NotPaired { .. })));
    }
    for pause in [true, false] {
        let refused = match pause {
            true => pause_pair(&world.scope, &made.id).await,
            false => resume_pair(&world.scope, &made.id).await,
        };
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::Draft(id) if *id == made.id), "{error}");
        assert_eq!(records::problem::Problem::from(&error).code, "draft");
        assert_eq!(world.scope.directory().pair(&made.id).await.unwrap(), made, "as it was");
    }
    let on = Pair { draft: false, ..made.clone() };
    for was_draft in [true, false] {
        let started = start_pair(&world.scope, &made.id).await.unwrap();
        assert_eq!(started, (on.clone(), was_draft));
    }
    pause_pair(&world.scope, &made.id).await.unwrap();
    let (paused, was_draft) = start_pair(&world.scope, &made.id).await.unwrap();
    assert!(paused.paused && !was_draft, "a pause stays");
    assert!(matches!(start_pair(&world.scope, &PairId::new("p0")).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_draft_is_removed() {
    let world = world();
    let (_, made) = world.furnished().await;
    remove_pair(&world.scope, &made.id).await.unwrap();
    let draft = NewPair { draft: true, ..new("c1", "c2") };
    let made = add_pair(&world.scope, draft).await.unwrap();
    remove_pair(&world.scope, &made.id).await.unwrap();
    assert!(world.scope.directory().pairs().await.unwrap().is_empty());
}

/// Requirement S3.
#[tokio::test]
async fn a_removed_pair_leaves_no_row_behind() {
    let world = world();
    let (_, made) = world.furnished().await;
    world.put(Table::Pairs, "p0", [("mapping:1".to_owned(), "{}".to_owned())]).await;
    remove_pair(&world.scope, &made.id).await.unwrap();
    assert!(world.rows(Table::Pairs, made.id.as_str()).await.is_empty());
    assert_eq!(world.rows(Table::Pairs, "p0").await.len(), 1, "another pair's rows are its own");
    assert_eq!(
        world.rows(Table::Directory, "local").await,
        ["account:a1", "calendar:c1", "calendar:c2", "ended:c1:c2"]
    );
    assert!(matches!(remove_pair(&world.scope, &made.id).await, Err(Error::NotFound(_))));
}

/// Requirement S4.
#[tokio::test]
async fn a_removed_account_takes_its_secret_its_pairs_and_their_rows_along() {
    let world = world();
    let (account, made) = world.furnished().await;
    remove_account(&world.scope, &account).await.unwrap();
    for (table, partition) in
        [(Table::Directory, "local"), (Table::Secrets, "local"), (Table::Pairs, made.id.as_str())]
    {
        assert!(world.rows(table, partition).await.is_empty(), "{table:?}");
    }
    assert!(matches!(remove_account(&world.scope, &account).await, Err(Error::NotFound(_))));
}

#[tokio::test(start_paused = true)]
async fn a_pair_is_not_removed_under_a_pass() {
    let world = world();
    let (_, made) = world.furnished().await;
    let pass = world
        .scope
        .leases
        .acquire("local", &[&pair_lease(&made.id)])
        .await
        .unwrap()
        .taken()
        .unwrap();
    assert!(matches!(remove_pair(&world.scope, &made.id).await, Err(Error::Request(_))));
    assert_eq!(world.rows(Table::Pairs, made.id.as_str()).await.len(), 250);
    drop(pass);
    remove_pair(&world.scope, &made.id).await.unwrap();
}

#[tokio::test]
async fn an_account_that_cannot_be_tried_is_not_stored() {
    let world = world();
    let secret = SecretString::from("open sesame");
    let refused = connect_account(
        &world.scope,
        ProviderKind::Caldav,
        "https://dav.example.org/",
        "anna",
        &secret,
    )
    .await;
    assert!(matches!(refused, Err(Error::Provider(providers::Error::Unreachable(_)))));
    for table in Table::ALL {
        assert!(world.rows(table, "local").await.is_empty(), "{table:?}");
    }
}

#[tokio::test]
async fn an_account_without_its_secret_asks_to_be_connected_again() {
    let world = world();
    let (account, _) = world.furnished().await;
    world
        .scope
        .store
        .commit(Table::Secrets, "local", &[Op::Delete { key: "a1".into(), etag: None }])
        .await
        .unwrap();
    let listing = calendars(&world.scope, None).await.unwrap();
    assert!(matches!(
        listing.failures[..],
        [(_, Error::Provider(providers::Error::Credentials(_)))]
    ));
    assert_eq!(
        world.scope.directory().account(&account).await.unwrap().state,
        AccountStatus::NeedsReconnect
    );
    // The known calendars stay: a failure is no listing.
    assert!(world.scope.directory().calendar(&CalendarId::new("c1")).await.unwrap().is_some());
}
