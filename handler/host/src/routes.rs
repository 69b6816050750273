//! The HTTP functions as routes, for both hosts.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use functions::FUNCTIONS;
use functions::binding::{AuthLevel, Trigger};
use functions::route::RouteTemplate;
use functions::trigger::{self, BodyError, FunctionCode, PendingBody, WebRequest};
use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;
use tokio::sync::Semaphore;

use crate::accept::ConnectionSlot;
use crate::ingress::Ingress;
use crate::operator::OperatorToken;

/// The body of a request has to arrive within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The largest body that is ignored, in bytes.
const MAX_IGNORED_BODY: usize = 64 * 1024;

/// The memory for all bodies that are being read, in KiB. A request waits if there is none left.
const BODY_BUDGET_KIB: usize = 16 * 1024;

/// The time-out of an answer. Azure's front end ends a request after 230 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Browsers use TLS only, for a year (RFC 6797).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

type Handler = for<'a> fn(&'a Services, trigger::HttpTrigger) -> BoxFuture<'a, trigger::Response>;
type RouterHandler = for<'a> fn(&'a Services, WebRequest) -> BoxFuture<'a, Response<Body>>;

/// The code of an HTTP function.
#[derive(Clone, Copy)]
enum HttpCode {
    /// It gets the body, of at most this many bytes.
    Whole(usize, Handler),
    /// It reads the body itself, of at most this many bytes.
    Router(usize, RouterHandler),
}

/// An HTTP function with its route.
struct RoutedFunction {
    route: RouteTemplate,
    methods: Vec<String>,
    access: AuthLevel,
    code: HttpCode,
}

/// The routes of all HTTP functions.
pub struct Routes {
    services: Arc<Services>,
    routes: Vec<RoutedFunction>,
    ingress: Ingress,
    /// The token of operators, if there is one.
    operator: Option<OperatorToken>,
    bodies: Arc<Semaphore>,
}

impl Routes {
    /// The routes of the table.
    ///
    /// # Errors
    /// If a `function.json` cannot be used.
    pub fn new(
        services: Arc<Services>,
        front: Ingress,
        operator: Option<OperatorToken>,
    ) -> Result<Self, functions::Error> {
        let mut routes = Vec::new();
        for function in &FUNCTIONS {
            let code = match function.run {
                FunctionCode::Http(most, run) => HttpCode::Whole(most, run),
                FunctionCode::Router(most, run) => HttpCode::Router(most, run),
                _ => continue,
            };
            if let Trigger::Http { route, methods, access } = function.binding()?.trigger {
                routes.push(RoutedFunction { route, methods, access, code });
            }
        }
        Ok(Self {
            services,
            routes,
            ingress: front,
            operator,
            bodies: Arc::new(Semaphore::new(BODY_BUDGET_KIB)),
        })
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request) -> Result<Response<Body>, Infallible> {
        // A proxy may use the other one of two names, and check another request than this one.
        let mut response = if request.headers().get_all(header::HOST).iter().count() > 1 {
            text_response(StatusCode::BAD_REQUEST, "The request names two hosts.\n")
        } else {
            let answer = AssertUnwindSafe(self.dispatch(request)).catch_unwind();
            match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
                Ok(Ok(answer)) => answer,
                // The Functions host repeats a request that has no answer, up to sixty times.
                Ok(Err(_)) => {
                    tracing::error!(
                        "a request ended in a panic; this is a bug in calrelay, please \
                    report it"
                    );
                    text_response(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "Calrelay had an internal error. Nothing more was done.\n",
                    )
                }
                Err(_) => text_response(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "This took too long, and was given up.\n",
                ),
            }
        };
        if self.services.setup.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
        {
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
        Ok(response)
    }

    async fn dispatch(&self, request: Request) -> Response<Body> {
        let matching: Vec<_> = self
            .routes
            .iter()
            .filter(|function| function.route.matches(request.uri().path()))
            .collect();
        if matching.is_empty() {
            return text_response(StatusCode::NOT_FOUND, "There is nothing here.\n");
        }
        let Some(function) = matching.iter().find(|function| {
            function.methods.iter().any(|method| method == request.method().as_str())
        }) else {
            let mut refused =
                text_response(StatusCode::METHOD_NOT_ALLOWED, "This is not done here.\n");
            let allowed = matching
                .iter()
                .flat_map(|function| function.methods.clone())
                .collect::<Vec<_>>()
                .join(", ");
            if let Ok(allowed) = allowed.parse() {
                refused.headers_mut().insert(header::ALLOW, allowed);
            }
            return refused;
        };
        match function.code {
            HttpCode::Whole(most, run) => self.run_whole(request, function.access, most, run).await,
            HttpCode::Router(most, run) => self.run_router(request, most, run).await,
        }
    }

