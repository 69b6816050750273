use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::*;

/// A webhook that keeps what it gets.
struct Webhook {
    address: String,
    got: Arc<Mutex<Vec<Value>>>,
}

type Got = Arc<Mutex<Vec<Value>>>;

async fn called(
    State(got): State<Got>,
    Query(query): Query<std::collections::BTreeMap<String, String>>,
    body: String,
) -> Response {
    match query.get("validationToken") {
        Some(token) => {
            ([(CONTENT_TYPE, "text/plain; charset=utf-8")], token.clone()).into_response()
        }
        None => {
            got.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            axum::http::StatusCode::ACCEPTED.into_response()
        }
    }
}

impl Webhook {
    async fn start() -> Self {
        let got = Got::default();
        let router =
            axum::Router::new().fallback(axum::routing::post(called)).with_state(Arc::clone(&got));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/webhooks/microsoft", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, got }
    }

    /// Causes of what came, request by request.
    fn causes(&self) -> Vec<Vec<String>> {
        let cause = |item: &Value| {
            let text = |name: &str| item[name].as_str().map(str::to_owned);
            text("lifecycleEvent").or_else(|| text("changeType")).unwrap()
        };
        let got = self.got.lock().unwrap();
        got.iter()
            .map(|body| body["value"].as_array().unwrap().iter().map(cause).collect())
            .collect()
    }
}

fn wanted(address: &str, expires: &str) -> Value {
    json!({
        "changeType": "created,updated,deleted", "notificationUrl": address,
        "lifecycleNotificationUrl": format!("{address}/lifecycle"), "resource": "me/events",
        "expirationDateTime": expires, "clientState": "secret", "latestSupportedTlsVersion": "v1_2",
    })
}

impl World {
    async fn subscribe(&self, webhook: &Webhook) -> Said {
        let body = wanted(&webhook.address, "2026-03-12T12:00:00Z");
        self.ask("POST", "/subscriptions", Some(body)).await
    }
}

#[tokio::test]
async fn a_webhook_shakes_hands_and_is_told_of_changes() {
    let (world, webhook) = (world().await, Webhook::start().await);
    let made = world.subscribe(&webhook).await;
    assert_eq!((made.status, made.text("clientState")), (201, "secret"), "{made:?}");
    assert_eq!(world.graph.pushes().handshakes(), 2);
    let id = world.work.add(at_ten(10, "Lunch"));
    world.work.patch(&id, json!({"subject": "Tea"}));
    world.graph.pushes().settle().await;
    let all = webhook.causes().concat();
    assert_eq!(all, ["created", "updated", "updated", "updated"]);
    assert!(webhook.causes().len() < 4, "several in one request");
    let item = webhook.got.lock().unwrap()[0]["value"][0].clone();
    assert_eq!(
        (&item["clientState"], &item["subscriptionId"]),
        (&json!("secret"), &made.body["id"])
    );
    assert_eq!(item["resourceData"]["id"], id);
    assert_ne!(item["resourceData"]["@odata.etag"], world.work.etag(&id).unwrap());
    assert!(item.get("id").is_none());
    let schema = crate::graph::schema::Schema::get();
    for push in world.graph.pushes().sent() {
        let wrong = schema.check_answer("changeNotification", &push.item);
        assert_eq!(wrong, Vec::<String>::new());
    }
    let pushed = &world.graph.pushes().sent()[0];
    assert_eq!((pushed.cause(), pushed.answers.as_slice()), ("created", [202].as_slice()));
    world.clean();
}

#[tokio::test]
async fn subscriptions_are_listed_renewed_and_end() {
    let (world, webhook) = (world().await, Webhook::start().await);
    world.graph.manners(|manners| manners.access_token_seconds = 86_400);
    let world = World { token: world.anna.access_token(), ..world };
    let made = world.subscribe(&webhook).await;
    let path = format!("/subscriptions/{}", made.text("id"));
    assert_eq!(world.subscribe(&webhook).await.refusal(), (409, "ExtensionError"));
    let list = world.get("/subscriptions").await;
    assert_eq!(list.items()[0]["clientState"], Value::Null);
    assert_eq!(list.items()[0]["notificationUrl"], webhook.address);
    assert_eq!(world.get(&path).await.text("clientState"), "secret");
    let later = |time: &str| Some(json!({"expirationDateTime": time}));
    let renewed = world.ask("PATCH", &path, later("2026-03-14T12:00:00Z")).await;
    assert_eq!(renewed.text("expirationDateTime"), "2026-03-14T12:00:00Z");
    let short = world.ask("PATCH", &path, later("2026-03-10T12:01:00Z")).await;
    assert_eq!(short.text("expirationDateTime"), "2026-03-10T12:45:00Z", "raised to 45 minutes");
    let long = world.ask("PATCH", &path, later("2026-03-17T11:55:00Z")).await;
    assert_eq!(long.refusal(), (400, "ExtensionError"), "10075 minutes");
    world.graph.manners(|manners| manners.subscription_minutes = 4_230);
    let long = world.ask("PATCH", &path, later("2026-03-14T12:00:00Z")).await;
    assert!(long.body["error"]["message"].as_str().unwrap().contains("4230 minutes"));
    world.graph.clock().advance(jiff::SignedDuration::from_hours(1));
    let over = world.ask("PATCH", &path, later("2026-03-12T12:00:00Z")).await;
    assert_eq!(over.refusal(), (404, "ResourceNotFound"), "it is over");
    assert_eq!(world.graph.subscriptions().len(), 0);
    let again = world.subscribe(&webhook).await;
    let path = format!("/subscriptions/{}", again.text("id"));
    assert_eq!(world.ask("DELETE", &path, None).await.status, 204);
    assert_eq!(world.ask("DELETE", &path, None).await.status, 404);
    world.clean();
}

