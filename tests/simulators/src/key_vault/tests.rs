//! What the stand-in accepts and refuses. The requests are written by hand, because the product
//! sends valid ones only.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const CALL: &str = r#"{"alg":"RSA-OAEP-256","value":"AAECAwQFBgcICQoLDA0ODw"}"#;
const QUERY: &str = "?api-version=2025-07-01";

/// One request; status and the whole answer.
async fn ask(
    vault: &KeyVault,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let mut line = TcpStream::connect(vault.listener.address()).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: \
        {length}\r\n\r\n{body}"
    );
    line.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    (answer.get(9..12).map_or(0, |status| status.parse().unwrap()), answer)
}

/// With a good token.
async fn call(vault: &KeyVault, method: &str, target: &str, body: &str) -> (u16, String) {
    let token = vault.state().new_token();
    let headers = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
    ask(vault, method, target, &headers, body).await
}

fn value(answer: &str) -> String {
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    serde_json::from_str::<serde_json::Value>(body).unwrap()["value"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_it_wraps_it_unwraps_and_every_time_differently() {
    let vault = KeyVault::start("name", "kek").await.unwrap();
    let (wrap, unwrap) = (
        format!("/keys/kek//wrapkey{QUERY}"),
        format!("/keys/kek/{}/unwrapkey{QUERY}", vault.newest()),
    );
    let (status, one) = call(&vault, "POST", &wrap, CALL).await;
    let (_, two) = call(&vault, "POST", &wrap, CALL).await;
    assert_eq!(status, 200);
    assert!(one.contains(&format!("{}/{}", vault.identifier(), vault.newest())));
    assert_ne!(value(&one), value(&two));
    assert_eq!(value(&one).len(), 342, "2,048 bits");
    let (_, back) = call(
        &vault,
        "POST",
        &unwrap,
        &format!(r#"{{"alg":"RSA-OAEP-256","value":"{}"}}"#, value(&one)),
    )
    .await;
    assert_eq!(value(&back), "AAECAwQFBgcICQoLDA0ODw");
    vault.rotate();
    let newest = format!("/keys/kek/{}/unwrapkey{QUERY}", vault.newest());
    let (status, _) = call(
        &vault,
        "POST",
        &newest,
        &format!(r#"{{"alg":"RSA-OAEP-256","value":"{}"}}"#, value(&one)),
    )
    .await;
    assert_eq!(status, 400, "another version's");
    assert_eq!(vault.counts().wrong, 0);
}

#[tokio::test]
async fn who_has_no_token_is_challenged() {
    let vault = KeyVault::start("name", "kek").await.unwrap();
    let target = format!("/keys/kek//wrapkey{QUERY}");
    let (status, answer) = ask(&vault, "POST", &target, "", "").await;
    assert_eq!(status, 401);
    assert!(
        answer.contains(
            r#"www-authenticate: Bearer authorization="https://login.microsoftonline.com/"#
        )
    );
    assert_eq!(vault.counts().bodies_before_sign_in, 0);
    let (status, _) = ask(
        &vault,
        "POST",
        &target,
        "authorization: Bearer token-made-up\r\ncontent-type: application/json\r\n",
        CALL,
    )
    .await;
    assert_eq!((status, vault.counts().bodies_before_sign_in), (401, 1));
    assert_eq!(vault.counts().calls(), 0);
}

#[tokio::test]
async fn what_key_vault_does_not_take_is_refused() {
    let vault = KeyVault::start("name", "kek").await.unwrap();
    let target = format!("/keys/kek//wrapkey{QUERY}");
    let long = format!(r#"{{"alg":"RSA-OAEP-256","value":"{}"}}"#, "A".repeat(300));
    for (method, target, body, expected) in [
        ("GET", target.as_str(), CALL, 400),
        ("POST", "/keys/kek//wrapkey", CALL, 400),
        ("POST", "/keys/kek//wrapkey?api-version=7.4", CALL, 400),
        ("POST", &target, "", 400),
        ("POST", &target, r#"{"alg":"RSA-OAEP","value":"AAAA"}"#, 400),
        ("POST", &target, r#"{"alg":"RSA-OAEP-256","value":"AA=="}"#, 400),
        ("POST", &target, r#"{"alg":"RSA-OAEP-256","value":""}"#, 400),
        ("POST", &target, r#"{"alg":"RSA-OAEP-256","value":"AAAA","kid":"x"}"#, 400),
        ("POST", &target, &long, 400),
        ("POST", &format!("/keys/other//wrapkey{QUERY}"), CALL, 404),
        ("POST", &format!("/keys/kek/wrapkey{QUERY}"), CALL, 404),
        ("POST", &format!("/keys/kek/00000000000000000000000000000000/wrapkey{QUERY}"), CALL, 404),
        ("POST", &format!("/secrets/kek//wrapkey{QUERY}"), CALL, 404),
    ] {
        assert_eq!(
            call(&vault, method, target, body).await.0,
            expected,
            "{method} {target} {body}"
        );
    }
}

#[tokio::test]
async fn the_metadata_service_wants_its_header_and_this_resource() {
    let vault = KeyVault::start("name", "kek").await.unwrap();
    let target = "/metadata/identity/oauth2/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net";
    assert_eq!(ask(&vault, "GET", target, "", "").await.0, 400);
    assert_eq!(
        ask(&vault, "GET", &target.replace("vault", "graph"), "metadata: true\r\n", "").await.0,
        400
    );
    let (status, answer) = ask(&vault, "GET", target, "metadata: true\r\n", "").await;
    assert_eq!(status, 200);
    assert!(answer.contains(&vault.tokens()[0]));
}

#[tokio::test]
async fn faults_strike_calls_in_their_order() {
    let vault = KeyVault::start("name", "kek").await.unwrap();
    let target = format!("/keys/kek//wrapkey{QUERY}");
    vault.next(Fault::Throttled(Some(7)));
    vault.next(Fault::Unavailable);
    assert_eq!(ask(&vault, "POST", &target, "", "").await.0, 401, "the challenge spends none");
    let (status, answer) = call(&vault, "POST", &target, CALL).await;
    assert!(status == 429 && answer.contains("retry-after: 7\r\n"));
    assert_eq!(call(&vault, "POST", &target, CALL).await.0, 503);
    assert_eq!(call(&vault, "POST", &target, CALL).await.0, 200);
    vault.all(Some(Fault::Cut));
    assert_eq!(call(&vault, "POST", &target, CALL).await.0, 0);
    vault.all(None);
    vault.allow(false);
    assert_eq!(call(&vault, "POST", &target, CALL).await.0, 403);
}
