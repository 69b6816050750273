use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use super::stub::{Say, graph, http, no, not_found, ok, page, with_purse_on};
use crate::{Error, Provider, WatchRequest, WatchScope};

const ADDRESS: &str = "https://calrelay.example.org/webhooks/microsoft";
const DATE: &str = "Tue, 10 Mar 2026 10:00:00 GMT";

fn request<'a>(secret: &'a SecretString, scope: WatchScope<'a>) -> WatchRequest<'a> {
    WatchRequest {
        scope,
        id: "ours",
        secret,
        address: ADDRESS,
        lifetime: Duration::from_secs(2 * 86_400),
    }
}

fn dated(mut say: Say) -> Say {
    say.2.push(("date", DATE.into()));
    say
}

#[tokio::test]
async fn a_subscription_is_of_the_mailbox_and_ends_by_microsofts_clock() {
    let (stub, client) = graph(|asked| {
        dated(match &*asked.brief() {
            "GET /me/calendars" => page(&[]),
            "POST /subscriptions" => Say(
                201,
                json!({ "id": "s1", "expirationDateTime": "2026-03-12T09:59:00.1234567Z" }),
                vec![],
            ),
            _ => no(500, "unexpected"),
        })
    })
    .await;
    let secret = "h2.secret".into();
    let watch = client.create_watch(&request(&secret, WatchScope::Account)).await.unwrap();
    assert_eq!(watch.resource, "s1");
    assert_eq!(
        watch.expires.as_second(),
        "2026-03-12T09:59:00Z".parse::<jiff::Timestamp>().unwrap().as_second()
    );
    let asked = stub.take();
    assert_eq!(
        asked[1].body,
        json!({
            "changeType": "created,updated,deleted", "notificationUrl": ADDRESS, "lifecycleNotificationUrl": ADDRESS,
            "resource": "me/events", "expirationDateTime": "2026-03-12T10:00:00Z", "clientState": "h2.secret",
            "latestSupportedTlsVersion": "v1_2",
        })
    );
    assert!(matches!(
        client.create_watch(&request(&secret, WatchScope::Calendar("c"))).await,
        Err(Error::NoPush)
    ));
}

/// Another server, which the same program asks, may have a wrong clock.
#[tokio::test]
async fn the_clock_of_another_server_moves_no_end() {
    let http = http();
    let (_, other, _) = with_purse_on(&http, |_| {
        let mut say = page(&[]);
        say.2.push(("date", "Sat, 10 Mar 2007 10:00:00 GMT".into()));
        say
    })
    .await;
    let (stub, client, _) = with_purse_on(&http, |asked| {
        dated(match &*asked.brief() {
            "GET /me/calendars" => page(&[]),
            _ => ok(json!({ "id": "s1", "expirationDateTime": "2026-03-12T10:00:00Z" })),
        })
    })
    .await;
    client.calendars().await.unwrap();
    other.calendars().await.unwrap();
    stub.take();
    client.renew_watch("ours", "s1", Duration::from_secs(2 * 86_400)).await.unwrap();
    assert_eq!(stub.take()[0].body, json!({ "expirationDateTime": "2026-03-12T10:00:00Z" }));
}

#[tokio::test]
async fn a_stale_subscription_is_deleted_once_and_others_are_left() {
    for stale_is_there in [true, false] {
        let count = AtomicUsize::new(0);
        let (stub, client) = graph(move |asked| {
            dated(match &*asked.brief() {
                "POST /subscriptions" => match count.fetch_add(1, Ordering::SeqCst) {
                    0 => no(409, "ExtensionError"),
                    _ => Say(201, json!({ "id": "new", "expirationDateTime": "2026-03-12T10:00:00Z" }), vec![]),
                },
                "GET /subscriptions" => page(&[
                    json!({ "id": "other", "resource": "me/events", "notificationUrl": "https://example.org/x", "clientState": null }),
                    json!({ "id": "mail", "resource": "me/messages", "notificationUrl": ADDRESS }),
                    json!({ "id": if stale_is_there { "stale" } else { "" }, "resource": "/me/events", "notificationUrl": ADDRESS }),
                ]),
                "DELETE /subscriptions/stale" => Say(204, json!(null), vec![]),
                "GET /me/calendars" => page(&[]),
                _ => no(500, "unexpected"),
            })
        })
        .await;
        let secret = "s".into();
        let outcome = client.create_watch(&request(&secret, WatchScope::Account)).await;
        let asked = stub.asked();
        if stale_is_there {
            assert_eq!(outcome.unwrap().resource, "new");
            assert_eq!(asked.iter().filter(|path| path.starts_with("DELETE")).count(), 1);
        } else {
            assert!(matches!(outcome, Err(Error::Misconfigured(_))));
            assert!(!asked.iter().any(|path| path.starts_with("DELETE")));
        }
    }
}

#[tokio::test]
async fn a_subscription_is_renewed_in_place_and_one_that_is_gone_is_made_anew() {
    let (stub, client) = graph(|asked| {
        dated(match &*asked.brief() {
            "PATCH /subscriptions/s1" => {
                ok(json!({ "id": "s1", "expirationDateTime": "2026-03-12T10:00:00Z" }))
            }
            "GET /subscriptions/s1" => {
                ok(json!({ "id": "s1", "expirationDateTime": "2026-03-12T09:00:00Z" }))
            }
            "DELETE /subscriptions/s1" => Say(204, json!(null), vec![]),
            "GET /me/calendars" => page(&[]),
            _ => not_found(),
        })
    })
    .await;
    let two_days = Duration::from_secs(2 * 86_400);
    let watch = client.renew_watch("ours", "s1", two_days).await.unwrap().unwrap();
    assert_eq!(watch.resource, "s1");
    assert_eq!(stub.take()[1].body, json!({ "expirationDateTime": "2026-03-12T10:00:00Z" }));
    assert!(client.renew_watch("ours", "s2", two_days).await.unwrap().is_none());
    let end = client.watch_end("ours", "s1").await.unwrap();
    assert_eq!(end, "2026-03-12T09:00:00Z".parse().ok());
    assert_eq!(client.watch_end("ours", "s2").await.unwrap(), None);
    client.delete_watch("ours", "s1").await.unwrap();
    client.delete_watch("ours", "s2").await.unwrap();
    // No more than Microsoft grants.
    stub.take();
    client.renew_watch("ours", "s1", Duration::from_secs(30 * 86_400)).await.unwrap();
    assert_eq!(stub.take()[0].body, json!({ "expirationDateTime": "2026-03-17T09:50:00Z" }));
}