    /// Reads the body, and runs a function.
    async fn run_whole(
        &self,
        request: Request,
        access: AuthLevel,
        most: usize,
        run: Handler,
    ) -> Response<Body> {
        let peer = peer(&request);
        let public_url = self.services.setup.public_url.as_deref();
        // A token in the request decides alone: after a wrong token the origin of the request does
        // not count.
        let shown =
            self.operator.as_ref().and_then(|operator| operator.is_shown_in(request.headers()));
        let operator = shown.unwrap_or_else(|| {
            let asked = (request.version(), request.headers());
            self.ingress.is_operator(access, public_url, peer, asked)
        });
        let (parts, body) = request.into_parts();
        let body = match read_body(&self.bodies, &parts.headers, body, most).await {
            Ok(body) => body,
            Err(error) => {
                let (status, words) = match error {
                    BodyError::TooLarge => (
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "The request is too large, or was cut off.\n",
                    ),
                    BodyError::Late => {
                        (StatusCode::REQUEST_TIMEOUT, "The request did not arrive in time.\n")
                    }
                };
                return text_response(status, words);
            }
        };
        let _work = parts.extensions.get::<ConnectionSlot>().map(ConnectionSlot::begin_request);
        let head = parts.method == Method::HEAD;
        let from = self.ingress.client(peer, &parts.headers);
        let request = trigger::HttpTrigger {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: body.into(),
            client_address: from,
            operator,
        };
        to_http(run(&self.services, request).await, head)
    }

    /// Runs a router. It checks the request before it reads the body.
    async fn run_router(
        &self,
        request: Request,
        most: usize,
        run: RouterHandler,
    ) -> Response<Body> {
        let peer = peer(&request);
        let asked = (request.version(), request.headers());
        let source = self.ingress.source(self.services.setup.public_url.as_deref(), peer, asked);
        let (parts, body) = request.into_parts();
        let slot = parts.extensions.get::<ConnectionSlot>().cloned();
        // A client that sends a body slowly has no request in progress.
        let has_body = parts.headers.contains_key(header::TRANSFER_ENCODING)
            || parts.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
        let _work = slot.filter(|_| !has_body).map(|slot| slot.begin_request());
        let (bodies, headers) = (self.bodies.clone(), parts.headers.clone());
        let body = async move { read_body(&bodies, &headers, body, most).await };
        let request = WebRequest {
            client_address: self.ingress.client(peer, &parts.headers),
            host: self.ingress.host_name(&parts.headers),
            source,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: PendingBody::new(body.boxed()),
        };
        run(&self.services, request).await
    }
}

fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// A body of at most `most` bytes. If the function ignores the body, a small one is not read.
async fn read_body(
    budget: &Semaphore,
    headers: &HeaderMap,
    body: Body,
    most: usize,
) -> Result<Bytes, BodyError> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // A chunked body has no known length, even if the request names one.
    let expected =
        if headers.contains_key(header::TRANSFER_ENCODING) { most } else { length.unwrap_or(0) };
    if expected > if most == 0 { MAX_IGNORED_BODY } else { most } {
        return Err(BodyError::TooLarge);
    }
    if most == 0 {
        return Ok(Bytes::new());
    }
    let read = async {
        let room = u32::try_from(expected.div_ceil(1024)).map_err(|_| BodyError::TooLarge)?;
        let _room = budget.acquire_many(room).await.map_err(|_| BodyError::Late)?;
        to_bytes(body, most).await.map_err(|_| BodyError::TooLarge)
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or(Err(BodyError::Late))
}

/// Converts an answer of a function to HTTP.
pub fn to_http(answer: trigger::Response, head: bool) -> Response<Body> {
    let mut response = Response::new(if head { Body::empty() } else { Body::from(answer.body) });
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(answer.content_type));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers.extend(answer.headers);
    response
}

/// An answer in plain text.
pub fn text_response(status: StatusCode, words: &str) -> Response<Body> {
    to_http(trigger::Response::text(status, words), false)
}

#[cfg(test)]
mod tests;
