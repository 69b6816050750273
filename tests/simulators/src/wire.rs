//! HTTP over a socket that can be cut: the base of the simulators.
//!
//! One level below a web framework, because a broken line is not an answer.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures::stream::{self, StreamExt};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is answered.
    Answer(Response<Body>),
    /// Its connection ends without a word.
    Cut,
}

/// A server on a free port of the loopback. Dropping it ends it, with all its connections.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    accepting: JoinHandle<Infallible>,
}

impl Listener {
    /// Starts answering with `handler`.
    ///
    /// # Errors
    /// Where no port can be had.
    pub(crate) async fn start<H, F>(handler: H) -> std::io::Result<Self>
    where
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let handler = Arc::new(handler);
        let accepting = tokio::spawn(async move {
            // The connections live in this task: when it ends, they end.
            let mut connections = JoinSet::new();
            loop {
                while connections.try_join_next().is_some() {}
                let Ok((stream, _)) = socket.accept().await else { continue };
                // A small answer must not wait for the next one (Nagle and delayed acknowledgements
                // cost 40 ms a request).
                if stream.set_nodelay(true).is_err() {
                    continue;
                }
                let handler = Arc::clone(&handler);
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let outcome = handler(request);
                        async move {
                            match outcome.await {
                                Outcome::Answer(answer) => Ok(answer),
                                Outcome::Cut => Err(CutOff),
                            }
                        }
                    });
                    // An error here is a connection that either side has cut: it is not reported.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL.
    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://{}/", self.address)).expect("an address of ours is a URL")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The connection is to end without an answer.
#[derive(Debug)]
struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut on purpose")
    }
}

impl std::error::Error for CutOff {}

/// A body that promises to be whole and ends in the middle.
pub(crate) fn truncated(whole: &Bytes) -> Body {
    let half = whole.slice(..whole.len() / 2);
    Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(async {
        // The half must be on its way before the line breaks, or the client sees no answer at all.
        tokio::task::yield_now().await;
        Err(CutOff)
    })))
}
