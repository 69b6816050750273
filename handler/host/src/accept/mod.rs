//! Connections: how many there are at once, and how long each may take.
//!
//! # Properties
//! * Connections never take the descriptors that work needs: there are at most
//!   [`Limits::connections`] at once.
//! * Beyond that, a new one takes the place of the one that has waited longest for its client; no
//!   request under way is cut off for it.
//! * The head of a request has to be there [`Limits::head`] after it is waited for, so an idle
//!   connection ends as well.
//! * HTTP/1.1 only: every front and browser speaks it, and a connection has one request under way.

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
/// After a failure that is not one connection's, the listener rests.
const REST: Duration = Duration::from_millis(200);

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Connections at once.
    pub connections: usize,
    /// The time from when a request is waited for until its head is there.
    pub head: Duration,
}

impl ClientLimits {
    /// For unknown clients.
    pub fn public() -> Self {
        Self { connections: connections(), head: Duration::from_secs(10) }
    }

    /// For a front that keeps its connections open.
    pub fn behind_a_front() -> Self {
        Self { head: Duration::from_secs(150), ..Self::public() }
    }
}

/// A quarter of the descriptors that this process may have, after asking for as many as it can get;
/// the rest is for work.
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

/// Serves until `over` resolves, and then until the requests under way are answered.
pub async fn serve<A, F>(
    listener: TcpListener,
    limits: ClientLimits,
    answer: A,
    over: impl Future<Output = ()>,
) where
    A: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let places = OpenConnections::new(limits.connections);
    let graceful = GracefulShutdown::new();
    let mut over = std::pin::pin!(over);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_its_own(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted for a moment");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            },
            () = &mut over => break,
        };
        let Some(place) = places.take() else {
            tracing::debug!("a connection is closed: all others have a request under way");
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
            let _held = HeldConnection(held);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
        });
        place.belongs_to(task.abort_handle());
    }
    drop(listener);
    graceful.shutdown().await;
}

/// A failure of one connection that was about to be accepted.
fn is_its_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// Which connections there are.
#[derive(Clone)]
struct OpenConnections(Arc<Mutex<ConnectionTable>>);

struct ConnectionTable {
    most: usize,
    /// The next number of a place, or of a turn to wait: later ones are larger.
    next: u64,
    /// Those that wait for their clients, by their turns.
    waiting: BTreeMap<u64, u64>,
    all: HashMap<u64, Seat>,
}

#[derive(Default)]
struct Seat {
    /// The turn to wait; none while a request is under way.
    turn: Option<u64>,
    task: Option<AbortHandle>,
}

/// A connection's place among the others.
#[derive(Clone)]
pub struct ConnectionSlot {
    number: u64,
    places: OpenConnections,
}

/// A request under way: its connection is not closed for another one's sake until this is dropped.
pub struct ActiveRequest(ConnectionSlot);

/// A connection that is there.
struct HeldConnection(ConnectionSlot);

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

    /// A place for a new connection, if need be that of the one that has waited longest; none where
    /// all have requests under way.
    fn take(&self) -> Option<ConnectionSlot> {
        let mut table = self.table();
        if table.all.len() >= table.most {
            let (_, longest) = table.waiting.pop_first()?;
            if let Some(task) = table.all.remove(&longest).and_then(|seat| seat.task) {
                task.abort();
            }
        }
        let number = table.number();
        table.all.insert(number, Seat { turn: Some(number), task: None });
        table.waiting.insert(number, number);
        Some(ConnectionSlot { number, places: self.clone() })
    }
}

impl ConnectionTable {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl ConnectionSlot {
    fn belongs_to(&self, task: AbortHandle) {
        match self.places.table().all.get_mut(&self.number) {
            Some(seat) => seat.task = Some(task),
            // Somebody else has it by now, or the connection is closed.
            None => task.abort(),
        }
    }

    /// From here on the request is worked on, as it is there as a whole.
    pub fn at_work(&self) -> ActiveRequest {
        let mut table = self.places.table();
        if let Some(turn) = table.all.get_mut(&self.number).and_then(|seat| seat.turn.take()) {
            table.waiting.remove(&turn);
        }
        ActiveRequest(self.clone())
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let ConnectionSlot { number, places } = &self.0;
        let mut table = places.table();
        let turn = table.number();
        if let Some(seat) = table.all.get_mut(number) {
            seat.turn = Some(turn);
            table.waiting.insert(turn, *number);
        }
    }
}

impl Drop for HeldConnection {
    fn drop(&mut self) {
        let ConnectionSlot { number, places } = &self.0;
        let mut table = places.table();
        if let Some(turn) = table.all.remove(number).and_then(|seat| seat.turn) {
            table.waiting.remove(&turn);
        }
    }
}

#[cfg(test)]
mod tests;
