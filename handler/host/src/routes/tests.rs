//! Requests to the webhook of a provider whose calls hold many notifications, under both hosts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use engine::provider::ProviderKind;
use jobs::{Clock, Connect, Owners, Services};
use providers::Provider;
use secrecy::SecretString;
use store::{Embedded, Op, Row, Store, Table};
use vault::Envelope;

use super::Routes;
use crate::clock::SystemClock;
use crate::ingress::Ingress;

const PATHS: [&str; 2] = ["/webhooks/microsoft", "/webhooks/microsoft/lifecycle"];

/// Storage that answers nothing, as while another request waits for it.
struct Stuck;

#[async_trait]
impl Store for Stuck {
    async fn get(&self, _: Table, _: &str, _: &str) -> store::Result<Option<Row>> {
        std::future::pending().await
    }
    async fn get_many(&self, _: Table, _: &str, _: &[String]) -> store::Result<Vec<Row>> {
        std::future::pending().await
    }
    async fn scan(
        &self,
        _: Table,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> store::Result<Vec<Row>> {
        std::future::pending().await
    }
    async fn commit(&self, _: Table, _: &str, _: &[Op]) -> store::Result<Vec<String>> {
        std::future::pending().await
    }
}

struct Offline;

#[async_trait]
impl Connect for Offline {
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

fn routes(ingress: Ingress) -> (Routes, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Arc::new(Embedded::open(dir.path(), || SystemClock.now()).unwrap());
    let services = Services {
        leases: embedded.clone(),
        queue: embedded,
        store: Arc::new(Stuck),
        vault: Arc::new(Envelope::local(dir.path()).unwrap()),
        connect: Arc::new(Offline),
        clock: Arc::new(SystemClock),
        setup: Arc::default(),
        in_process: Arc::default(),
        owners: Owners::default(),
    };
    (Routes::new(Arc::new(services), ingress, None).unwrap(), dir)
}

struct Answer {
    status: StatusCode,
    content_type: String,
    sniffing: String,
    body: Vec<u8>,
}

async fn post(routes: &Routes, target: &str, body: Vec<u8>) -> Answer {
    let request = Request::post(target)
        .header(header::HOST, "calendars.example.org")
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .header(header::CONTENT_LENGTH, body.len())
        .body(Body::from(body))
        .unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(30), routes.answer(request)).await;
    let answer = answer.unwrap().unwrap();
    let field = |name: header::HeaderName| {
        answer.headers().get(name).map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    Answer {
        status: answer.status(),
        content_type: field(header::CONTENT_TYPE),
        sniffing: field(header::X_CONTENT_TYPE_OPTIONS),
        body: to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec(),
    }
}

#[tokio::test]
async fn a_handshake_is_answered_while_storage_does_not() {
    for ingress in [Ingress::FunctionsHost, Ingress::Loopback, Ingress::Open] {
        let (routes, _dir) = routes(ingress);
        for path in PATHS {
            let target = format!("{path}?validationToken=Validation%3a+%3Cb%3E%c3%bc%2B");
            let answer = post(&routes, &target, Vec::new()).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.content_type, "text/plain; charset=utf-8");
            assert_eq!(answer.sniffing, "nosniff");
            assert_eq!(answer.body, "Validation: <b>\u{fc}+".as_bytes());
            let longest = format!("{path}?validationToken={}", "x".repeat(4096));
            assert_eq!(post(&routes, &longest, Vec::new()).await.body.len(), 4096);
            let longer = post(&routes, &format!("{longest}x"), Vec::new()).await;
            assert_eq!(longer.status, StatusCode::BAD_REQUEST);
        }
    }
}

#[tokio::test]
async fn forged_notifications_get_the_answer_of_genuine_ones_and_a_body_is_bounded() {
    let (routes, _dir) = routes(Ingress::Open);
    let forged = r#"{"clientState":"h2.0.x.local.y","subscriptionId":"s","changeType":"updated"}"#;
    let most = 1024 * 1024;
    let mut full = format!(r#"{{"value":[{forged}"#);
    while full.len() + forged.len() + 3 <= most {
        full = full + "," + forged;
    }
    full += "]}";
    let padding = most - full.len();
    full += &" ".repeat(padding);
    for path in PATHS {
        for (body, status) in [
            (format!(r#"{{"value":[{forged}]}}"#), 202),
            (r#"{"value":[]}"#.to_owned(), 202),
            ("[]".to_owned(), 202),
            (String::new(), 400),
            ("{".to_owned(), 400),
            (full.clone(), 202),
            (full.clone() + " ", 413),
        ] {
            let length = body.len();
            let answer = post(&routes, path, body.into()).await;
            assert_eq!(answer.status.as_u16(), status, "{path}, {length} bytes");
        }
        let get = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(routes.answer(get).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
