//! Batches as the service sends them, and malformed ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A notification as Microsoft's documentation shows it.
fn change(secret: &str, subscription: &str) -> Value {
    json!({
        "subscriptionId": subscription, "clientState": secret, "changeType": "updated",
        "subscriptionExpirationDateTime": "2026-03-12T10:00:00+00:00",
        "resource": "Users/0c1d/Events/AAMk=", "tenantId": "84df9e7f-e9f6-40af-b435-aaaaaaaaaaaa",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event", "@odata.id": "Users/0c1d/Events/AAMk=",
            "@odata.etag": "W/\"CQAAAA==\"", "id": "AAMk="
        }
    })
}

fn lifecycle(event: &Value) -> Value {
    json!({
        "subscriptionId": "s1", "clientState": "secret", "lifecycleEvent": event,
        "subscriptionExpirationDateTime": "2026-03-12T10:00:00+00:00", "tenantId": "t"
    })
}

fn kinds(items: &[Value]) -> Vec<NotificationKind> {
    let body = json!({ "value": items }).to_string();
    read(body.as_bytes()).unwrap().iter().map(|item| item.kind).collect()
}

fn found(body: &str) -> Option<Vec<(String, String)>> {
    let items = read(body.as_bytes())?;
    Some(items.into_iter().map(|item| (item.secret.into(), item.resource.into())).collect())
}

