//! The API from outside: requests and answers.

use jobs::access::Permission;
use serde_json::json;

use crate::request::BodyError;
use crate::test_web::{TestWeb, ask};

const PUBLIC: &str = "https://cal.example.org";
const NAME: &str = "cal.example.org";

#[tokio::test]
async fn who_asks_is_known_by_the_loopback_or_by_a_token() {
    let web = TestWeb::new(Some(PUBLIC));
    let here = web.send(ask("GET", "/api/v1/me")).await;
    assert_eq!(
        here.json(),
        json!({
            "user": null, "mode": "single-user", "by": "loopback",
            "scopes": ["read", "sync", "write"], "name": null,
        })
    );
    let token = web.token(&[Permission::Read]).await;
    for asked in [ask("GET", "/api/v1/me"), ask("GET", "/api/v1/me").remote(NAME)] {
        let known = web.send(asked.token(&token)).await.json();
        assert_eq!((&known["by"], &known["scopes"]), (&json!("token"), &json!(["read"])));
    }
    let unknown = web.send(ask("GET", "/api/v1/me").remote(NAME)).await;
    assert_eq!(unknown.code(), (401, "unauthenticated".into()));
    assert_eq!(unknown.header("www-authenticate"), "Bearer");
    assert_eq!(unknown.json()["instance"], "/api/v1/me");
    let wrong = ask("GET", "/api/v1/me").token(&token.to_uppercase());
    assert_eq!(web.send(wrong).await.code(), (401, "unauthenticated".into()), "also here");
    let basic = ask("GET", "/api/v1/me").with("authorization", "Basic YTpi");
    assert_eq!(web.send(basic).await.code().0, 401);
}

#[tokio::test]
async fn checks_come_in_their_order() {
    let web = TestWeb::new(Some(PUBLIC));
    let token = web.token(&[Permission::Read]).await;
    let foreign = |method: &str, path: &str| ask(method, path).remote("evil.example");
    let cross = foreign("GET", "/api/v1/x").with("sec-fetch-site", "cross-site");
    assert_eq!(web.send(cross).await.code(), (421, "misdirected".into()));
    let cross = ask("GET", "/api/v1/x").remote(NAME).with("sec-fetch-site", "cross-site");
    assert_eq!(web.send(cross).await.code(), (403, "cross_site".into()));
    let unknown = ask("GET", "/api/v1/x").remote(NAME);
    assert_eq!(web.send(unknown).await.code(), (401, "unauthenticated".into()));
    let nowhere = ask("GET", "/api/v1/x").token(&token);
    assert_eq!(web.send(nowhere).await.code(), (404, "not_found".into()));
    let method = web.send(ask("PUT", "/api/v1/tokens").token(&token)).await;
    assert_eq!(method.code(), (405, "method".into()));
    assert!(method.header("allow").contains("POST"), "{}", method.header("allow"));
    let body = ask("POST", "/api/v1/tokens").token(&token).broken(BodyError::TooLarge);
    assert_eq!(web.send(body).await.code(), (403, "not_by_token".into()));
    let body = ask("POST", "/api/v1/tokens").broken(BodyError::TooLarge);
    assert_eq!(web.send(body).await.code(), (413, "too_large".into()));
}

#[tokio::test]
async fn every_answer_has_its_fields() {
    let web = TestWeb::new(None);
    for target in ["/api/v1/me", "/api/v1/x", "/api/v1/openapi.json"] {
        let answer = web.send(ask("GET", target)).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-request-id").len(), 16);
        let head = web.send(ask("HEAD", target)).await;
        assert_eq!((head.status, head.text.as_str()), (answer.status, ""));
    }
}

#[tokio::test]
async fn a_token_is_made_shown_once_and_removed() {
    let web = TestWeb::new(None);
    let new = json!({"name": "backup", "scopes": ["sync", "read"], "expires_days": 1.0});
    let made = web.send(ask("POST", "/api/v1/tokens").json(&new)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("calrelay_") && made["expires"] == "2026-12-02T09:30:00Z", "{made}");
    let listed = web.send(ask("GET", "/api/v1/tokens")).await;
    assert!(!listed.text.contains(token), "{}", listed.text);
    assert_eq!(listed.json()["tokens"][0]["scopes"], json!(["read", "sync"]));
    let own = ask("GET", "/api/v1/tokens").token(token);
    assert_eq!(web.send(own).await.code(), (403, "not_by_token".into()));
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(web.send(ask("DELETE", &path)).await.status, 204);
    assert_eq!(web.send(ask("DELETE", &path)).await.code(), (404, "not_found".into()));
    let gone = ask("GET", "/api/v1/me").token(token);
    assert_eq!(web.send(gone).await.code(), (401, "unauthenticated".into()));
}

