//! A proxy to put before a real server: it counts what passes, and breaks what the plan says.
//!
//! Properties:
//! - It rewrites nothing: paths, header fields (Host too) and bodies pass as they are; bodies are
//!   streamed. Only what belongs to the connection itself (`Connection`, `Transfer-Encoding`) is
//!   each side's own. The exception is a prefix ([`Proxy::below`]).
//! - A fault "before" means that the server never saw the request; "after" means that the server's
//!   answer was there already.

mod prefix;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, Version, header};
use futures::StreamExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use crate::faults::{Asked, Fault, Faults};
use crate::traffic::{Counts, Kind, Meter, UnderWay};
use crate::wire::{Listener, Outcome, truncated};

const LARGEST_REPORT: usize = 16 * 1024 * 1024;

/// A running proxy. Dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    passage: Arc<Passage>,
    listener: Listener,
}

#[derive(Debug)]
struct Passage {
    server: SocketAddr,
    prefixes: Mutex<Vec<String>>,
    faults: Faults,
    meter: Meter,
}

impl Proxy {
    /// Starts a proxy before the server at this address of the loopback.
    ///
    /// # Errors
    /// Where the address is no `http://127.0.0.1:PORT`, or no port can be had.
    pub async fn start(server: &Url) -> anyhow::Result<Self> {
        let addresses = server.socket_addrs(|| None)?;
        let server = *addresses.first().context("the server has no address")?;
        let passage = Arc::new(Passage {
            server,
            prefixes: Mutex::new(vec![String::new()]),
            faults: Faults::default(),
            meter: Meter::default(),
        });
        let shared = Arc::clone(&passage);
        let listener = Listener::start(move |request| {
            let passage = Arc::clone(&shared);
            async move { passage.pass(request).await }
        })
        .await?;
        Ok(Self { passage, listener })
    }

    /// The address to give to a client.
    pub fn url(&self) -> Url {
        self.listener.url()
    }

    /// From now on the server is below these prefixes, such as `/cloud`, in paths and hrefs alike,
    /// and nowhere else. The empty prefix is the server's own root.
    pub fn below(&self, prefixes: &[&str]) {
        *self.passage.prefixes.lock().unwrap_or_else(PoisonError::into_inner) =
            prefixes.iter().map(ToString::to_string).collect();
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.passage.faults
    }

    /// What passed since the last reset.
    pub fn counts(&self) -> Counts {
        self.passage.meter.counts()
    }

    /// Counts from zero.
    pub fn reset_counts(&self) {
        self.passage.meter.reset();
    }
}

impl Passage {
    async fn pass(&self, request: Request<Incoming>) -> Outcome {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let prefixes = self.prefixes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // The body, which is small, says which REPORT it is.
        let (known, body) = if parts.method == "REPORT" {
            match axum::body::to_bytes(Body::new(body), LARGEST_REPORT).await {
                Ok(bytes) => (bytes.clone(), Body::from(bytes)),
                Err(_) => return Outcome::Cut,
            }
        } else {
            (Bytes::new(), Body::new(body))
        };
        let kind = Kind::of(parts.method.as_str(), &known);
        let under_way = Arc::new(self.meter.enter(kind, 0));
        let fault = self.faults.draw(&Asked::new(kind, &path, &known));
        if let Some(Fault::Delay(delay)) = fault {
            tokio::time::sleep(delay).await;
        }
        if let Some(fault) = fault.filter(|fault| !fault.lets_through()) {
            return fault.answer().map_or(Outcome::Cut, Outcome::Answer);
        }
        let Some((prefix, inner)) = prefix::taken_off(&parts.uri, &prefixes) else {
            return Response::builder()
                .status(404)
                .body(Body::empty())
                .map_or(Outcome::Cut, Outcome::Answer);
        };
        let body = if prefix.is_empty() {
            body
        } else {
            parts.uri = inner;
            // What is compressed cannot be rewritten.
            parts.headers.remove(header::ACCEPT_ENCODING);
            let inner = (parts.method == "REPORT").then(|| prefix::asked(&known, prefix));
            if let Some(inner) = &inner {
                parts.headers.insert(header::CONTENT_LENGTH, inner.len().into());
            }
            inner.map_or(body, Body::from)
        };
        for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
            parts.headers.remove(name);
        }
        parts.headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        let counted = counted(
            body,
            Arc::clone(&under_way),
            UnderWay::sent,
            parts.headers.get(header::CONTENT_LENGTH).is_none(),
        );
        let Ok(answer) = self.ask(Request::from_parts(parts, counted)).await else {
            let words = "the server behind the proxy does not answer";
            return Response::builder()
                .status(502)
                .body(Body::from(words))
                .map_or(Outcome::Cut, Outcome::Answer);
        };
        if prefix.is_empty() {
            return answered(answer, fault, under_way).await;
        }
        match prefix::answered(answer, prefix).await {
            Some(answer) => answered(answer, fault, under_way).await,
            None => Outcome::Cut,
        }
    }

    /// Asks the server, on a connection of its own: nothing that was cut before can come between.
    async fn ask(&self, request: Request<Body>) -> anyhow::Result<Response<Incoming>> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The count ends with the body of the response, or when the caller gives up.
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?)
    }
}

async fn answered<B>(answer: Response<B>, fault: Option<Fault>, under_way: Arc<UnderWay>) -> Outcome
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let (mut parts, body) = answer.into_parts();
    parts.version = Version::HTTP_11;
    forget_connection(&mut parts.headers);
    match fault {
        Some(Fault::DropAfter) => Outcome::Cut,
        Some(fault @ Fault::StatusAfter(_)) => fault.answer().map_or(Outcome::Cut, Outcome::Answer),
        Some(Fault::Truncated) => match axum::body::to_bytes(Body::new(body), usize::MAX).await {
            Ok(whole) if !whole.is_empty() => {
                parts.headers.insert(header::CONTENT_LENGTH, whole.len().into());
                Outcome::Answer(Response::from_parts(parts, truncated(&whole)))
            }
            _ => Outcome::Cut,
        },
        _ => Outcome::Answer(Response::from_parts(
            parts,
            counted(Body::new(body), under_way, UnderWay::answered, true),
        )),
    }
}

fn forget_connection(headers: &mut HeaderMap) {
    for name in ["connection", "keep-alive", "transfer-encoding"] {
        headers.remove(name);
    }
}

/// The body, with every piece counted; the request is under way until the last piece is out.
fn counted(
    body: Body,
    under_way: Arc<UnderWay>,
    count: fn(&UnderWay, usize),
    streamed: bool,
) -> Body {
    // A stream of unknown length is sent in chunks: an empty body without a length must stay an
    // empty body.
    if !streamed || !hyper::body::Body::is_end_stream(&body) {
        return Body::from_stream(body.into_data_stream().inspect(move |piece| {
            if let Ok(piece) = piece {
                count(&under_way, piece.len());
            }
        }));
    }
    body
}

#[cfg(test)]
mod tests;
