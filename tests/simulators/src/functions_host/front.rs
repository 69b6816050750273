//! The front: requests from outside reach the handler only by the route of an HTTP function, and
//! with the key that it asks for.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use super::app::{App, Level, Trigger};
use super::shared::Core;
use crate::client::Client;

/// The app's key for all its functions.
pub const HOST_KEY: &str = "the-key-for-every-function-of-the-app==";
/// The app's master key.
pub const MASTER_KEY: &str = "the-key-for-everything-in-the-app==";

/// The host waits so long for a handler that is being started.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running front.
pub(super) struct Front {
    url: Url,
    server: tokio::task::JoinHandle<()>,
}

impl Front {
    /// Starts it.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(core: Arc<Core>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
        let router = Router::new().fallback(pass).with_state(core);
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

async fn pass(State(core): State<Arc<Core>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let key = key(&parts);
    // The host's own path: it invokes functions for callers with the master key.
    if parts.uri.path().trim_start_matches('/').split('/').next() == Some("admin") {
        return status(if key.as_deref() == Some(MASTER_KEY) {
            StatusCode::NOT_IMPLEMENTED
        } else {
            StatusCode::UNAUTHORIZED
        });
    }
    let Some(level) = level(&core.app, &parts) else { return status(StatusCode::NOT_FOUND) };
    let welcome = match (level, key.as_deref()) {
        (Level::Anonymous, _) | (_, Some(MASTER_KEY)) => true,
        (Level::Function, key) => key == Some(HOST_KEY),
        (Level::Admin, _) => false,
    };
    if !welcome {
        return status(StatusCode::UNAUTHORIZED);
    }
    let Ok(body) = to_bytes(body, 100 * 1024 * 1024).await else {
        return status(StatusCode::BAD_REQUEST);
    };
    let Ok(Some(up)) = tokio::time::timeout(PATIENCE, core.handler()).await else {
        return status(StatusCode::SERVICE_UNAVAILABLE);
    };
    let asked = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut headers = vec![
        // The host sets these itself, whatever the client sent.
        ("x-forwarded-host", asked),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "192.0.2.10"),
        ("x-azure-functions-invocationid", "1"),
        ("x-azure-functions-hostversion", "4.1037.0"),
        ("x-ms-invocation-id", "1"),
    ];
    let hop = [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "x-azure-functions-invocationid",
        "x-azure-functions-hostversion",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-for",
        "forwarded",
    ];
    let given = parts.headers.iter().filter(|(name, _)| !hop.contains(&name.as_str()));
    headers.extend(given.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))));
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    match Client::new(&up.url).send_exactly(parts.method.as_str(), target, &headers, body).await {
        Ok(answer) => {
            let mut response =
                status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY));
            let passed = answer.headers.iter().filter(|(name, _)| !hop.contains(&name.as_str()));
            for (name, value) in passed {
                response.headers_mut().append(name.clone(), value.clone());
            }
            *response.body_mut() = Body::from(answer.body);
            response
        }
        Err(_) => status(StatusCode::BAD_GATEWAY),
    }
}

/// The access level of the function that the request belongs to; `None` where there is none.
fn level(app: &App, parts: &Parts) -> Option<Level> {
    let path = parts.uri.path();
    let inside = match app.prefix.as_str() {
        "" => path,
        prefix => path
            .trim_start_matches('/')
            .strip_prefix(prefix)
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))?,
    };
    app.functions.values().find_map(|function| match &function.trigger {
        Trigger::Http { template, methods, level }
            if template.matches(inside)
                && (methods.is_empty()
                    || methods.iter().any(|method| method == parts.method.as_str())) =>
        {
            Some(*level)
        }
        _ => None,
    })
}

/// `x-functions-key`, or else `?code=`.
fn key(parts: &Parts) -> Option<String> {
    if let Some(key) = parts.headers.get("x-functions-key") {
        return key.to_str().ok().map(str::to_owned);
    }
    let query = parts.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "code")
        .map(|(_, key)| key.into_owned())
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
