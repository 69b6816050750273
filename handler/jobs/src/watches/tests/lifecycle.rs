//! Notices about a watch itself, and watches of a whole account.

use providers::Lifecycle;
use records::account::{Account, AccountStatus, FIRST_GENERATION};
use records::calendar::CalendarRecord;
use records::codec;
use records::kinds::{account_key, calendar_key, pair_key};
use store::Op;

use super::*;

async fn notice(
    scope: &Scope,
    (id, secret): &(String, SecretString),
    what: Lifecycle,
) -> NoticeOutcome {
    let notification = Notification {
        watch: id,
        secret: secret.expose_secret(),
        resource: "r1",
        kind: NotificationKind::Lifecycle(what),
    };
    receive(scope, GOOGLE, notification).await.unwrap()
}

#[tokio::test]
async fn lost_notifications_lead_to_a_pass_that_reads_everything() {
    let (scope, _dir) = scope();
    let watch = stored(&scope, row(WatchStatus::Open, Some("r1"), 86_400)).await;
    assert_eq!(notice(&scope, &watch, Lifecycle::Missed).await, NoticeOutcome::Nudged);
    let (_, seen) = waiting(&scope).await;
    assert_eq!(seen, [r#"{"calendarId":"c1","cause":"renewal"}"#]);
}

#[tokio::test]
async fn a_watch_that_has_to_be_renewed_is_due_at_once() {
    let (scope, _dir) = scope();
    let watch = stored(&scope, row(WatchStatus::Open, Some("r1"), 6 * 86_400)).await;
    let facts = GOOGLE.watch_facts().unwrap();
    let is_due = async || {
        let row = scope.directory().watch(&watch.0).await.unwrap().unwrap().0;
        renew::is_due(&row, facts, now())
    };
    assert!(!is_due().await);
    assert_eq!(notice(&scope, &watch, Lifecycle::Reauthorize).await, NoticeOutcome::Nudged);
    assert!(is_due().await);
    assert_eq!(waiting(&scope).await.0, 1);
}

#[tokio::test]
async fn a_removed_watch_is_given_up_and_not_believed_any_more() {
    let (scope, _dir) = scope();
    let watch = stored(&scope, row(WatchStatus::Open, Some("r1"), 86_400)).await;
    assert_eq!(notice(&scope, &watch, Lifecycle::Removed).await, NoticeOutcome::Nudged);
    let row = scope.directory().watch(&watch.0).await.unwrap().unwrap().0;
    assert_eq!((row.state, row.resource), (WatchStatus::Ending, None));
    assert_eq!(received(&scope, &watch, "r1", false).await, NoticeOutcome::Dropped);
}

#[tokio::test]
async fn a_notification_for_an_account_nudges_every_paired_calendar_of_the_account() {
    let (scope, _dir) = scope();
    let account = |id: &str| Account {
        id: AccountId::new(id),
        kind: GOOGLE,
        name: id.into(),
        url: String::new(),
        user: id.into(),
        endpoint: String::new(),
        generation: FIRST_GENERATION,
        state: AccountStatus::Ok,
        error: None,
        suspended: None,
    };
    let calendar = |id: &str, account: &str| CalendarRecord {
        id: CalendarId::new(id),
        account: AccountId::new(account),
        address: id.into(),
        name: id.into(),
        writable: true,
        zone: None,
        owned_at: None,
        first_address: None,
    };
    let mut ops = Vec::new();
    for id in ["a1", "a2"] {
        let key = account_key(&AccountId::new(id));
        ops.push(Op::Put { key, value: codec::encode(&account(id)).unwrap() });
    }
    for (id, of) in [("c1", "a1"), ("c2", "a1"), ("c3", "a2"), ("c4", "a1")] {
        let key = calendar_key(&CalendarId::new(id));
        ops.push(Op::Put { key, value: codec::encode(&calendar(id, of)).unwrap() });
    }
    for (id, from, to, paused) in
        [("p1", "c1", "c3", false), ("p2", "c3", "c2", false), ("p3", "c4", "c3", true)]
    {
        let pair = engine::pair::Pair {
            id: engine::calendar::PairId::new(id),
            from: CalendarId::new(from),
            to: CalendarId::new(to),
            two_way: false,
            private: false,
            private_back: false,
            window_past: engine::pair::Reach::Days(1),
            window_future: engine::pair::Reach::Days(1),
            paused,
            draft: false,
        };
        let key = pair_key(&pair.id);
        ops.push(Op::Put { key, value: codec::encode(&pair).unwrap() });
    }
    scope.directory().commit(&ops).await.unwrap();
    let of_account = WatchRecord { calendar: None, ..row(WatchStatus::Open, Some("r1"), 86_400) };
    let watch = stored(&scope, of_account).await;
    assert_eq!(received(&scope, &watch, "r1", false).await, NoticeOutcome::Nudged);
    let (_, mut seen) = waiting(&scope).await;
    seen.sort_unstable();
    let nudge = |id: &str| format!(r#"{{"calendarId":"{id}","cause":"webhook"}}"#);
    assert_eq!(seen, [nudge("c1"), nudge("c2")]);
}
