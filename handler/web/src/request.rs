//! A request as a host hands it over, and its body, which is read late.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Uri};

/// An answer, whose body may be a stream.
pub type WebResponse = http::Response<Body>;

/// A request.
pub struct WebRequest {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: PendingBody,
    /// The client's address, if it is known.
    pub client_address: Option<IpAddr>,
    /// The name of the host that the client asked for, in lower case and without a port.
    pub host: Option<String>,
    pub source: Source,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From a user of this machine: under a name of the loopback, and not through a proxy.
    Local,
    /// From elsewhere, or through a proxy.
    Remote,
    /// Through the Functions host.
    FunctionsHost,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// The body is larger than the limit, or was cut off.
    TooLarge,
    /// The body did not arrive in time.
    Late,
}

/// A body that is read when it is wanted, within the limits of the host.
#[derive(Clone)]
pub struct PendingBody(Arc<Mutex<Option<BodyFuture>>>);

type BodyFuture = BoxFuture<'static, Result<Bytes, BodyError>>;

impl PendingBody {
    /// The body that this future reads.
    pub fn new(body: BodyFuture) -> Self {
        Self(Arc::new(Mutex::new(Some(body))))
    }

    /// Reads the body; empty where it was read before.
    pub async fn read(&self) -> Result<Bytes, BodyError> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match body {
            Some(body) => body.await,
            None => Ok(Bytes::new()),
        }
    }
}
