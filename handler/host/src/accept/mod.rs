//! Connections: how many are open at once, and how long each may take.
//!
//! # Properties
//! * Connections never use up the file descriptors that other work needs: there are at most
//!   [`ClientLimits::connections`] at once.
//! * Beyond that, a new connection replaces the one that has waited longest for its client; no
//!   request in progress is cut off for it.
//! * The head of a request has to arrive within [`ClientLimits::head`], so an idle connection ends
//!   as well.
//! * HTTP/1.1 only: every proxy and browser supports it, and a connection has one request in
//!   progress.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// The most header fields.
const MAX_FIELDS: usize = 100;
/// The pause after a failure of the listener.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Limits on clients.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Open connections.
    pub connections: usize,
    /// The time in which the head of a request has to arrive.
    pub head: Duration,
}

impl ClientLimits {
    /// For unknown clients.
    pub fn public() -> Self {
        Self { connections: connections(), head: Duration::from_secs(10) }
    }

    /// For a proxy that keeps its connections open.
    pub fn behind_proxy() -> Self {
        Self { head: Duration::from_secs(150), ..Self::public() }
    }
}

/// A quarter of the file descriptors of this process, after raising the limit; the rest is for
/// work.
fn connections() -> usize {
    const MOST: u64 = 1024;
    usize::try_from((descriptors() / 4).clamp(16, MOST)).unwrap_or(16)
}

#[cfg(unix)]
fn descriptors() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const WANTED: u64 = 8192;
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(WANTED);
    let wanted = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    let raised = current < wanted
        && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })
            .is_ok();
    if raised { wanted } else { current }
}

#[cfg(not(unix))]
fn descriptors() -> u64 {
    4096
}

/// Serves until `shutdown` resolves, and then until the requests in progress are answered.
pub async fn serve<A, F>(
    listener: TcpListener,
    limits: ClientLimits,
    answer: A,
    shutdown: impl Future<Output = ()>,
) where
    A: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let places = OpenConnections::new(limits.connections);
    let graceful = GracefulShutdown::new();
    let mut over = std::pin::pin!(shutdown);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "connections cannot be accepted at the moment");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut over => break,
        };
        let Some(place) = places.take() else {
            tracing::debug!("a connection is closed: all others have a request in progress");
            continue;
        };
        let (answer, at) = (answer.clone(), place.clone());
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            request.extensions_mut().insert(at.clone());
            answer(request)
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        let held = place.clone();
        let task = tokio::spawn(async move {
            let _held = ConnectionGuard(held);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
        });
        place.set_task(task.abort_handle());
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Whether a failure concerns only the connection that was being accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// The open connections.
#[derive(Clone)]
struct OpenConnections(Arc<Mutex<ConnectionTable>>);

struct ConnectionTable {
    most: usize,
    /// The next number, for a slot or for the order of waiting: later numbers are larger.
    next: u64,
    /// The slots that wait for their clients, in the order of waiting.
    waiting: BTreeMap<u64, u64>,
    all: HashMap<u64, SlotState>,
}

#[derive(Default)]
struct SlotState {
    /// The order of waiting; `None` while a request is in progress.
    turn: Option<u64>,
    task: Option<AbortHandle>,
}

/// The slot of a connection.
#[derive(Clone)]
pub struct ConnectionSlot {
    number: u64,
    connections: OpenConnections,
}

/// A request in progress: its connection is not replaced until this is dropped.
pub struct ActiveRequest(ConnectionSlot);

/// Removes a connection from the table when it is dropped.
struct ConnectionGuard(ConnectionSlot);

impl OpenConnections {
    fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(ConnectionTable {
            most,
            next: 0,
            waiting: BTreeMap::new(),
            all: HashMap::new(),
        })))
    }

    fn table(&self) -> MutexGuard<'_, ConnectionTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for a new connection, if necessary that of the one that has waited longest; `None` if
    /// all have requests in progress.
    fn take(&self) -> Option<ConnectionSlot> {
        let mut table = self.table();
        if table.all.len() >= table.most {
            let (_, longest) = table.waiting.pop_first()?;
            if let Some(task) = table.all.remove(&longest).and_then(|seat| seat.task) {
                task.abort();
            }
        }
        let number = table.next_number();
        table.all.insert(number, SlotState { turn: Some(number), task: None });
        table.waiting.insert(number, number);
        Some(ConnectionSlot { number, connections: self.clone() })
    }
}

impl ConnectionTable {
    fn next_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl ConnectionSlot {
    fn set_task(&self, task: AbortHandle) {
        match self.connections.table().all.get_mut(&self.number) {
            Some(seat) => seat.task = Some(task),
            // Another connection has the slot, or this connection is closed.
            None => task.abort(),
        }
    }

    /// Marks that the request has arrived completely and is being processed.
    pub fn begin_request(&self) -> ActiveRequest {
        let mut table = self.connections.table();
        if let Some(turn) = table.all.get_mut(&self.number).and_then(|seat| seat.turn.take()) {
            table.waiting.remove(&turn);
        }
        ActiveRequest(self.clone())
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let ConnectionSlot { number, connections: places } = &self.0;
        let mut table = places.table();
        let turn = table.next_number();
        if let Some(seat) = table.all.get_mut(number) {
            seat.turn = Some(turn);
            table.waiting.insert(turn, *number);
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let ConnectionSlot { number, connections: places } = &self.0;
        let mut table = places.table();
        if let Some(turn) = table.all.remove(number).and_then(|seat| seat.turn) {
            table.waiting.remove(&turn);
        }
    }
}

#[cfg(test)]
mod tests;