#[tokio::test]
async fn what_happens_to_a_subscription_is_told() {
    let (world, webhook) = (world().await, Webhook::start().await);
    let made = world.subscribe(&webhook).await;
    let id = made.text("id").to_owned();
    assert!(world.graph.lifecycle(&id, Lifecycle::Reauthorize));
    world.work.add(at_ten(10, "Unheard"));
    world.graph.pushes().settle().await;
    assert_eq!(webhook.causes().concat(), ["reauthorizationRequired"]);
    let path = format!("/subscriptions/{id}/reauthorize");
    assert_eq!(world.ask("POST", &path, None).await.status, 204);
    world.work.add(at_ten(11, "Heard"));
    world.graph.pushes().settle().await;
    assert_eq!(webhook.causes().concat().len(), 4);
    let renewal = Some(json!({"expirationDateTime": "2026-03-12T13:00:00Z"}));
    world.ask("PATCH", &format!("/subscriptions/{id}"), renewal).await;
    assert_eq!(world.graph.violations().len(), 1, "not both within ten minutes");
    world.graph.lifecycle(&id, Lifecycle::Missed);
    world.anna.password_is_reset();
    world.graph.pushes().settle().await;
    let all = webhook.causes().concat();
    assert_eq!(all[4..], ["missed", "subscriptionRemoved"]);
    assert_eq!(world.graph.subscriptions().len(), 0);
}

#[tokio::test]
async fn notifications_are_lost_held_doubled_and_early() {
    let (world, webhook) = (world().await, Webhook::start().await);
    world.work.add(at_ten(9, "Before"));
    world.graph.manners(|manners| manners.updates_after_creation = 0);
    world.graph.pushes().way(|way| way.before_answers = true);
    world.subscribe(&webhook).await;
    assert_eq!(webhook.causes().concat(), ["updated"], "before the answer");
    world.graph.pushes().way(|way| way.lose = 1);
    world.work.add(at_ten(10, "Lost"));
    world.graph.pushes().way(|way| way.hold = true);
    world.work.add(at_ten(11, "Held"));
    world.graph.pushes().settle().await;
    assert_eq!(webhook.causes().concat().len(), 1);
    world.graph.pushes().release().await;
    assert_eq!(webhook.causes().concat().len(), 2);
    world.graph.pushes().way(|way| (way.hold, way.double) = (false, true));
    world.work.add(at_ten(12, "Twice"));
    world.graph.pushes().settle().await;
    assert_eq!(webhook.causes().concat().len(), 4);
    assert!(world.graph.pushes().sent()[1].lost);
    world.clean();
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_right_gets_no_subscription() {
    let world = world().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", silent.local_addr().unwrap());
    drop(silent);
    let body = wanted(&address, "2026-03-12T12:00:00Z");
    let refused = world.ask("POST", "/subscriptions", Some(body)).await;
    assert_eq!(refused.refusal(), (400, "ValidationError"));
    // The simulator itself answers with something else than the token.
    let other = world.graph.url().join("/nothing").unwrap();
    let body = wanted(other.as_str(), "2026-03-12T12:00:00Z");
    let refused = world.ask("POST", "/subscriptions", Some(body)).await;
    assert_eq!(refused.refusal(), (400, "ValidationError"));
    let plain = wanted("http://calrelay.example.org/hook", "2026-03-12T12:00:00Z");
    assert_eq!(world.ask("POST", "/subscriptions", Some(plain)).await.status, 400);
    assert_eq!(world.graph.subscriptions().len(), 0);
}

#[tokio::test]
async fn a_personal_mailbox_bears_the_tenant_of_exchange() {
    let (world, webhook) = (world().await, Webhook::start().await);
    let pat = world.graph.personal("pat@outlook.example");
    let world = World { token: pat.access_token(), ..world };
    assert_eq!(world.subscribe(&webhook).await.status, 201);
    pat.primary().add(at_ten(10, "Lunch"));
    world.graph.pushes().settle().await;
    assert_eq!(webhook.got.lock().unwrap()[0]["value"][0]["tenantId"], EXCHANGE_TENANT);
    world.graph.manners(|manners| {
        (manners.exchange_tenant, manners.personal_subscriptions) = (false, false);
    });
    pat.primary().add(at_ten(11, "Tea"));
    world.graph.pushes().settle().await;
    assert_eq!(
        webhook.got.lock().unwrap().last().unwrap()["value"][0]["tenantId"],
        PERSONAL_TENANT
    );
    assert_eq!(world.subscribe(&webhook).await.refusal(), (400, "ExtensionError"));
    world.clean();
}
