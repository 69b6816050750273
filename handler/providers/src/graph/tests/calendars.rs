use serde_json::json;

use super::stub::{Say, graph, no, not_found, ok, with_purse};
use crate::{Error, Provider};

#[tokio::test]
async fn only_own_calendars_that_can_be_edited_are_writable() {
    let (stub, client) = graph(|asked| {
        let owner = |address: &str| json!({ "name": "x", "address": address });
        match asked.query.contains("skiptoken") {
            false => ok(json!({
                "value": [
                    { "id": "a=", "name": "Calendar", "canEdit": true, "isDefaultCalendar": true, "owner": owner("Anna.Smith@example.org") },
                    { "id": "b=", "name": "Birthdays", "canEdit": false, "owner": owner("anna.smith@example.org") },
                ],
                "@odata.nextLink": format!("{}/me/calendars?$skiptoken=x", asked.root),
            })),
            true => ok(json!({ "value": [
                { "id": "c=", "name": "Ben", "canEdit": true, "owner": owner("ben@example.org") },
                { "id": "d=", "name": " ", "canEdit": true, "owner": owner("anna.smith@example.org"), "new": 1 },
            ] })),
        }
    })
    .await;
    let found = client.calendars().await.unwrap();
    let seen: Vec<_> =
        found.iter().map(|c| (c.address.as_str(), c.name.as_str(), c.writable)).collect();
    let expected = [
        ("a=", "Calendar", true),
        ("b=", "Birthdays", false),
        ("c=", "Ben", false),
        ("d=", "d=", true),
    ];
    assert_eq!(seen, expected, "the owner is the default calendar's, with any sign-in");
    assert_eq!(stub.take().len(), 2);
}

#[tokio::test]
async fn a_link_to_another_place_is_not_followed() {
    let (stub, client) = graph(|_| {
        ok(json!({ "value": [], "@odata.nextLink": "https://example.org/v1.0/me/calendars" }))
    })
    .await;
    assert!(matches!(client.calendars().await, Err(Error::BadAnswer(_))));
    assert_eq!(stub.take().len(), 1);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_left() {
    let (stub, client) = graph(|asked| {
        ok(json!({ "value": [], "@odata.nextLink": format!("{}/me/calendars?x=1", asked.root) }))
    })
    .await;
    assert!(matches!(client.calendars().await, Err(Error::BadAnswer(_))));
    assert_eq!(stub.take().len(), 2);
}

#[tokio::test]
async fn a_calendar_is_missing_once_the_list_lacks_it_too() {
    let (stub, client) = graph(|asked| match &*asked.path {
        "/me/calendars" => ok(json!({ "value": [{ "id": "there", "name": "A" }] })),
        _ => not_found(),
    })
    .await;
    assert!(matches!(client.ask("gone").await, Err(Error::CalendarMissing)));
    assert_eq!(stub.asked(), ["GET /me/calendars/gone", "GET /me/calendars"]);
    assert!(matches!(client.ask("there").await, Err(Error::Unreachable(_))));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_claims_need_the_owner() {
    let (stub, client, purse) = with_purse(|asked| match asked.header("authorization") {
        "Bearer token0" => no(401, "InvalidAuthenticationToken"),
        _ => ok(json!({ "value": [] })),
    })
    .await;
    client.calendars().await.unwrap();
    assert_eq!((stub.take().len(), *purse.renewed.lock().unwrap()), (2, 1));

    let (stub, client, purse) = with_purse(|_| no(401, "InvalidAuthenticationToken")).await;
    assert!(matches!(client.calendars().await, Err(Error::Unauthorized)));
    assert_eq!((stub.take().len(), purse.denied.lock().unwrap().len()), (2, 1));

    let (stub, client, purse) = with_purse(|_| {
        let claims = data_encoding::BASE64.encode(br#"{"access_token":{"nbf":{}}}"#);
        let challenge =
            format!(r#"Bearer realm="", error="insufficient_claims", claims="{claims}""#);
        Say(
            401,
            json!({ "error": { "code": "InvalidAuthenticationToken" } }),
            vec![("www-authenticate", challenge)],
        )
    })
    .await;
    assert!(matches!(client.calendars().await, Err(Error::Unauthorized)));
    assert_eq!(stub.take().len(), 1, "another token would prove no more");
    assert_eq!(*purse.claims.lock().unwrap(), [r#"{"access_token":{"nbf":{}}}"#]);
}

#[tokio::test]
async fn a_mailbox_outside_of_exchange_is_no_lost_consent() {
    for status in [401, 403, 404] {
        let (stub, client, purse) =
            with_purse(move |_| no(status, "MailboxNotEnabledForRESTAPI")).await;
        let error = client.calendars().await.unwrap_err();
        assert!(matches!(error, Error::Forbidden(_)), "{status}: {error:?}");
        assert_eq!((stub.take().len(), purse.denied.lock().unwrap().len()), (1, 0));
    }
}

#[tokio::test]
async fn throttling_of_any_status_is_waited_out() {
    for status in [429, 503, 504] {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let (stub, client) =
            graph(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Say(
                    status,
                    json!({ "error": { "code": "ApplicationThrottled" } }),
                    vec![("retry-after", "1".into())],
                ),
                _ => ok(json!({ "value": [] })),
            })
            .await;
        client.calendars().await.unwrap();
        assert_eq!(stub.take().len(), 2, "{status}");
    }
    let (_, client) = graph(|_| Say(429, json!({}), vec![("retry-after", "86400".into())])).await;
    assert!(matches!(client.calendars().await, Err(Error::RateLimited { .. })));
}
