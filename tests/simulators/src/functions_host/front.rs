//! The front: requests from outside reach the handler only by the route of an HTTP function.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokio::net::TcpListener;
use url::Url;

use super::app::{App, Trigger};
use crate::client::Client;

/// A running front.
pub struct Front {
    url: Url,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    app: App,
    handler: Client,
}

impl Front {
    /// Before the handler at `handler`.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(app: &App, handler: &Url) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
        let shared = Arc::new(Shared { app: app.clone(), handler: Client::new(handler) });
        let router = Router::new().fallback(pass).with_state(shared);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, server })
    }

    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let inside = match shared.app.prefix.as_str() {
        "" => Some(path),
        prefix => path.trim_start_matches('/').strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/')),
    };
    let found = inside.is_some_and(|inside| {
        shared.app.functions.values().any(|function| match &function.trigger {
            Trigger::Http { template, methods } => {
                template.matches(inside) && (methods.is_empty() || methods.iter().any(|method| method == parts.method.as_str()))
            }
            _ => false,
        })
    });
    if !found {
        return status(StatusCode::NOT_FOUND);
    }
    let Ok(body) = to_bytes(body, 100 * 1024 * 1024).await else { return status(StatusCode::BAD_REQUEST) };
    let mut headers =
        vec![("x-azure-functions-invocationid", "1"), ("x-azure-functions-hostversion", "4.1037.0"), ("x-ms-invocation-id", "1")];
    let given =
        parts.headers.iter().filter(|(name, _)| !["host", "connection", "content-length", "transfer-encoding"].contains(&name.as_str()));
    headers.extend(given.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))));
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    match shared.handler.send_exactly(parts.method.as_str(), target, &headers, body).await {
        Ok(answer) => {
            let mut response = status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY));
            if let Some(kind) = answer.headers.get("content-type") {
                response.headers_mut().insert("content-type", kind.clone());
            }
            *response.body_mut() = Body::from(answer.body);
            response
        }
        Err(_) => status(StatusCode::BAD_GATEWAY),
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