#[tokio::test]
async fn what_is_wrong_in_a_body_is_named() {
    let web = TestWeb::new(None);
    let post = |kind: &str, body: &str| ask("POST", "/api/v1/tokens").body(kind, body);
    for (body, pointer) in [
        (r#"{"name": "x", "scopes": ["moon"]}"#, "#/scopes/0"),
        (r#"{"name": "x", "scopes": ["read"], "more": 1}"#, "#/more"),
        (r#"{"name": "x", "name": "y", "scopes": ["read"]}"#, "#"),
        (r#"{"name": 7, "scopes": ["read"]}"#, "#/name"),
        (r#"{"name": "x", "scopes": ["read", "read"]}"#, "#/scopes"),
        (r#"{"name": "x", "scopes": ["read"], "expires_days": 6.5}"#, "#/expires_days"),
        (r#"{"name": "x", "scopes": ["read"], "expires_days": "6"}"#, "#/expires_days"),
        (r#"{"scopes": ["read"]}"#, "#"),
        (r#"{"name": "x", "scopes": ["read"]} x"#, "#"),
        ("", "#"),
        ("[1]", "#/0"),
    ] {
        let answer = web.send(post("application/json", body)).await;
        assert_eq!(answer.code(), (400, "bad_request".into()), "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}: {}", answer.text);
        assert!(!answer.text.contains("at line"), "{}", answer.text);
    }
    let deep = format!("{{\"name\": {}", "[".repeat(10_000));
    assert_eq!(web.send(post("application/json", &deep)).await.code().0, 400);
    let other = web.send(post("text/plain", "{}")).await;
    assert_eq!(other.code(), (415, "media_type".into()));
    let charset = web.send(post("application/json; charset=utf-8", "{}")).await;
    assert_eq!(charset.code().0, 400);
}

#[tokio::test]
async fn ids_that_nothing_has_are_not_found() {
    let web = TestWeb::new(None);
    for id in ["x", "..%2Fme", "%00", "a%2Fb", &"x".repeat(65), "%ff"] {
        let answer = web.send(ask("DELETE", &format!("/api/v1/tokens/{id}"))).await;
        assert_eq!(answer.code(), (404, "not_found".into()), "{id}");
    }
}

#[tokio::test]
async fn the_document_describes_every_operation() {
    let web = TestWeb::new(Some(PUBLIC));
    let document = web.send(ask("GET", "/api/v1/openapi.json").remote(NAME)).await;
    let document = document.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["servers"][0]["url"], PUBLIC);
    let operation = &document["paths"]["/api/v1/tokens"]["post"];
    assert_eq!(operation["security"], json!([{"token": []}]));
    assert_eq!(operation["operationId"], "post_tokens");
    assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object());
    assert!(operation["responses"]["201"]["headers"]["X-Request-Id"].is_object());
    for variant in document["components"]["schemas"]["NewAccount"]["oneOf"].as_array().unwrap() {
        assert_eq!(variant["additionalProperties"], false, "{variant}");
    }
    let foreign = web.send(ask("GET", "/api/v1/openapi.json").remote("evil.example")).await;
    assert_eq!(foreign.code().0, 421);
}

#[tokio::test]
async fn what_is_stored_is_shown_and_a_refused_account_is_not_stored() {
    let web = TestWeb::new(None);
    assert_eq!(web.send(ask("GET", "/api/v1/accounts")).await.json(), json!({"accounts": []}));
    assert_eq!(web.send(ask("GET", "/api/v1/calendars")).await.json(), json!({"calendars": []}));
    assert_eq!(web.send(ask("GET", "/api/v1/status")).await.json()["pairs"], json!([]));
    let new = json!({
        "provider": "caldav", "url": "https://dav.example.org/", "user": "anna", "password": "x",
    });
    for _ in 0..5 {
        let refused = web.send(ask("POST", "/api/v1/accounts").json(&new)).await;
        assert_eq!(refused.code(), (422, "unauthorized".into()), "{}", refused.text);
    }
    let many = web.send(ask("POST", "/api/v1/accounts").json(&new)).await;
    assert_eq!(many.code(), (429, "throttled".into()));
    assert!(many.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(web.send(ask("GET", "/api/v1/accounts")).await.json(), json!({"accounts": []}));
    for wrong in [
        json!({"provider": "google", "user": "x", "password": "y"}),
        json!({"provider": "caldav", "user": "x", "password": "y"}),
        json!({"provider": "icloud", "url": "x", "user": "x", "password": "y"}),
    ] {
        let answer = web.send(ask("POST", "/api/v1/accounts").json(&wrong)).await;
        assert_eq!(answer.code(), (400, "bad_request".into()), "{wrong}");
    }
}

#[tokio::test]
async fn a_scope_is_wanted_for_every_operation_of_the_document() {
    let web = TestWeb::new(Some(PUBLIC));
    let document = web.send(ask("GET", "/api/v1/openapi.json")).await.json();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, _) in item.as_object().unwrap() {
            let target = path.replace("{id}", "x");
            let without = ask(&method.to_uppercase(), &target).remote(NAME);
            assert_eq!(web.send(without).await.code().0, 401, "{method} {path}");
            // Tokens that together hold every scope but the one that is wanted.
            let mut allowed = 0;
            for one in Permission::ALL {
                let token = web.token(&[one]).await;
                let asked = ask(&method.to_uppercase(), &target).remote(NAME).token(&token);
                let answer = web.send(asked).await;
                let is_refused = answer.status == 403;
                if is_refused {
                    let code = answer.code().1;
                    assert!(["scope", "not_by_token", "operator_only"].contains(&code.as_str()));
                }
                allowed += usize::from(!is_refused);
            }
            assert!(allowed <= 1, "{method} {path} is allowed by {allowed} scopes");
            seen += 1;
        }
    }
    assert!(seen >= 22, "{seen}");
}

#[tokio::test]
async fn pairs_that_are_not_there_are_not_found() {
    let web = TestWeb::new(None);
    for (method, path) in [
        ("GET", "/api/v1/pairs/p1"),
        ("DELETE", "/api/v1/pairs/p1"),
        ("POST", "/api/v1/pairs/p1/pause"),
        ("POST", "/api/v1/pairs/p1/resume"),
        ("GET", "/api/v1/pairs/p1/explain?event=x"),
        ("GET", "/api/v1/pairs/p1/events?day=2026-12-03&zone=Europe/Berlin"),
        ("GET", "/api/v1/pairs/p1/problems"),
        ("GET", "/api/v1/pairs/p1/conflicts?limit=200"),
        ("GET", "/api/v1/accounts/a1"),
        ("DELETE", "/api/v1/accounts/a1"),
        ("POST", "/api/v1/accounts/a1/refresh"),
        ("GET", "/api/v1/calendars?account=a1"),
    ] {
        assert_eq!(web.send(ask(method, path)).await.code(), (404, "not_found".into()), "{path}");
    }
    for query in ["account=", "account=a%2Fb", "account=a1&account=a2"] {
        let answer = web.send(ask("GET", &format!("/api/v1/calendars?{query}"))).await;
        assert_eq!(answer.code(), (400, "bad_request".into()), "{query}");
    }
    for query in [
        "explain",
        "explain?event=",
        "events?day=2026-02-30&zone=UTC",
        "events?day=2026-12-03",
        "problems?limit=0",
        "problems?limit=201",
        "problems?cursor=",
        "conflicts?cursor=a%2Fb",
        "conflicts?limit=1&limit=2",
    ] {
        let answer = web.send(ask("GET", &format!("/api/v1/pairs/p1/{query}"))).await;
        assert_eq!(answer.code(), (400, "bad_request".into()), "{query}");
    }
}

#[tokio::test]
async fn the_operator_alone_sees_how_the_installation_is() {
    let web = TestWeb::new(Some(PUBLIC));
    let here = web.send(ask("GET", "/api/v1/doctor")).await;
    assert!(here.json()["findings"].is_array(), "{}", here.text);
    let token = web.token(&Permission::ALL).await;
    let asked = ask("GET", "/api/v1/doctor").remote(NAME).token(&token);
    assert_eq!(web.send(asked).await.code(), (403, "operator_only".into()));
}

#[tokio::test]
async fn a_pair_is_a_draft_until_it_is_started_and_is_made_once() {
    let web = TestWeb::new(None);
    web.calendars().await;
    let new = json!({"from": "c1", "to": "c2", "two_way": true, "window_past": "10d"});
    let made = web.send(ask("POST", "/api/v1/pairs").json(&new)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let pair = made.json();
    let id = pair["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("/api/v1/pairs/{id}"));
    assert_eq!((&pair["state"], &pair["window_past"]), (&json!("draft"), &json!("10d")));
    assert_eq!((&pair["window_future"], &pair["private"]), (&json!("12mo"), &json!(false)));
    let again = web.send(ask("POST", "/api/v1/pairs").json(&new)).await;
    assert_eq!(again.code(), (409, "exists".into()));
    assert_eq!(again.json()["pair"], id);
    let pause = web.send(ask("POST", &format!("/api/v1/pairs/{id}/pause"))).await;
    assert_eq!(pause.code(), (409, "draft".into()));
    let listed = web.send(ask("GET", "/api/v1/pairs")).await.json();
    assert_eq!(listed["pairs"][0]["id"], id);
    for (wrong, code) in [
        (json!({"from": "c1", "to": "c1"}), (409, "same_calendar")),
        // The calendar can only be read, and its account cannot be asked whether that has changed.
        (json!({"from": "c1", "to": "c3"}), (409, "needs_reconnect")),
        (json!({"from": "c2", "to": "c1", "private_back": true}), (400, "bad_request")),
        (json!({"from": "c1", "to": "c2", "window_past": "3w"}), (400, "bad_request")),
        (json!({"from": "c/1", "to": "c2"}), (400, "bad_request")),
        (json!({"from": "c1"}), (400, "bad_request")),
    ] {
        let answer = web.send(ask("POST", "/api/v1/pairs").json(&wrong)).await;
        assert_eq!(answer.code(), (code.0, code.1.to_owned()), "{wrong}: {}", answer.text);
        assert!(!answer.text.contains("--") && !answer.text.contains("calrelay "), "{wrong}");
    }
    assert_eq!(web.send(ask("GET", "/api/v1/accounts/a1")).await.json()["pairs"], 1);
    assert_eq!(web.send(ask("DELETE", &format!("/api/v1/pairs/{id}"))).await.status, 204);
}

#[tokio::test]
async fn a_version_guards_a_change_and_spares_a_read() {
    let web = TestWeb::new(None);
    web.calendars().await;
    let new = json!({"from": "c1", "to": "c2", "start": true});
    let pair = web.send(ask("POST", "/api/v1/pairs").json(&new)).await.json();
    let path = format!("/api/v1/pairs/{}", pair["id"].as_str().unwrap());
    let read = web.send(ask("GET", &path)).await;
    let etag = read.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.len() == 18, "{etag}");
    for named in [etag.clone(), format!("\"x\", {etag}"), format!("W/{etag}"), "*".into()] {
        let same = web.send(ask("GET", &path).with("if-none-match", &named)).await;
        assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""), "{named}");
        assert_eq!(same.header("etag"), etag);
    }
    assert_eq!(web.send(ask("POST", &format!("{path}/pause"))).await.json()["state"], "paused");
    let late = ask("DELETE", &path).with("if-match", &etag);
    assert_eq!(web.send(late).await.code(), (412, "changed_meanwhile".into()));
    let now = web.send(ask("GET", &path).with("if-none-match", &etag)).await;
    assert_eq!(now.status, 200);
    let right = ask("DELETE", &path).with("if-match", now.header("etag"));
    assert_eq!(web.send(right).await.status, 204);
    let account = web.send(ask("GET", "/api/v1/accounts/a1")).await;
    let same = ask("GET", "/api/v1/accounts/a1").with("if-none-match", account.header("etag"));
    assert_eq!(web.send(same).await.status, 304);
    let wrong = ask("DELETE", "/api/v1/accounts/a1").with("if-match", "\"x\"");
    assert_eq!(web.send(wrong).await.code().0, 412);
}