#[test]
fn a_batch_of_several_accounts_is_read_in_its_order() {
    let body = json!({ "value": [change("one", "s1"), change("two", "s2")], "more": [1] });
    let expected = [("one", "s1"), ("two", "s2")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(found(&body.to_string()).unwrap(), expected);
}

#[test]
fn texts_are_borrowed_and_escapes_are_read() {
    let body = br#"{"value":[{"clientState":"plain","subscriptionId":"s\u002d1"}]}"#;
    let items = read(body).unwrap();
    assert!(matches!(items[0].secret, Cow::Borrowed("plain")));
    assert_eq!(items[0].resource, "s-1");
}

#[test]
fn every_cause_is_told_from_the_others_and_an_unknown_one_counts_as_missed() {
    let of = |event: &str| lifecycle(&json!(event));
    let mut items: Vec<Value> =
        ["reauthorizationRequired", "subscriptionRemoved", "missed", "moon", ""].map(of).into();
    items.push(lifecycle(&json!(7)));
    // A change, as long as the event of the life cycle is missing or null.
    let mut null = change("secret", "s1");
    null["lifecycleEvent"] = Value::Null;
    items.push(null);
    let mut unknown = change("secret", "s1");
    unknown["changeType"] = json!("moved");
    items.push(unknown);
    use NotificationKind::{Changed, Lifecycle as Of};
    let missed = Of(Lifecycle::Missed);
    let expected = [
        Of(Lifecycle::Reauthorize),
        Of(Lifecycle::Removed),
        missed,
        missed,
        missed,
        missed,
        Changed,
        missed,
    ];
    assert_eq!(kinds(&items), expected);
    let each = ["created", "updated", "deleted"].map(|kind| {
        let mut item = change("secret", "s1");
        item["changeType"] = json!(kind);
        item
    });
    assert_eq!(kinds(&each), [Changed; 3]);
}

/// The tenant of a personal mailbox may be Exchange's, and the resource is another user's.
#[test]
fn neither_tenant_nor_resource_decide() {
    let bare = json!({
        "clientState": "secret", "subscriptionId": "s1", "changeType": "updated", "tenantId": 7,
        "resource": ["no", "path"], "resourceData": null
    });
    assert_eq!(kinds(&[bare]), [NotificationKind::Changed]);
}

#[test]
fn a_malformed_notification_fails_no_other() {
    let good = change("secret", "s1");
    let mut items = vec![good.clone(), json!(null), json!(7), json!([]), json!("x"), json!({})];
    // An array is no object, even one whose members stand in the right order.
    items.push(json!(["secret", "s1", "updated", null]));
    for (name, value) in [
        ("clientState", json!(7)),
        ("clientState", Value::Null),
        ("subscriptionId", json!({})),
        ("subscriptionId", Value::Null),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        items.push(bad);
    }
    items.push(good.clone());
    assert_eq!(kinds(&items).len(), 2);
    let twice = r#"{"clientState":"a","clientState":"b","subscriptionId":"s"}"#;
    let surrogate = r#"{"clientState":"\ud800","subscriptionId":"s"}"#;
    let body = format!(r#"{{"value":[{twice},{surrogate},{good}]}}"#);
    assert_eq!(found(&body).unwrap(), [("secret".to_owned(), "s1".to_owned())]);
}

#[test]
fn only_what_is_no_json_is_refused() {
    for json in [
        "null",
        "7",
        "\"x\"",
        "[]",
        "[[{}]]",
        "{}",
        r#"{"value":null}"#,
        r#"{"value":{}}"#,
        " {\"a\":1} ",
    ] {
        assert_eq!(found(json), Some(Vec::new()), "{json}");
    }
    for other in ["", " ", "x", "{", r#"{"value":[}"#, r#"{"value":[]} x"#, "<a/>", "value=1"] {
        assert_eq!(found(other), None, "{other}");
    }
    assert!(read(b"{\"value\":[],\"a\":\"\xff\"}").is_none(), "no UTF-8");
}

/// Brackets of any depth use no stack.
#[test]
fn a_deep_document_is_read_or_refused_and_nothing_else() {
    let deep = "[".repeat(400_000) + &"]".repeat(400_000);
    let body = format!(r#"{{"value":[{deep},{}]}}"#, change("secret", "s1"));
    assert_eq!(found(&body).map(|found| found.len()), Some(1));
    assert!(read("[".repeat(1_000_000).as_bytes()).is_none());
}

fn echo(query: &str) -> Option<String> {
    match read_handshake(query) {
        Some(Handshake::Echo(token)) => Some(token),
        Some(Handshake::Refused) => Some("refused".into()),
        None => None,
    }
}

#[test]
fn a_handshake_repeats_the_token_byte_for_byte() {
    let real = "Validation%3a+Testing+client+application+reachability+Request-Id%3a+0c1d-%c3%bc";
    assert_eq!(
        echo(&format!("validationToken={real}")).unwrap(),
        "Validation: Testing client application reachability Request-Id: 0c1d-\u{fc}"
    );
    assert_eq!(echo("a=1&validationToken=x%2By%26%3Cb%3E%0D%0A%00&b=2").unwrap(), "x+y&<b>\r\n\0");
    assert_eq!(echo("validationToken=").unwrap(), "");
    assert_eq!(echo("validationToken").unwrap(), "");
    assert_eq!(echo("validationToken=%zz%").unwrap(), "%zz%");
    assert_eq!(echo("validationToken=first&validationToken=second").unwrap(), "first");
    for none in ["", "validationtoken=x", "token=x", "xvalidationToken=x", "validationToken2=x"] {
        assert_eq!(echo(none), None, "{none}");
    }
    let long = "%41".repeat(MAX_VALIDATION_TOKEN);
    assert_eq!(echo(&format!("validationToken={long}")).unwrap().len(), MAX_VALIDATION_TOKEN);
    assert_eq!(echo(&format!("validationToken={long}A")).unwrap(), "refused");
    assert_eq!(echo("validationToken=%ff").unwrap(), "refused", "no text");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![
            Just("value".to_owned()),
            Just("clientState".to_owned()),
            Just("subscriptionId".to_owned()),
            Just("lifecycleEvent".to_owned()),
            any::<String>(),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map(name, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Genuine notifications are found among any other JSON.
    #[test]
    fn genuine_notifications_are_found_among_anything(
        texts in proptest::collection::vec((any::<String>(), any::<String>()), 0..8),
        others in proptest::collection::vec(any_json(), 8),
    ) {
        let mut items = Vec::new();
        let mut expected = Vec::new();
        for ((secret, subscription), other) in texts.iter().zip(others) {
            let is_item = other.get("clientState").is_some_and(Value::is_string)
                && other.get("subscriptionId").is_some_and(Value::is_string);
            if !is_item {
                items.push(other);
            }
            items.push(change(secret, subscription));
            expected.push((secret.clone(), subscription.clone()));
        }
        let body = json!({ "other": items.clone(), "value": items }).to_string();
        prop_assert_eq!(found(&body), Some(expected));
    }

    /// No body causes a panic, and every JSON document is accepted.
    #[test]
    fn any_document_is_accepted_and_any_bytes_are_survived(
        document in any_json(), bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(read(document.to_string().as_bytes()).is_some());
        let is_json = serde_json::from_slice::<Value>(&bytes).is_ok();
        prop_assert_eq!(read(&bytes).is_some(), is_json);
    }

    /// A token of any text comes back as it was before it was encoded as a form.
    #[test]
    fn any_token_comes_back_as_it_was(token in any::<String>()) {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("validationToken", &token)
            .finish();
        prop_assert_eq!(echo(&query), Some(token));
    }
}

/// A thousand are a call of Microsoft's; what lies beyond many more is a stranger's.
#[test]
fn of_a_call_without_end_only_the_beginning_is_read() {
    let item = json!({ "clientState": "s", "subscriptionId": "i", "changeType": "updated" });
    for (sent, kept) in [(1_000, 1_000), (MAX_ITEMS, MAX_ITEMS), (20_000, MAX_ITEMS)] {
        let body = json!({ "value": vec![item.clone(); sent] }).to_string();
        assert_eq!(read(body.as_bytes()).unwrap().len(), kept, "{sent}");
    }
}
